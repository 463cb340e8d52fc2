/**
 * Timers of a process's event loop. One that repeats is set again when its event is dispatched, not when it fires: a
 * process that is too slow for its timers does not fill its queue with them, and pays for them itself.
 */

import type { Kernel } from "./kernel.ts";
import type { Process } from "./process.ts";
import type { ProcessEvent, TimerRecord } from "./process-record.ts";

/** Starts a timer; its due time is on the process's clock. */
export function startTimer(kernel: Kernel, process: Process, timer: TimerRecord): void {
  process.timers.set(timer.id, timer);
  kernel.deadlines.add({
    atMs: timer.dueMs + process.clockBaseMs,
    holds: () => !process.ended && process.timers.get(timer.id) === timer,
    due: () => fire(kernel, process, timer),
  });
  kernel.reckonSlice();
}

function fire(kernel: Kernel, process: Process, timer: TimerRecord): void {
  if (timer.repeatMs === 0) process.timers.delete(timer.id);
  if (process.firedTimers.has(timer.id)) return;
  process.firedTimers.add(timer.id);
  kernel.postEvent(process, { kind: "timer", id: timer.id });
}

/** The next event for the event loop, taken from its queue. */
export function takeEvent(kernel: Kernel, process: Process): ProcessEvent | undefined {
  const event = process.takeEvent();
  if (event?.kind === "timer") dispatched(kernel, process, event.id);
  // One message event at a time is in the queue. Each lets the guest take one message: for the others, the next one.
  if (event?.kind === "message" && process.mailbox.length > 1) process.eventCame({ kind: "message" });
  return event;
}

function dispatched(kernel: Kernel, process: Process, id: number): void {
  process.firedTimers.delete(id);
  const timer = process.timers.get(id);
  if (timer === undefined || timer.repeatMs === 0) return;
  const nowMs = process.clockMs(kernel.host.monotonicMs());
  const nextMs = timer.dueMs + timer.repeatMs;
  startTimer(kernel, process, { ...timer, dueMs: nextMs > nowMs ? nextMs : nowMs + timer.repeatMs });
}
