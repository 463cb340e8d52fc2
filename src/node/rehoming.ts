/**
 * A home moves: what a node knows of a process, beside the process itself, goes to another node, which is its home from then
 * on. The process is held still meanwhile, wherever it runs, so that nothing is told on two ways at once.
 *
 * Which of the two nodes is the home of a family is what the directory says of its eldest, whatever either has heard of the
 * other: the new home writes there that it has them, and the old one, which does not hear of it, that it has not.
 */

import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";

import type { ChannelRequest } from "../abi/channel.ts";
import type { ExitStatus } from "../abi/records.ts";
import { failure, GodwitError } from "../errors.ts";
import { isReopened } from "../kernel/channel.ts";
import { channelRequest } from "../kernel/channel-request.ts";
import type { ToLwp } from "../kernel/protocol.ts";
import { quotasOf } from "../kernel/quota.ts";
import {
  MOVE_RETRY_MS,
  MOVE_SILENCE_MS,
  REHOME_ASK_MAX_MS,
  REHOME_ATTEMPTS_MAX,
  REHOME_GRACE_MS,
  REHOME_STILL_MS,
} from "../limits.ts";
import { makeEntry } from "./assurance.ts";
import type { ClusterNode } from "./cluster-node.ts";
import { goOnWaiting } from "./guest-requests.ts";
import { Held } from "./held.ts";
import { type HomeRecord, type HomeRecords, recordOf } from "./home-record.ts";
import type { Hosted } from "./hosting.ts";
import type { Lwp } from "./lwp.ts";
import { LwpThread } from "./lwp-thread.ts";
import type { Node } from "./node.ts";
import type { PlugRecord } from "./plug.ts";
import type { Entry } from "./process-table.ts";
import { RemoteLwp } from "./remote-lwp.ts";

/** A process whose host was asked to keep it still, and perhaps does. */
interface Still {
  readonly entry: Entry;
  readonly host: RemoteLwp;
  readonly epoch: number;
}

type Connection = { readonly channel: string; readonly request: ChannelRequest };

// ---- At the home that they have

/**
 * Hands processes that run at other nodes over to a new home, a family at a time, parents before their children. They go
 * on when that is done, or has failed; while it is not known which of the two, they stand still.
 * @throws GodwitError ESRCH when one of them ends meanwhile, or what the new home says.
 */
export async function handHome(cluster: ClusterNode, family: readonly Entry[], to: string): Promise<void> {
  const { node, durability } = cluster;
  assertSettled(cluster, family);
  const listeners = new Map(family.map((entry) => [entry, listenersOf(node, entry)]));
  const records = new Map<Entry, Omit<HomeRecord, "held">>();
  const still: Still[] = [];
  let isAsked = false;
  await Promise.all(family.map((entry) => node.switchboard.retire(entry, REHOME_GRACE_MS)));
  try {
    for (const entry of family) {
      const { epoch } = await holdStill(node, entry, still);
      const isDurable = durability?.has(entry.pid) === true;
      records.set(entry, { ...recordOf(node, entry, epoch), isDurable, listeners: listeners.get(entry) ?? [] });
    }
    // None of them can do anything of that from now on.
    assertSettled(cluster, family);
    assertWhole(family);
    const target = await cluster.links.to(to);
    const cause = randomUUID();
    for (const one of still) await promise(cluster, one, cause);
    const held = family.map((entry) => ({ ...records.get(entry), held: entry.held?.messages ?? [] }));
    isAsked = true;
    await target.request("home/take", { cause, records: held });
  } catch (error) {
    if (!isAsked || !(await isTaken(cluster, still, to))) {
      for (const { host, entry, epoch } of still) void goOn(host, entry, node.name, epoch);
      for (const entry of family) await keepHome(node, entry, listeners.get(entry) ?? [], records.get(entry));
      throw error;
    }
  }
  await Promise.all(still.map(({ host, entry, epoch }) => goOn(host, entry, to, epoch)));
  for (const entry of family) {
    durability?.homed(entry.pid, false);
    if (entry.exit === undefined) node.forget(entry);
  }
}

function assertSettled(cluster: ClusterNode, family: readonly Entry[]): void {
  for (const { pid: one } of family)
    if (cluster.isUnsettled(one)) throw failure("EAGAIN", `process ${one} is being started anew elsewhere: try again`);
}

/** A child that was born meanwhile would be left behind. */
function assertWhole(family: readonly Entry[]): void {
  const all = new Set(family);
  for (const { pid: one, heirs } of family)
    for (const heir of heirs)
      if (!all.has(heir)) throw failure("EAGAIN", `process ${one} has just had a child: try again`);
}

/**
 * Nothing is told to a process, nor by it, once this resolves, and it moves no more.
 * @param asked takes hosts as soon as they may have heard of it.
 */
async function holdStill(node: Node, entry: Entry, asked: Still[]): Promise<Still> {
  for (let count = 1; ; count++) {
    while (entry.held !== undefined) await entry.held.over;
    if (entry.exit !== undefined) throw failure("ESRCH", `process ${entry.pid} has ended`);
    const host = hostOf(entry); // it may have moved while it was waited for
    await host.link.request("move/over", { pid: entry.pid }, { timeoutMs: MOVE_SILENCE_MS });
    if (entry.held !== undefined || entry.lwp !== host) continue;
    entry.held = new Held("leaving");
    try {
      const { summary } = await host.ask(entry.pid, { kind: "summary" });
      const still = { entry, host, epoch: summary.epoch };
      asked.push(still);
      await host.link.request("host/still", { pid: entry.pid }, { timeoutMs: REHOME_STILL_MS });
      await drained(entry);
      return still;
    } catch (error) {
      // Its host has just begun to move it, and waits for us.
      const isMoving = error instanceof GodwitError && error.code === "EAGAIN" && count < REHOME_ATTEMPTS_MAX;
      if (!isMoving || entry.exit !== undefined) throw error;
      if (asked.at(-1)?.entry === entry) asked.pop();
      node.settle(entry);
    }
  }
}

/** All that it has said is read: it goes to the new home as that, or not at all. @throws GodwitError ETIMEDOUT. */
async function drained({ pid, output }: Entry): Promise<void> {
  const isRead = new AbortController();
  const late = delay(REHOME_STILL_MS, "late" as const, { signal: isRead.signal }).catch(() => "read" as const);
  const outcome = await Promise.race([output.drained(), late]);
  isRead.abort();
  if (outcome !== "late") return;
  const advice = "whoever follows it holds it up: let them read, or stop them";
  throw failure("ETIMEDOUT", `what process ${pid} has said was not read within ${REHOME_STILL_MS} ms: ${advice}`);
}

function hostOf(entry: Entry): RemoteLwp {
  if (entry.lwp instanceof RemoteLwp) return entry.lwp;
  throw failure("EINVAL", `process ${entry.pid} runs at its home: move it first`);
}

/** A host lets a process go on. One that is gone has nothing left to go on with; one that does not answer hears it when it can. */
async function goOn({ link }: RemoteLwp, { pid }: Entry, home: string, epoch: number): Promise<void> {
  try {
    await link.request("host/rehomed", { pid, home, epoch });
  } catch (error) {
    if (!(error instanceof GodwitError)) throw error;
  }
}

/** The new home may take it from now on, until that is taken back. @throws GodwitError EAGAIN; as the directory. */
async function promise(cluster: ClusterNode, { entry, host, epoch }: Still, cause: string): Promise<void> {
  const { node, homes } = cluster;
  const owner = { node: host.nodeName, epoch };
  // One that was born at its host, as another's child, has no entry yet.
  await makeEntry(cluster, node.name, entry.pid, owner);
  const outcome = await homes.promiseHome(entry.pid, owner, node.name, cause);
  if (outcome !== "kept")
    throw failure(
      "EAGAIN",
      `process ${entry.pid} could not be given a new home: the directory has it as another node's`,
    );
}

/**
 * Whether the new home has them, which did not say that it has: if not, it cannot take them any more once this resolves. The
 * directory is asked until it tells.
 * @throws GodwitError ECANCELED when this node stops.
 */
async function isTaken({ node, homes, log }: ClusterNode, still: readonly Still[], to: string): Promise<boolean> {
  const [first, ...others] = still;
  const keep = ({ entry, host, epoch }: Still, isOurs = false) =>
    insist(
      node,
      () => homes.promiseHome(entry.pid, { node: host.nodeName, epoch }, node.name, randomUUID(), isOurs),
      (why) =>
        log(`it is not known whether node ${to} is the home of process ${entry.pid} now, which stands still: ${why}`),
      () => log(`it is known again where process ${entry.pid} is at home`),
    );
  if (first === undefined) return false;
  const outcome = await keep(first, true);
  // One that has not ended here and has no entry has ended at the home that took it.
  if (outcome === "taken" || (outcome === "gone" && first.entry.exit === undefined)) return true;
  for (const one of others) await keep(one);
  return false;
}

/** Asks again and again what the directory does not answer. @throws GodwitError ECANCELED when the node stops. */
async function insist<T>(
  node: Node,
  ask: () => Promise<T>,
  unknown: (why: string) => void,
  known: () => void,
): Promise<T> {
  for (let pauseMs = MOVE_RETRY_MS; ; pauseMs = Math.min(2 * pauseMs, REHOME_ASK_MAX_MS)) {
    try {
      const answer = await ask();
      if (pauseMs > MOVE_RETRY_MS) known();
      return answer;
    } catch (error) {
      if (!(error instanceof GodwitError)) throw error;
      if (pauseMs === MOVE_RETRY_MS) unknown(error.message);
    }
    await delay(pauseMs, undefined, { ref: false });
    if (node.stopping) throw failure("ECANCELED", `node ${node.name} is stopping`);
  }
}

/** It is at home here still. What was left of one that ended meanwhile is told by who knows why. */
async function keepHome(
  node: Node,
  entry: Entry,
  listeners: readonly Connection[],
  record: Omit<HomeRecord, "held"> | undefined,
): Promise<void> {
  if (entry.exit !== undefined) return;
  for (const left of record?.waits ?? []) goOnWaiting(node, entry, left);
  await goOnConnected(node, entry, listeners, record?.channels ?? []);
  if (entry.held?.why === "leaving") node.settle(entry);
}

function listenersOf(node: Node, entry: Entry): Connection[] {
  return node.switchboard
    .of(entry)
    .flatMap(({ id, request }) =>
      request !== undefined && isReopened(request.kind) ? [{ channel: id, request }] : [],
    );
}

// ---- At the home that they are to have

/**
 * Takes over the home of processes, each of which runs here or at another node. They are held until their hosts tell.
 * @param from the node that is their home.
 * @throws GodwitError EEXIST, ESRCH, EAGAIN; as the directory: then it is for the old home to find out whether they are here.
 */
export async function takeHomes(cluster: ClusterNode, from: string, { cause, records }: HomeRecords): Promise<void> {
  const { node, hosting, homing, durability, log } = cluster;
  if (!cluster.takesIn) throw failure("EAGAIN", `node ${node.name} is being drained`);
  const hosts = new Map<string, RemoteLwp>();
  for (const { pid: one, host } of records) {
    if (node.table.find(one) !== undefined) throw failure("EEXIST", `node ${node.name} knows process ${one}`);
    if (host !== node.name) hosts.set(host, await homing.lwpOf(host));
    else if (!isStillFor(hosting.find(one), from))
      throw failure("ESRCH", `node ${node.name} does not host process ${one} of node ${from}`);
  }
  const take = ({ pid: one, host, epoch }: HomeRecord) =>
    cluster.homes.takeHome(one, { node: host, epoch }, node.name, cause);
  const [eldest, ...others] = records;
  for (const record of others) assertTaken(record, await take(record));
  if (eldest === undefined) return;
  // By this they are all at home here. It is asked until it is known: the old home may have seen it.
  const why = (reason: string) => log(`it is not known whether process ${eldest.pid} is at home here now: ${reason}`);
  assertTaken(
    eldest,
    await insist(
      node,
      () => take(eldest),
      why,
      () => {},
    ),
  );
  const taken = records.flatMap((record) => {
    const lwp = hosts.get(record.host) ?? hosting.takeHome(record.pid);
    if (lwp === undefined) return []; // it has just ended, as the home that it had was told
    durability?.homed(record.pid, record.isDurable);
    return [{ record, entry: enter(node, record, lwp) }];
  });
  for (const { record, entry } of taken) await resume(node, entry, record);
}

/** Its home has had it stand still, to hand it over. */
function isStillFor(hosted: Hosted | undefined, home: string): boolean {
  return hosted?.isStill === true && hosted.home.peer === home;
}

function assertTaken({ pid: one }: HomeRecord, outcome: string): void {
  if (outcome !== "taken") throw failure("EAGAIN", `process ${one} could not be given a new home: ${outcome}`);
}

function enter(node: Node, record: HomeRecord, lwp: Lwp): Entry {
  const { name, quotas, capabilities, workingDirectory } = record;
  const parent = node.table.find(record.parent);
  const fields = { pid: record.pid, parent, name, lwp, quotas: quotasOf(quotas), capabilities, workingDirectory };
  const entry = node.enter(fields);
  entry.held = new Held("arriving");
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
  return entry;
}

async function resume(node: Node, entry: Entry, record: HomeRecord): Promise<void> {
  if (entry.exit !== undefined) return;
  const listeners = record.listeners.map(({ channel, request }) => ({ channel, request: channelRequest(request) }));
  // What comes over them now comes after what came before.
  await goOnConnected(node, entry, listeners, record.channels);
  // Its host is this node: whether the old home tells it or not.
  if (entry.lwp instanceof LwpThread) atHome(node, entry.pid, record.epoch);
}

/** Opens what is opened anew, and goes on with what was left. */
async function goOnConnected(
  node: Node,
  entry: Entry,
  listeners: readonly Connection[],
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
  if (entry.held?.why !== "arriving") return; // it has gone on
  if (entry.lwp instanceof LwpThread) entry.lwp.tell({ op: "thaw", pid: one, epoch });
  node.settle(entry);
}

// ---- At their host

/**
 * The home of a process that is hosted here has moved, or was to move and did not: it goes on. Where its new home cannot be
 * reached it stands still until it is known what became of that.
 */
export async function hearHome(cluster: ClusterNode, pid: number, home: string, epoch: number): Promise<void> {
  const { node, hosting, links } = cluster;
  if (home === node.name) return node.table.find(pid) === undefined ? undefined : atHome(node, pid, epoch);
  const before = hosting.find(pid)?.home;
  if (before === undefined) return;
  try {
    const to = home === before.peer ? before : await links.to(home);
    if (hosting.rehomed(pid, to, epoch) && to !== before) to.tell("home/here", { pid, epoch });
  } catch (error) {
    if (!(error instanceof GodwitError)) throw error;
    cluster.onStranded(pid);
  }
}
