/**
 * Replays one seed of the simulated cluster, step by step:
 *
 *     npm run sim -- --seed N [--steps M]
 *
 * With `--seeds N` it tries so many, from `--seed` on, and shows the first in which something is wrong.
 */

import { parseArgs } from "node:util";
import { sourceStep, targetStep } from "../src/kernel/migration.ts";
import { ruleOnClaim } from "../src/kernel/ownership.ts";
import { simulate, Violation } from "../test/cluster/simulation.ts";

const rules = { sourceStep, targetStep, ruleOnClaim, stopsWithoutLease: true };
const { values } = parseArgs({
  options: { seed: { type: "string", default: "1" }, steps: { type: "string" }, seeds: { type: "string" } },
});
const first = Number(values.seed);
const last = first + Number(values.seeds ?? 1) - 1;
if (!Number.isSafeInteger(first) || !Number.isSafeInteger(last)) throw new Error("a seed is a whole number");
const limit = values.steps === undefined ? {} : { steps: Number(values.steps) };

for (let seed = first; seed <= last; seed++) {
  const lines: string[] = [];
  const keep = (line: string) => void lines.push(line);
  const say = (line: string) => console.log(line);
  try {
    const { steps, counts } = simulate({ seed, rules, ...limit, trace: values.seeds === undefined ? say : keep });
    if (values.seeds === undefined) console.log(`seed ${seed}: ${steps} steps, ${JSON.stringify(counts)}`);
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    for (const line of lines) console.log(line);
    console.error(`seed ${seed}: ${error.message}`);
    process.exitCode = 1;
    break;
  }
}
if (values.seeds !== undefined && process.exitCode === undefined)
  console.log(`${values.seeds} seeds: nothing is wrong`);
