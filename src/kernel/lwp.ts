/** An LWP's side of the protocol: what its node tells it to do with its processes, and what it asks of them. */

import { unreachable } from "../assert.ts";
import { failure, GodwitError } from "../errors.ts";
import { assertEngine, decodeImage, encodeImage } from "../machine/image.ts";
import { memoryMaxBytes } from "./address-space.ts";
import { birthRecord } from "./birth.ts";
import type { Call } from "./call.ts";
import { birthImage, capture, materialise } from "./capture.ts";
import { channelsOfCopy, leftBehind } from "./channel.ts";
import { attempt, contain, fault } from "./execution.ts";
import { fork } from "./fork.ts";
import { inspect, progressOf, summarise } from "./inspection.ts";
import type { Kernel } from "./kernel.ts";
import { Process } from "./process.ts";
import { depart, discard, prepare, start, still, thaw } from "./move.ts";
import type { ProcessRecord } from "./process-record.ts";
import { ProcessTraps } from "./process-traps.ts";
import type { Answer, Birth, Completion, Question, Rebirth, Released, ToLwp } from "./protocol.ts";
import { hold, release, whenQuiescent } from "./quiescence.ts";
import { retrieve } from "./retrieval.ts";
import { checkRecord } from "./record-check.ts";
import { leaveHandles, reopenHandles } from "./reopen.ts";
import { stateOfImage } from "./resource-state.ts";
import { signal, urgent } from "./signal.ts";
import {
  channelBroke,
  closeChannel,
  exchangeArrived,
  frameArrived,
  pinged,
  reopenListeners,
  roomMade,
} from "./syscalls/channel-calls.ts";
import { askKept } from "./syscalls/event-calls.ts";
import { inputArrived, outputTaken } from "./syscalls/file-calls.ts";
import { messageBytes } from "./syscalls/message-calls.ts";

/** Carries out one message of the node's, all but `stop`. */
export function receive(kernel: Kernel, message: Exclude<ToLwp, { op: "stop" | "nodeAnswer" }>): void {
  switch (message.op) {
    case "spawn":
      return spawn(kernel, message.birth);
    case "restore":
      return answering(kernel, message.request, () => restore(kernel, message.rebirth, message.image, message.request));
    case "adopt":
      return adopt(kernel, message.released);
    case "prepare":
      return answering(kernel, message.request, () => {
        prepare(kernel, message.released);
        kernel.host.post({ op: "answer", request: message.request, answer: { kind: "prepared" } });
      });
    case "start":
      return start(kernel, message.pid, message.anew === true);
    case "discard":
      return discard(kernel, message.pid);
    case "fork":
      return forkFor(kernel, message.pid, message.call, message.child);
    case "ask":
      return answering(kernel, message.request, () =>
        ask(kernel, living(kernel, message.pid), message.request, message.question),
      );
    default: {
      const process = kernel.processes.get(message.pid);
      if (process !== undefined) contain(kernel, process, () => tell(kernel, process, message));
    }
  }
}

function living(kernel: Kernel, pid: number): Process {
  const process = kernel.processes.get(pid);
  if (process === undefined) throw failure("ESRCH", `process ${pid} has ended`);
  return process;
}

type Told = Exclude<
  ToLwp,
  { op: "stop" | "nodeAnswer" | "spawn" | "restore" | "adopt" | "prepare" | "start" | "discard" | "fork" | "ask" }
>;

/** What concerns one process and needs no answer. One that has just ended hears no more. */
function tell(kernel: Kernel, process: Process, message: Told): void {
  switch (message.op) {
    case "signal":
      if (message.signal !== "SIGURG") return signal(kernel, process, message.signal);
      return urgent(kernel, process, { kind: "interrupt", message: message.message ?? "" });
    case "pause":
      if (message.paused) return hold(kernel, process, "pause");
      process.holds.delete("kept");
      return release(kernel, process, "pause");
    case "end":
      return kernel.end(process, { pid: process.pid, code: message.code, reason: message.reason });
    case "input":
      if (message.bytes === null) process.input.close();
      else process.input.put(message.bytes);
      return inputArrived(kernel, process);
    case "keep":
      return askKept(kernel, process);
    case "outputTaken":
      return outputTaken(kernel, process, message.sizeBytes);
    case "complete":
      return complete(kernel, process, message.call, message.outcome);
    case "thaw":
      return thaw(kernel, process, message.epoch);
    case "saved":
      return release(kernel, process, "save");
    case "depart":
      return depart(kernel, process, message.left);
    case "incoming":
      return exchangeArrived(kernel, process, message.listener, message.channel, message.frame);
    case "frame":
      return frameArrived(kernel, process, message.channel, message.frame);
    case "room":
      return roomMade(kernel, process, message.channel, message.cost);
    case "ping":
      return pinged(kernel, process, message.channel, message.message);
    case "broken":
      return channelBroke(kernel, process, message.channel, message.why);
    default:
      return unreachable(message, "message");
  }
}

function answering(kernel: Kernel, request: number, action: () => void): void {
  try {
    action();
  } catch (error) {
    refuse(kernel, request, error);
  }
}

function refuse(kernel: Kernel, request: number, error: unknown): void {
  if (!(error instanceof GodwitError)) throw error;
  kernel.host.post({ op: "refuse", request, code: error.code, message: error.message });
}

// ---- Coming in

/** Tells the node of a process that could not be put in place. */
function stillborn(kernel: Kernel, pid: number, error: unknown): void {
  const why = error instanceof Error ? error.message : String(error);
  const reason = `it could not be started: ${why}`;
  kernel.host.post({ op: "output", pid, stream: "stderr", bytes: Buffer.from(`godwit: process ${pid}: ${reason}\n`) });
  kernel.host.post({ op: "ended", status: { pid, code: 1, reason }, cpuMs: 0 });
}

function spawn(kernel: Kernel, birth: Birth): void {
  try {
    const image = birthImage(kernel.engine, birthRecord(kernel, birth));
    const ahead = kernel.nursery.take(birth.quotas.memoryBytes);
    const process = materialise(
      kernel.engine,
      image,
      kernel.host.monotonicMs(),
      (of) => new ProcessTraps(kernel, of),
      ahead,
    );
    kernel.reseed(process);
    kernel.admit(process, [], []);
  } catch (error) {
    stillborn(kernel, birth.pid, error);
  }
}

function restore(kernel: Kernel, rebirth: Rebirth, bytes: Uint8Array, request: number): void {
  const { capabilities, workingDirectory, pid, parent, quotas } = rebirth;
  const image = decodeImage(bytes, { memoryMaxBytes: memoryMaxBytes(kernel.engine, quotas.memoryBytes) });
  assertEngine(image, kernel.engine.manifest.hash);
  const saved = checkRecord(image.state);
  const environment = rebirth.environment ?? saved.environment;
  const state: ProcessRecord = {
    ...saved,
    handles: saved.handles.map(({ handle, state: one }) => ({ handle, state: stateOfImage(one) })),
    hosted: rebirth.hosted ?? false,
    pid,
    parent,
    quotas,
    capabilities,
    workingDirectory,
    environment,
    stress: rebirth.stress ?? null,
    epoch: saved.epoch + 1,
    channels: channelsOfCopy(saved.channels, leftBehind()),
    paused: false,
    kept: { ...saved.kept, given: false },
  };
  const process = materialise(
    kernel.engine,
    { ...image, state },
    kernel.host.monotonicMs(),
    (of) => new ProcessTraps(kernel, of),
  );
  hold(kernel, process, "reopen");
  kernel.admit(process, state.calls, state.timers);
  if (process.ended)
    throw failure("EIMAGE_CORRUPT", "the image's address space is damaged: the process could not be put in place");
  reopenListeners(kernel, process);
  reopenHandles(kernel, process, state.handles, () => {
    if (process.ended)
      refuse(kernel, request, failure("ESRCH", `process ${pid} has ended before its files were open again`));
    else kernel.host.post({ op: "restored", request, name: state.program.name });
  });
}

/** Takes over a process from another LWP, with its memory as it is. */
function adopt(kernel: Kernel, { record, memory, outputInFlight }: Released): void {
  try {
    const process = new Process(record, kernel.host.monotonicMs());
    process.outputInFlight = outputInFlight;
    kernel.attach(process, memory);
    hold(kernel, process, "reopen");
    kernel.admit(process, record.calls, record.timers);
    reopenHandles(kernel, process, record.handles);
  } catch (error) {
    stillborn(kernel, record.pid, error);
  }
}

// ---- Asked by the node

function ask(kernel: Kernel, process: Process, request: number, question: Question): void {
  const answer = (given: Answer) => kernel.host.post({ op: "answer", request, answer: given });
  const failed = (error: unknown) => {
    if (error instanceof GodwitError) return refuse(kernel, request, error);
    if (error instanceof RangeError)
      return refuse(
        kernel,
        request,
        failure("ENOMEM", `no memory to ${question.kind} process ${process.pid}: ${error.message}`),
      );
    fault(kernel, process, error);
    refuse(kernel, request, failure("ESRCH", `process ${process.pid} has ended`));
  };
  const now = (action: () => Answer) => attempt(kernel, process, () => answer(action()), failed);
  switch (question.kind) {
    case "inspect":
      return now(() => ({ kind: "inspect", inspection: inspect(kernel, process) }));
    case "summary":
      return now(() => ({ kind: "summary", summary: summarise(kernel, process) }));
    case "progress":
      return answer({ kind: "progress", progress: progressOf(process) });
    case "program": {
      const { program, arguments: args, environment, quotas, capabilities, workingDirectory } = process;
      const start = { program, arguments: args, environment, quotas, capabilities, workingDirectory };
      return answer({ kind: "program", start });
    }
    case "deliver":
      return now(() => deliver(kernel, process, question.from, question.payload));
    case "release":
      return now(() => giveUp(kernel, process));
    case "resources": {
      const all = () =>
        answer({ kind: "resources", handles: process.handles.save(), channels: process.channels.save() });
      // It has just come, and not all that it holds is open again.
      const isReopening = process.holds.has("reopen");
      return (isReopening ? whenQuiescent : attempt)(kernel, process, all, failed);
    }
    case "memory":
      return now(() => ({ kind: "memory", memory: kernel.memory(process) }));
    case "freeze":
    case "save": {
      const { kind } = question;
      return whenQuiescent(kernel, process, () => answer({ kind, ...still(kernel, process, kind) }), failed);
    }
    case "capture":
      return whenQuiescent(
        kernel,
        process,
        () => answer({ kind: "capture", image: captured(kernel, process) }),
        failed,
      );
    case "fork": {
      const make = () => {
        fork(kernel, process, question.child, undefined);
        answer({ kind: "fork" });
      };
      return whenQuiescent(kernel, process, make, failed);
    }
    case "retrieve": {
      const start = () =>
        retrieve(kernel, process, question, (error) =>
          error === undefined ? answer({ kind: "retrieve" }) : failed(error),
        );
      return whenQuiescent(kernel, process, start, failed);
    }
    default:
      return unreachable(question, "question");
  }
}

function captured(kernel: Kernel, process: Process): Uint8Array {
  return encodeImage(capture(kernel, process, kernel.host.monotonicMs()), { compress: true });
}

/** Gives a process up, memory and all, for another LWP to adopt; it does not wait, so that two that wait for each other can move. */
function giveUp(kernel: Kernel, process: Process): Answer {
  if (!process.quiescent || process.holds.has("save"))
    throw failure("EAGAIN", `process ${process.pid} is in a call that must end where it began: try again`);
  const memory = kernel.memory(process);
  const record = process.save(kernel.host.monotonicMs());
  kernel.detach(process);
  void leaveHandles(process);
  return { kind: "release", record, memory, outputInFlight: process.outputInFlight };
}

function deliver(kernel: Kernel, process: Process, from: number, payload: Uint8Array): Answer {
  const message = { from, payload };
  const receiver = process.receivers[0];
  if (receiver !== undefined) {
    receiver.succeed(messageBytes(message));
    return { kind: "deliver" };
  }
  if (!process.mailbox.put(message)) {
    throw failure(
      "ENOSPC",
      `the mailbox of process ${process.pid} is full (${process.mailbox.length} messages): send again when it has received some`,
    );
  }
  kernel.postMessageEvent(process);
  return { kind: "deliver" };
}

// ---- Answers to a process's own requests

function complete(kernel: Kernel, process: Process, id: number, outcome: Completion): void {
  const call = callNumbered(process, id);
  if (call === undefined) return;
  if (!outcome.ok) call.fail(new GodwitError(outcome.code as GodwitError["code"], outcome.message));
  else if (call.name === "exec")
    execute(kernel, call, outcome.value as Pick<Birth, "program" | "arguments" | "environment">);
  else call.succeed(outcome.value);
}

function callNumbered(process: Process | undefined, id: number): Call | undefined {
  for (const call of process?.calls ?? []) if (call.id === id) return call;
  return undefined;
}

/** The node has a pid for the child that a call is to make. */
function forkFor(kernel: Kernel, pid: number, id: number, child: number): void {
  const process = kernel.processes.get(pid);
  const call = callNumbered(process, id);
  const unborn = () => kernel.host.post({ op: "unborn", child });
  if (process === undefined || call === undefined) return unborn();
  // From here on it is nothing but a capture: it need not keep others waiting.
  call.inFlight = "reissue";
  const make = () => {
    if (call.ended) return unborn();
    fork(kernel, process, child, call);
    call.succeed(child);
  };
  const failed = (error: unknown) => {
    unborn();
    const why =
      error instanceof RangeError
        ? failure("ENOMEM", `no memory for a child of process ${pid}: ${error.message}`)
        : error;
    if (!process.ended) contain(kernel, process, () => call.fail(why));
  };
  // Before a move, which would take along the call, to be made again.
  whenQuiescent(kernel, process, make, failed, true);
}

/** Another program in the same process: pid, parent, capabilities, quotas, input and open handles stay. */
function execute(kernel: Kernel, call: Call, next: Pick<Birth, "program" | "arguments" | "environment">): void {
  const { process } = call;
  const { pid, parent, quotas, capabilities, workingDirectory, hosted, stress, cpuMs } = process;
  const nowMs = kernel.host.monotonicMs();
  const birth = birthRecord(kernel, { pid, parent, quotas, capabilities, workingDirectory, hosted, stress, ...next });
  const mailbox = process.mailbox.save();
  const record: ProcessRecord = {
    ...birth,
    mailbox,
    input: process.input.save(),
    paused: process.holds.has("pause"),
    clockMs: process.clockMs(nowMs),
    cpuMs,
  };
  let fresh: Process;
  try {
    fresh = materialise(kernel.engine, birthImage(kernel.engine, record), nowMs, (of) => new ProcessTraps(kernel, of));
    kernel.reseed(fresh);
  } catch (error) {
    return call.fail(error);
  }
  // What the old program held connections for is gone with it.
  for (const channel of process.channels.all()) {
    if (channel.handle !== 0) process.handles.take(channel.handle);
    closeChannel(kernel, process, channel);
  }
  kernel.detach(process);
  fresh.handles.takeAll(process.handles);
  fresh.outputInFlight = process.outputInFlight;
  kernel.admit(fresh, [], []);
}
