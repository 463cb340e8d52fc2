/** `godwit nodes`: the nodes of the cluster. */

import type { Command } from "commander";
import type { NodeInfo } from "../abi/control.ts";
import { connect } from "../client/node-client.ts";
import { print, printJson } from "./print.ts";
import { examples } from "./program.ts";
import { formatDuration, formatSize } from "./quantity.ts";
import { type Column, formatTable } from "./table.ts";

export function define(command: Command): void {
  command
    .addHelpText(
      "after",
      `${examples(
        ["godwit nodes", "what each has to do, as it told about a second ago"],
        ["godwit nodes --json", "an array of objects, all fields"],
      )}

PROCESSES are those that run there, wherever they were started. CPU is of the node's LWPs, over the last second; MEMORY
is of the whole OS process. A node that is draining takes no processes in.`,
    )
    .action(nodes);
}

const COLUMNS: readonly Column[] = [
  { title: "NODE" },
  { title: "STATE" },
  { title: "PROCESSES", align: "right" },
  { title: "LWPS", align: "right" },
  { title: "CPU", align: "right" },
  { title: "MEMORY", align: "right" },
  { title: "AGE", align: "right" },
  { title: "HOST" },
  { title: "VERSION" },
];

export function nodeTable(nodes: readonly NodeInfo[], nowMs: number): string {
  const rows = nodes.map((node) => [
    node.name,
    node.state,
    String(node.processes),
    String(node.lwps),
    `${node.cpuPercent.toFixed(0)}%`,
    formatSize(node.memoryBytes),
    formatDuration(Math.max(0, nowMs - node.startedMs)),
    `${node.hostname}:${node.hostPid}`,
    node.version,
  ]);
  return formatTable(COLUMNS, rows);
}

async function nodes(flags: { readonly json?: true }): Promise<void> {
  const all = await (await connect()).nodes();
  if (flags.json === true) printJson(all);
  else print(nodeTable(all, Date.now()));
}
