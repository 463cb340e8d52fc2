/** `godwit services`: services by name, the processes that serve them, and where clients come in. */

import type { Command } from "commander";
import type { ServiceInfo } from "../abi/control.ts";
import { connect } from "../client/node-client.ts";
import { print, printJson } from "./print.ts";
import { examples } from "./program.ts";
import { type Column, formatTable } from "./table.ts";

export function define(command: Command): void {
  command
    .addHelpText(
      "after",
      `${examples(["godwit services", "of the whole cluster"], ["godwit services --json", "the same, as an array"])}

A process is of a service while it listens on service:NAME. HOME is the node that keeps its entry; where it runs, godwit ps
tells. OPEN is what it has of all switches: requests and connections that are not over.`,
    )
    .action(services);
}

const COLUMNS: readonly Column[] = [
  { title: "SERVICE" },
  { title: "PID", align: "right" },
  { title: "HOME" },
  { title: "FOR" },
  { title: "OPEN", align: "right" },
];
const FRONT_COLUMNS: readonly Column[] = [
  { title: "SERVICE" },
  { title: "AT" },
  { title: "NODE" },
  { title: "POLICY" },
];

export function serviceTables(all: readonly ServiceInfo[]): string {
  const members = all.flatMap(({ name, members }) =>
    members.length === 0
      ? [[name, "-", "", "", ""]]
      : members.map(({ pid, home, protocol, open }) => [name, String(pid), home, protocol, String(open)]),
  );
  const fronts = all.flatMap(({ fronts }) =>
    fronts.map(({ service, address, node, policy }) => [service, address, node, policy]),
  );
  const second = fronts.length === 0 ? "" : `\n${formatTable(FRONT_COLUMNS, fronts)}`;
  return formatTable(COLUMNS, members) + second;
}

async function services(flags: { readonly json?: true }): Promise<void> {
  const all = await (await connect()).services();
  if (flags.json === true) printJson(all);
  else print(serviceTables(all));
}
