/** The OS process that starts the nodes of a load proof, and has the cluster's engine. It ends with its parent. */

import { Launcher } from "../../src/node/launcher.ts";

export interface ToCluster {
  /** A node that is to join. */
  readonly add: string;
}

export interface FromCluster {
  /** Its control socket, once it has joined. */
  readonly socket: string;
}

const log = (line: string) => console.error(line);
const launcher = await Launcher.start({ name: "load-proof", names: [], version: "0", lwps: 1, respawn: false, log });

async function add({ add: name }: ToCluster): Promise<void> {
  await launcher.add(name);
  process.send?.({ socket: launcher.socketOf(name) } satisfies FromCluster);
}

process.on("message", (message: ToCluster) => void add(message));
process.on("disconnect", () => void launcher.stop().then(() => process.exit(0)));
