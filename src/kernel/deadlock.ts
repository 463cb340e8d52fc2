/** Deadlock: every thread of a process waits for another, and nothing outside can wake one. */

import type { Kernel } from "./kernel.ts";
import { backtrace } from "./inspection.ts";
import type { Process } from "./process.ts";
import type { Thread } from "./thread.ts";

/** A report naming each thread, what it waits in, and its stack; undefined when something can still wake a thread. */
export function deadlockReport(kernel: Kernel, process: Process): string | undefined {
  if (process.holds.size > 0 || process.threads.size === 0 || canWake(process)) return undefined;
  const threads = [...process.threads.values()].map((thread) => describe(kernel, process, thread));
  return `godwit: deadlock: every thread of process ${process.pid} waits for another\n${threads.join("")}`;
}

function canWake(process: Process): boolean {
  if (process.hasReadyThreads) return true;
  if ([...process.signals.values()].includes("handle")) return true;
  const eventLoopRests = process.main.call === undefined;
  if (eventLoopRests && (process.timers.size > 0 || process.keepAlive > 0 || process.events.length > 0)) return true;
  for (const call of process.calls) {
    const isInternal = (call.name === "futexWait" || call.name === "threadJoin") && call.expiresMs < 0;
    // What is awaited wakes the event loop only, and that only when it rests.
    if (!isInternal && (call.callId === 0 || eventLoopRests)) return true;
  }
  return false;
}

function describe(kernel: Kernel, process: Process, thread: Thread): string {
  const waits = thread.call === undefined ? "at rest in its event loop" : `blocked in ${thread.call.name}`;
  const stack = backtrace(kernel, process, thread).map((frame) => `    ${frame}\n`);
  return `  thread ${thread.tid} "${thread.name}", ${waits}\n${stack.join("")}`;
}
