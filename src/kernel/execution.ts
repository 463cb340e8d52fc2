/** Execution: one thread's slice on the LWP, through its phases, until it blocks, ends or has had its time. */

import { SHARED_WORDS } from "../abi/records.ts";
import { assert, unreachable } from "../assert.ts";
import type { GuestArgument } from "../machine/guest-values.ts";
import type { Processor, Stop } from "../machine/processor.ts";
import { freeStack, guardHolds } from "./address-space.ts";
import type { Kernel } from "./kernel.ts";
import type { Process } from "./process.ts";
import type { Delivery, Phase, ProcessEvent } from "./process-record.ts";
import { ProcessExit } from "./process-traps.ts";
import { signalHandled } from "./signal.ts";
import { MAIN_TID, type Thread } from "./thread.ts";
import { goOnReceiving } from "./syscalls/channel-calls.ts";
import { takeEvent } from "./timer.ts";

/** QuickJS's JS_EVAL_TYPE_MODULE. */
const EVAL_MODULE = 1;
/** Exit code of a program whose module waits for something that nothing can bring; Node's too. */
const EXIT_UNSETTLED = 13;
const TEXT_MAX_BYTES = 64 * 1024;
/** QuickJS's JS_PROMISE_REJECTED. */
const PROMISE_REJECTED = 2;

/** Runs `thread` until its slice is over. Whatever goes wrong inside ends this process and no other. */
export function runSlice(kernel: Kernel, process: Process, thread: Thread): void {
  try {
    const { layout } = kernel.engine.manifest;
    kernel.resident(process).writeWord(layout.sharedWords + 4 * SHARED_WORDS.tid, thread.tid);
    while (!process.ended && thread.state === "ready") {
      if (!advance(kernel, process, thread)) break;
      if (kernel.sliceOver()) break;
    }
    if (!process.ended && thread.tid !== MAIN_TID) wakeForJobs(kernel, process);
  } catch (error) {
    if (error instanceof ProcessEnd) kernel.end(process, { pid: process.pid, code: error.code, reason: error.reason });
    else if (error instanceof ProcessExit) kernel.end(process, { pid: process.pid, code: error.code });
    else fault(kernel, process, error);
  }
}

/** What a thread has done that concerns the event loop: promises that it settled, or rejected before it came to a halt. */
function wakeForJobs(kernel: Kernel, process: Process): void {
  const { state, call } = process.main;
  if (state !== "blocked" || call !== undefined) return;
  if (process.rejectionsNoted || kernel.resident(process).hasJobs()) kernel.reconsider(process);
}

/** Whether a thread was stopped in the midst of something: it may be about to handle a promise that it has just rejected. */
function othersRun(process: Process): boolean {
  for (const { tid, state } of process.threads.values()) if (tid !== MAIN_TID && state === "ready") return true;
  return false;
}

/** Does `action` for a process, beside its own slices: whatever it throws ends the process, and no other. */
export function contain(kernel: Kernel, process: Process, action: () => void): void {
  attempt(kernel, process, action, (error) => fault(kernel, process, error));
}

/** Does `action` for a process, beside its own slices. What it throws goes to `failed`. */
export function attempt(kernel: Kernel, process: Process, action: () => void, failed: (error: unknown) => void): void {
  const before = kernel.subject;
  kernel.subject = process;
  try {
    action();
  } catch (error) {
    failed(error);
  } finally {
    kernel.subject = before;
  }
}

/** The address space can no longer be trusted: the process ends, and says why. */
export function fault(kernel: Kernel, process: Process, error: unknown): void {
  const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const trace = error instanceof Error && error.name === "AssertionError" ? `\n${error.stack ?? ""}` : "";
  kernel.report(process, `godwit: process ${process.pid} faulted: ${what}${trace}\n`);
  kernel.end(process, { pid: process.pid, code: 139, reason: `fault: ${what}` });
}

/** One step: goes on from the stop, or enters the phase. False when the thread gave the processor up. */
function advance(kernel: Kernel, process: Process, thread: Thread): boolean {
  const processor = kernel.resident(process);
  const stop =
    thread.context.stopped === undefined ? enter(kernel, process, thread, processor) : processor.resume(thread.context);
  if (stop === undefined) return thread.state === "ready";
  if (!guardHolds(processor, thread.context)) {
    throw new RangeError(`thread ${thread.tid} overran its stack`);
  }
  if (stop.kind === "returned") {
    returned(kernel, process, thread, processor, stop.value);
    return true;
  }
  return false;
}

/** Begins the thread's phase; undefined when it was over at once. */
function enter(kernel: Kernel, process: Process, thread: Thread, processor: Processor): Stop | undefined {
  const { phase, context } = thread;
  switch (phase.kind) {
    case "load":
      return processor.evaluate(context, process.program.source, process.program.name, EVAL_MODULE);
    case "loop":
      nextEvent(kernel, process, thread, processor);
      return undefined;
    case "job":
      return processor.runJob(context);
    case "rejections":
      return processor.callEntryPoint(context, "unhandledRejection", []);
    case "dispatch":
      return dispatch(processor, thread, phase.event);
    case "body":
      return processor.callEntryPoint(context, "runThread", [phase.slot]);
    case "signal":
      return processor.callEntryPoint(context, "runSignal", [phase.signal]);
    case "describe":
      return processor.callEntryPoint(context, "describeError", [{ handle: phase.error }]);
    default:
      return unreachable(phase, "phase");
  }
}

function dispatch(processor: Processor, thread: Thread, event: ProcessEvent): Stop {
  switch (event.kind) {
    case "timer":
      return processor.callEntryPoint(thread.context, "dispatchTimer", [event.id]);
    case "message":
      return processor.callEntryPoint(thread.context, "dispatchMessage", []);
    case "kept":
      return processor.callEntryPoint(thread.context, "dispatchKept", []);
    case "completion":
      return processor.callEntryPoint(
        thread.context,
        "dispatchCompletion",
        completionArguments(processor, event.callId, event.outcome),
      );
    default:
      return unreachable(event, "event");
  }
}

/** (callId, 1, value) or (callId, 0, code, message); a value that there is no memory for is an error. */
function completionArguments(processor: Processor, callId: number, outcome: Delivery): GuestArgument[] {
  if (!outcome.ok) return [callId, 0, outcome.code, outcome.message];
  return processor.onKernelStack(() => {
    const handle = processor.values.create(outcome.value);
    if (handle !== 0) return [callId, 1, { handle }];
    processor.values.clearException();
    return [callId, 0, "ENOMEM", "no memory for the result of a system call: raise --memory"];
  });
}

/** The event loop: promise jobs first, then rejections that nobody handled, then events in order. */
function nextEvent(kernel: Kernel, process: Process, thread: Thread, processor: Processor): void {
  if (processor.hasJobs()) {
    thread.phase = { kind: "job" };
  } else if (process.rejectionsNoted && !othersRun(process)) {
    process.rejectionsNoted = false;
    thread.phase = { kind: "rejections" };
  } else {
    const event = takeEvent(kernel, process);
    if (process.channels.heldBack.size > 0) goOnReceiving(kernel, process);
    if (event !== undefined) thread.phase = { kind: "dispatch", event };
    else rest(kernel, process, thread, processor);
  }
}

/** Nothing to dispatch: waits for what may still come, or ends the process when nothing can. */
function rest(kernel: Kernel, process: Process, thread: Thread, processor: Processor): void {
  const asynchronous = [...process.calls].some((call) => call.callId !== 0);
  const otherThreads = [...process.threads.values()].some((other) => other.tid !== MAIN_TID && !other.daemon);
  if (process.timers.size > 0 || asynchronous || process.keepAlive > 0 || otherThreads || process.rejectionsNoted) {
    process.setBlocked(thread);
    return;
  }
  const pending = process.modulePromise !== 0 && processor.exports.qjs_promise_state(process.modulePromise) === 0;
  if (pending)
    kernel.report(process, "godwit: the program's top-level await waits for something that nothing can bring\n");
  throw new ProcessExit(pending ? EXIT_UNSETTLED : 0);
}

/** What an entry's return means for its thread. */
function returned(kernel: Kernel, process: Process, thread: Thread, processor: Processor, value: number): void {
  const { phase } = thread;
  if (phase.kind === "job") {
    thread.phase = value < 0 ? describe(processor) : { kind: "loop" };
    return;
  }
  const failed = value === 0 || processor.exports.qjs_is_exception(value) !== 0;
  const next = failed ? failedPhase(phase, processor) : succeededPhase(kernel, process, phase, processor, value);
  if (value !== 0 && process.modulePromise !== value)
    processor.onKernelStack(() => processor.exports.qjs_free_value(value));
  if (next !== undefined) thread.phase = next;
  else endThread(kernel, process, thread, processor);
}

function failedPhase(phase: Phase, processor: Processor): Phase {
  if (phase.kind === "describe") throw new ProcessExit(1);
  return describe(processor);
}

/** The phase that follows; undefined when the thread is over. */
function succeededPhase(
  kernel: Kernel,
  process: Process,
  phase: Phase,
  processor: Processor,
  value: number,
): Phase | undefined {
  switch (phase.kind) {
    case "load":
      process.modulePromise = value;
      return { kind: "loop" };
    case "dispatch":
      return { kind: "loop" };
    case "rejections":
      reportUncaught(kernel, process, processor, value, false);
      return { kind: "loop" };
    case "describe":
      return reportUncaught(kernel, process, processor, value, true);
    case "body":
    case "signal":
      return undefined;
    default:
      throw new RangeError(`phase ${phase.kind} does not return`);
  }
}

/** Prints what describes an uncaught error and ends the process; nothing to print is no error. */
function reportUncaught(
  kernel: Kernel,
  process: Process,
  processor: Processor,
  value: number,
  always: boolean,
): undefined {
  const text = processor.onKernelStack(() => processor.values.text(value, TEXT_MAX_BYTES));
  if (text === "" && !always) return undefined;
  const mapped = kernel.mapStack(
    process,
    programThrew(process, processor) ? text.replace(REJECTION, "Uncaught ") : text,
  );
  kernel.report(process, `${mapped}\n`);
  throw new ProcessEnd(1, firstLine(mapped));
}

/** How the guest library begins the text of a rejection that nobody handled. */
const REJECTION = /^Unhandled rejection: /;

/** A module that throws is a promise that is rejected; to its author it is an error that nobody caught. */
function programThrew(process: Process, processor: Processor): boolean {
  return process.modulePromise !== 0 && processor.exports.qjs_promise_state(process.modulePromise) === PROMISE_REJECTED;
}

/** Ends the process for a reason that `ps` and `wait` tell. */
class ProcessEnd extends ProcessExit {
  readonly reason: string;
  constructor(code: number, reason: string) {
    super(code);
    this.reason = reason;
  }
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}

function describe(processor: Processor): Phase {
  return { kind: "describe", error: processor.onKernelStack(() => processor.exports.qjs_get_exception()) };
}

function endThread(kernel: Kernel, process: Process, thread: Thread, processor: Processor): void {
  assert(thread.tid !== MAIN_TID, "the main thread ends with its process");
  freeStack(processor, thread.context);
  process.setEnded(thread);
  for (const joiner of thread.joiners) joiner.succeed(1);
  if (thread.phase.kind === "signal") signalHandled(kernel, process, thread.phase.signal);
  kernel.reconsider(process);
}
