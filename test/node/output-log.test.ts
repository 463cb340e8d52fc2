/** Output that waits for its first reader. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { LOG_MAX_BYTES } from "../../src/limits.ts";
import { OutputLog } from "../../src/node/output-log.ts";

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
  for (const piece of log.kept()) keptBytes += piece.bytes.length;
  assert(keptBytes <= LOG_MAX_BYTES);
});
