/** `godwit pause`: processes that stand still, in the middle of whatever they do. */

import type { Command } from "commander";
import { examples } from "./program.ts";
import { forEachPid } from "./processes.ts";

export function define(command: Command): void {
  command
    .argument("<pid...>", "the processes")
    .addHelpText(
      "after",
      examples(
        ["godwit pause 7", "stops all its threads, even in an endless loop"],
        ["godwit resume 7", "lets them go on"],
      ),
    )
    .action(pause);
}

async function pause(pids: readonly string[], flags: { readonly json?: true }): Promise<void> {
  await forEachPid(pids, flags, (node, pid) => node.pause(pid));
}
