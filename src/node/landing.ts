/** Where a process that comes from another node will be. */

import type { Link } from "../cluster/link.ts";
import type { ClusterNode } from "./cluster-node.ts";
import type { Landing, Offer } from "./immigration.ts";

/** Whether a process runs at this node. */
export function isHere({ node, hosting }: ClusterNode, pid: number): boolean {
  const entry = node.table.find(pid);
  const isAtHome = entry?.exit === undefined && entry?.lwp.nodeName === node.name;
  return isAtHome || hosting.find(pid) !== undefined;
}

/** Its home is reached before it comes, or it does not. @throws GodwitError ENONODE, ESRCH. */
export async function landingFor(cluster: ClusterNode, source: Link, offer: Offer): Promise<Landing> {
  const { node, homing, hosting, links } = cluster;
  const { pid, name, home, memoryQuotaBytes, durable } = offer;
  const lwp = node.lwps.leastLoaded();
  const goOn = () => (durable ? cluster.durability?.arrived(pid) : undefined);
  if (home === node.name) {
    const entry = node.table.living(pid);
    const landed = () => homing.cameHome(entry, lwp).then(goOn);
    return { lwp, landed, dropped: () => homing.dropped(pid) };
  }
  const link = home === source.peer ? source : await links.to(home);
  const landed = async () => {
    // Its home has put another in its place meanwhile.
    if (hosting.find(pid) !== undefined) return lwp.tell({ op: "discard", pid });
    hosting.add({ pid, name, home: link, lwp, memoryQuotaBytes });
    lwp.tell({ op: "start", pid });
    goOn();
    if (link !== source) link.tell("home/arrived", { pid });
  };
  return { lwp, landed, dropped: () => link.tell("home/dropped", { pid }) };
}
