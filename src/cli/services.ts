/** `godwit services`: services by name, the processes that serve them, and where clients come in. */

import type { Command } from "commander";
import type { Front, ServiceInfo } from "../abi/control.ts";
import { connect } from "../client/node-client.ts";
import { print, printJson } from "./print.ts";
import { examples } from "./program.ts";
import { type Column, formatTable, printable } from "./table.ts";

export function define(command: Command): void {
  command
    .addHelpText(
      "after",
      `${examples(["godwit services", "of the whole cluster"], ["godwit services --json", "the same, as an array"])}

A process is of a service while it listens on service:NAME. HOME is the node that keeps its entry; where it runs, godwit ps
tells. OPEN is what it has of all switches: requests and connections that are not over.

Then the addresses where services are exposed, with each node that holds one, or stands by to take it over, and why it cannot
hold it now. PASSED ON is how connections get from there to processes, and how many were handed to the nodes of those since the
node holds it; --json tells who has how many now. Last the programs that are started when a client comes.`,
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
  { title: "POLICY" },
  { title: "NODE" },
  { title: "PASSED ON" },
  { title: "STATE" },
];
const START_COLUMNS: readonly Column[] = [
  { title: "SERVICE" },
  { title: "STARTS" },
  { title: "IDLE", align: "right" },
  { title: "PID", align: "right" },
];

export function serviceTables(all: readonly ServiceInfo[]): string {
  const members = all.flatMap(({ name, members }) =>
    members.length === 0
      ? [[name, "-", "", "", ""]]
      : members.map(({ pid, home, protocol, open }) => [name, String(pid), home, protocol, String(open)]),
  );
  const starts = all.flatMap(({ name, start }) =>
    start === undefined ? [] : [[name, start.program, `${start.idleMs / 1000}s`, String(start.pid ?? "-")]],
  );
  const tables = [formatTable(COLUMNS, members)];
  if (all.some(({ exposures }) => exposures.length > 0))
    tables.push(formatTable(FRONT_COLUMNS, all.flatMap(frontRows)));
  if (starts.length > 0) tables.push(formatTable(START_COLUMNS, starts));
  return tables.join("\n");
}

/** A row for each node that holds an address, stands by for it, or is to hold it and is not there. */
function frontRows({ name, fronts, exposures }: ServiceInfo): string[][] {
  return exposures.flatMap(({ address, policy, at, standBys }) => {
    const states = new Map<string, string>();
    const passed = new Map<string, string>();
    for (const node of at === "all" ? [] : at) states.set(node, "not there");
    for (const { node, reason } of standBys) states.set(node, `stands by: ${printable(reason)}`);
    for (const front of fronts)
      if (front.address === address) {
        states.set(front.node, holds(front));
        passed.set(front.node, passedText(front));
      }
    if (states.size === 0) states.set("-", "no node is there");
    return [...states].map(([node, state]) => [name, address, policy, node, passed.get(node) ?? "", state]);
  });
}

function holds({ careOf }: Front): string {
  return careOf === undefined ? "holds it" : `holds it, for its own processes: ${careOf}`;
}

function passedText({ passOn, connections }: Front): string {
  if (connections === undefined) return passOn;
  return `${passOn}: ${connections.handedOff} handed off, ${connections.kept} kept`;
}

async function services(flags: { readonly json?: true }): Promise<void> {
  const all = await (await connect()).services();
  if (flags.json === true) printJson(all);
  else print(serviceTables(all));
}
