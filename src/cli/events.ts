/** `godwit events`: what happened in the cluster, and what happens. */

import type { Command } from "commander";
import type { ClusterEvent } from "../abi/control.ts";
import { connect } from "../client/node-client.ts";
import { describeMove } from "./migrate.ts";
import { print } from "./print.ts";
import { examples } from "./program.ts";
import { printable } from "./table.ts";

interface Flags {
  readonly follow?: true;
  readonly json?: true;
}

export function define(command: Command): void {
  command
    .option("-f, --follow", "go on with what happens, until Ctrl-C")
    .addHelpText(
      "after",
      `${examples(
        ["godwit events", "what is remembered: the last 1024"],
        ["godwit events -f", "and what happens from now on"],
        ["godwit events -f --json", "one line of JSON for each event"],
      )}

Events: a process started, ended, moved or could not be moved; a node joined, left or died; a
durable process was restored after its node died, could not be saved, or was lost.`,
    )
    .action(events);
}

function describe(event: ClusterEvent): string {
  switch (event.kind) {
    case "started":
      return `started  ${event.pid} ${printable(event.name)}`;
    case "ended": {
      const { code, signal, reason } = event.status;
      const why = reason === undefined ? "" : ` (${printable(reason)})`;
      return `ended    ${event.pid} ${printable(event.name)}: ${signal ?? `exit ${code}`}${why}`;
    }
    case "moved":
      return `${event.move.outcome.padEnd(7)}  ${describeMove(event.move)}`;
    case "unsaved":
      return `unsaved  ${event.pid} ${printable(event.name)}: ${printable(event.reason)}`;
    case "restored": {
      const problems = event.problems.map((problem) => `; ${printable(problem)}`).join("");
      return `restored ${event.pid} ${printable(event.name)} from node ${event.from}'s image, ${event.ageMs} ms old${problems}`;
    }
    case "adopted":
      return `adopted  ${event.pid} ${printable(event.name)} from node ${event.from}`;
    case "superseded":
      return `superseded ${event.pid} ${printable(event.name)}: it goes on elsewhere`;
    case "lost":
      return `lost     ${event.pid} of node ${event.from}: ${printable(event.reason)}`;
    default:
      return event.kind;
  }
}

function lineOf(event: ClusterEvent): string {
  const time = new Date(event.atMs).toISOString().slice(11, 23);
  return `${time}  ${event.node.padEnd(8)}  ${describe(event)}\n`;
}

async function events(flags: Flags): Promise<void> {
  const node = await connect();
  await node.watch((event) => print(flags.json === true ? `${JSON.stringify(event)}\n` : lineOf(event)), {
    replay: true,
    keptOnly: flags.follow !== true,
  });
}
