/** `godwit drain`: everything goes off a node, and the node ends. */

import type { Command } from "commander";
import { connect } from "../client/node-client.ts";
import { describeMove } from "./migrate.ts";
import { EXIT, print, printJson } from "./print.ts";
import { examples } from "./program.ts";
import { printable } from "./table.ts";

export function define(command: Command): void {
  command
    .argument("<node>", "the node (see godwit nodes)")
    .option("--force", "move processes also without what cannot come along")
    .addHelpText(
      "after",
      `${examples(["godwit drain n1", "its processes go to the other nodes, those with the least to do first"])}

The node takes no more processes in. It runs none when this command ends, and leaves the cluster as soon as it is no
process's home any more: what was started there and runs elsewhere by then is reached through it. A process that cannot
go, as one that has a file of the node open that it means to write on, is told of, and then the node stays as it was; the
exit code is 1. With --force it goes without: what stays is lost to it when the node has left.`,
    )
    .action(drain);
}

async function drain(node: string, flags: { readonly force?: true; readonly json?: true }): Promise<void> {
  const report = await (await connect()).drain(node, { force: flags.force === true });
  if (report.left.length > 0) process.exitCode = EXIT.error;
  if (flags.json === true) return printJson(report);
  for (const move of report.moves) print(`${describeMove(move)}\n`);
  for (const { pid, name, reason } of report.left) print(`${pid} ${printable(name)} stays: ${printable(reason)}\n`);
  if (report.left.length > 0) print(`Node ${node} could not be drained, and goes on.\n`);
  else if (report.homed === 0) print(`Node ${node} is empty, and leaves.\n`);
  else
    print(
      `Node ${node} runs nothing any more. It leaves when the ${report.homed} that it is the home of have ended.\n`,
    );
}
