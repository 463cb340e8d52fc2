/**
 * The first entry of a process that was born at a host: a child of one that runs there. Only its home knows whether it lives, so
 * that is asked to make the entry before the host lets the process go anywhere.
 */

import { randomUUID } from "node:crypto";
import * as v from "valibot";

import type { Link, LinkHandlers } from "../cluster/link.ts";
import type { ClaimOutcome, ProcessDirectory } from "../cluster/process-directory.ts";
import { GodwitError, failure } from "../errors.ts";
import type { Owner } from "../kernel/ownership.ts";
import type { ClusterNode } from "./cluster-node.ts";
import type { ClusterView } from "./cluster-view.ts";

const KIND = "home/assure";
const aboutBirth = v.object({ pid: v.number(), epoch: v.number() });

export type Claim = (pid: number, from: Owner, to: Owner, home: string, cause: string) => Promise<ClaimOutcome>;

/** As `ProcessDirectory.claim`, for a node's own claims. */
export function assuredClaim({ name, directory, links }: ClusterView): Claim {
  return async (pid, from, to, home, cause) => {
    const outcome = await directory.claim(pid, from, to, home, cause);
    const isAssurance = from.node === to.node && from.epoch === to.epoch;
    if (outcome !== "superseded" || !isAssurance || home === name) return outcome;
    try {
      await (await links.to(home)).request(KIND, { pid, epoch: from.epoch });
    } catch (error) {
      if (error instanceof GodwitError) return error.code === "ESRCH" ? "superseded" : "unknown";
      throw error;
    }
    return directory.claim(pid, from, to, home, cause);
  };
}

/** A node's handlers, with this question answered for the processes whose home it is. */
export function withAssurance(
  cluster: LinkHandlers & Pick<ClusterNode, "node">,
  directory: ProcessDirectory,
): LinkHandlers {
  return {
    told: (link, kind, body) => cluster.told(link, kind, body),
    bulk: (peer, stream, header) => cluster.bulk(peer, stream, header),
    asked: (link, kind, body) =>
      kind === KIND ? assure(cluster, directory, link, body) : cluster.asked(link, kind, body),
  };
}

async function assure(
  { node }: Pick<ClusterNode, "node">,
  directory: ProcessDirectory,
  link: Link,
  body: unknown,
): Promise<null> {
  const checked = v.safeParse(aboutBirth, body);
  if (!checked.success) throw failure("EPROTO", `a message between nodes is malformed: ${checked.issues[0].message}`);
  const { pid, epoch } = checked.output;
  if (node.table.living(pid).lwp.nodeName !== link.peer)
    throw failure("ESRCH", `process ${pid} is not on node ${link.peer}, as its home has it`);
  await makeEntry(directory, node.name, pid, { node: link.peer, epoch });
  return null;
}

/** Makes sure that a process whose home is here, and which lives, has an entry. One that it has stays: a move settled whose it is. */
export async function makeEntry(
  directory: Pick<ProcessDirectory, "claim">,
  home: string,
  pid: number,
  owner: Owner,
): Promise<void> {
  const here = { node: home, epoch: owner.epoch };
  const outcome = await directory.claim(pid, here, here, home, randomUUID());
  if (outcome === "won" && owner.node !== home) await directory.claim(pid, here, owner, home, randomUUID());
}
