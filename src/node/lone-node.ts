/** A node that is alone: no cluster, and nothing that one needs is loaded. */

import { loadEngine } from "../machine/load.ts";
import { EventLog } from "./event-log.ts";
import type { Switch } from "../switch/switch.ts";
import { MemberControl } from "./member-control.ts";
import { Node, type NodeOptions } from "./node.ts";

export interface LoneNodeOptions extends NodeOptions {
  readonly version: string;
  /** Where its control is served. */
  readonly socket: string;
}

/** Starts it in this OS process. */
export async function startLoneNode(options: LoneNodeOptions): Promise<MemberControl> {
  const { name, version, socket } = options;
  const node = new Node(options, await loadEngine());
  const events = new EventLog(name);
  // Whoever starts a node does not wait for what only some of them want.
  setImmediate(() => void import("./telemetry.ts").then(({ measure }) => measure(node, version, events)));
  let opened: Promise<Switch> | undefined;
  const services = () => (opened ??= import("../switch/switch.ts").then((module) => module.Switch.open({ name })));
  return new MemberControl({ node, events, version, socket, services });
}
