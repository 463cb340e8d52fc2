/** `godwit resume`: paused processes go on. */

import type { Command } from "commander";
import { examples } from "./program.ts";
import { forEachPid } from "./processes.ts";

export function define(command: Command): void {
  command
    .argument("<pid...>", "the processes")
    .addHelpText("after", examples(["godwit resume 7", "goes on where it was paused"]))
    .action(resume);
}

async function resume(pids: readonly string[], flags: { readonly json?: true }): Promise<void> {
  await forEachPid(pids, flags, (node, pid) => node.resume(pid));
}
