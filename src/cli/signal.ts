/** `godwit signal`: a signal for each of some processes. */

import type { Command } from "commander";
import { SIGNALS, type SignalName } from "../abi/records.ts";
import { examples } from "./program.ts";
import { forEachPid } from "./processes.ts";
import { UsageError } from "./usage.ts";

export function define(command: Command): void {
  command
    .argument("<signal>", "its name, as in TERM or SIGTERM")
    .argument("<pid...>", "the processes")
    .addHelpText(
      "after",
      `${examples(
        ["godwit signal TERM 7", "ask it to end"],
        ["godwit signal USR1 7 8", "whatever the programs do on it"],
      )}\n\nSignals: ${SIGNALS.join(", ")}.`,
    )
    .action(signal);
}

/** `term`, `TERM` and `SIGTERM` are the same. */
export function parseSignal(text: string): SignalName {
  const upper = text.toUpperCase();
  const name = SIGNALS.find((name) => name === upper || name === `SIG${upper}`);
  if (name === undefined) throw new UsageError(`"${text}" is no signal: choose one of ${SIGNALS.join(", ")}`);
  return name;
}

async function signal(text: string, pids: readonly string[], flags: { readonly json?: true }): Promise<void> {
  const name = parseSignal(text);
  await forEachPid(pids, flags, (node, pid) => node.signal(pid, name));
}
