/** `godwit stop`: the end of the node. */

import type { Command } from "commander";
import { connect } from "../client/node-client.ts";
import { print, printJson } from "./print.ts";
import { examples } from "./program.ts";

export function define(command: Command): void {
  command
    .addHelpText(
      "after",
      `${examples(["godwit stop", "ends its processes, then the node"])}\n\nTo keep a process, checkpoint it first.`,
    )
    .action(stop);
}

async function stop(flags: { readonly json?: true }): Promise<void> {
  const node = await connect();
  await node.stop();
  if (flags.json === true) printJson({ name: node.name, socket: node.socket });
  else print(`Node ${node.name} has stopped.\n`);
}
