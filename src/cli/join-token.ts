/** `godwit join-token`: lets another machine's node join the cluster, once. */

import { resolve } from "node:path";
import type { Command } from "commander";
import { assertNodeName } from "../client/socket.ts";
import { GodwitError } from "../errors.ts";
import { print, printJson } from "./print.ts";
import { examples } from "./program.ts";
import { parseDuration } from "./quantity.ts";
import { UsageError } from "./usage.ts";

interface Flags {
  readonly state: string;
  readonly expires?: number;
  readonly name?: string;
  readonly json?: true;
}

export function define(command: Command): void {
  command
    .requiredOption("--state <folder>", "the state folder of the node that was started first")
    .option("--expires <duration>", "how long it may be used (default: 1h)", parseDuration)
    .option("--name <name>", "for the node of this name alone, even if there was one before", nodeName)
    .addHelpText(
      "after",
      `${examples(
        ["godwit join-token --state ~/godwit", "a line to give to the other machine"],
        ["godwit join-token --state ~/godwit --name b --expires 10m", "for node b, which was set up anew"],
      )}

The token is a secret: whoever has it first is in the cluster. It can be used once, while the node that was started first
runs. What the new node is given with it, its certificate, is good for a year.`,
    )
    .action(joinToken);
}

function nodeName(text: string): string {
  try {
    assertNodeName(text);
    return text;
  } catch (error) {
    throw error instanceof GodwitError ? new UsageError(error.message) : error;
  }
}

async function joinToken({ state, expires, name, json }: Flags): Promise<void> {
  const { makeToken } = await import("../node/join-token.ts");
  const token = await makeToken(resolve(state), {
    ...(expires === undefined ? {} : { lifetimeMs: expires }),
    ...(name === undefined ? {} : { name }),
  });
  if (json === true) printJson({ token });
  else print(`${token}\n`);
}
