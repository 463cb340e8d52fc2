/** Operations wait for their turns: fairly, a few at a time, and only while somebody wants them. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Call } from "../../src/kernel/call.ts";
import { Lane } from "../../src/kernel/lane.ts";

/** A lane, and operations in it that end when they are told to. */
class Trial {
  readonly lane: Lane;
  readonly begun: string[] = [];
  readonly #end = new Map<string, () => void>();
  readonly #processes = new Map<string, object>();

  constructor(width: number) {
    this.lane = new Lane(width);
  }

  /** @param name a letter for the process, a number for the operation. */
  enter(name: string): Call {
    const letter = name.charAt(0);
    const process = this.#processes.get(letter) ?? {};
    this.#processes.set(letter, process);
    const call = { process, abandon: () => {} } as unknown as Call;
    this.lane.enter(call, () => {
      this.begun.push(name);
      return new Promise((resolve) => this.#end.set(name, resolve));
    });
    return call;
  }

  /** Ends an operation, and lets what follows from it happen. */
  async end(name: string): Promise<void> {
    this.#end.get(name)?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test("processes take turns, each in its own order", async () => {
  const trial = new Trial(1);
  for (const name of ["a1", "a2", "a3", "a4", "b1", "b2", "c1"]) trial.enter(name);
  for (const name of ["a1", "a2", "b1", "c1", "a3", "b2", "a4"]) {
    assert.equal(trial.begun.at(-1), name);
    await trial.end(name);
  }
  assert.equal(trial.begun.length, 7);
});

test("no more run at once than there is room for", async () => {
  const trial = new Trial(2);
  for (const name of ["a1", "a2", "a3", "b1"]) trial.enter(name);
  assert.deepEqual(trial.begun, ["a1", "a2"]);
  await trial.end("a2");
  assert.deepEqual(trial.begun, ["a1", "a2", "a3"]);
  await trial.end("a1");
  assert.deepEqual(trial.begun, ["a1", "a2", "a3", "b1"]);
  await trial.end("b1");
  await trial.end("a3");
  trial.enter("c1");
  assert.equal(trial.begun.at(-1), "c1");
});

test("what is abandoned while it waits is never begun; what runs keeps its place until it ends", async () => {
  const trial = new Trial(1);
  const running = trial.enter("a1");
  const calls = ["a2", "b1", "b2"].map((name) => trial.enter(name));
  running.abandon();
  for (const call of calls.slice(0, 2)) call.abandon();
  assert.deepEqual(trial.begun, ["a1"]);
  await trial.end("a1");
  assert.deepEqual(trial.begun, ["a1", "b2"]);
  await trial.end("b2");
  assert.deepEqual(trial.begun, ["a1", "b2"]);
});
