/**
 * Quiescence: a process can be captured when no call is in flight that must end where it began. What needs a process in
 * that state holds it still and waits for it here.
 */

import { failure } from "../errors.ts";
import type { Kernel } from "./kernel.ts";
import type { Hold, Process } from "./process.ts";

/** Something to be done once the process is quiescent. */
export interface Waiting {
  readonly action: () => void;
  /** Called in place of `action` when the process ends first, and when `action` throws. Throws nothing itself. */
  readonly failed: (error: unknown) => void;
}

export function hold(kernel: Kernel, process: Process, why: Hold): void {
  process.holds.add(why);
  kernel.scheduler.update(process);
}

export function release(kernel: Kernel, process: Process, why: Hold): void {
  process.holds.delete(why);
  kernel.scheduler.update(process);
  settle(kernel, process);
}

/** Does `action` as soon as the process can be captured; it is held still until then. `first`: before whatever else waits for that. */
export function whenQuiescent(
  kernel: Kernel,
  process: Process,
  action: () => void,
  failed: (error: unknown) => void,
  first = false,
): void {
  if (first) process.quiescence.unshift({ action, failed });
  else process.quiescence.push({ action, failed });
  hold(kernel, process, "capture");
  settle(kernel, process);
}

/** Carries out what waits for the process, if it is quiescent, or tells that it never will be. */
export function settle(kernel: Kernel, process: Process): void {
  while (process.ended || process.quiescent) {
    const next = process.quiescence.shift();
    if (next === undefined) {
      if (process.holds.has("capture")) release(kernel, process, "capture");
      return;
    }
    try {
      if (process.ended) throw failure("ESRCH", `process ${process.pid} has ended`);
      next.action();
    } catch (error) {
      next.failed(error);
    }
  }
}
