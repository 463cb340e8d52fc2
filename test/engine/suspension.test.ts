/**
 * A thread can be stopped anywhere and goes on in another instance as if nothing had happened.
 *
 * @alone: it compares times
 */

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { STACK_RESERVE_BYTES, THREAD_STACK_MIN_BYTES } from "../../src/limits.ts";
import { prepareV8 } from "../../src/machine/v8.ts";
import { CALLBACKS } from "./callbacks.ts";
import { loadEngine, Machine, type TestEngine } from "./machine.ts";

prepareV8();
let engine: TestEngine;
before(async () => {
  engine = await loadEngine();
});

describe("stopped at every poll, going on in a fresh instance over a copy of the memory", () => {
  for (const [name, program] of Object.entries(CALLBACKS)) {
    test(name, () => {
      const undisturbed = new Machine(engine).run(program);
      assert.doesNotMatch(undisturbed, /^thrown|^undefined$/);
      const disturbed = new Machine(engine, { pollAlways: true, stop: () => true, moveTo: "copy" });
      assert.equal(disturbed.run(program), undisturbed);
      assert.ok(disturbed.stops > 5, `${disturbed.stops} stops`);
      assert.equal(disturbed.stops, disturbed.polls);
    });
  }
});

test("stops of different distance find every mixture of copies on the stack", () => {
  for (const every of [2, 3, 7, 31]) {
    for (const [name, program] of Object.entries(CALLBACKS)) {
      let polls = 0;
      const machine = new Machine(engine, { pollAlways: true, stop: () => ++polls % every === 0, moveTo: "here" });
      assert.equal(machine.run(program), new Machine(engine).run(program), `${name}, every ${every}`);
    }
  }
});

test("a loop that was stopped goes on at full speed", () => {
  // Without a continuation it would take some 20 times as long.
  const loop = (turns: number): string =>
    `let t = 0; for (let i = 0; i < ${turns}; i++) t = (t + i) & 1023; result = t;`;
  const time = (stopAt: number): number => {
    let polls = 0;
    const machine = new Machine(engine, { stop: () => ++polls === stopAt, moveTo: "here" });
    const started = performance.now();
    machine.run(loop(1_000_000));
    assert.equal(machine.stops, stopAt > 0 ? 1 : 0);
    return performance.now() - started;
  };
  for (let i = 0; i < 8; i++) time(1);
  const ratios = Array.from({ length: 15 }, () => time(1) / time(0)).sort((a, b) => a - b);
  const median = ratios[7] ?? Infinity;
  assert.ok(median < 2, `a loop stopped once ran ${median.toFixed(2)} times as long`);
});

test("an engine at rest is not changed by a stop: its unwind buffer is used again", () => {
  const machine = new Machine(engine, { pollAlways: true, stop: () => true, moveTo: "here" });
  machine.run("result = [3, 2, 1].sort((a, b) => a - b).join()");
  const first = machine.deepest.frames;
  machine.run("result = [3, 2, 1].sort((a, b) => a - b).join()");
  assert.equal(machine.deepest.frames, first);
});

test("a recursion that the engine does not check traps at the end of its stack, and leaves what lies below alone", () => {
  const { layout } = engine.manifest;
  const stackLow = layout.mainStackHigh - THREAD_STACK_MIN_BYTES;
  const machine = new Machine(engine, { stackLow });
  const chain = "let g = [1].values(); for (let i = 0; i < 5000; i++) g = g.take(1); g.next()";
  assert.throws(() => machine.run(chain), WebAssembly.RuntimeError);
  const below = new Uint8Array(machine.memory.buffer, layout.mainStackLow, stackLow - STACK_RESERVE_BYTES);
  assert.ok(below.every((byte) => byte === 0));
});
