/** `godwit top`: the processes of all nodes, again and again, the busiest first. */

import { setTimeout as delay } from "node:timers/promises";
import type { Command } from "commander";
import type { NodeInfo, ProcessInfo } from "../abi/control.ts";
import { type NodeClient, connect } from "../client/node-client.ts";
import { print, style } from "./print.ts";
import { examples } from "./program.ts";
import { formatDuration, formatSize, parseCount, parseDuration } from "./quantity.ts";
import { type Column, formatTable } from "./table.ts";

interface Flags {
  readonly interval?: number;
  readonly count?: number;
  readonly json?: true;
}

export function define(command: Command): void {
  command
    .option("-i, --interval <duration>", "time between two looks (default: 1s)", parseDuration)
    .option("-n, --count <n>", "number of looks (default: until q or Ctrl-C; one when not at a terminal)", (text) =>
      parseCount(text, "number of looks", 1),
    )
    .addHelpText(
      "after",
      examples(
        ["godwit top", "q or Ctrl-C ends it"],
        ["godwit top --count 5 --interval 200ms", "five looks"],
        ["godwit top --json --count 10", "one line of JSON for each look"],
      ),
    )
    .action(top);
}

/** One look: a process's share of a core since the look before. */
interface Usage extends ProcessInfo {
  readonly cpuPercent: number;
}

const COLUMNS: readonly Column[] = [
  { title: "PID", align: "right" },
  { title: "CPU%", align: "right" },
  { title: "CPU", align: "right" },
  { title: "MEMORY", align: "right" },
  { title: "THREADS", align: "right" },
  { title: "NODE" },
  { title: "LWP", align: "right" },
  { title: "STATE" },
  { title: "NAME" },
];

/** Processes with their use of the processor between two looks, which were `elapsedMs` apart. */
export function usages(
  before: readonly ProcessInfo[],
  now: readonly ProcessInfo[],
  elapsedMs: number,
): readonly Usage[] {
  const cpuMs = new Map(before.map((info) => [info.pid, info.cpuMs]));
  return now
    .filter((info) => info.state !== "ended")
    .map((info) => {
      const usedMs = Math.max(0, info.cpuMs - (cpuMs.get(info.pid) ?? 0));
      return { ...info, cpuPercent: elapsedMs > 0 ? Math.round((1000 * usedMs) / elapsedMs) / 10 : 0 };
    })
    .sort((a, b) => b.cpuPercent - a.cpuPercent || b.cpuMs - a.cpuMs || a.pid - b.pid);
}

/** Each node's load, in a line. */
function nodeLine(nodes: readonly NodeInfo[]): string {
  const cell = ({ name, state, processes, cpuPercent }: NodeInfo) =>
    `${name}${state === "up" ? "" : ` (${state})`}: ${processes}, ${cpuPercent.toFixed(0)}%`;
  return nodes.length < 2 ? "" : `${nodes.map(cell).join("   ")}\n`;
}

function screen(node: NodeClient, nodes: readonly NodeInfo[], rows: readonly Usage[], height: number): string {
  const states = new Map<string, number>();
  for (const { state } of rows) states.set(state, (states.get(state) ?? 0) + 1);
  const summary = [...states].map(([state, count]) => `${count} ${state}`).join(", ");
  const memoryBytes = rows.reduce((sum, row) => sum + row.memoryBytes, 0);
  const place = nodes.length < 2 ? `Node ${node.name}` : `${nodes.length} nodes`;
  const title = `${place}: ${rows.length} process${rows.length === 1 ? "" : "es"}${summary === "" ? "" : ` (${summary})`}, ${formatSize(memoryBytes)}`;
  const table = formatTable(
    COLUMNS,
    rows
      .slice(0, height)
      .map((row) => [
        String(row.pid),
        row.cpuPercent.toFixed(1),
        formatDuration(row.cpuMs),
        formatSize(row.memoryBytes),
        String(row.threads),
        row.node,
        row.lwp < 0 ? "-" : String(row.lwp),
        row.state,
        row.name,
      ]),
  );
  return `${style("bold", title)}\n${nodeLine(nodes)}\n${table}`;
}

/** Rows of processes below the title; some terminals do not tell their size. */
function screenHeight(): number {
  return process.stdout.rows > 0 ? Math.max(1, process.stdout.rows - 5) : 20;
}

const ALTERNATE_SCREEN = "\u001b[?1049h\u001b[?25l";
const NORMAL_SCREEN = "\u001b[?25h\u001b[?1049l";
const CLEAR = "\u001b[H\u001b[2J";

/** Aborts on q and on the signals that end a command, so that the terminal is left as it was. */
function untilAsked(): { stopped: AbortSignal; end: () => void } {
  const controller = new AbortController();
  const stop = () => controller.abort();
  const onKey = (bytes: Buffer) => {
    if (bytes.includes("q") || bytes.includes(3)) stop();
  };
  process.on("SIGINT", stop).on("SIGTERM", stop).on("SIGHUP", stop);
  if (process.stdin.isTTY) process.stdin.setRawMode(true).on("data", onKey);
  const end = () => {
    if (process.stdin.isTTY) process.stdin.setRawMode(false).off("data", onKey).pause();
  };
  return { stopped: controller.signal, end };
}

async function top(flags: Flags): Promise<void> {
  const intervalMs = Math.max(100, flags.interval ?? 1000);
  const isScreen = process.stdout.isTTY && flags.json !== true;
  const looks = flags.count ?? (process.stdout.isTTY ? Number.POSITIVE_INFINITY : 1);
  const node = await connect();
  const { stopped, end } = untilAsked();
  if (isScreen) print(ALTERNATE_SCREEN);
  try {
    let before = await node.list();
    let beforeMs = performance.now();
    for (let look = 0; look < looks && !stopped.aborted; look++) {
      await delay(look === 0 ? Math.min(intervalMs, 250) : intervalMs, undefined, { signal: stopped });
      const now = await node.list();
      const nowMs = performance.now();
      const rows = usages(before, now, nowMs - beforeMs);
      if (flags.json === true) print(`${JSON.stringify(rows)}\n`);
      else
        print(
          `${isScreen ? CLEAR : ""}${screen(node, await node.nodes(), rows, isScreen ? screenHeight() : rows.length)}`,
        );
      [before, beforeMs] = [now, nowMs];
    }
  } catch (error) {
    if (!stopped.aborted) throw error;
  } finally {
    if (isScreen) print(NORMAL_SCREEN);
    end();
  }
}
