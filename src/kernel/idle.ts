/**
 * Idle processes give back what they do not need: first the instance of the engine, which is made again in a tenth of
 * a millisecond, then their memory, of which a compressed image is kept.
 */

import { INSTANCE_IDLE_MS } from "../limits.ts";
import { swapOut } from "./capture.ts";
import { contain } from "./execution.ts";
import type { Kernel } from "./kernel.ts";
import type { Process } from "./process.ts";

/** Looks after a process that has come to rest. One deadline stands for it at a time, however often it rests. */
export function watchIdle(kernel: Kernel, process: Process): void {
  const { memory, processor, idleSinceMs, ended } = process;
  if (process.idleWatched || ended || memory === undefined) return;
  const swapAtMs = idleSinceMs + kernel.swapAfterMs;
  const atMs = processor === undefined ? swapAtMs : Math.min(swapAtMs, idleSinceMs + INSTANCE_IDLE_MS);
  if (atMs === Infinity) return;
  process.idleWatched = true;
  kernel.deadlines.add({ atMs, holds: () => !process.ended, due: () => letGo(kernel, process, atMs) });
}

/** Lets go of what has been idle long enough at `nowMs`, and looks after the rest. */
function letGo(kernel: Kernel, process: Process, nowMs: number): void {
  process.idleWatched = false;
  if (process.hasReadyThreads) return;
  if (process.idleSinceMs + kernel.swapAfterMs <= nowMs) {
    contain(kernel, process, () => swapOut(kernel, process));
    kernel.letGo++;
  } else if (process.idleSinceMs + INSTANCE_IDLE_MS <= nowMs) {
    process.processor = undefined;
    kernel.letGo++;
  }
  watchIdle(kernel, process);
}
