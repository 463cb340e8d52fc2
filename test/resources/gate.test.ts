/** Long operations of several LWPs share a few places, and none is lost. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Gate } from "../../src/resources/gate.ts";

const word = (value: number) => {
  const words = new Int32Array(new SharedArrayBuffer(4));
  words[0] = value;
  return { words, index: 0 };
};

test("no more are inside than there are places, from whichever gate, and all come through", async () => {
  const free = word(2);
  const gates = [word(0), word(0), word(0)].map((held) => new Gate(free, held));
  let inside = 0;
  let most = 0;
  const operation = async () => {
    most = Math.max(most, ++inside);
    await new Promise((resolve) => setImmediate(resolve));
    inside--;
    return "through";
  };
  const results = await Promise.all(gates.flatMap((gate) => Array.from({ length: 10 }, () => gate.pass(operation))));
  assert.deepEqual(new Set(results), new Set(["through"]));
  assert.equal(most, 2);
  assert.equal(free.words[0], 2);
});

test("an operation that fails gives its place back, and so does an LWP that is gone", async () => {
  const free = word(1);
  const [first, second] = [word(0), word(0)];
  const gate = new Gate(free, first);
  await assert.rejects(
    gate.pass(() => Promise.reject(new Error("failed"))),
    /failed/,
  );
  assert.deepEqual([free.words[0], first.words[0]], [1, 0]);

  void gate.pass(() => new Promise(() => {}));
  assert.deepEqual([free.words[0], first.words[0]], [0, 1]);
  const waiting = new Gate(free, second).pass(() => Promise.resolve("through"));
  Gate.release(free, first);
  assert.equal(await waiting, "through");
  assert.deepEqual([free.words[0], first.words[0], second.words[0]], [1, 0, 0]);
});
