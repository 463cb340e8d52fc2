/** What a home hands over of a process, beside the process itself, to the one that takes its place. */

import * as v from "valibot";

import { SIGNALS } from "../abi/records.ts";
import { failure } from "../errors.ts";
import { NAMES_MAX, PID_MAX, ZOMBIES_MAX } from "../limits.ts";
import { waitsLeft } from "./guest-requests.ts";
import type { Node } from "./node.ts";
import type { Entry } from "./process-table.ts";

const pid = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(PID_MAX));
const text = v.pipe(v.string(), v.maxLength(4096));
const names = v.union([v.literal("all"), v.array(text)]);
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
  epoch: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
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
  names: v.pipe(v.array(text), v.maxLength(NAMES_MAX)),
  zombies: v.pipe(v.array(status), v.maxLength(ZOMBIES_MAX)),
  waits: v.array(v.object({ call: v.number(), pid: v.number(), leftMs: v.optional(v.number()) })),
  answeredWaits: v.array(v.number()),
  inputClosed: v.boolean(),
  unreadBytes: v.number(),
  output: v.object({
    id: v.pipe(v.string(), v.uuid()),
    endBytes: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
    pieces: v.array(v.object({ stream: v.picklist(["stdout", "stderr"]), bytes: v.instance(Uint8Array) })),
  }),
  listeners: v.array(v.object({ channel: text, request: v.unknown() })),
  /** Channels that go on: sessions with switches. */
  channels: v.array(
    v.object({
      channel: text,
      arrival: v.picklist(["exchange", "stream", "socket", "datagrams"]),
      untaken: v.number(),
      frames: v.array(v.object({ kind: v.number(), bytes: v.instance(Uint8Array) })),
      passing: v.nullable(v.object({ kind: v.number(), cost: v.number() })),
      isAbandoned: v.boolean(),
      state: v.unknown(),
    }),
  ),
  /** Channels that end with the home that they had. */
  broken: v.array(text),
  /** What came for it while it was held. */
  held: v.array(v.looseObject({ op: v.string() })),
});
export type HomeRecord = v.InferOutput<typeof homeRecord>;

/** The eldest first. `cause`: under which they were promised. */
const homeRecords = v.object({ cause: v.string(), records: v.pipe(v.array(homeRecord), v.minLength(1)) });
export type HomeRecords = v.InferOutput<typeof homeRecords>;

/** @throws GodwitError EPROTO for what are none. */
export function homeRecordsOf(body: unknown): HomeRecords {
  const checked = v.safeParse(homeRecords, body);
  if (checked.success) return checked.output;
  throw failure("EPROTO", `a home's record is malformed: ${checked.issues[0].message}`);
}

export function recordOf(node: Node, entry: Entry, epoch: number): Omit<HomeRecord, "held" | "listeners"> {
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
