/**
 * What suspendability costs: JavaScript kernels on the suspendable engine, on the engine as it is shipped, and on V8,
 * turn by turn in one run; and on the suspendable engine stopped and continued every few milliseconds.
 */

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { BareEngine } from "../src/machine/bare-engine.ts";
import { prepareV8 } from "../src/machine/v8.ts";
import { loadEngine, Machine } from "../test/engine/machine.ts";
import { KERNELS, type Kernel } from "./kernels.ts";
import { type Row, rowOf } from "./row.ts";

export interface EngineBenchmark {
  /** Milliseconds of each kernel on each engine. */
  readonly times: readonly Row[];
  /** Times of the suspendable engine over those of the shipped one, by kernel, and their geometric mean. */
  readonly ratios: readonly Row[];
  /** The same, stopped and continued every {@link PREEMPT_EVERY_MS}. */
  readonly preempted: readonly Row[];
  /** Times of the suspendable engine over those of V8. */
  readonly againstV8: readonly Row[];
}

/** The largest geometric mean and the largest single ratio that are acceptable. */
export const ENGINE_GOALS = { mean: 1.12, single: 1.3 } as const;
const PREEMPT_EVERY_MS = 5;
const WARM_UP_MS = 200;
const ROUNDS = 41;

interface Subject {
  readonly name: string;
  /** Runs the kernel once. */
  run(): void;
}

/** Runs all kernels. Takes about half a minute. */
export async function benchEngine(directory?: string): Promise<EngineBenchmark> {
  prepareV8();
  const shipped = await WebAssembly.compile(
    await readFile(createRequire(import.meta.url).resolve("quickjs-wasi/quickjs.wasm")),
  );
  const engine = await loadEngine(directory);
  const result = { times: [] as Row[], ratios: [] as Row[], preempted: [] as Row[], againstV8: [] as Row[] };
  // All kernels are warmed up before any is measured: they share the engines' compiled code.
  const sets = KERNELS.map((kernel) => ({
    kernel,
    subjects: [
      suspendable("godwit", engine, kernel, false),
      bare(shipped, kernel),
      suspendable("godwit, preempted", engine, kernel, true),
      native(kernel),
    ],
  }));
  for (const { subjects } of sets) for (const subject of subjects) warmUp(subject);
  for (const { kernel, subjects } of sets) {
    const [godwit = [], quickjs = [], stopped = [], v8 = []] = measure(subjects);
    const ratio = (samples: readonly number[], baselines: readonly number[]): Row =>
      rowOf(
        kernel.name,
        "ratio",
        samples.map((sample, round) => sample / (baselines[round] ?? 0)),
      );
    result.times.push(
      ...[godwit, quickjs, stopped, v8].map((samples, index) =>
        rowOf(`${kernel.name}: ${subjects[index]?.name ?? ""}`, "ms", samples),
      ),
    );
    result.ratios.push(ratio(godwit, quickjs));
    result.preempted.push(ratio(stopped, quickjs));
    result.againstV8.push(ratio(godwit, v8));
  }
  return {
    times: result.times,
    ratios: withMean(result.ratios),
    preempted: withMean(result.preempted),
    againstV8: withMean(result.againstV8),
  };
}

function withMean(rows: readonly Row[]): Row[] {
  const mean = (of: (row: Row) => number): number =>
    Math.exp(rows.reduce((sum, row) => sum + Math.log(of(row)), 0) / rows.length);
  return [
    ...rows,
    {
      name: "geometric mean",
      unit: "ratio",
      median: mean((row) => row.median),
      p10: mean((row) => row.p10),
      p90: mean((row) => row.p90),
      n: rows.length,
    },
  ];
}

function warmUp(subject: Subject): void {
  const until = performance.now() + WARM_UP_MS;
  while (performance.now() < until) subject.run();
}

/** Milliseconds by subject and round: turn by turn, so that whatever disturbs the machine disturbs all alike. */
function measure(subjects: readonly Subject[]): number[][] {
  const samples = subjects.map((): number[] => []);
  for (let round = 0; round < ROUNDS; round++) {
    subjects.forEach((subject, index) => {
      const started = performance.now();
      subject.run();
      samples[index]?.push(performance.now() - started);
    });
  }
  return samples;
}

function suspendable(
  name: string,
  engine: Awaited<ReturnType<typeof loadEngine>>,
  kernel: Kernel,
  stop: boolean,
): Subject {
  let last = performance.now();
  const due = (): boolean => {
    const now = performance.now();
    if (now - last < PREEMPT_EVERY_MS) return false;
    last = now;
    return true;
  };
  const machine = new Machine(engine, stop ? { stop: due, moveTo: "here" } : {});
  machine.exports.qjs_free_value(machine.evaluate(kernel.source));
  return { name, run: () => machine.exports.qjs_free_value(machine.evaluate("kernel()")) };
}

function bare(module: WebAssembly.Module, kernel: Kernel): Subject {
  const engine = new BareEngine(module, { hostCall: () => undefined, interrupt: () => undefined });
  engine.exports.qjs_set_interrupt_handler(1);
  engine.run(kernel.source, "kernel");
  return { name: "quickjs-wasi", run: () => engine.run("kernel()", "kernel") };
}

function native(kernel: Kernel): Subject {
  const run: () => unknown = new Function(`${kernel.source}; return kernel;`)();
  return { name: "V8", run: () => void run() };
}
