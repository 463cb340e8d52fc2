/** What a home hands over of a process, beside the process itself, to the one that takes its place; checked where it arrives. */

import * as v from "valibot";

import type { Frame } from "../abi/channel.ts";
import { SIGNALS } from "../abi/records.ts";
import { failure } from "../errors.ts";
import { channelRequest } from "../kernel/channel-request.ts";
import type { ToLwp } from "../kernel/protocol.ts";
import { quotasOf } from "../kernel/quota.ts";
import {
  ANSWERED_WAITS_MAX,
  GRANTS_MAX,
  HANDLES_MAX,
  NAMES_MAX,
  PID_MAX,
  PROCESSES_PER_NODE_MAX,
  RECORD_CHANNELS_MAX,
  RECORD_FRAMES_MAX,
  RECORD_HELD_MAX,
  RECORD_PIECES_MAX,
  RECORD_WAITS_MAX,
  ZOMBIES_MAX,
} from "../limits.ts";
import { datagramServiceRecordOf } from "../switch/datagram-service.ts";
import { homeSessionRecordOf } from "../switch/home-session.ts";
import { isItemKind, PARTING } from "../switch/session.ts";
import { waitsLeft } from "./guest-requests.ts";
import { FROM_HOME } from "./hosting.ts";
import type { Node } from "./node.ts";
import type { Entry } from "./process-table.ts";

const pid = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(PID_MAX));
const text = v.pipe(v.string(), v.maxLength(4096));
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const names = v.union([v.literal("all"), v.pipe(v.array(text), v.maxLength(GRANTS_MAX))]);
const frameKind = v.custom<Frame["kind"]>(
  (kind) => kind !== PARTING && isItemKind(kind),
  "a frame has a kind that there is",
);
const status = v.object({
  pid,
  code: v.number(),
  signal: v.optional(v.picklist(SIGNALS)),
  reason: v.optional(v.string()),
});

/** What a home hands over of a process. */
const homeRecord = v.object({
  pid,
  parent: pid,
  name: text,
  /** The node that runs it, and its epoch there. */
  host: text,
  epoch: count,
  quotas: v.object({
    memoryBytes: v.number(),
    cpuShare: v.number(),
    threadsMax: v.number(),
    processesMax: v.number(),
    timeoutMs: v.number(),
  }),
  capabilities: v.object({ read: names, write: names, environment: names, run: names, net: names, listen: names }),
  workingDirectory: text,
  startedMs: v.number(),
  isDurable: v.boolean(),
  names: v.pipe(v.array(text), v.maxLength(NAMES_MAX)),
  zombies: v.pipe(v.array(status), v.maxLength(ZOMBIES_MAX)),
  waits: v.pipe(
    v.array(v.object({ call: v.number(), pid: v.number(), leftMs: v.optional(v.pipe(v.number(), v.minValue(0))) })),
    v.maxLength(RECORD_WAITS_MAX),
  ),
  answeredWaits: v.pipe(v.array(v.number()), v.maxLength(ANSWERED_WAITS_MAX)),
  inputClosed: v.boolean(),
  unreadBytes: count,
  output: v.object({
    id: v.pipe(v.string(), v.uuid()),
    endBytes: count,
    pieces: v.pipe(
      v.array(v.object({ stream: v.picklist(["stdout", "stderr"]), bytes: v.instance(Uint8Array) })),
      v.maxLength(RECORD_PIECES_MAX),
    ),
  }),
  listeners: v.pipe(v.array(v.object({ channel: text, request: v.unknown() })), v.maxLength(HANDLES_MAX)),
  /** Channels that go on: sessions with switches. */
  channels: v.pipe(
    v.array(
      v.object({
        channel: text,
        arrival: v.picklist(["exchange", "stream", "socket", "datagrams"]),
        untaken: count,
        frames: v.pipe(
          v.array(v.object({ kind: frameKind, bytes: v.instance(Uint8Array) })),
          v.maxLength(RECORD_FRAMES_MAX),
        ),
        passing: v.nullable(v.object({ kind: frameKind, cost: count })),
        isAbandoned: v.boolean(),
        state: v.unknown(),
      }),
    ),
    v.maxLength(RECORD_CHANNELS_MAX),
  ),
  /** Channels that end with the home that they had. */
  broken: v.pipe(v.array(text), v.maxLength(RECORD_CHANNELS_MAX)),
  /** What came for it while it was held. */
  held: v.pipe(v.array(v.looseObject({ op: v.string() })), v.maxLength(RECORD_HELD_MAX)),
});
export type HomeRecord = v.InferOutput<typeof homeRecord>;

/** The eldest first. `cause`: under which they were promised. */
const homeRecords = v.object({
  cause: text,
  records: v.pipe(v.array(homeRecord), v.minLength(1), v.maxLength(PROCESSES_PER_NODE_MAX)),
});
export type HomeRecords = v.InferOutput<typeof homeRecords>;

/**
 * Checked as a whole: who takes a home over has no way back from the middle.
 * @throws GodwitError EPROTO for what are none; EINVAL for quotas and listeners that no process has.
 */
export function homeRecordsOf(body: unknown): HomeRecords {
  const checked = v.safeParse(homeRecords, body);
  if (!checked.success) throw malformed(checked.issues[0].message);
  const { records } = checked.output;
  if (isDouble(records.map(({ pid: one }) => one))) throw malformed("a process is in it twice");
  for (const record of records) {
    quotasOf(record.quotas);
    for (const { request } of record.listeners) channelRequest(request);
    checkChannels(record);
    for (const { op, pid: whose } of record.held)
      if (whose !== record.pid || !FROM_HOME.has(op as ToLwp["op"]))
        throw malformed(`"${op.slice(0, 40)}" was not held for process ${record.pid}`);
  }
  return checked.output;
}

export function recordOf(
  node: Node,
  entry: Entry,
  epoch: number,
): Omit<HomeRecord, "held" | "listeners" | "isDurable"> {
  const channels = node.switchboard.leave(entry);
  return {
    channels: channels as HomeRecord["channels"],
    pid: entry.pid,
    parent: entry.parent?.pid ?? 0,
    name: entry.name,
    host: entry.lwp.nodeName,
    epoch,
    quotas: entry.quotas,
    capabilities: entry.capabilities as HomeRecord["capabilities"],
    workingDirectory: entry.workingDirectory,
    startedMs: entry.startedMs,
    names: [...entry.names],
    zombies: [...entry.zombies],
    waits: waitsLeft(entry),
    answeredWaits: [...entry.answeredWaits],
    inputClosed: entry.input.isClosed,
    unreadBytes: entry.input.unreadBytes,
    output: entry.output.record() as HomeRecord["output"],
    broken: node.switchboard.of(entry).map(({ id }) => id),
  };
}

/** Those that go on: each has what it needs for that. */
function checkChannels({ channels, listeners }: HomeRecord): void {
  for (const list of [channels, listeners])
    if (isDouble(list.map(({ channel }) => channel))) throw malformed("a channel is in it twice");
  for (const { arrival, state } of channels)
    if (arrival !== "datagrams") homeSessionRecordOf(state);
    else if (state !== null) datagramServiceRecordOf(state);
}

function isDouble(all: readonly unknown[]): boolean {
  return new Set(all).size < all.length;
}

function malformed(why: string) {
  return failure("EPROTO", `a home's record is malformed: ${why}`);
}
