/**
 * The benchmarks, one command:
 *
 *     npm run bench -- [--only NAME]... [--json FILE] [--quick]
 *
 * Each runs in an OS process of its own, one after the other, so that none works in what another left behind.
 */

import { execFile } from "node:child_process";
import { loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { type Benchmark, type Extent, type Group, verdictOf } from "./benchmark.ts";
import { benchEngine, ENGINE_GOALS } from "./engine.ts";
import { measureFairness } from "./fairness.ts";
import { measureHop } from "./hop.ts";
import { measureImages } from "./images.ts";
import { measureMigration } from "./migration.ts";
import { measureResident } from "./resident.ts";
import { measureRoute } from "./route.ts";
import { measureServe } from "./serve.ts";
import { measureSwitch } from "./switch.ts";
import { measureSpawn } from "./spawn.ts";
import { tableOf, thisMachine, writeResults } from "./table.ts";
import { measureThreads } from "./threads.ts";
import { measureWeb } from "./web.ts";

const BENCHMARK_TIMEOUT_MS = 15 * 60_000;
const OUTPUT_MAX_BYTES = 16 * 2 ** 20;
const DEFAULT_FILE = fileURLToPath(new URL("./results.json", import.meta.url));

const BENCHMARKS: readonly Benchmark[] = [
  { name: "engine", measure: measureEngine },
  { name: "spawn", measure: measureSpawn },
  { name: "resident", measure: measureResident },
  { name: "threads", measure: measureThreads },
  { name: "images", measure: measureImages },
  { name: "hop", measure: measureHop },
  { name: "fairness", measure: measureFairness },
  { name: "web", measure: measureWeb },
  { name: "serve", measure: measureServe },
  { name: "switch", measure: measureSwitch },
  { name: "route", measure: measureRoute },
  { name: "migration", measure: measureMigration },
];

async function measureEngine(): Promise<Group[]> {
  const { times, ratios, preempted, againstV8 } = await benchEngine();
  const kernels = ratios.filter(({ name }) => name !== "geometric mean");
  const goals = [
    { row: "geometric mean", atMost: ENGINE_GOALS.mean },
    ...kernels.map(({ name }) => ({ row: name, atMost: ENGINE_GOALS.single })),
  ];
  const group = (title: string, rows: Group["rows"]): Group => ({ title, rows, goals: [], missing: [] });
  return [
    { ...group("The suspendable engine, to quickjs-wasi", ratios), goals },
    group("The same, stopped and continued every 5 ms", preempted),
    group("The suspendable engine, to V8", againstV8),
    group("Times of the kernels", times),
  ];
}

const { values } = parseArgs({
  options: {
    only: { type: "string", multiple: true },
    json: { type: "string", default: DEFAULT_FILE },
    quick: { type: "boolean", default: false },
    /** Runs one benchmark here and prints its groups as JSON: what the command starts for each. */
    within: { type: "string" },
  },
});
const chosen = chooseBenchmarks(values.only ?? BENCHMARKS.map(({ name }) => name));
if (values.within === undefined) await runAll(chosen, values.json, values);
else console.log(JSON.stringify(await one(values.within).measure(values)));

function one(name: string): Benchmark {
  const benchmark = BENCHMARKS.find((each) => each.name === name);
  if (benchmark !== undefined) return benchmark;
  const known = BENCHMARKS.map((each) => each.name).join(", ");
  throw new RangeError(`there is no benchmark "${name}": choose from ${known}`);
}

function chooseBenchmarks(names: readonly string[]): Benchmark[] {
  return names.map(one);
}

async function runAll(benchmarks: readonly Benchmark[], file: string, extent: Extent): Promise<void> {
  const results: Record<string, Group["rows"]> = {};
  const verdicts: string[] = [];
  const machine = Object.entries(thisMachine()).map(([key, value]) => `${key}: ${value}`);
  console.log(`${machine.join(", ")}\nload before: ${load()}\n`);
  for (const { name } of benchmarks) {
    for (const { title, rows, goals, missing } of await runApart(name, extent)) {
      console.log(`${tableOf(title, rows)}\n`);
      for (const what of missing) console.log(`NOT MEASURED: ${what}\n`);
      results[title] = rows;
      verdicts.push(...goals.map((goal) => verdictOf(goal, rows)));
    }
  }
  if (verdicts.length > 0)
    console.log(`Goals${extent.quick ? " (a quick run says little)" : ""}\n${verdicts.join("\n")}\n`);
  writeResults(file, results);
  console.log(`load after: ${load()}\nAs JSON: ${file}`);
}

/** How many threads wanted a core, over the last minute: what else this machine did. */
function load(): string {
  return (loadavg()[0] ?? 0).toFixed(1);
}

async function runApart(name: string, { quick }: Extent): Promise<Group[]> {
  const options = [fileURLToPath(import.meta.url), "--within", name, ...(quick ? ["--quick"] : [])];
  const { stdout } = await promisify(execFile)(process.execPath, options, {
    timeout: BENCHMARK_TIMEOUT_MS,
    maxBuffer: OUTPUT_MAX_BYTES,
  });
  return JSON.parse(stdout) as Group[];
}
