/** Recursion up to the guest's stack limit, through every kind of native callback, stopped all the way down. */

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { Worker } from "node:worker_threads";
import { UNWIND_BYTES_PER_STACK_BYTE } from "../../src/limits.ts";
import { prepareV8 } from "../../src/machine/v8.ts";
import type { RecursionOutcome } from "./recursion-worker.ts";
import { RECURSIONS } from "./recursions.ts";

const NATIVE_STACK_MB = 64;
/** Recursions whose depth the program itself bounds, or that never come to be deep. */
const SHALLOW = new Set(["nested flat", "error stack"]);

let outcomes: RecursionOutcome[];
before(async () => {
  prepareV8();
  outcomes = await new Promise((resolve, reject) => {
    const found: RecursionOutcome[] = [];
    const worker = new Worker(new URL("recursion-worker.js", import.meta.url), {
      resourceLimits: { stackSizeMb: NATIVE_STACK_MB },
      workerData: Object.keys(RECURSIONS),
    });
    worker.on("message", (outcome: RecursionOutcome) => found.push(outcome));
    worker.on("error", reject);
    worker.on("exit", () => resolve(found));
  });
});

test("every recursion ends as it does undisturbed, and none is the end of its process", () => {
  assert.deepEqual(
    outcomes.map((outcome) => outcome.name),
    Object.keys(RECURSIONS),
  );
  for (const { name, undisturbed, disturbed } of outcomes) {
    assert.equal(disturbed, undisturbed, name);
    assert.match(disturbed, /^RangeError: Maximum call stack|^SyntaxError: stack overflow$|^returned$/, name);
  }
});

test("recursions are stopped when their stack is nearly full", () => {
  const deep = outcomes.filter(({ name, undisturbed }) => undisturbed.startsWith("RangeError") && !SHALLOW.has(name));
  assert.ok(deep.length > 80, `${deep.length} recursions reach the stack's limit`);
  for (const { name, stops, stack } of deep)
    assert.ok(stops > 10 && stack > 800_000, `${name}: ${stops} stops, the last at ${stack} bytes`);
});

test("what a stop saves is bounded by the C stack in use", () => {
  for (const { name, frames, stack } of outcomes) {
    assert.ok(
      frames <= stack * UNWIND_BYTES_PER_STACK_BYTE,
      `${name}: ${frames} bytes of frames for ${stack} bytes of stack`,
    );
  }
});
