/** Moves everything off a node: its own processes, those that it runs for others, and the homes of those that run elsewhere. */

import type { DrainReport, MoveReport } from "../abi/control.ts";
import { failure, GodwitError } from "../errors.ts";
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

/** Gives a family a home where its eldest runs. */
async function handOn(
  cluster: ClusterNode,
  family: readonly Entry[],
  leaving: readonly string[],
  reasons: Map<number, string>,
): Promise<void> {
  const [eldest] = family;
  if (eldest === undefined || family.some(({ lwp }) => lwp.nodeName === cluster.node.name)) return;
  try {
    for (const { pid, lwp } of family) {
      const { obstacle } = await cluster.plan(pid, lwp.nodeName, leaving);
      if (obstacle !== undefined) throw failure("EPERM", obstacle);
    }
    await cluster.handHome(family, eldest.lwp.nodeName);
  } catch (error) {
    if (!(error instanceof GodwitError)) throw error;
    for (const { pid } of family) reasons.set(pid, error.message);
  }
}

/**
 * Tries each process at one target after the other. Children that are born meanwhile are moved too: it goes on until there
 * are no processes, or none that would go. What a process needs of this node and cannot take along keeps it here, unless it
 * is forced to go without.
 */
export async function drain(
  cluster: ClusterNode,
  targets: () => readonly string[],
  moved: (move: MoveReport) => void,
  isForced = false,
): Promise<DrainReport> {
  const leaving = isForced ? [] : [cluster.node.name];
  const moves: MoveReport[] = [];
  const reasons = new Map<number, string>();
  let turn = 0;
  /** Why it stayed, if it did. */
  const attempt = async (pid: number): Promise<string | undefined> => {
    const names = targets();
    const to = names[turn++ % names.length];
    if (to === undefined) return "there is no other node left";
    try {
      const move = await cluster.migrate(pid, to, leaving);
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
  for (const family of familiesOf(cluster)) await handOn(cluster, family, leaving, reasons);
  const here = new Map(runningAt(cluster).map((one) => [one.pid, one]));
  for (const { pid, name, exit } of cluster.node.table.all())
    if (exit === undefined && reasons.has(pid)) here.set(pid, { pid, name });
  const left = [...here.values()].map(({ pid, name }) => ({
    pid,
    name,
    reason: reasons.get(pid) ?? "it has just come",
  }));
  const homed = cluster.node.table.all().filter(({ exit, lwp }) => exit === undefined && lwp.index < 0).length;
  return { node: cluster.node.name, moves, left, homed };
}
