/**
 * A node with many idle processes: prints what each of them takes (`IdleMemory`).
 *
 *     node dist/bench/idle-processes.js COUNT SWAP_AFTER_MS STEADY_MS
 */

import { setTimeout as pause } from "node:timers/promises";
import { BenchNode } from "./bench-node.ts";
import type { IdleMemory } from "./resident.ts";

/** So many are there before the first look, so that what all share (compiled code, stacks of threads) does not count. */
const BEFORE = 100;
const LOOK_EVERY_MS = 200;
const SETTLE_MAX_MS = 30_000;
/** Growth of the resident set that counts as none. */
const STILL_BYTES = 100_000;

const count = Number(process.argv[2]);
const swapAfterMs = Number(process.argv[3]);
/** How long the resident set must not have changed. */
const steadyMs = Number(process.argv[4]);
const bench = await BenchNode.start({ swapAfterMs });
await add(Math.min(BEFORE, count));
const before = await settled();
await add(count);
const after = await settled();
const processes = await bench.node.list();
const guestBytes = processes.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0) / processes.length;
console.log(JSON.stringify({ residentBytes: (after - before) / count, guestBytes } satisfies IdleMemory));
await bench.stop();

/** Starts programs and waits until each has run its first statement, and, where they are to be swapped out, is. */
async function add(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const program = await bench.spawn('console.log("here"); setTimeout(() => {}, 1e9);');
    await program.line();
  }
  const wanted = swapAfterMs < Infinity ? "swapped" : "idle";
  await until(async () => (await bench.node.list()).every(({ state }) => state === wanted), `processes are ${wanted}`);
}

/** The resident set, once it has not changed for a while: a node tidies up when it has been idle. */
async function settled(): Promise<number> {
  let steady = { atBytes: 0, looks: 0 };
  await until(async () => {
    const bytes = process.memoryUsage.rss();
    const still = Math.abs(bytes - steady.atBytes) < STILL_BYTES;
    steady = still ? { ...steady, looks: steady.looks + 1 } : { atBytes: bytes, looks: 0 };
    return steady.looks * LOOK_EVERY_MS >= steadyMs;
  }, "memory is steady");
  return steady.atBytes;
}

async function until(holds: () => Promise<boolean>, what: string): Promise<void> {
  const endMs = performance.now() + SETTLE_MAX_MS;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`after ${SETTLE_MAX_MS} ms it is still not so that ${what}`);
    await pause(LOOK_EVERY_MS);
  }
}
