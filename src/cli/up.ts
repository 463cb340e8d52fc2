/** `godwit up`: this machine's node, until it is stopped. */

import type { Command } from "commander";
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
  readonly json?: true;
}

export function define(command: Command): void {
  command
    .option("--name <name>", "the node's name, and its socket's", nodeName, DEFAULT_NODE_NAME)
    .option("--lwps <n>", "kernel threads that run processes (default: one for each core)", (text) =>
      parseCount(text, "number of kernel threads", 1),
    )
    .option("--swap-after <duration>", "let an idle process's memory go after this long (default: 30s)", parseDuration)
    .addHelpText(
      "after",
      `${examples(
        ["godwit up", "in the foreground; Ctrl-C or godwit stop ends it"],
        ["godwit up &", "in the background of this shell"],
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

async function up(flags: Flags): Promise<void> {
  const socket = socketPath(flags.name);
  const lwps = flags.lwps === undefined ? {} : { lwps: flags.lwps };
  const swap = flags.swapAfter === undefined ? {} : { swapAfterMs: flags.swapAfter };
  const { assertNoNode } = await import("../node/socket-file.ts");
  await assertNoNode(socket); // before anything costly is started
  const [{ startNode }, { startDaemon }] = await Promise.all([import("../node/node.ts"), import("../node/daemon.ts")]);
  const node = await startNode({ name: flags.name, ...lwps, ...swap });
  const daemon = await startDaemon(node, { socket, version: version(), log: remark });
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

function announce({ name, json }: Flags, socket: string): void {
  if (json === true) {
    printJson({ name, socket, hostPid: process.pid });
    return;
  }
  print(`Node ${name} is up at ${socket}, process ${process.pid}. Stop it with Ctrl-C or godwit stop.\n`);
  const isFound = process.env["GODWIT_SOCKET"] !== undefined || name === DEFAULT_NODE_NAME;
  if (!isFound) print(`For the other commands: export GODWIT_SOCKET='${socket}'\n`);
}
