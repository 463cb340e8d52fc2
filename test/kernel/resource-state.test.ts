/** What is left of resources in records, which may come from hostile images and peers. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Cache } from "../../src/kernel/cache.ts";
import { inScratch, openRequest, resourceState, stateOfImage, stateOfTwin } from "../../src/kernel/resource-state.ts";
import { CACHE_MAX_BYTES, FILE_COPY_MAX_BYTES } from "../../src/limits.ts";
import { received } from "../../src/node/luggage.ts";
import type { ProcessRecord } from "../../src/kernel/process-record.ts";

const file = { path: "/a", request: { read: true }, position: 3 };

test("a damaged state is refused, whatever is wrong with it", () => {
  assert.equal(resourceState(file).kind, "file", "as images of before had them");
  const cache = { kind: "cache", maxBytes: 10, entries: [] };
  for (const state of [
    null,
    7,
    "file",
    [],
    {},
    { ...file, path: 3 },
    { ...file, path: "x".repeat(5000) },
    { ...file, position: -1 },
    { ...file, position: 0.5 },
    { ...file, request: null },
    { ...file, kind: "turnip" },
    { ...file, content: "text" },
    { ...file, content: new Uint8Array(FILE_COPY_MAX_BYTES + 1) },
    { ...file, ticket: {} },
    { kind: "scratch", path: "", content: [{ path: 1, bytes: null }] },
    { kind: "scratch", path: "", binding: "force" },
    { ...cache, maxBytes: CACHE_MAX_BYTES + 1 },
    { ...cache, entries: [["key"]] },
    { ...cache, entries: [["key", "text"]] },
  ])
    assert.throws(() => resourceState(state), { code: "EIMAGE_CORRUPT" });
});

test("an image names no directory of this machine, and no file by a ticket", () => {
  const scratch = { kind: "scratch", binding: "value", path: "/home", content: [{ path: "x", bytes: null }] };
  assert.deepEqual(stateOfImage(scratch), { kind: "scratch", binding: "value", path: "" });
  const stayed = { ...file, kind: "file", node: "b", ticket: "t", isCopy: true, isTwin: true };
  const { path, position } = file;
  assert.deepEqual(stateOfImage(stayed), { kind: "file", path, position, request: openRequest({ read: true }) });
  assert.equal(stateOfImage(5), 5, "its use tells");
});

test("a peer names no directory and no copy of this machine either", () => {
  const handles = [
    { handle: 3, state: { kind: "scratch", path: "/home", isTwin: true } },
    { handle: 4, state: { ...file, kind: "file", isCopy: true, isTwin: true } },
    { handle: 5, state: { kind: "nothing" } },
  ];
  const [scratch, copy, nothing] = received({ handles } as unknown as ProcessRecord).handles.map(
    ({ state }) => state as Record<string, unknown>,
  );
  assert.deepEqual([scratch?.["path"], scratch?.["isTwin"]], ["", false]);
  assert.deepEqual([(copy?.["content"] as Uint8Array | undefined)?.length, copy?.["isTwin"]], [0, false]);
  assert.deepEqual(nothing, { kind: "nothing" });
});

test("a fork's child has copies and tickets of its own, and opens plain files again", () => {
  const isTwin = (state: object) => (stateOfTwin(state) as { isTwin?: boolean }).isTwin === true;
  assert.deepEqual(
    [file, { ...file, isCopy: true }, { ...file, node: "b", ticket: "t" }, { kind: "scratch", path: "/x" }].map(isTwin),
    [false, true, true, true],
  );
});

test("paths in scratch directories, and what looks like them", () => {
  assert.deepEqual(inScratch("scratch:12/a/b"), { handle: 12, path: "./a/b" });
  assert.deepEqual(inScratch("scratch:3"), { handle: 3, path: "./" });
  for (const path of [
    "scratch:",
    "scratch:x/a",
    "/scratch:3/a",
    "scratch:99999999/a",
    "scratch:-3/a",
    "scratch:4096000/a",
  ])
    assert.equal(inScratch(path), undefined, path);
});

test("a cache holds what it may, and of a record too large only the last", () => {
  const bytes = new Uint8Array(100);
  const cache = new Cache({
    kind: "cache",
    binding: "value",
    maxBytes: 320,
    entries: ["a", "b", "c", "d"].map((key) => [key, bytes]),
  });
  assert.deepEqual([cache.keys().join(), cache.sizeBytes], ["b,c,d", 306]);
  cache.get("b");
  cache.set("e", bytes);
  assert.equal(cache.keys().join(), "d,b,e");
  cache.set("b", new Uint8Array(1));
  assert.deepEqual([cache.sizeBytes, cache.delete("b"), cache.delete("b"), cache.sizeBytes], [207, true, false, 204]);
  assert.throws(() => cache.set("big", new Uint8Array(400)), { code: "EMSGSIZE" });
});
