/** `godwit fork`: a copy of a process, from outside. */

import type { Command } from "commander";
import { connect } from "../client/node-client.ts";
import { examples } from "./program.ts";
import { print, printJson } from "./print.ts";
import { parsePid } from "./quantity.ts";

export function define(command: Command): void {
  command
    .argument("<pid>", "the process")
    .option("--node <name>", "the copy goes on there (see godwit nodes)")
    .addHelpText(
      "after",
      `${examples(
        ["godwit fork 7", "prints the copy's pid; both go on from the same point"],
        ["godwit fork --node n2 7", "a clone on another node"],
      )}

The program takes no part in it: it is stopped wherever it is, copied with all its threads, and goes on.`,
    )
    .action(fork);
}

async function fork(pid: string, { node, json }: { readonly node?: string; readonly json?: true }): Promise<void> {
  const parent = parsePid(pid);
  const child = await (await connect()).fork(parent, node === undefined ? {} : { node });
  if (json === true) printJson({ pid: child, parent });
  else print(`${child}\n`);
}
