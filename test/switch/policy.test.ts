/** How a switch chooses. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Candidate, choose, type Inquiry, policyOf, policyText, serviceFor } from "../../src/switch/policy.ts";

const pids = (...all: readonly [pid: number, open?: number, isLocal?: boolean][]): Candidate[] =>
  all.map(([pid, open = 0, isLocal = false]) => ({ pid, open, isLocal }));
const from = (remote: string, more: Partial<Inquiry> = {}): Inquiry => ({ remote, ...more });
const CLIENT = from("10.0.0.1:40000");

test("in turn, by load, near ones first", () => {
  const three = pids([1], [2], [3]);
  const turns = Array.from({ length: 6 }, (_, turn) => choose(policyOf("round-robin"), three, CLIENT, turn)?.pid);
  assert.deepEqual(turns, [1, 2, 3, 1, 2, 3]);
  assert.equal(choose(policyOf("least-loaded"), pids([1, 5], [2, 3], [3, 4]), CLIENT, 0)?.pid, 2);
  const even = Array.from(
    { length: 4 },
    (_, turn) => choose(policyOf("least-loaded"), pids([1], [2]), CLIENT, turn)?.pid,
  );
  assert.deepEqual(even, [1, 2, 1, 2]);
  assert.equal(choose(policyOf("local"), pids([1, 0], [2, 9, true], [3, 8, true]), CLIENT, 0)?.pid, 3);
  assert.equal(choose(policyOf("local"), pids([1, 2], [2, 1]), CLIENT, 0)?.pid, 2);
  for (const text of ["round-robin", "least-loaded", "local", "hash:remote", "content:/a=b"])
    assert.equal(choose(policyOf(text), [], CLIENT, 3), undefined);
});

test("by a key: always the same, spread evenly, and kept when another comes or goes", () => {
  const policy = policyOf("hash:cookie.session");
  const of = (session: number, candidates: Candidate[]) =>
    choose(policy, candidates, from("h:1", { headers: [["cookie", `a=b; session=${session}; c=d`]] }), session)?.pid;
  const four = pids([11], [12], [13], [14]);
  const before = Array.from({ length: 4000 }, (_, session) => of(session, four));
  assert.deepEqual(
    before,
    Array.from({ length: 4000 }, (_, session) => of(session, four)),
  );
  for (const { pid } of four) {
    const share = before.filter((one) => one === pid).length;
    assert.ok(share > 800 && share < 1200, `process ${pid} has ${share} of 4000`);
  }
  const less = before.map((pid, session) => [pid, of(session, pids([11], [12], [14]))]);
  assert.ok(
    less.every(([was, is]) => was === 13 || was === is),
    "only those of the one that went change",
  );
});

test("what the key is", () => {
  const many = pids(...Array.from({ length: 200 }, (_, index): [number] => [index + 1]));
  const same = (text: string, one: Inquiry, other: Inquiry) =>
    choose(policyOf(text), many, one, 0)?.pid === choose(policyOf(text), many, other, 1)?.pid;
  assert.ok(same("hash:remote", from("10.0.0.1:1"), from("10.0.0.1:2")));
  assert.ok(!same("hash:remote", from("10.0.0.1:1"), from("10.0.0.2:1")));
  assert.ok(same("hash:path", from("a:1", { url: "http://x/p?q=1" }), from("b:1", { url: "http://y/p?q=2" })));
  assert.ok(same("hash:query.q", from("a:1", { url: "http://x/p?q=1" }), from("b:1", { url: "http://y/z?q=1" })));
  assert.ok(
    same("hash:header.X-Key", from("a:1", { headers: [["x-key", "k"]] }), from("b:1", { headers: [["x-key", "k"]] })),
  );
  assert.ok(same("hash:header.x-key", from("a:1", { headers: [] }), from("a:9")), "without it, by the client's host");
});

test("by content: the longest path decides", () => {
  const policy = policyOf("content:/images=images,/images/raw=raw,/=pages");
  const service = (path: string) => serviceFor(policy, "web", from("a:1", { url: `http://x${path}` }));
  assert.deepEqual(["/images", "/images/a.png", "/images/raw/1", "/imagesque", "/"].map(service), [
    "images",
    "images",
    "raw",
    "pages",
    "pages",
  ]);
  assert.equal(serviceFor(policyOf("content:/api=api"), "web", from("a:1", { url: "http://x/other" })), "web");
  assert.equal(serviceFor(policyOf("local"), "web", CLIENT), "web");
});

test("by content: a rule for the host goes before one for any", () => {
  const policy = policyOf("content:/deep/path=deep,A.example=a,a.example/deep=ad,[::1]=six");
  const request = (url: string) => serviceFor(policy, "web", from("a:1", { url }));
  assert.equal(request("http://a.example:8080/"), "a");
  assert.equal(request("http://a.example/deep/path"), "ad");
  assert.equal(request("http://b.example/deep/path"), "deep");
  assert.equal(request("http://[::1]:80/"), "six");
  const connection = (serverName?: string) =>
    serviceFor(policy, "web", from("a:1", serverName === undefined ? {} : { serverName }));
  assert.deepEqual([connection("a.Example"), connection("b.example"), connection()], ["a", "web", "web"]);
  const many = pids(...Array.from({ length: 200 }, (_, index): [number] => [index + 1]));
  const chosen = (serverName: string, remote: string) =>
    choose(policyOf("hash:host"), many, from(remote, { serverName }), 0)?.pid;
  assert.equal(chosen("x.example", "a:1"), chosen("x.example", "b:2"));
  assert.notEqual(chosen("x.example", "a:1"), chosen("y.example", "a:1"));
});

test("as they are written, and what is none", () => {
  for (const text of [
    "round-robin",
    "least-loaded",
    "local",
    "hash:remote",
    "hash:path",
    "hash:header.x-key",
    "hash:cookie.SID",
    "hash:query.id",
    "content:/a=b,/c=d",
    "content:a.example=a,b.example/c=d,[::1]=e",
    "hash:host",
  ])
    assert.equal(policyText(policyOf(text)), text);
  for (const text of [
    "",
    "random",
    "hash",
    "hash:",
    "hash:header",
    "hash:header.",
    "hash:cookie.a b",
    "content:",
    "content:-a=b",
    "content:a b=c",
    "content:=b",
    "content:/a",
    "content:/a=B",
    "local:x",
    "content:/a=b=c",
  ])
    assert.throws(() => policyOf(text), { code: "EINVAL" }, text);
});
