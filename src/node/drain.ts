/**
 * Moves everything off a node: its own processes, those that it runs for others, the homes of those that run elsewhere, and what
 * processes of any node have open there. It is planned first: what cannot come along is told before anything is moved.
 */

import type { DrainOptions, DrainPlan, DrainReport, MoveReport } from "../abi/control.ts";
import type { MovePlan } from "../abi/move-plan.ts";
import { type ErrorCode, failure, GodwitError } from "../errors.ts";
import { DRAIN_ATTEMPTS_MAX, DRAIN_AT_ONCE_MAX } from "../limits.ts";
import type { ClusterNode } from "./cluster-node.ts";
import type { Entry } from "./process-table.ts";

interface Leaving {
  readonly pid: number;
  readonly name: string;
}

/** Living processes that run at a node. */
function runningAt({ node, hosting }: ClusterNode): Leaving[] {
  const own = node.table.all().filter((entry) => entry.exit === undefined && entry.lwp.nodeName === node.name);
  return [...own, ...hosting.all()].map(({ pid, name }) => ({ pid, name }));
}

/** Processes that run elsewhere, and have their home here or something open. */
function needing({ node, files }: ClusterNode): (Leaving & { readonly node: string })[] {
  const homed = node.table.all().filter(({ exit }) => exit === undefined);
  const all = homed.map(({ pid, name, lwp }) => ({ pid, name, node: lwp.nodeName }));
  for (const holder of files.holders()) if (!all.some(({ pid }) => pid === holder.pid)) all.push(holder);
  return all.filter((one) => one.node !== node.name);
}

/** Plans for all that a drain concerns. */
function plansFor(cluster: ClusterNode, target: string): Promise<DrainPlan[]> {
  const { name: self } = cluster.node;
  const here = runningAt(cluster).map((one) => ({ ...one, node: self, to: target }));
  const elsewhere = needing(cluster).map((one) => ({ ...one, to: one.node }));
  const all = [...here, ...elsewhere].map(async ({ to, ...one }) => {
    const plan = await planAt(cluster, one, to).catch((error: unknown): MovePlan | undefined => {
      if (!(error instanceof GodwitError)) throw error;
      return error.code === "ESRCH" ? undefined : { rows: [], obstacle: error.message };
    });
    return plan === undefined ? [] : [{ ...one, plan }];
  });
  return Promise.all(all).then((found) => found.flat());
}

async function planAt(
  cluster: ClusterNode,
  { pid, node }: { pid: number; node: string },
  to: string,
): Promise<MovePlan> {
  const leaving = [cluster.node.name];
  if (node === cluster.node.name) return cluster.plan(pid, to, leaving);
  const link = await cluster.links.to(node);
  return (await link.request("move/plan", { pid, to, leaving })) as MovePlan;
}

/** What processes that run elsewhere have open here is fetched by their nodes. Returns why it was not. */
async function handOver(cluster: ClusterNode, isForced: boolean): Promise<Map<number, string>> {
  const reasons = new Map<number, string>();
  const self = cluster.node.name;
  for (const { pid, node } of cluster.files.holders().filter((one) => one.node !== self)) {
    try {
      const link = await cluster.links.to(node);
      await link.request("host/retrieve", { pid, isForced });
    } catch (error) {
      if (!(error instanceof GodwitError)) throw error;
      if (error.code !== "ESRCH") reasons.set(pid, error.message);
    }
  }
  return reasons;
}

/** Processes that have their home here: a family at a time, parents before their children. */
function familiesOf({ node }: ClusterNode): Entry[][] {
  const families = new Map<object, Entry[]>();
  for (const entry of node.table.all())
    if (entry.exit === undefined) families.set(entry.family, [...(families.get(entry.family) ?? []), entry]);
  return [...families.values()].map((family) => family.toSorted((one, other) => depthOf(one) - depthOf(other)));
}

function depthOf(entry: Entry): number {
  let depth = 0;
  for (let one = entry.ancestor; one !== undefined; one = one.ancestor) depth++;
  return depth;
}

/** Those of a family that live, and the children that they have had meanwhile. */
function grown(family: readonly Entry[]): Entry[] {
  const living = new Set(family.filter(({ exit }) => exit === undefined));
  for (const { heirs } of living) for (const heir of heirs) living.add(heir);
  return [...living];
}

/** Who moves, ends, or has a child at that moment is asked for where it is no more. */
const ON_THE_WAY: ReadonlySet<ErrorCode> = new Set(["EAGAIN", "ESRCH"]);

/** Gives a family a home where its eldest runs. */
async function handOn(
  cluster: ClusterNode,
  family: readonly Entry[],
  isForced: boolean,
  reasons: Map<number, string>,
): Promise<void> {
  const { name: self } = cluster.node;
  for (let count = 1; ; count++) {
    const living = grown(family);
    const [eldest] = living;
    if (eldest === undefined || living.some(({ lwp }) => lwp.nodeName === self)) return;
    try {
      await mayGo(cluster, isForced ? [] : living);
      return await cluster.handHome(living, eldest.lwp.nodeName);
    } catch (error) {
      if (!(error instanceof GodwitError)) throw error;
      if (ON_THE_WAY.has(error.code) && count < DRAIN_ATTEMPTS_MAX) continue;
      for (const { pid } of living) reasons.set(pid, error.message);
      return;
    }
  }
}

/** @throws GodwitError EPERM for what one of them needs of its home and cannot take along. */
async function mayGo(cluster: ClusterNode, family: readonly Entry[]): Promise<void> {
  for (const { pid, lwp } of family) {
    const { obstacle } = await cluster.plan(pid, lwp.nodeName, [cluster.node.name]);
    if (obstacle !== undefined) throw failure("EPERM", obstacle);
  }
}

/**
 * Tries each process at one target after the other. Children that are born meanwhile are moved too: it goes on until there
 * are no processes, or none that would go. What a process needs of this node and cannot take along keeps all of them here,
 * unless they are forced to go without.
 */
export async function drain(
  cluster: ClusterNode,
  targets: () => readonly string[],
  moved: (move: MoveReport) => void,
  { force: isForced = false, dryRun = false }: DrainOptions = {},
): Promise<DrainReport> {
  const { name: self } = cluster.node;
  const plans = await plansFor(cluster, targets()[0] ?? self);
  const stuck = plans.flatMap(({ pid, name, plan: { obstacle: reason } }) =>
    reason === undefined ? [] : [{ pid, name, reason }],
  );
  if (dryRun || (stuck.length > 0 && !isForced))
    return { node: self, plans, moves: [], left: stuck, homed: homedBy(cluster) };
  await cluster.arrived(); // what was let in before comes
  const moves: MoveReport[] = [];
  const reasons = new Map<number, string>();
  let turn = 0;
  /** Why it stayed, if it did. */
  const attempt = async (pid: number): Promise<string | undefined> => {
    const names = targets();
    const to = names[turn++ % names.length];
    if (to === undefined) return "there is no other node left";
    try {
      const move = await cluster.migrate(pid, to, [self], isForced);
      moved(move);
      moves.push(move);
      return move.outcome === "stayed" ? (move.reason ?? "it stayed") : undefined;
    } catch (error) {
      if (!(error instanceof GodwitError)) throw error;
      return error.code === "ESRCH" ? undefined : error.message;
    }
  };
  const moveOff = async ({ pid }: Leaving): Promise<void> => {
    for (let count = 0; count < DRAIN_ATTEMPTS_MAX; count++) {
      // Somebody moves it already: if it stays all the same, it is the drain's.
      while (cluster.moveOf(pid) !== undefined) await cluster.moveOf(pid)?.catch(() => {});
      const reason = await attempt(pid);
      if (reason === undefined) {
        reasons.delete(pid);
        return;
      }
      reasons.set(pid, reason);
    }
  };
  for (;;) {
    const waiting = runningAt(cluster).filter(({ pid }) => !reasons.has(pid));
    if (waiting.length === 0) break;
    const work = async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await moveOff(next);
    };
    await Promise.all(Array.from({ length: DRAIN_AT_ONCE_MAX }, work));
  }
  await handOver(cluster, isForced);
  for (const family of familiesOf(cluster)) await handOn(cluster, family, isForced, reasons);
  // What was opened by way of its home until that was another's.
  for (const [pid, reason] of await handOver(cluster, isForced)) reasons.set(pid, reason);
  const here = new Map(runningAt(cluster).map((one) => [one.pid, one]));
  for (const { pid, name } of needing(cluster)) if (reasons.has(pid)) here.set(pid, { pid, name });
  const left = [...here.values()].map(({ pid, name }) => ({
    pid,
    name,
    reason: reasons.get(pid) ?? "it has just come",
  }));
  return { node: self, plans, moves, left, homed: homedBy(cluster) };
}

/** How many have their home here, and run elsewhere. */
function homedBy({ node }: ClusterNode): number {
  return node.table.all().filter(({ exit, lwp }) => exit === undefined && lwp.index < 0).length;
}
