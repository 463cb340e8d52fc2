/** Inspection: what a process looks like from outside, while it is at rest. */

import type { ThreadInfo } from "../abi/control.ts";
import { PAGE_BYTES } from "../limits.ts";
import { changedPages, countMemory, materialise as fillMemory } from "../machine/linear-memory.ts";
import { pageAt } from "../machine/page.ts";
import { Processor } from "../machine/processor.ts";
import { createMemory, regions } from "./address-space.ts";
import { templateFor } from "./capture.ts";
import type { Kernel } from "./kernel.ts";
import type { Process } from "./process.ts";
import { NO_TRAPS } from "./process-traps.ts";
import type { Answer, Progress, Summary } from "./protocol.ts";
import type { Thread } from "./thread.ts";

const BACKTRACE_MAX_BYTES = 64 * 1024;

/** The frames of a stopped thread, innermost first, in the program's own lines. */
export function backtrace(kernel: Kernel, process: Process, thread: Thread): string[] {
  const processor = kernel.resident(process);
  if (thread.context.stopped === undefined) return [];
  const blocks = thread.call !== undefined || thread.delivery !== undefined;
  const exact = blocks ? "" : autopsy(kernel, processor, thread);
  return kernel
    .mapStack(process, exact === "" ? walk(processor, thread) : exact)
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.includes("(godwit:guest:") && !line.includes("(native)"));
}

/** The engine's own walk over the thread's frames. The innermost knows its line only if it made a call. */
function walk(processor: Processor, thread: Thread): string {
  return processor.onStackOf(thread.context, () => {
    const handle = processor.callNow("backtrace", []);
    const text = processor.values.text(handle, BACKTRACE_MAX_BYTES);
    processor.exports.qjs_free_value(handle);
    return text;
  });
}

/**
 * A thread that was preempted in a loop has its line in a register of the interpreter: a copy of the process is
 * interrupted there, and its error tells. "" when the program's own promises swallowed the error.
 */
function autopsy(kernel: Kernel, processor: Processor, thread: Thread): string {
  const { buffer } = processor.memory;
  const memory = createMemory(kernel.engine, buffer.byteLength, buffer.byteLength);
  const template = templateFor(kernel.engine);
  const source = Buffer.from(buffer);
  const { changed, zeroed } = changedPages(buffer, template);
  const pages = changed.map((number) => ({ number, bytes: pageAt(source, number) }));
  fillMemory(memory.buffer, template, { pages, zeroed });
  const copy = new Processor(kernel.engine, memory, NO_TRAPS);
  let stack = "";
  copy.autopsy = (error) => {
    if (stack === "") stack = copy.values.textProperty(error, "stack", BACKTRACE_MAX_BYTES);
  };
  try {
    const stop = copy.resume({ ...thread.context });
    if (stack !== "" || stop.kind !== "returned") return stack;
    const job = thread.context.stopped?.entry === "qjs_execute_pending_job";
    if (job ? stop.value >= 0 : copy.exports.qjs_is_exception(stop.value) === 0) return "";
    return copy.onKernelStack(() =>
      copy.values.textProperty(copy.exports.qjs_get_exception(), "stack", BACKTRACE_MAX_BYTES),
    );
  } catch {
    // The copy trapped: its process will too when it runs, and say so itself.
    return "";
  }
}

type Counted = ReturnType<typeof countMemory>;

function count(kernel: Kernel, process: Process): Counted {
  return countMemory(kernel.memory(process).buffer, templateFor(kernel.engine));
}

function isPaused({ holds }: Process): boolean {
  return holds.has("pause") || holds.has("kept");
}

/** Looks at nothing of its memory. */
export function progressOf(process: Process): Progress {
  const { cpuMs, mailbox, hasReadyThreads } = process;
  return { isReady: hasReadyThreads && !isPaused(process), cpuMs, mailbox: mailbox.length };
}

/** @param counted what a look through its memory gives */
export function summarise(kernel: Kernel, process: Process, counted = () => count(kernel, process)): Summary {
  const busy = process.hasReadyThreads;
  const state = isPaused(process) ? "paused" : process.swapped !== undefined ? "swapped" : busy ? "running" : "idle";
  return {
    state,
    threads: process.threads.size,
    memoryBytes: process.swapped?.length ?? residentBytes(counted()),
    cpuMs: process.cpuMs,
    mailbox: process.mailbox.length,
    epoch: process.epoch,
  };
}

function residentBytes({ pages, templatePages }: Counted): number {
  return (pages + templatePages) * PAGE_BYTES;
}

export function inspect(kernel: Kernel, process: Process): Extract<Answer, { kind: "inspect" }>["inspection"] {
  let image: Counted | undefined;
  const counted = () => (image ??= count(kernel, process));
  const summary = summarise(kernel, process, counted);
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
    image: counted(),
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
