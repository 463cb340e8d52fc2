/** `godwit ps`: the processes of all nodes. */

import type { Command } from "commander";
import type { ProcessInfo } from "../abi/control.ts";
import { connect } from "../client/node-client.ts";
import { print, printJson } from "./print.ts";
import { examples } from "./program.ts";
import { formatDuration, formatSize } from "./quantity.ts";
import { type Column, formatTable } from "./table.ts";

interface Flags {
  readonly all?: true;
  readonly json?: true;
}

export function define(command: Command): void {
  command
    .option("-a, --all", "ended processes too, as long as they are remembered")
    .addHelpText(
      "after",
      `${examples(
        ["godwit ps", "what runs, is idle, paused or swapped out"],
        ["godwit ps --all", "with those that ended, and how"],
        ["godwit ps --json", "an array of objects, all fields"],
      )}

States: running; idle (all its threads are blocked); paused (see pause); swapped (idle for long, its memory let go until
something arrives for it); rehoming (its home is being moved, and it stands still until that is done, or undone); ended.
MEMORY is resident; of a swapped process, what is kept. MAIL is the number of messages that wait in its mailbox. NODE is where it runs. EPOCH counts how often it was restored from an image, or moved.`,
    )
    .action(ps);
}

const COLUMNS: readonly Column[] = [
  { title: "PID", align: "right" },
  { title: "PARENT", align: "right" },
  { title: "STATE" },
  { title: "NODE" },
  { title: "LWP", align: "right" },
  { title: "THREADS", align: "right" },
  { title: "MEMORY", align: "right" },
  { title: "CPU", align: "right" },
  { title: "AGE", align: "right" },
  { title: "MAIL", align: "right" },
  { title: "EPOCH", align: "right" },
  { title: "NAME" },
];

/** How a process ended, in a word. */
function ending({ exit }: ProcessInfo): string {
  if (exit === undefined) return "";
  return exit.signal ?? `exit ${exit.code}`;
}

function rowOf(info: ProcessInfo, nowMs: number): string[] {
  const hasEnded = info.state === "ended";
  return [
    String(info.pid),
    String(info.parent),
    hasEnded ? `ended (${ending(info)})` : info.state,
    info.node,
    hasEnded || info.lwp < 0 ? "-" : String(info.lwp),
    String(info.threads),
    formatSize(info.memoryBytes),
    formatDuration(info.cpuMs),
    formatDuration(Math.max(0, nowMs - info.startedMs)),
    String(info.mailbox),
    String(info.epoch),
    info.name,
  ];
}

export function processTable(processes: readonly ProcessInfo[], nowMs: number): string {
  const rows = processes.toSorted((a, b) => a.pid - b.pid).map((info) => rowOf(info, nowMs));
  return formatTable(COLUMNS, rows);
}

async function ps(flags: Flags): Promise<void> {
  const all = await (await connect()).list();
  const shown = flags.all === true ? all : all.filter((info) => info.state !== "ended");
  if (flags.json === true) printJson(shown);
  else print(processTable(shown, Date.now()));
}
