/** Processes go from one LWP of a node to another, with their memory as it is. */

import { assert, present } from "../assert.ts";
import { Held } from "./held.ts";
import type { LwpThread } from "./lwp-thread.ts";
import type { Node } from "./node.ts";
import type { Entry } from "./process-table.ts";

/** Hands a ready process from an LWP that has several to one that has none. */
export function balance(node: Node): void {
  const pair = node.lwps.unbalanced();
  if (pair === undefined || node.stopping) return;
  const { idle, busy } = pair;
  const pid = present(busy.ready[0], "a ready process of a busy LWP");
  const entry = node.table.find(pid);
  if (entry === undefined || entry.exit !== undefined || entry.held !== undefined || entry.lwp !== busy) return;
  void handOver(node, entry, idle);
}

/**
 * Moves a process to another LWP of this node, with its memory as it is; false when it stays, because it has ended or
 * is in the middle of a call that must end where it began.
 */
export async function handOver(node: Node, entry: Entry, to: LwpThread): Promise<boolean> {
  assert(entry.held === undefined, "a process is handed over once at a time");
  const from = entry.lwp;
  entry.held = new Held();
  to.expects = entry.pid;
  const answer = await from.ask(entry.pid, { kind: "release" }).catch(() => undefined);
  to.expects = undefined;
  if (entry.exit !== undefined) return false;
  if (answer !== undefined && to.failed) {
    node.ended({ pid: entry.pid, code: 139, reason: "the LWP that it was handed to failed" }, entry.cpuMs);
    return false;
  }
  if (answer !== undefined) {
    to.tell({ op: "adopt", released: answer });
    entry.lwp = to;
    from.processes--;
    to.processes++;
  }
  node.settle(entry);
  return answer !== undefined;
}
