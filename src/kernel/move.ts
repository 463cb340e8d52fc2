/**
 * A process on its way between two nodes, as its LWPs see it: frozen at the source, put in place at the target, and then
 * let go at one of them. Who decides which is `migration.ts`.
 */

import { assert } from "../assert.ts";
import { failure } from "../errors.ts";
import type { Kernel } from "./kernel.ts";
import { Process } from "./process.ts";
import type { ProcessRecord } from "./process-record.ts";
import type { Released } from "./protocol.ts";
import { hold, release } from "./quiescence.ts";
import { leaveHandles, reopenHandles } from "./reopen.ts";
import { reopenListeners } from "./syscalls/channel-calls.ts";

/** A process in place, and what it takes up when it starts. */
export interface Prepared {
  readonly process: Process;
  readonly record: ProcessRecord;
}

/**
 * Holds a quiescent process still, and says all there is of it. It stays as it is until `thaw` or `depart`; for an image,
 * until that is taken.
 */
export function still(kernel: Kernel, process: Process, kind: "freeze" | "save"): Released {
  assert(process.quiescent, "a process is held still when it can be captured");
  const memory = kernel.memory(process);
  hold(kernel, process, kind === "freeze" ? "move" : "save");
  return { record: process.save(kernel.host.monotonicMs()), memory, outputInFlight: process.outputInFlight };
}

/** It stays after all. */
export function thaw(kernel: Kernel, process: Process, epoch: number): void {
  process.epoch = epoch;
  kernel.tellWho(process);
  release(kernel, process, "move");
  kernel.limitLife(process);
}

/** It is another node's now. */
export function depart(kernel: Kernel, process: Process, left?: readonly number[]): void {
  assert(process.holds.has("move"), "a process departs that was frozen");
  kernel.detach(process);
  void leaveHandles(process, left);
}

/** Puts a process in place without letting it do anything: whatever can fail for want of room fails here. Throws ENOMEM. */
export function prepare(kernel: Kernel, { record, memory, outputInFlight }: Released): void {
  const { pid } = record;
  if (kernel.processes.has(pid) || kernel.prepared.has(pid))
    throw failure("EEXIST", `process ${pid} is on this LWP already`);
  const process = new Process(record, kernel.host.monotonicMs());
  process.outputInFlight = outputInFlight;
  kernel.attach(process, memory);
  kernel.prepared.set(pid, { process, record });
}

/** From here on it runs here. The time that it was prepared for is not its own. One that starts `anew` opens its listeners again. */
export function start(kernel: Kernel, pid: number, anew: boolean): void {
  const prepared = kernel.prepared.get(pid);
  assert(prepared !== undefined, "a process is prepared before it starts");
  kernel.prepared.delete(pid);
  const { process, record } = prepared;
  process.clockBaseMs = kernel.host.monotonicMs() - record.clockMs;
  hold(kernel, process, "reopen");
  kernel.admit(process, record.calls, record.timers);
  if (anew && !process.ended) reopenListeners(kernel, process);
  reopenHandles(kernel, process, record.handles);
}

/** It will not come. */
export function discard(kernel: Kernel, pid: number): void {
  const prepared = kernel.prepared.get(pid);
  if (prepared === undefined) return;
  kernel.prepared.delete(pid);
  prepared.process.ended = true;
  prepared.process.processor = undefined;
  prepared.process.memory = undefined;
}
