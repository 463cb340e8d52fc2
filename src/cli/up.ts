/** `godwit up`: this machine's node, until it is stopped. */

import { homedir } from "node:os";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import type { ClusterControl } from "../abi/control.ts";
import { DEFAULT_NODE_NAME, assertNodeName, socketPath } from "../client/socket.ts";
import { GodwitError } from "../errors.ts";
import { startDetached, tellUp } from "./detached.ts";
import { EXIT, print, printJson, remark } from "./print.ts";
import { examples } from "./program.ts";
import { parseCount, parseDuration } from "./quantity.ts";
import { UsageError } from "./usage.ts";
import { version } from "./version.ts";

interface Flags {
  readonly name: string;
  readonly detach?: true;
  readonly lwps?: number;
  readonly swapAfter?: number;
  readonly nodes?: number;
  readonly state?: string;
  readonly respawn?: true;
  readonly engine?: string;
  readonly credentials?: string;
  readonly ca?: string;
  readonly certificate?: string;
  readonly key?: string;
  readonly address?: string;
  readonly join?: string;
  readonly json?: true;
}

export function define(command: Command): void {
  command
    .option("--name <name>", "the node's name, and its socket's", nodeName, DEFAULT_NODE_NAME)
    .option("-d, --detach", "return once it is up; it goes on until godwit stop")
    .option("--lwps <n>", "kernel threads that run processes (default: one for each core)", (text) =>
      parseCount(text, "number of kernel threads", 1),
    )
    .option("--swap-after <duration>", "let an idle process's memory go after this long (default: 30s)", parseDuration)
    .option("--nodes <n>", "this many nodes, each an OS process, as one cluster", (text) =>
      parseCount(text, "number of nodes", 1),
    )
    .option("--respawn", "with --nodes: start a node again that died; after a pause, which grows if it dies again soon")
    .option(
      "--engine <url>",
      "one node of a cluster of several machines, over NATS: nats://host:4222, or several of them",
    )
    .option("--credentials <file>", "with --engine: a NATS .creds file")
    .option("--ca <file>", "with --engine: whom to trust, for TLS to NATS")
    .option("--certificate <file>", "with --engine: the client certificate for NATS; --key is its key")
    .option("--key <file>")
    .option("--address <address>", "with --engine: HOST or HOST:PORT at which other nodes reach this one directly")
    .option("--join <token>", "with --engine: what godwit join-token printed; needed once, by all nodes but the first")
    .option(
      "--state <folder>",
      "where the state is: with --nodes the cluster's (default: none is kept), with --engine the node's",
    )
    .addHelpText(
      "after",
      `${examples(
        ["godwit up", "in the foreground; Ctrl-C or godwit stop ends it"],
        ["godwit up --detach", "in the background: it outlives the terminal"],
        ["godwit up --detach --nodes 3", "nodes n1, n2 and n3, between which processes move"],
        ["godwit up --engine nats://10.0.0.9 --name a --address 10.0.0.1", "the first of several machines"],
        ["godwit up --engine nats://10.0.0.9 --name b --address 10.0.0.2 --join TOKEN", "another"],
        ["GODWIT_SOCKET=~/g/a.sock godwit up --name a", "another node, at a socket of your choice"],
      )}

The node listens to one socket, which only you may use: $GODWIT_SOCKET, or NAME.sock in $XDG_RUNTIME_DIR/godwit, or in
a folder of yours under the temporary folder. The other commands look for it at the same place, under the name
"${DEFAULT_NODE_NAME}" unless GODWIT_SOCKET is set. With --detach, what goes wrong later is written to that path with .log behind it.`,
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

interface Started {
  readonly control: ClusterControl;
  /** Calls back when what was started is to end by itself, and with why if that is a fault. */
  readonly over: (end: (reason?: Error) => void) => void;
}

/** What each node is told. */
interface Common {
  readonly name: string;
  readonly lwps?: number;
  readonly swapAfterMs?: number;
  readonly version: string;
  readonly socket: string;
}

async function startNodes(flags: Flags, common: Common): Promise<Started> {
  const { Launcher } = await import("../node/launcher.ts");
  const state = flags.state === undefined ? {} : { state: resolve(flags.state) };
  const respawn = flags.respawn === true;
  const { control } = await Launcher.start({ ...common, ...state, names: namesOf(flags), respawn, log: remark });
  return { control, over: () => {} };
}

/** Where a node keeps who it is, unless it is said. */
function stateFolder(name: string): string {
  const { XDG_STATE_HOME: home } = process.env;
  return join(home === undefined || home === "" ? join(homedir(), ".local", "state") : home, "godwit", name);
}

async function startJoined(flags: Flags, url: string, common: Common): Promise<Started> {
  const { startJoinedNode } = await import("../node/joined-node.ts");
  const { credentials, ca, certificate, key, address, join: token } = flags;
  const files = {
    ...(ca === undefined ? {} : { caFile: ca }),
    ...(certificate === undefined ? {} : { certFile: certificate }),
    ...(key === undefined ? {} : { keyFile: key }),
  };
  const nats = {
    servers: url.split(","),
    ...(credentials === undefined ? {} : { credentialsFile: credentials }),
    ...(Object.keys(files).length === 0 ? {} : { tls: files }),
  };
  const member = await startJoinedNode({
    ...common,
    nats,
    state: resolve(flags.state ?? stateFolder(flags.name)),
    ...(address === undefined ? {} : { address }),
    ...(token === undefined ? {} : { token }),
    log: remark,
  });
  const over = (end: (reason?: Error) => void) => {
    member.onEmpty = () => end();
    member.onDeposed = end;
  };
  return { control: member.control, over };
}

/** What is started: a node that is alone, one of several machines', or several. */
async function start(flags: Flags, socket: string): Promise<Started> {
  const common: Common = {
    name: flags.name,
    ...(flags.lwps === undefined ? {} : { lwps: flags.lwps }),
    ...(flags.swapAfter === undefined ? {} : { swapAfterMs: flags.swapAfter }),
    version: version(),
    socket,
  };
  if (flags.engine !== undefined) return startJoined(flags, flags.engine, common);
  if (flags.nodes !== undefined) return startNodes(flags, common);
  const { startLoneNode } = await import("../node/lone-node.ts");
  return { control: await startLoneNode(common), over: () => {} };
}

function checkTogether(flags: Flags): void {
  const { nodes, engine } = flags;
  if (nodes !== undefined && engine !== undefined)
    throw new UsageError("--nodes starts a cluster on this machine, --engine one node of another: give one of them");
  if (nodes === undefined && flags.respawn === true) throw new UsageError("--respawn is for --nodes");
  if (nodes === undefined && engine === undefined && flags.state !== undefined)
    throw new UsageError("--state is for --nodes or --engine: a node that is alone keeps none");
  if (engine === undefined && (flags.address ?? flags.join ?? flags.credentials ?? flags.ca) !== undefined)
    throw new UsageError("--address, --join, --credentials and --ca are for --engine");
}

async function up(flags: Flags): Promise<void> {
  checkTogether(flags);
  const socket = socketPath(flags.name);
  const { assertNoNode } = await import("../node/socket-file.ts");
  await assertNoNode(socket); // before anything costly is started
  if (flags.detach === true) return upDetached(flags, socket);
  const [{ control, over }, { startDaemon }] = await Promise.all([start(flags, socket), import("../node/daemon.ts")]);
  const daemon = await startDaemon(control, { socket, version: version(), log: remark });
  let isAsked = false;
  const onSignal = () => {
    if (isAsked) process.exit(EXIT.error); // a second time: now
    isAsked = true;
    daemon.stop().catch(() => {}); // heard below
  };
  over((reason) => {
    if (reason === undefined) return onSignal();
    remark(`${reason.message}: other nodes may have its processes by now, so it ends`);
    return process.exit(EXIT.error);
  });
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal).on("SIGHUP", onSignal);
  announce(flags, socket, process.pid, "Ctrl-C or godwit stop");
  tellUp();
  await daemon.ended;
  await daemon.stop(); // it was asked to by whatever ended it: how did that go?
}

async function upDetached(flags: Flags, socket: string): Promise<void> {
  const started = await startDetached(socket);
  if (started === undefined) return;
  announce(flags, socket, started.hostPid, "godwit stop");
  if (flags.json !== true) print(`What goes wrong there is written to ${started.log}.\n`);
}

function announce(flags: Flags, socket: string, hostPid: number, stops: string): void {
  const { name, json, nodes } = flags;
  const names = nodes === undefined ? [name] : namesOf(flags);
  if (json === true) {
    printJson({ name, socket, hostPid, nodes: names });
    return;
  }
  const who = nodes === undefined ? `Node ${name} is` : `Nodes ${names.join(", ")} are`;
  print(`${who} up at ${socket}, process ${hostPid}. Stop with ${stops}.\n`);
  const isFound = process.env["GODWIT_SOCKET"] !== undefined || name === DEFAULT_NODE_NAME;
  if (!isFound) print(`For the other commands: export GODWIT_SOCKET='${socket}'\n`);
}
