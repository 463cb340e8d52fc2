/** A node that is alone: no cluster, and nothing that one needs is loaded. */

import { loadEngine } from "../machine/load.ts";
import { EventLog } from "./event-log.ts";
import { MemberControl } from "./member-control.ts";
import { Node, type NodeOptions } from "./node.ts";

/** Starts it in this OS process. */
export async function startLoneNode(options: NodeOptions & { readonly version: string }): Promise<MemberControl> {
  const node = new Node(options, await loadEngine());
  return new MemberControl({ node, events: new EventLog(options.name), version: options.version });
}
