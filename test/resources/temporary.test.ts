/** What killed nodes leave in the temporary folder goes when the next one starts; what is another's, or in use, stays. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { removeLeftovers, temporaryPath } from "../../src/resources/temporary.ts";

const OTHER_USER = 54_321;
const usual = process.env["TMPDIR"];
let folder = "";
/** Of an OS process that has ended. */
let deadPid = 0;

before(() => {
  deadPid = spawnSync(process.execPath, ["-e", ""]).pid;
});

beforeEach(() => {
  if (usual === undefined) delete process.env["TMPDIR"];
  else process.env["TMPDIR"] = usual;
  rmSync(folder, { recursive: true, force: true });
  folder = mkdtempSync(join(tmpdir(), "godwit-test-"));
  process.env["TMPDIR"] = folder;
});

after(() => {
  rmSync(folder, { recursive: true, force: true });
  if (usual === undefined) delete process.env["TMPDIR"];
  else process.env["TMPDIR"] = usual;
});

/** A path as an OS process that is gone would have chosen it. */
function leftBehind(): string {
  return temporaryPath().replace(`.${process.pid}-`, `.${deadPid}-`);
}

test("files and whole directories of an OS process that is gone are removed", async () => {
  const [file, directory] = [leftBehind(), leftBehind()];
  writeFileSync(file, "a copy");
  mkdirSync(join(directory, "below"), { recursive: true });
  writeFileSync(join(directory, "below", "file"), "scratch");
  assert.deepEqual((await removeLeftovers()).sort(), [file, directory].map((path) => basename(path)).sort());
  assert.deepEqual(readdirSync(folder), []);
});

test("those of one that lives stay, and of one elsewhere whose number means another here", async () => {
  const paths = [
    temporaryPath(),
    temporaryPath().replace(`.${process.pid}-`, `.${process.ppid}-`),
    leftBehind().replace(/[\da-f]{8}$/, (place) => (place === "00000000" ? "11111111" : "00000000")),
  ];
  for (const path of paths) mkdirSync(path);
  assert.deepEqual(await removeLeftovers(), []);
  for (const path of paths) assert.ok(existsSync(path), path);
});

test("names that are not quite ours stay", async () => {
  const path = leftBehind();
  const names = [`${path}x`, `x${basename(path)}`, path.replace(/\.\d+-/, ".-"), path.replace(/\.\d+-/, ".0x1-")];
  for (const name of names) writeFileSync(join(folder, basename(name)), "");
  assert.deepEqual(await removeLeftovers(), []);
  assert.equal(readdirSync(folder).length, names.length);
});

test("of a link, what it points to stays", async () => {
  const outside = join(folder, "outside");
  mkdirSync(outside);
  writeFileSync(join(outside, "file"), "another's");
  symlinkSync(outside, leftBehind());
  assert.equal((await removeLeftovers()).length, 1);
  assert.deepEqual(readdirSync(outside), ["file"]);
});

test("another user's stay", { skip: process.getuid?.() === 0 ? false : "only root can make some" }, async () => {
  const path = leftBehind();
  writeFileSync(path, "");
  chownSync(path, OTHER_USER, OTHER_USER);
  assert.deepEqual(await removeLeftovers(), []);
  assert.ok(existsSync(path));
});

test("a folder that is not there has none", async () => {
  process.env["TMPDIR"] = join(folder, "none");
  assert.deepEqual(await removeLeftovers(), []);
});
