/** `godwit up`: this machine's node, until it is stopped. */

import { resolve } from "node:path";
import type { Command } from "commander";
import type { ClusterControl } from "../abi/control.ts";
import { DEFAULT_NODE_NAME, assertNodeName, socketPath } from "../client/socket.ts";
import { GodwitError } from "../errors.ts";
import { EXIT, print, printJson, remark } from "./print.ts";
import { examples } from "./program.ts";
import { parseCount, parseDuration } from "./quantity.ts";
import { UsageError } from "./usage.ts";
import { version } from "./version.ts";

interface Flags {
  readonly name: string;
  readonly lwps?: number;
  readonly swapAfter?: number;
  readonly nodes?: number;
  readonly state?: string;
  readonly respawn?: true;
  readonly json?: true;
}

export function define(command: Command): void {
  command
    .option("--name <name>", "the node's name, and its socket's", nodeName, DEFAULT_NODE_NAME)
    .option("--lwps <n>", "kernel threads that run processes (default: one for each core)", (text) =>
      parseCount(text, "number of kernel threads", 1),
    )
    .option("--swap-after <duration>", "let an idle process's memory go after this long (default: 30s)", parseDuration)
    .option("--nodes <n>", "this many nodes, each an OS process, as one cluster", (text) =>
      parseCount(text, "number of nodes", 1),
    )
    .option("--state <folder>", "keep the cluster's durable state there (default: it goes with the cluster)")
    .option("--respawn", "start a node again that died")
    .addHelpText(
      "after",
      `${examples(
        ["godwit up", "in the foreground; Ctrl-C or godwit stop ends it"],
        ["godwit up &", "in the background of this shell"],
        ["godwit up --nodes 3", "nodes n1, n2 and n3, between which processes move"],
        ["GODWIT_SOCKET=~/g/a.sock godwit up --name a", "another node, at a socket of your choice"],
      )}

The node listens to one socket, which only you may use: $GODWIT_SOCKET, or NAME.sock in $XDG_RUNTIME_DIR/godwit, or in
a folder of yours under the temporary folder. The other commands look for it at the same place, under the name
"${DEFAULT_NODE_NAME}" unless GODWIT_SOCKET is set.`,
    )
    .action(up);
}

function nodeName(text: string): string {
  try {
    assertNodeName(text);
    return text;
  } catch (error) {
    throw error instanceof GodwitError ? new UsageError(error.message) : error;
  }
}

/** Names of several nodes that one command starts. */
function namesOf({ name, nodes = 1 }: Flags): string[] {
  const prefix = name === DEFAULT_NODE_NAME ? "n" : `${name}-`;
  return Array.from({ length: nodes }, (_, index) => `${prefix}${index + 1}`);
}

/** The control of what is started: a node that is alone, or the cluster of several. */
async function start(flags: Flags, socket: string): Promise<ClusterControl> {
  const lwps = flags.lwps === undefined ? {} : { lwps: flags.lwps };
  const swap = flags.swapAfter === undefined ? {} : { swapAfterMs: flags.swapAfter };
  if (flags.nodes === undefined) {
    const { startLoneNode } = await import("../node/lone-node.ts");
    return startLoneNode({ name: flags.name, ...lwps, ...swap, version: version(), socket });
  }
  const { Launcher } = await import("../node/launcher.ts");
  const state = flags.state === undefined ? {} : { state: resolve(flags.state) };
  const { control } = await Launcher.start({
    name: flags.name,
    names: namesOf(flags),
    version: version(),
    respawn: flags.respawn === true,
    log: remark,
    ...lwps,
    ...swap,
    ...state,
  });
  return control;
}

async function up(flags: Flags): Promise<void> {
  if (flags.nodes === undefined && (flags.state !== undefined || flags.respawn === true))
    throw new UsageError("--state and --respawn are about the nodes of --nodes");
  const socket = socketPath(flags.name);
  const { assertNoNode } = await import("../node/socket-file.ts");
  await assertNoNode(socket); // before anything costly is started
  const [control, { startDaemon }] = await Promise.all([start(flags, socket), import("../node/daemon.ts")]);
  const daemon = await startDaemon(control, { socket, version: version(), log: remark });
  let isAsked = false;
  const onSignal = () => {
    if (isAsked) process.exit(EXIT.error); // a second time: now
    isAsked = true;
    daemon.stop().catch(() => {}); // heard below
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal).on("SIGHUP", onSignal);
  announce(flags, socket);
  await daemon.ended;
  await daemon.stop(); // it was asked to by whatever ended it: how did that go?
}

function announce(flags: Flags, socket: string): void {
  const { name, json, nodes } = flags;
  const names = nodes === undefined ? [name] : namesOf(flags);
  if (json === true) {
    printJson({ name, socket, hostPid: process.pid, nodes: names });
    return;
  }
  const who = nodes === undefined ? `Node ${name} is` : `Nodes ${names.join(", ")} are`;
  print(`${who} up at ${socket}, process ${process.pid}. Stop with Ctrl-C or godwit stop.\n`);
  const isFound = process.env["GODWIT_SOCKET"] !== undefined || name === DEFAULT_NODE_NAME;
  if (!isFound) print(`For the other commands: export GODWIT_SOCKET='${socket}'\n`);
}
