/** `godwit kill`: a signal for each of some processes that they cannot refuse. */

import type { Command } from "commander";
import { examples } from "./program.ts";
import { forEachPid } from "./processes.ts";

export function define(command: Command): void {
  command
    .argument("<pid...>", "the processes")
    .addHelpText(
      "after",
      examples(
        ["godwit kill 7", "a program cannot catch this (SIGKILL)"],
        ["godwit signal TERM 7", "ask first: the program may save its work"],
        ["godwit kill 7 8 9", "several"],
      ),
    )
    .action(kill);
}

async function kill(pids: readonly string[], flags: { readonly json?: true }): Promise<void> {
  await forEachPid(pids, flags, (node, pid) => node.signal(pid, "SIGKILL"));
}
