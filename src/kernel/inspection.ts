/** Inspection: what a process looks like from outside, while it is at rest. */

import type { ThreadInfo } from "../abi/control.ts";
import { countMemory, residentBytes } from "../machine/linear-memory.ts";
import { regions } from "./address-space.ts";
import { templateFor } from "./capture.ts";
import type { Kernel } from "./kernel.ts";
import type { Process } from "./process.ts";
import type { Answer, Summary } from "./protocol.ts";
import type { Thread } from "./thread.ts";

const BACKTRACE_MAX_BYTES = 64 * 1024;

/** The frames of a stopped thread, innermost first, in the program's own lines. */
export function backtrace(kernel: Kernel, process: Process, thread: Thread): string[] {
  const processor = kernel.resident(process);
  if (thread.context.stopped === undefined) return [];
  const text = processor.onStackOf(thread.context, () => {
    const handle = processor.callNow("backtrace", []);
    const raw = processor.values.text(handle, BACKTRACE_MAX_BYTES);
    processor.exports.qjs_free_value(handle);
    return raw;
  });
  return kernel
    .mapStack(process, text)
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.includes("(godwit:guest:") && !line.includes("(native)"));
}

export function summarise(process: Process): Summary {
  const busy = process.hasReadyThreads;
  const state = process.holds.has("pause") ? "paused" : process.swapped !== undefined ? "swapped" : busy ? "running" : "idle";
  const memoryBytes = process.processor === undefined ? (process.swapped?.length ?? 0) : residentBytes(process.processor.memory.buffer);
  return {
    state,
    threads: process.threads.size,
    memoryBytes,
    cpuMs: process.cpuMs,
    mailbox: process.mailbox.length,
    epoch: process.epoch,
  };
}

export function inspect(kernel: Kernel, process: Process): Extract<Answer, { kind: "inspect" }>["inspection"] {
  const summary = summarise(process);
  const memory = kernel.resident(process).memory;
  const threads = [...process.threads.values()];
  return {
    summary,
    quotas: process.quotas,
    capabilities: process.capabilities,
    regions: regions(kernel.engine, memory, threads, kernel.engine.manifest.memoryBytes + process.quotas.memoryBytes),
    threads: threads.map((thread) => threadInfo(kernel, process, thread)),
    resources: process.handles.describe(),
    mailbox: { messages: process.mailbox.length, bytes: process.mailbox.sizeBytes, names: [] },
    image: countMemory(memory.buffer, templateFor(kernel.engine)),
  };
}

function threadInfo(kernel: Kernel, process: Process, thread: Thread): ThreadInfo {
  const blockedIn = thread.call?.name ?? (thread.state === "blocked" ? "event loop" : undefined);
  const { stopped, stackHigh } = thread.context;
  return {
    tid: thread.tid,
    name: thread.name,
    priority: thread.priority,
    state: thread.state,
    ...(blockedIn === undefined ? {} : { blockedIn }),
    cpuMs: thread.cpuMs,
    stackDepthBytes: stopped === undefined ? 0 : stackHigh - stopped.stackPointer,
    stack: backtrace(kernel, process, thread),
  };
}
