/** Every program of the corpus, stopped and moved, prints what it prints undisturbed: results, errors and stacks. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { loadEngine } from "../../src/machine/load.ts";
import { runOracle } from "./oracle.ts";
import { asFunction, corpus, type CorpusProgram, RECORDERS } from "./program.ts";
import { runSuspended } from "./suspended.ts";

/** A program with at most so many calls and back edges is moved at each of them. */
const MOVE_EVERYWHERE_STOPS_MAX = 150;
/** These change built-ins for a while, which others in the same address space would notice. */
const ALONE = [
  "array-iteration-protocol",
  "global-proxy",
  "json-stringify-hooks",
  "numeric-keys-holes",
  "patched-builtins",
  "patched-prototypes-tojson",
  "stack-prepare",
];

const engine = await loadEngine();
const programs = corpus();
const undisturbed = new Map<string, string>();
for (const program of programs) undisturbed.set(program.name, await runOracle(program));

for (const program of programs) {
  test(`${program.name} survives a stop at every call and back edge`, (context) => {
    const run = runSuspended(engine, [program], { pollEveryCall: true, moveEvery: 10, thinOut: true });
    assert.equal(run.outputs[0], undisturbed.get(program.name));
    // A syntax error leaves nothing to stop in but the report of it.
    assert.ok(run.stops > 0, "it was stopped");
    assert.ok(run.moves > 0 || run.stops < 10, "it was moved");
    context.diagnostic(`${run.stops} stops, ${run.moves} moves`);
    if (run.stops > MOVE_EVERYWHERE_STOPS_MAX) return;
    const moved = runSuspended(engine, [program], { pollEveryCall: true, moveEvery: 1, thinOut: false });
    assert.equal(moved.outputs[0], undisturbed.get(program.name));
    assert.equal(moved.moves, moved.stops);
  });
}

test("every program survives a move at every ordinary poll", (context) => {
  let moves = 0;
  for (const program of programs) {
    const run = runSuspended(engine, [program], { pollEveryCall: false, moveEvery: 1, thinOut: false });
    assert.equal(run.outputs[0], undisturbed.get(program.name), program.name);
    assert.equal(run.moves, run.stops);
    moves += run.moves;
  }
  assert.ok(moves > 50, `${moves} moves`);
  context.diagnostic(`${moves} moves`);
});

const together = programs.filter(({ name }) => !ALONE.includes(name));
for (let first = 0; first < together.length; first += RECORDERS) {
  const group = together.slice(first, first + RECORDERS);
  test(`threads that take turns at every call: ${group.map(({ name }) => name).join(", ")}`, async (context) => {
    const run = runSuspended(engine, group.map(asFunction), { pollEveryCall: true, moveEvery: 25, thinOut: true });
    assert.ok(run.stops > group.length);
    await Promise.all(group.map((program, index) => sameAsAlone(program, run.outputs[index])));
    context.diagnostic(`${run.stops} stops, ${run.moves} moves`);
  });
}

async function sameAsAlone(program: CorpusProgram, output: string | undefined): Promise<void> {
  assert.equal(output, await runOracle(asFunction(program, 0)), program.name);
}
