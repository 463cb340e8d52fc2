/** A process's output log: what a reader is told who comes back, and output that waits for its first reader. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Replay } from "../../src/abi/control.ts";
import { LOG_MAX_BYTES } from "../../src/limits.ts";
import { OutputLog } from "../../src/node/output-log.ts";
/** Reads on until it is stopped. */
function read(log: OutputLog, replay: Replay) {
  const told = { text: "", mark: "" };
  const stop = log.subscribe(
    replay,
    (_, bytes) => void (told.text += Buffer.from(bytes).toString()),
    (mark) => (told.mark = mark),
  );
  return { told, stop };
}

const push = (log: OutputLog, text: string) => log.push("stdout", Buffer.from(text));
const make = () => new OutputLog(() => {});

test("who has a mark is told what came since, at the same home, the next, or the one after that", () => {
  const [first, second, third] = [make(), make(), make()];
  push(first, "one ");
  const { told, stop } = read(first, true);
  push(first, "two ");
  stop();
  push(first, "three ");
  const after = { after: told.mark };
  assert.equal(told.text, "one two ");
  assert.equal(read(first, after).told.text, "three ");
  second.goOn(first.record());
  push(second, "four ");
  assert.equal(read(second, after).told.text, "three four ");
  third.goOn(second.record());
  push(third, "five");
  assert.equal(read(third, after).told.text, "three four five");
  assert.equal(read(third, true).told.text, "one two three four five");
});

test("the first mark is there before there is a piece, and a child's output moves none", () => {
  const log = make();
  push(log, "one ");
  const { told } = read(log, false);
  assert.notEqual(told.mark, "");
  void log.pass("stdout", Buffer.from("a child's"));
  push(log, "two");
  assert.equal(told.text, "a child'stwo");
  const [{ mark }, again] = [told, read(log, { after: told.mark })];
  assert.deepEqual([again.told.text, again.told.mark], ["", mark]);
});

test("a log that is begun anew is another: all of it is told; so is what is left of one that was cut", () => {
  const [old, anew] = [make(), make()];
  push(old, "before");
  const { mark } = read(old, true).told;
  push(anew, "again");
  assert.equal(read(anew, { after: mark }).told.text, "again");
  const piece = "x".repeat(1000);
  for (let sizeBytes = 0; sizeBytes < 2 * LOG_MAX_BYTES; sizeBytes += piece.length) push(old, piece);
  const { text } = read(old, { after: mark }).told;
  assert.ok(text.length > LOG_MAX_BYTES / 2 && text.length <= LOG_MAX_BYTES && /^x+$/.test(text));
});

test("what is no mark is refused", () => {
  for (const after of ["", "x", "0:0", `${"a".repeat(36)}:-1`, `${"a".repeat(36)}:${"9".repeat(20)}`])
    assert.throws(() => make().subscribe({ after }, () => {}), { code: "EINVAL" });
});

const bytes = (text: string) => Buffer.from(text);

test("what is held is kept whole, and its writer waits until the first reader has taken it", async () => {
  let takenBytes = 0;
  const log = new OutputLog((sizeBytes) => (takenBytes += sizeBytes));
  log.hold();
  const half = Buffer.alloc(LOG_MAX_BYTES / 2 + 1);
  for (let count = 0; count < 3; count++) log.push("stdout", half);
  log.subscribe(false, () => {}); // who wants only what comes is no reader of this
  assert.equal(takenBytes, 0);
  let heardBytes = 0;
  log.subscribe(true, (_stream, piece) => {
    heardBytes += piece.length;
    return new Promise<void>(() => {}); // it never takes them
  });
  assert.equal(heardBytes, 3 * half.length);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(takenBytes, 0, "its reader has not taken the last piece");
});

test("once it is read, output goes on as any, and the log is trimmed", async () => {
  let takenBytes = 0;
  const log = new OutputLog((sizeBytes) => (takenBytes += sizeBytes));
  log.hold();
  const half = Buffer.alloc(LOG_MAX_BYTES / 2 + 1);
  for (let count = 0; count < 3; count++) log.push("stdout", half);
  const heard: string[] = [];
  log.subscribe(true, (_stream, piece) => heard.push(String(piece.length)));
  await log.drained();
  assert.equal(takenBytes, 3 * half.length);
  log.push("stdout", bytes("more"));
  assert.equal(takenBytes, 3 * half.length + 4);
  assert.equal(heard.at(-1), "4");
  let keptBytes = 0;
  for (const piece of log.record().pieces) keptBytes += piece.bytes.length;
  assert(keptBytes <= LOG_MAX_BYTES);
});
