/** Checks a process record that comes from outside: an image's state is hostile until this has passed. */

import * as v from "valibot";

import { type ChannelKind, FRAME_BYTES, FRAME_KINDS } from "../abi/channel.ts";
import { SIGNALS } from "../abi/records.ts";
import { SYSCALLS, type SyscallName } from "../abi/syscalls.ts";
import { ERROR_CODES, type ErrorCode, failure } from "../errors.ts";
import {
  CALLS_IN_FLIGHT_MAX,
  CHANNEL_WINDOW_BYTES,
  EXCHANGES_MAX,
  FRAME_MAX_BYTES,
  HANDLES_MAX,
  KEPT_MAX_BYTES,
  INPUT_BUFFER_MAX_BYTES,
  MAILBOX_MAX_MESSAGES,
  MESSAGE_MAX_BYTES,
  PRIORITY_MAX,
  PRIORITY_MIN,
  PROGRAM_MAX_BYTES,
  TIMERS_MAX,
  URGENT_MAX,
} from "../limits.ts";
import { channelRequest } from "./channel-request.ts";
import { type ProcessRecord, RECORD_VERSION } from "./process-record.ts";
import { quotasOf } from "./quota.ts";

const THREADS_MAX = 4096;
const FRAMES_MAX_BYTES = 64 * 2 ** 20;
const TEXT_MAX = 2 ** 20;

const text = v.pipe(v.string(), v.maxLength(TEXT_MAX));
const longText = v.pipe(v.string(), v.maxLength(PROGRAM_MAX_BYTES));
const whole = v.pipe(v.number(), v.safeInteger());
const count = v.pipe(whole, v.minValue(0));
const address = v.pipe(whole, v.minValue(0), v.maxValue(2 ** 32 - 1));
const finite = v.pipe(v.number(), v.finite());
const bytes = (maxBytes: number) =>
  v.pipe(
    v.instance(Uint8Array),
    v.check((value) => value.length <= maxBytes, `at most ${maxBytes} bytes`),
  );
const list = <S extends v.GenericSchema>(item: S, max: number) => v.pipe(v.array(item), v.maxLength(max));
const paths = v.union([v.literal("all"), list(text, 10_000)]);
const signal = v.picklist(SIGNALS);
const syscallName = v.picklist(Object.keys(SYSCALLS) as SyscallName[]);

const delivery = v.variant("ok", [
  v.object({ ok: v.literal(true), value: v.optional(v.union([v.number(), v.string(), v.instance(Uint8Array)])) }),
  v.object({ ok: v.literal(false), code: text, message: text }),
]);

const event = v.variant("kind", [
  v.object({ kind: v.literal("timer"), id: count }),
  v.object({ kind: v.literal("completion"), callId: count, outcome: delivery }),
  v.object({ kind: v.literal("message") }),
  v.object({ kind: v.literal("kept") }),
]);

const phase = v.variant("kind", [
  v.object({ kind: v.picklist(["load", "loop", "job", "rejections"]) }),
  v.object({ kind: v.literal("dispatch"), event }),
  v.object({ kind: v.literal("body"), slot: count }),
  v.object({ kind: v.literal("signal"), signal }),
  v.object({ kind: v.literal("describe"), error: address }),
]);

const context = v.object({
  stackLow: address,
  stackHigh: address,
  stopped: v.optional(
    v.object({
      entry: v.picklist(["qjs_eval", "qjs_call", "qjs_execute_pending_job"]),
      stackPointer: address,
      currentFrame: address,
      frames: bytes(FRAMES_MAX_BYTES),
      values: list(address, 16),
      allocations: list(address, 16),
    }),
  ),
});

const thread = v.object({
  tid: v.pipe(whole, v.minValue(1)),
  name: text,
  priority: v.pipe(whole, v.minValue(PRIORITY_MIN), v.maxValue(PRIORITY_MAX)),
  daemon: v.boolean(),
  kind: v.picklist(["main", "body", "signal"]),
  phase,
  context,
  delivery: v.optional(delivery),
  cpuMs: finite,
});

const frame = v.object({
  kind: v.picklist(Object.values(FRAME_KINDS)),
  bytes: bytes(FRAME_MAX_BYTES),
});

const channel = v.object({
  id: v.pipe(v.string(), v.minLength(1), v.maxLength(200)),
  handle: v.pipe(whole, v.minValue(0), v.maxValue(HANDLES_MAX)),
  kind: v.picklist(["listener", "exchange", "stream", "datagram", "fetch", "socket"]),
  description: text,
  request: v.unknown(),
  listener: v.pipe(v.string(), v.maxLength(200)),
  incoming: list(frame, Math.ceil(CHANNEL_WINDOW_BYTES / FRAME_BYTES) + 1),
  untold: count,
  outgoing: count,
  sentEnd: v.boolean(),
  receivedEnd: v.boolean(),
  urgent: v.optional(count, 0),
  broken: v.nullable(v.object({ code: v.picklist(Object.keys(ERROR_CODES) as ErrorCode[]), message: text })),
});

const urgent = v.variant("kind", [
  v.object({ kind: v.literal("left"), token: count, message: text }),
  v.object({ kind: v.literal("interrupt"), message: text }),
  v.object({ kind: v.literal("ping"), handle: count, message: text }),
]);

const record = v.object({
  recordVersion: v.literal(RECORD_VERSION),
  pid: count,
  parent: count,
  epoch: count,
  program: v.object({ name: text, source: longText, sourceMap: longText }),
  arguments: list(text, 10_000),
  environment: v.record(text, text),
  quotas: v.object({
    memoryBytes: finite,
    cpuShare: finite,
    threadsMax: finite,
    processesMax: finite,
    timeoutMs: finite,
  }),
  capabilities: v.object({ read: paths, write: paths, environment: paths, run: paths, net: paths, listen: paths }),
  workingDirectory: text,
  hosted: v.optional(v.boolean(), false),
  stress: v.nullable(v.object({ every: v.pipe(whole, v.minValue(1)), at: v.picklist(["poll", "call"]) })),
  clockMs: finite,
  cpuMs: finite,
  nextTid: count,
  nextCall: count,
  modulePromise: address,
  threads: v.pipe(list(thread, THREADS_MAX), v.minLength(1)),
  calls: list(
    v.object({
      id: count,
      name: syscallName,
      arguments: list(v.unknown(), 8),
      tid: count,
      callId: count,
      expiresMs: finite,
    }),
    CALLS_IN_FLIGHT_MAX + THREADS_MAX,
  ),
  timers: list(v.object({ id: count, dueMs: finite, repeatMs: v.pipe(finite, v.minValue(0)) }), TIMERS_MAX),
  events: list(event, TIMERS_MAX + CALLS_IN_FLIGHT_MAX + 2),
  signals: list(v.object({ signal, action: v.picklist(["handle", "ignore"]), pending: v.boolean() }), SIGNALS.length),
  keepAlive: whole,
  messageEvents: v.boolean(),
  urgent: v.optional(list(urgent, URGENT_MAX + HANDLES_MAX), []),
  mailbox: list(v.object({ from: whole, payload: bytes(MESSAGE_MAX_BYTES) }), MAILBOX_MAX_MESSAGES),
  handles: list(
    v.object({ handle: v.pipe(whole, v.minValue(3), v.maxValue(HANDLES_MAX)), state: v.unknown() }),
    HANDLES_MAX,
  ),
  channels: v.optional(list(channel, HANDLES_MAX + EXCHANGES_MAX), []),
  input: v.object({ chunks: list(bytes(INPUT_BUFFER_MAX_BYTES), 100_000), closed: v.boolean() }),
  kept: v.optional(
    v.object({ state: bytes(KEPT_MAX_BYTES), asked: v.boolean(), given: v.optional(v.boolean(), false) }),
    { state: new Uint8Array(), asked: false, given: false },
  ),
  paused: v.boolean(),
  rejectionsNoted: v.boolean(),
});

/**
 * The record, known to be whole and within bounds. Throws EIMAGE_CORRUPT, or EIMAGE_VERSION for a record of another version.
 */
export function checkRecord(value: unknown): ProcessRecord {
  const version =
    typeof value === "object" && value !== null && "recordVersion" in value ? value.recordVersion : undefined;
  if (typeof version === "number" && version !== RECORD_VERSION) {
    throw failure(
      "EIMAGE_VERSION",
      `the image holds a process record of version ${version}; this build reads version ${RECORD_VERSION}`,
    );
  }
  const checked = v.safeParse(record, value);
  if (!checked.success) {
    const issue = checked.issues[0];
    throw failure(
      "EIMAGE_CORRUPT",
      `the image's process record is damaged at ${v.getDotPath(issue) ?? "its root"}: ${issue.message}`,
    );
  }
  const result = checked.output as ProcessRecord;
  checkThreads(result);
  checkChannels(result);
  quotasOf(result.quotas);
  return result;
}

/** Channels that are not always opened by the process. */
const COME_IN: readonly ChannelKind[] = ["exchange", "stream", "socket"];

function checkChannels({ channels, handles }: ProcessRecord): void {
  const wrong = (why: string) => failure("EIMAGE_CORRUPT", `the image's process record is damaged: ${why}`);
  if (new Set(channels.map(({ id }) => id)).size !== channels.length) throw wrong("two channels have one name");
  const taken = [...handles, ...channels].map(({ handle }) => handle).filter((handle) => handle !== 0);
  if (new Set(taken).size !== taken.length) throw wrong("two resources have one handle");
  if (taken.some((handle) => handle < 3)) throw wrong("a channel has the handle of a standard stream");
  for (const { kind, request } of channels) {
    const isRight = request === null ? COME_IN.includes(kind) : channelRequest(request).kind === kind;
    if (!isRight) throw wrong(`a channel of kind ${kind} was opened in another way`);
  }
}

function checkThreads({ threads, calls }: ProcessRecord): void {
  const tids = new Set(threads.map(({ tid }) => tid));
  const wrong = (why: string) => failure("EIMAGE_CORRUPT", `the image's process record is damaged: ${why}`);
  if (tids.size !== threads.length) throw wrong("two threads have one tid");
  if (threads.filter(({ kind }) => kind === "main").length !== 1 || !tids.has(1))
    throw wrong("there must be one main thread, tid 1");
  for (const { context, tid } of threads) {
    const { stackLow, stackHigh, stopped } = context;
    if (stackLow >= stackHigh || stackHigh % 16 !== 0) throw wrong(`thread ${tid} has no stack`);
    if (stopped !== undefined && (stopped.stackPointer < stackLow || stopped.stackPointer > stackHigh))
      throw wrong(`thread ${tid} is off its stack`);
  }
  const blocked = calls.filter(({ tid }) => tid !== 0);
  if (new Set(blocked.map(({ tid }) => tid)).size !== blocked.length) throw wrong("a thread blocks in two calls");
  for (const { tid } of blocked) if (!tids.has(tid)) throw wrong(`a call belongs to no thread (${tid})`);
  for (const call of calls) {
    if (call.arguments.length !== SYSCALLS[call.name].arguments.length)
      throw wrong(`${call.name} with other arguments`);
    if (SYSCALLS[call.name].inFlight === "immediate") throw wrong(`${call.name} in flight`);
  }
}
