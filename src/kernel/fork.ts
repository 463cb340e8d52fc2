/** Fork: a capture of the running process, materialised beside it. */

import type { ForkRequest } from "../abi/records.ts";
import type { Call } from "./call.ts";
import { capture, materialise, type ProcessImage } from "./capture.ts";
import { channelsOfCopy, leftWithParent } from "./channel.ts";
import type { Kernel } from "./kernel.ts";
import type { Process } from "./process.ts";
import type { Delivery, ProcessRecord, ThreadRecord } from "./process-record.ts";
import { ProcessTraps } from "./process-traps.ts";
import { hold } from "./quiescence.ts";
import { reopenHandles } from "./reopen.ts";
import { stateOfTwin } from "./resource-state.ts";
import { giveUp, reopenListeners } from "./syscalls/channel-calls.ts";
import { MAIN_TID } from "./thread.ts";

/** The record in which `call` has ended with `outcome`: what the process finds that is made from it. */
export function answered(record: ProcessRecord, call: Call, outcome: Delivery): ProcessRecord {
  if (call.callId !== 0) {
    return {
      ...record,
      calls: record.calls.filter(({ callId }) => callId !== call.callId),
      events: [...record.events, { kind: "completion", callId: call.callId, outcome }],
    };
  }
  const { tid } = call.thread;
  return {
    ...record,
    calls: record.calls.filter((one) => one.tid !== tid),
    threads: record.threads.map((thread) => (thread.tid === tid ? { ...thread, delivery: outcome } : thread)),
  };
}

/**
 * Makes `child` from `process`, which is at rest. `answer` is the call that forked, or undefined when asked from outside.
 * Throws before there is a child, or not at all.
 */
export function fork(kernel: Kernel, process: Process, child: number, answer: Call | undefined): void {
  const nowMs = kernel.host.monotonicMs();
  const image = capture(kernel, process, nowMs);
  const asked: ForkRequest = answer === undefined ? { threads: "all" } : (answer.arguments[0] as ForkRequest);
  const { threads, gives = [], listeners = "copy", pending } = asked;
  // What was sent to the parent is the parent's to read.
  const input = { chunks: [], closed: image.state.input.closed };
  let record: ProcessRecord = {
    ...image.state,
    pid: child,
    parent: process.pid,
    mailbox: [],
    urgent: [],
    channels: channelsOfCopy(image.state.channels, leftWithParent(process.pid), { gives, listeners }),
    handles: image.state.handles.map(({ handle, state }) => ({ handle, state: stateOfTwin(state) })),
    input,
    cpuMs: 0,
    epoch: 0,
    paused: false,
    kept: { ...image.state.kept, given: false },
  };
  if (pending === "leave") record = withoutPending(record);
  if (answer !== undefined) record = answered(record, answer, { ok: true, value: 0 });
  if (threads === "caller" && answer !== undefined) record = onlyThread(record, answer.thread.tid);
  const forked: ProcessImage = { ...image, state: record };
  const fresh = materialise(kernel.engine, forked, nowMs, (of) => new ProcessTraps(kernel, of));
  kernel.reseed(fresh);
  kernel.host.post({ op: "forked", pid: process.pid, child });
  hold(kernel, fresh, "reopen");
  kernel.admit(fresh, record.calls, record.timers);
  reopenListeners(kernel, fresh, listeners === "share");
  reopenHandles(kernel, fresh, record.handles);
  for (const handle of gives) giveUp(kernel, process, handle);
}

/** Nothing that the parent waits for on its event-loop thread, or would be woken by. */
function withoutPending(record: ProcessRecord): ProcessRecord {
  const calls = record.calls.filter(({ callId }) => callId === 0);
  return { ...record, calls, timers: [], events: [], keepAlive: 0, messageEvents: false };
}

/** Drops all threads but the caller. The event loop needs a main thread: if that was not the caller, it starts again, at rest. */
function onlyThread(record: ProcessRecord, tid: number): ProcessRecord {
  const keep = (thread: ThreadRecord): ThreadRecord[] => {
    if (thread.tid === tid) return [thread];
    if (thread.tid !== MAIN_TID) return [];
    return [
      { ...thread, phase: { kind: "loop" }, delivery: undefined, context: { ...thread.context, stopped: undefined } },
    ];
  };
  return {
    ...record,
    threads: record.threads.flatMap(keep),
    calls: record.calls.filter((call) => call.tid === 0 || call.tid === tid),
  };
}
