/**
 * A home moves: what a node knows of a process, beside the process itself, goes to another node, which is its home from then
 * on. The process is held still meanwhile, wherever it runs, so that nothing is told on two ways at once.
 */

import { randomUUID } from "node:crypto";
import * as v from "valibot";

import type { ChannelRequest } from "../abi/channel.ts";
import { type ExitStatus, SIGNALS } from "../abi/records.ts";
import { failure, GodwitError } from "../errors.ts";
import { isReopened } from "../kernel/channel.ts";
import { channelRequest } from "../kernel/channel-request.ts";
import type { ToLwp } from "../kernel/protocol.ts";
import { quotasOf } from "../kernel/quota.ts";
import { MOVE_SILENCE_MS, NAMES_MAX, PID_MAX, REHOME_ATTEMPTS_MAX, REHOME_GRACE_MS, ZOMBIES_MAX } from "../limits.ts";
import type { ClusterNode } from "./cluster-node.ts";
import { goOnWaiting, waitsLeft } from "./guest-requests.ts";
import { Held } from "./held.ts";
import { LwpThread } from "./lwp-thread.ts";
import type { Node } from "./node.ts";
import type { Entry } from "./process-table.ts";
import { RemoteLwp } from "./remote-lwp.ts";
import type { PlugRecord } from "./plug.ts";

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

const homeRecords = v.object({ records: v.array(homeRecord) });

/** @throws GodwitError EPROTO for what are none. */
export function homeRecordsOf(body: unknown): HomeRecord[] {
  const checked = v.safeParse(homeRecords, body);
  if (checked.success) return checked.output.records;
  throw failure("EPROTO", `a home's record is malformed: ${checked.issues[0].message}`);
}

/**
 * Hands processes that run at other nodes over to a new home, a family at a time, parents before their children. They go
 * on when that is done, or has failed.
 * @throws GodwitError ESRCH when one of them ends meanwhile, or what the new home says.
 */
export async function handHome(cluster: ClusterNode, family: readonly Entry[], to: string): Promise<void> {
  const { node, links } = cluster;
  for (const { pid: one } of family)
    if (cluster.isUnsettled(one)) throw failure("EAGAIN", `process ${one} is being started anew elsewhere: try again`);
  const still: { readonly entry: Entry; readonly epoch: number }[] = [];
  // A host that is gone has nothing left to go on with; the others are told all the same.
  const goOn = async (home: string) => {
    for (const { entry, epoch } of still) {
      try {
        await hostOf(entry).link.request("host/rehomed", { pid: entry.pid, home, epoch });
      } catch (error) {
        if (!(error instanceof GodwitError)) throw error;
      }
    }
  };
  const records: Omit<HomeRecord, "held">[] = [];
  const listeners = new Map(family.map((entry) => [entry, listenersOf(node, entry)]));
  await Promise.all(family.map((entry) => node.switchboard.retire(entry, REHOME_GRACE_MS)));
  try {
    for (const entry of family) {
      const epoch = await holdStill(node, entry);
      still.push({ entry, epoch });
      records.push({ ...recordOf(node, entry, epoch), listeners: listeners.get(entry) ?? [] });
    }
    const held = family.map((entry) => entry.held?.messages ?? []);
    const target = await links.to(to);
    await target.request("home/take", { records: records.map((record, index) => ({ ...record, held: held[index] })) });
  } catch (error) {
    await goOn(node.name);
    for (const { entry, epoch } of still) {
      const owner = { node: entry.lwp.nodeName, epoch };
      await cluster.claim(entry.pid, owner, owner, node.name, randomUUID());
    }
    for (const [index, entry] of family.entries()) {
      if (entry.exit !== undefined) continue; // it ended meanwhile: what was left of it is told by who knows why
      for (const left of records[index]?.waits ?? []) goOnWaiting(node, entry, left);
      await goOnConnected(node, entry, listeners.get(entry) ?? [], (records[index]?.channels ?? []) as PlugRecord[]);
      if (entry.held !== undefined) node.settle(entry);
    }
    throw error;
  }
  await goOn(to);
  for (const entry of family) node.forget(entry);
}

/** Nothing is told to a process, nor by it, once this resolves, and it moves no more. Returns its epoch. */
async function holdStill(node: Node, entry: Entry): Promise<number> {
  for (let count = 1; ; count++) {
    while (entry.held !== undefined) await entry.held.over;
    if (entry.exit !== undefined) throw failure("ESRCH", `process ${entry.pid} has ended`);
    const host = hostOf(entry); // it may have moved while it was waited for
    await host.link.request("move/over", { pid: entry.pid }, { timeoutMs: MOVE_SILENCE_MS });
    if (entry.held !== undefined || entry.lwp !== host) continue;
    entry.held = new Held(true);
    try {
      const { summary } = await host.ask(entry.pid, { kind: "summary" });
      await host.link.request("host/still", { pid: entry.pid });
      await entry.output.drained();
      return summary.epoch;
    } catch (error) {
      // Its host has just begun to move it, and waits for us.
      const isMoving = error instanceof GodwitError && error.code === "EAGAIN" && count < REHOME_ATTEMPTS_MAX;
      if (!isMoving || entry.exit !== undefined) throw error;
      node.settle(entry);
    }
  }
}

function hostOf(entry: Entry): RemoteLwp {
  if (entry.lwp instanceof RemoteLwp) return entry.lwp;
  throw failure("EINVAL", `process ${entry.pid} runs at its home: move it first`);
}

function listenersOf(node: Node, entry: Entry): { channel: string; request: ChannelRequest }[] {
  return node.switchboard
    .of(entry)
    .flatMap(({ id, request }) =>
      request !== undefined && isReopened(request.kind) ? [{ channel: id, request }] : [],
    );
}

function recordOf(node: Node, entry: Entry, epoch: number): Omit<HomeRecord, "held" | "listeners"> {
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

/** Takes over the home of processes, each of which runs here or at another node. They are held until their hosts tell. */
export async function takeHomes(cluster: ClusterNode, records: readonly HomeRecord[]): Promise<void> {
  const { node, homing } = cluster;
  for (const { pid: one } of records)
    if (node.table.find(one) !== undefined) throw failure("EEXIST", `node ${node.name} knows process ${one}`);
  for (const { host } of records) if (host !== node.name) await homing.lwpOf(host);
  for (const { pid: one, host, epoch } of records) {
    const owner = { node: host, epoch };
    const outcome = await cluster.claim(one, owner, owner, node.name, randomUUID());
    if (outcome !== "won") throw failure("EAGAIN", `process ${one} could not be given a new home: ${outcome}`);
  }
  for (const record of records) await takeHome(cluster, record);
}

async function takeHome({ node, hosting, homing }: ClusterNode, record: HomeRecord): Promise<void> {
  const { name, quotas, capabilities, workingDirectory, host } = record;
  const lwp = host === node.name ? hosting.takeHome(record.pid) : await homing.lwpOf(host);
  const parent = node.table.find(record.parent);
  const fields = { pid: record.pid, parent, name, lwp, quotas: quotasOf(quotas), capabilities, workingDirectory };
  const entry = node.enter(fields);
  entry.held = new Held();
  for (const own of record.names) if (node.table.named(own) === undefined) node.table.register(entry, own);
  entry.zombies.push(...(record.zombies as ExitStatus[]));
  for (const call of record.answeredWaits) entry.answeredWaits.add(call);
  for (const { call, pid: child, leftMs } of record.waits) goOnWaiting(node, entry, { call, pid: child, leftMs });
  if (record.unreadBytes > 0) void entry.input.put(record.unreadBytes);
  if (record.inputClosed) entry.input.close();
  entry.output.goOn(record.output);
  const why = { code: "ECONNRESET", message: "the connection ended with the home that the process had" } as const;
  for (const channel of record.broken) entry.held.messages.push({ op: "broken", pid: entry.pid, channel, why });
  entry.held.messages.push(...(record.held as unknown as ToLwp[]));
  const listeners = record.listeners.map(({ channel, request }) => ({ channel, request: channelRequest(request) }));
  // What comes over them now comes after what came before.
  await goOnConnected(node, entry, listeners, record.channels as PlugRecord[]);
}

/** Opens what is opened anew, and goes on with what was left. */
async function goOnConnected(
  node: Node,
  entry: Entry,
  listeners: readonly { readonly channel: string; readonly request: ChannelRequest }[],
  left: readonly PlugRecord[],
): Promise<void> {
  for (const { channel, request } of listeners)
    node.switchboard.reopen(
      entry,
      channel,
      request,
      left.find((one) => one.channel === channel),
    );
  const sessions = left.filter(({ channel }) => !listeners.some((one) => one.channel === channel));
  await node.switchboard.resume(entry, sessions);
}

/** The host of a process that was taken over lets it go on, and hears this home from now on. */
export function atHome(node: Node, one: number, epoch: number): void {
  const entry = node.table.living(one);
  if (entry.lwp instanceof LwpThread) entry.lwp.tell({ op: "thaw", pid: one, epoch });
  node.settle(entry);
}
