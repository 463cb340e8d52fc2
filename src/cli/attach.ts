/** `godwit attach`: this terminal as a process's own. */

import type { Command } from "commander";
import { connect } from "../client/node-client.ts";
import { foreground } from "./foreground.ts";
import { examples } from "./program.ts";
import { parsePid } from "./quantity.ts";

export function define(command: Command): void {
  command
    .argument("<pid>", "the process")
    .option("--no-input", "only watch: do not read standard input")
    .addHelpText(
      "after",
      `${examples(
        ["godwit attach 7", "type to it, see what it writes from now on; Ctrl-\\ leaves it"],
        ["godwit attach --no-input 7", "watch, and exit with its code"],
        ["echo done | godwit attach 7", "give it a line, and the end of its input"],
      )}

Ctrl-C reaches the process; twice within a second kills it. Ctrl-\\, or closing the terminal, leaves it running.
Exit codes: as those of run; 0 when you left it.`,
    )
    .action(attach);
}

async function attach(pid: string, flags: { readonly input: boolean }): Promise<void> {
  const number = parsePid(pid);
  process.exitCode = await foreground(await connect(), number, { input: flags.input, bond: "visit" });
}
