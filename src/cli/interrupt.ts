/** `godwit interrupt`: a word out of band, for a program that is busy. */

import type { Command } from "commander";
import { connect } from "../client/node-client.ts";
import { printJson } from "./print.ts";
import { examples } from "./program.ts";
import { parsePid } from "./quantity.ts";

export function define(command: Command): void {
  command
    .argument("<pid>", "the process")
    .argument("[message]", "what it is told", "")
    .addHelpText(
      "after",
      `${examples(["godwit interrupt 7", "call what the program gave to onUrgent"], ["godwit interrupt 7 hurry", "with a message"])}\n\nIt gets through while the program is in a loop. A program without onUrgent is not disturbed.`,
    )
    .action(interrupt);
}

async function interrupt(pid: string, message: string, flags: { readonly json?: true }): Promise<void> {
  const number = parsePid(pid);
  await (await connect()).interrupt(number, message);
  if (flags.json === true) printJson({ pid: number });
}
