/** `godwit drain`: everything goes off a node, and the node ends. */

import type { Command } from "commander";
import type { DrainPlan } from "../abi/control.ts";
import { connect } from "../client/node-client.ts";
import { describeMove } from "./migrate.ts";
import { formatPlan } from "./move-plan.ts";
import { EXIT, print, printJson } from "./print.ts";
import { examples } from "./program.ts";
import { printable } from "./table.ts";

export function define(command: Command): void {
  command
    .argument("<node>", "the node (see godwit nodes)")
    .option("--dry-run", "prints what would become of each process that it concerns, and moves nothing")
    .option("--force", "move processes also without what cannot come along")
    .addHelpText(
      "after",
      `${examples(
        ["godwit drain n1", "its processes go to the other nodes, those with the least to do first"],
        ["godwit drain --dry-run n1", "whether it can be drained: a row for each file, connection and so on"],
      )}

It concerns the processes that run on the node, those that were started there, and those of other nodes that have files of
it open. What can come along goes with them, to where they run. A process that needs what cannot, as a file of the node
that it means to write on, is told of before anything is moved, and then the node stays as it was; the exit code is 1.
With --force it goes without, and its use of what it has lost fails with ENONODE.

The node takes no more processes in. It runs none when this command ends, and leaves the cluster as soon as it is no
process's home any more.`,
    )
    .action(drain);
}

interface Flags {
  readonly force?: true;
  readonly dryRun?: true;
  readonly json?: true;
}

/** A process, and what would become of what it holds. */
function describePlan({ pid, name, node, plan }: DrainPlan): string {
  return `${pid} ${printable(name)} on node ${printable(node)}:\n${formatPlan(plan)}`;
}

async function drain(node: string, flags: Flags): Promise<void> {
  const dryRun = flags.dryRun === true;
  const report = await (await connect()).drain(node, { force: flags.force === true, dryRun });
  if (report.left.length > 0) process.exitCode = EXIT.error;
  if (flags.json === true) return printJson(report);
  if (dryRun) return print(report.plans.map(describePlan).join("\n"));
  if (report.moves.length === 0)
    for (const one of report.plans) if (one.plan.obstacle !== undefined) print(`${describePlan(one)}\n`);
  for (const move of report.moves) print(`${describeMove(move)}\n`);
  for (const { pid, name, reason } of report.left) print(`${pid} ${printable(name)} stays: ${printable(reason)}\n`);
  if (report.left.length > 0) print(`Node ${node} could not be drained, and goes on.\n`);
  else if (report.homed === 0) print(`Node ${node} is empty, and leaves.\n`);
  else
    print(
      `Node ${node} runs nothing any more. It leaves when the ${report.homed} that it is the home of have ended.\n`,
    );
}
