/** `godwit unexpose`: no more clients come in there. */

import type { Command } from "commander";
import { connect } from "../client/node-client.ts";
import { failure } from "../errors.ts";
import { print, printJson } from "./print.ts";
import { examples } from "./program.ts";

export function define(command: Command): void {
  command
    .argument("<service>", "its name")
    .option("--on <address>", "at this address only, as godwit services tells it")
    .addHelpText(
      "after",
      `${examples(["godwit unexpose web", "at no address, on any node"])}

It is taken back from all nodes that hold the address or stand by for it. Clients that are being served stay until they are
done. With the last address of a service goes what --start said of it.`,
    )
    .action(unexpose);
}

async function unexpose(service: string, flags: { readonly on?: string; readonly json?: true }): Promise<void> {
  const gone = await (await connect()).unexpose(service, flags.on);
  if (gone.length === 0)
    throw failure(
      "ENOENT",
      `service ${service} is not exposed${flags.on === undefined ? "" : ` at ${flags.on}`}: see \`godwit services\``,
    );
  if (flags.json === true) return printJson(gone);
  for (const { address } of gone) print(`Service ${service} is not at ${address} any more.\n`);
}
