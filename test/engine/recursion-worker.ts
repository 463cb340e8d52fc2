/** Runs on a thread with a large native stack, as guests do: each recursion undisturbed, then stopped deeper and deeper. */

import { parentPort, workerData } from "node:worker_threads";
import { loadEngine, Machine } from "./machine.ts";
import { RECURSIONS, recursionProgram } from "./recursions.ts";

export interface RecursionOutcome {
  readonly name: string;
  readonly undisturbed: string;
  readonly disturbed: string;
  readonly stops: number;
  readonly frames: number;
  readonly stack: number;
}

const FIRST_STOP_BYTES = 20_000;

const engine = await loadEngine();
const names: readonly string[] = workerData;
for (const name of names) {
  const program = recursionProgram(RECURSIONS[name] ?? "");
  let next = FIRST_STOP_BYTES;
  // Stopping at every poll would take the square of the depth: a stop saves the whole stack.
  const machine: Machine = new Machine(engine, {
    pollAlways: true,
    moveTo: "here",
    stop: () => {
      const depth = engine.manifest.layout.mainStackHigh - machine.exports.__stack_pointer.value;
      if (depth < next) return false;
      next = depth * 1.1;
      return true;
    },
  });
  const outcome: RecursionOutcome = {
    name,
    undisturbed: new Machine(engine).run(program),
    disturbed: machine.run(program),
    stops: machine.stops,
    ...machine.deepest,
  };
  parentPort?.postMessage(outcome);
}
