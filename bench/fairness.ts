/** How late a small process is served while others spin: woken by a timer, and asked by the node's side. */

import { setTimeout as pause } from "node:timers/promises";
import { BenchNode, PRELUDE, samplesOf } from "./bench-node.ts";
import type { Extent, Group } from "./benchmark.ts";
import { type Row, rowOf } from "./row.ts";

const SPINNERS = [0, 1, 4, 16];
const SAMPLES = 500;
const LWPS = 2;
/** Between two samples: no divisor or multiple of a quantum. */
const PERIOD_MS = 7;

const SPIN = "for (;;) {}";
const sleeper = (samples: number): string => `${PRELUDE}
const late = [];
for (let i = -10; i < ${samples}; i++) {
  const began = godwit.monotonic();
  godwit.sleep(${PERIOD_MS});
  if (i >= 0) late.push(godwit.monotonic() - began - ${PERIOD_MS});
}
console.log(JSON.stringify(late));`;
const ANSWERER = `${PRELUDE}
console.log("ready");
for (;;) console.log(godwit.stdin.readLine());`;

export async function measureFairness({ quick }: Extent): Promise<Group[]> {
  const samples = quick ? 5 : SAMPLES;
  const rows: Row[] = [];
  for (const spinners of quick ? [0, 4] : SPINNERS) {
    const bench = await BenchNode.start({ lwps: LWPS });
    try {
      for (let i = 0; i < spinners; i++) await bench.spawn(SPIN);
      const load = spinners === 0 ? "alone" : `beside ${spinners} that spin`;
      rows.push(...percentiles(`woken by its timer, ${load}`, samplesOf(await bench.run(sleeper(samples)))));
      rows.push(...percentiles(`asked and answered, ${load}`, await answers(bench, samples)));
    } finally {
      await bench.stop();
    }
  }
  return [{ title: `Latency of a small process on ${LWPS} LWPs`, rows, goals: [], missing: [] }];
}

async function answers(bench: BenchNode, samples: number): Promise<number[]> {
  const program = await bench.spawn(ANSWERER);
  await program.line();
  const took: number[] = [];
  for (let i = -10; i < samples; i++) {
    const began = performance.now();
    await bench.node.input(program.pid, Buffer.from(`${i}\n`));
    const answer = await program.line();
    if (answer !== String(i)) throw new Error(`asked ${i}, answered ${answer}`);
    if (i >= 0) took.push(performance.now() - began);
    await pause(PERIOD_MS);
  }
  await bench.kill(program.pid);
  return took;
}

/** The median row as always, and two more for the tail. */
function percentiles(name: string, samples: readonly number[]): Row[] {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
  const tail = (label: string, value: number): Row => ({
    ...rowOf(`${name}: ${label}`, "ms", [value]),
    n: samples.length,
  });
  return [rowOf(name, "ms", samples), tail("p99", at(0.99)), tail("longest", at(1))];
}
