/** An LWP's side of the protocol: what its node tells it to do with its processes, and what it asks of them. */

import type { SignalName } from "../abi/records.ts";
import { assert, unreachable } from "../assert.ts";
import { failure, GodwitError } from "../errors.ts";
import { assertEngine, decodeImage, encodeImage } from "../machine/image.ts";
import { allocateStack, mainStack, setGuard } from "./address-space.ts";
import { birthImage, capture, materialise } from "./capture.ts";
import { onBehalfOf } from "./execution.ts";
import { fork } from "./fork.ts";
import { inspect, summarise } from "./inspection.ts";
import type { Kernel } from "./kernel.ts";
import { Process } from "./process.ts";
import { type Phase, type ProcessRecord, RECORD_VERSION } from "./process-record.ts";
import { ProcessTraps } from "./process-traps.ts";
import type { Answer, Birth, Completion, Program, Question, Rebirth, ToLwp } from "./protocol.ts";
import { checkRecord } from "./record-check.ts";
import { quotasOf } from "./quota.ts";
import { reopenHandles } from "./reopen.ts";
import { inputArrived, outputTaken } from "./syscalls/file-calls.ts";
import { messageBytes } from "./syscalls/message-calls.ts";
import { MAIN_TID, Thread } from "./thread.ts";
import { PRIORITY_MAX, THREAD_STACK_MIN_BYTES } from "../limits.ts";

/** POSIX's numbers, for exit codes. */
export const SIGNAL_NUMBERS: Readonly<Record<SignalName, number>> = {
  SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGUSR1: 10, SIGUSR2: 12, SIGTERM: 15, SIGCHLD: 17, SIGCONT: 18, SIGSTOP: 19,
};

/** Carries out one message of the node's, all but `stop`. */
export function receive(kernel: Kernel, message: Exclude<ToLwp, { op: "stop" }>): void {
  switch (message.op) {
    case "spawn":
      return spawn(kernel, message.birth);
    case "restore":
      return answering(kernel, message.request, () => restore(kernel, message.rebirth, message.image, message.request));
    case "adopt":
      return adopt(kernel, message.record, message.memory);
    case "ask":
      return answering(kernel, message.request, () => {
        const process = kernel.processes.get(message.pid);
        if (process === undefined) throw failure("ESRCH", `process ${message.pid} has ended`);
        onBehalfOf(kernel, process, () => ask(kernel, process, message.request, message.question));
        if (process.ended && message.question.kind !== "release") throw failure("ESRCH", `process ${message.pid} has ended`);
      });
    default: {
      const process = kernel.processes.get(message.pid);
      if (process !== undefined) onBehalfOf(kernel, process, () => tell(kernel, process, message));
    }
  }
}

type Told = Exclude<ToLwp, { op: "stop" | "spawn" | "restore" | "adopt" | "ask" }>;

/** What concerns one process and needs no answer. One that has just ended hears no more. */
function tell(kernel: Kernel, process: Process, message: Told): void {
  switch (message.op) {
    case "signal":
      return signal(kernel, process, message.signal);
    case "pause":
      return message.paused ? kernel.hold(process, "pause") : kernel.release(process, "pause");
    case "end":
      return kernel.end(process, { pid: process.pid, code: message.code, reason: message.reason });
    case "input":
      if (message.bytes === null) process.input.close();
      else process.input.put(message.bytes);
      return inputArrived(kernel, process);
    case "outputTaken":
      return outputTaken(kernel, process, message.sizeBytes);
    case "complete":
      return complete(kernel, process, message.call, message.outcome);
    default:
      return unreachable(message, "message");
  }
}

function answering(kernel: Kernel, request: number, action: () => void): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof GodwitError)) throw error;
    kernel.host.post({ op: "refuse", request, code: error.code, message: error.message });
  }
}

// ---- Coming in

/** The record of a process that has not run yet. */
function birthRecord(kernel: Kernel, birth: Birth): ProcessRecord {
  const { stress, ...rest } = birth;
  return {
    recordVersion: RECORD_VERSION,
    ...rest,
    stress: stress ?? null,
    epoch: 0,
    clockMs: 0,
    cpuMs: 0,
    nextTid: MAIN_TID + 1,
    nextCall: 1,
    modulePromise: 0,
    threads: [
      new Thread({ tid: MAIN_TID, name: "main", kind: "main", phase: { kind: "load" }, context: mainStack(kernel.engine) }).save(),
    ],
    calls: [],
    timers: [],
    events: [],
    signals: [],
    keepAlive: 0,
    messageEvents: false,
    mailbox: [],
    handles: [],
    input: { chunks: [], closed: false },
    paused: false,
    rejectionsNoted: false,
  };
}

function spawn(kernel: Kernel, birth: Birth): void {
  const image = birthImage(kernel.engine, birthRecord(kernel, birth));
  const process = materialise(kernel.engine, image, kernel.host.monotonicMs(), (of) => new ProcessTraps(kernel, of));
  kernel.admit(process, [], []);
  kernel.reseed(process);
  limitLife(kernel, process);
}

function restore(kernel: Kernel, rebirth: Rebirth, bytes: Uint8Array, request: number): void {
  const image = decodeImage(bytes);
  assertEngine(image, kernel.engine.manifest.hash);
  const saved = checkRecord(image.state);
  const { capabilities, workingDirectory, pid, parent } = rebirth;
  const quotas = quotasOf({ ...saved.quotas, ...rebirth.quotas });
  const environment = rebirth.environment ?? saved.environment;
  const state: ProcessRecord = {
    ...saved,
    pid, parent, quotas, capabilities, workingDirectory, environment,
    stress: rebirth.stress ?? null, epoch: saved.epoch + 1, paused: false,
  };
  const process = materialise(kernel.engine, { ...image, state }, kernel.host.monotonicMs(), (of) => new ProcessTraps(kernel, of));
  kernel.hold(process, "reopen");
  onBehalfOf(kernel, process, () => {
    kernel.admit(process, state.calls, state.timers);
    limitLife(kernel, process);
  });
  if (process.ended) throw failure("EIMAGE_CORRUPT", "the image's address space is damaged: the process could not be put in place");
  reopenHandles(kernel, process, state.handles, () => {
    kernel.host.post({ op: "restored", request, name: state.program.name });
  });
}

/** Takes over a process from another LWP, with its memory as it is. */
function adopt(kernel: Kernel, record: ProcessRecord, memory: WebAssembly.Memory): void {
  const process = new Process(record, kernel.host.monotonicMs());
  kernel.attach(process, memory);
  kernel.hold(process, "reopen");
  kernel.admit(process, record.calls, record.timers);
  limitLife(kernel, process);
  reopenHandles(kernel, process, record.handles, () => {});
}

/** The quota of time to live, counted on the process's own clock. */
function limitLife(kernel: Kernel, process: Process): void {
  const { timeoutMs } = process.quotas;
  if (timeoutMs === 0) return;
  kernel.deadlines.add({
    atMs: process.clockBaseMs + timeoutMs,
    holds: () => !process.ended,
    due: () => {
      const reason = `timeout: the process has had its ${timeoutMs} ms`;
      kernel.report(process, `godwit: ${reason}\n`);
      kernel.end(process, { pid: process.pid, code: 124, reason });
    },
  });
}

// ---- Asked by the node

function ask(kernel: Kernel, process: Process, request: number, question: Question): void {
  const answer = (given: Answer) => kernel.host.post({ op: "answer", request, answer: given });
  switch (question.kind) {
    case "inspect":
      return answer({ kind: "inspect", inspection: inspect(kernel, process) });
    case "summary":
      return answer({ kind: "summary", summary: summarise(kernel, process) });
    case "deliver":
      deliver(kernel, process, question.from, question.payload);
      return answer({ kind: "deliver" });
    case "capture":
      return kernel.whenQuiescent(process, () => {
        const image = capture(kernel, process, kernel.host.monotonicMs());
        answer({ kind: "capture", image: encodeImage(image, { compress: true }) });
      });
    case "fork":
      return kernel.whenQuiescent(process, () => answering(kernel, request, () => {
        fork(kernel, process, question.child, undefined);
        answer({ kind: "fork" });
      }));
    case "release":
      return kernel.whenQuiescent(process, () => answer(release(kernel, process)));
    default:
      return unreachable(question, "question");
  }
}

/** Gives a process up, memory and all, for another LWP to adopt. */
function release(kernel: Kernel, process: Process): Answer {
  const memory = kernel.memory(process);
  const record = process.save(kernel.host.monotonicMs());
  kernel.detach(process);
  for (const resource of process.handles.all()) void resource.close();
  return { kind: "release", record, memory };
}

function deliver(kernel: Kernel, process: Process, from: number, payload: Uint8Array): void {
  const message = { from, payload };
  const receiver = process.receivers[0];
  if (receiver !== undefined) {
    receiver.succeed(messageBytes(message));
    return;
  }
  if (!process.mailbox.put(message)) {
    throw failure("ENOSPC", `the mailbox of process ${process.pid} is full (${process.mailbox.length} messages): send again when it has received some`);
  }
  if (process.messageEvents) kernel.postEvent(process, { kind: "message" });
}

// ---- Answers to a process's own requests

function complete(kernel: Kernel, process: Process, id: number, outcome: Completion): void {
  const call = [...process.calls].find((one) => one.id === id);
  if (call === undefined) return;
  if (!outcome.ok) {
    call.fail(new GodwitError(outcome.code as GodwitError["code"], outcome.message));
  } else if (call.name === "fork") {
    const child = outcome.value as number;
    call.inFlight = "reissue";
    kernel.whenQuiescent(process, () => {
      try {
        fork(kernel, process, child, call);
        call.succeed(child);
      } catch (error) {
        if (!(error instanceof GodwitError) && !(error instanceof RangeError)) throw error;
        kernel.host.post({ op: "ended", status: { pid: child, code: 1, reason: "the fork failed" }, cpuMs: 0 });
        call.fail(failure("ENOMEM", `no memory for a child of process ${process.pid}: ${error.message}`));
      }
    });
  } else if (call.name === "exec") {
    execute(kernel, process, outcome.value as Pick<Birth, "program" | "arguments" | "environment">);
  } else {
    call.succeed(outcome.value);
  }
}

/** Another program in the same process: pid, parent, capabilities, quotas, input and open handles stay. */
function execute(kernel: Kernel, process: Process, next: { program: Program; arguments: readonly string[]; environment: Readonly<Record<string, string>> }): void {
  const nowMs = kernel.host.monotonicMs();
  for (const call of process.calls) call.drop();
  process.calls.clear();
  const kept = process.save(nowMs);
  const { pid, parent, quotas, capabilities, workingDirectory } = kept;
  const birth = birthRecord(kernel, { pid, parent, quotas, capabilities, workingDirectory, stress: process.stress, ...next });
  const record: ProcessRecord = { ...birth, mailbox: kept.mailbox, input: kept.input, handles: kept.handles, clockMs: kept.clockMs, cpuMs: kept.cpuMs };
  kernel.detach(process);
  const fresh = materialise(kernel.engine, birthImage(kernel.engine, record), nowMs, (of) => new ProcessTraps(kernel, of));
  for (const { handle } of kept.handles) fresh.handles.put(handle, process.handles.get(handle));
  fresh.outputInFlight = process.outputInFlight;
  kernel.admit(fresh, [], []);
  kernel.reseed(fresh);
  limitLife(kernel, fresh);
}

// ---- Signals

/** A signal arrives: a handler runs on a thread of its own, above all others, so that it gets through a busy loop. */
function signal(kernel: Kernel, process: Process, name: SignalName): void {
  if (name === "SIGSTOP") return kernel.hold(process, "pause");
  if (name === "SIGCONT") kernel.release(process, "pause");
  const action = name === "SIGKILL" ? undefined : process.signals.get(name);
  if (action === "ignore") return;
  if (action === "handle") return handle(kernel, process, name);
  if (name === "SIGCHLD" || name === "SIGCONT") return;
  kernel.end(process, { pid: process.pid, code: 128 + SIGNAL_NUMBERS[name], signal: name });
}

function handle(kernel: Kernel, process: Process, name: SignalName): void {
  const phase: Phase = { kind: "signal", signal: name };
  const waits = (thread: Thread) => thread.phase.kind === "signal" && thread.phase.signal === name && thread.context.stopped === undefined;
  // Like UNIX: a signal that is already pending is not counted twice.
  if ([...process.threads.values()].some(waits)) return;
  const processor = kernel.resident(process);
  const context = processor.onKernelStack(() => allocateStack(processor, THREAD_STACK_MIN_BYTES * 2));
  setGuard(processor, context);
  const tid = process.nextTid++;
  const thread = new Thread({ tid, name, kind: "signal", phase, context, priority: PRIORITY_MAX, daemon: true });
  process.threads.set(tid, thread);
  assert(!process.ended, "a signal reaches a living process");
  kernel.wake(process, thread);
}
