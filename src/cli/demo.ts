/** `godwit demo`: three nodes, a program that is moved about while it computes, a node drained, a node killed, and the answer. */

import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import type { ClusterControl, ClusterEvent, MoveReport, NodeInfo, ProcessInfo, SpawnOptions } from "../abi/control.ts";
import { failure, GodwitError } from "../errors.ts";
import { print, printJson, style } from "./print.ts";
import { examples } from "./program.ts";
import { formatDuration, formatSize, parseCount } from "./quantity.ts";
import { type Column, formatTable } from "./table.ts";
import { version } from "./version.ts";

const PROGRAM = fileURLToPath(new URL("../../../demo/", import.meta.url)) + "primes.ts";
const NODES = ["n1", "n2", "n3"];
const LIMIT = 50_000_000;
const IMAGE_INTERVAL_MS = 500;
const MOVES_BEFORE = 12;
const MOVE_PAUSE_MS = 250;
const REDRAW_MS = 100;
/** It computes so much longer where it was brought back, before it is told to stop. */
const RUN_ON_MS = 1000;
/** It is to end by itself; this is for when something is wrong. */
const TIMEOUT_MS = 120_000;

interface Flags {
  readonly limit: number;
  readonly json?: true;
}

export function define(command: Command): void {
  command
    .option(
      "--limit <n>",
      "stop at this number, if it is reached before",
      (text) => parseCount(text, "limit", 10_000),
      LIMIT,
    )
    .addHelpText(
      "after",
      `${examples(
        ["godwit demo", "at a terminal, a live table shows who is where"],
        ["godwit demo --json", "what came of it, as one line"],
      )}

Starts three nodes on this machine, each an operating system's process, and on one of them a program of four threads that adds
up primes. The program is moved from node to node while it computes; one node is drained; the node that runs the program
is killed, and the program goes on from its last image. Then it is told to stop where it is, and its answer is compared with
that of a sieve. It takes less than a minute, and leaves nothing behind.`,
    )
    .action(demo);
}

const COLUMNS: readonly Column[] = [
  { title: "NODE" },
  { title: "STATE" },
  { title: "PROCESS" },
  { title: "THREADS", align: "right" },
  { title: "MEMORY", align: "right" },
  { title: "EPOCH", align: "right" },
];

/** What is shown, and what has happened. */
class Stage {
  readonly #control: ClusterControl;
  readonly #lines: string[] = [];
  readonly moves: MoveReport[] = [];
  /** Says and draws nothing. */
  readonly #isQuiet: boolean;
  progress = 0;
  answer: string | undefined;
  #drawn = 0;
  #said = 0;

  constructor(control: ClusterControl, isQuiet: boolean) {
    this.#control = control;
    this.#isQuiet = isQuiet;
  }

  say(line: string): void {
    this.#lines.push(line);
    if (!process.stdout.isTTY && !this.#isQuiet) print(`${line}\n`);
  }

  happened(event: ClusterEvent): void {
    if (event.kind === "moved" && event.move.outcome === "moved") {
      this.moves.push(event.move);
      const { from, to, downtimeMs, pages, bytes } = event.move;
      this.say(
        `moved from ${from} to ${to}: stopped for ${downtimeMs.toFixed(1)} ms, ${pages} pages, ${formatSize(bytes)}`,
      );
    } else if (event.kind === "left" || event.kind === "died") this.say(`node ${event.node} ${event.kind}`);
    else if (event.kind === "restored") this.say(`restored on ${event.node} from its last image`);
  }

  output(bytes: Uint8Array): void {
    for (const line of Buffer.from(bytes).toString().split("\n")) {
      const [word, ...rest] = line.split(" ");
      if (word === "progress") this.progress = Math.max(this.progress, Number(rest[0]));
      if (word === "answer") this.answer = rest.join(" ");
    }
  }

  /** Draws the table over the one before; not at a terminal, nothing. */
  async draw(): Promise<void> {
    if (!process.stdout.isTTY || this.#isQuiet) return;
    const [nodes, processes] = await Promise.all([this.#control.nodes(), this.#control.list()]);
    const text = `${formatTable(COLUMNS, rows(nodes, processes))}${this.progress} numbers looked at\n`;
    const said = this.#lines.slice(this.#said).map((line) => `${style("dim", line)}\n`);
    this.#said = this.#lines.length;
    print(`${this.#drawn === 0 ? "" : `\u001b[${this.#drawn}A\u001b[J`}${said.join("")}${text}`);
    this.#drawn = text.split("\n").length - 1;
  }
}

function rows(nodes: readonly NodeInfo[], processes: readonly ProcessInfo[]): string[][] {
  return nodes.map(({ name, state }) => {
    const one = processes.find((info) => info.node === name && info.state !== "ended");
    const cells =
      one === undefined
        ? ["", "", "", ""]
        : [one.name, String(one.threads), formatSize(one.memoryBytes), String(one.epoch)];
    return [name, state, ...cells];
  });
}

async function demo({ limit, json }: Flags): Promise<void> {
  const startMs = performance.now();
  const [{ Launcher }, { compileProgram, guestExports }] = await Promise.all([
    import("../node/launcher.ts"),
    import("../node/program.ts"),
  ]);
  const program = await compileProgram(PROGRAM, { guestExports: await guestExports() });
  const lost: string[] = [];
  const log = (line: string) => void lost.push(line);
  const launcher = await Launcher.start({ name: "demo", names: NODES, version: version(), respawn: false, log });
  const { control } = launcher;
  try {
    await show({ control, nodes: NODES }, program, { limit, json: json === true, startMs });
  } finally {
    await control.stop();
  }
}

/** Nodes that are up. */
export interface Cast {
  readonly control: ClusterControl;
  readonly nodes: readonly string[];
  /** The node through which all are reached, if it is one of them: it is not the one to be killed. */
  readonly through?: string;
}

export interface Play {
  readonly limit: number;
  readonly json: boolean;
  /** When all of it began. */
  readonly startMs: number;
}

/** Moves a program about, drains a node, kills a node, and checks the answer. @throws GodwitError when it is wrong. */
export async function show(
  cast: Cast,
  program: Required<Pick<SpawnOptions, "name" | "source" | "sourceMap">>,
  { limit, json, startMs }: Play,
): Promise<void> {
  const { control, nodes } = cast;
  const stage = new Stage(control, json);
  stage.say(`nodes ${nodes.join(", ")} are up after ${formatDuration(performance.now() - startMs)}`);
  const stopEvents = control.events(false, (event) => stage.happened(event));
  const { name, source, sourceMap } = program;
  const durable = { intervalMs: IMAGE_INTERVAL_MS };
  const node = nodes[0] ?? "";
  const pid = await control.spawn({ name, source, sourceMap, arguments: [String(limit)], node, durable });
  await perform(cast, stage, pid);
  stopEvents();
  conclude(stage, performance.now() - startMs, json);
}

/** Where a process runs; undefined while it is being brought back. */
async function whereIs(control: ClusterControl, pid: number): Promise<ProcessInfo | undefined> {
  return (await control.list()).find((info) => info.pid === pid && info.state !== "ended");
}

async function perform(cast: Cast, stage: Stage, pid: number): Promise<void> {
  const { control, through } = cast;
  const over = new AbortController();
  const drawing = draws(stage, over.signal);
  try {
    const deadlineMs = performance.now() + TIMEOUT_MS;
    follow(control, stage, pid);
    for (let move = 0; move < MOVES_BEFORE && stage.answer === undefined; move++) await moveOn(cast, pid);
    const [, drained = ""] = cast.nodes;
    stage.say(`draining ${drained}`);
    await control.drain(drained);
    const left = cast.nodes.filter((name) => name !== drained);
    if ((await whereIs(control, pid))?.node === through) await moveOn({ ...cast, nodes: left }, pid);
    const at = await whereIs(control, pid);
    const node = (await control.nodes()).find(({ name }) => name === at?.node);
    if (node !== undefined && node.name !== through && stage.answer === undefined) {
      await delay(2 * IMAGE_INTERVAL_MS); // an image of it is there
      stage.say(`killing ${node.name}, which runs the program (kill -9 ${node.hostPid})`);
      process.kill(node.hostPid, "SIGKILL");
    }
    let isAsked = false;
    while (stage.answer === undefined) {
      if (performance.now() > deadlineMs) throw failure("ETIMEDOUT", "the program did not end in time");
      await delay(REDRAW_MS);
      follow(control, stage, pid);
      const place = isAsked ? undefined : (await whereIs(control, pid))?.node;
      if (place === undefined || place === node?.name) continue;
      await delay(RUN_ON_MS);
      isAsked = await control.signal(pid, "SIGUSR1").then(
        () => true,
        () => false,
      );
    }
  } finally {
    over.abort();
    await drawing;
  }
}

async function moveOn({ control, nodes }: Cast, pid: number): Promise<void> {
  const at = await whereIs(control, pid);
  const to = nodes[(nodes.indexOf(at?.node ?? "") + 1) % nodes.length] ?? "";
  await control.migrate(pid, to).catch(() => undefined);
  await delay(MOVE_PAUSE_MS);
}

/** Reads the program's output where its home is, which may change. */
function follow(control: ClusterControl, stage: Stage, pid: number): void {
  void control
    .keptOutput(pid, (_, bytes) => stage.output(bytes))
    .catch((error: unknown) => {
      if (!(error instanceof GodwitError)) throw error; // it is being brought back: the next look finds it
    });
}

async function draws(stage: Stage, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    await stage.draw().catch(() => {});
    await delay(REDRAW_MS);
  }
}

function conclude(stage: Stage, tookMs: number, json: boolean): void {
  const downtimes = stage.moves.map(({ downtimeMs }) => downtimeMs).toSorted((one, other) => one - other);
  const median = downtimes[Math.floor(downtimes.length / 2)] ?? 0;
  const [limit = 0, found = 0, added = 0] = stage.answer?.split(" ").map(Number) ?? [];
  const { count, sum } = sieve(limit);
  const isRight = found === count && added === sum;
  if (json)
    printJson({
      moves: stage.moves,
      tookMs,
      limit,
      answer: { count: found, sum: added },
      sieve: { count, sum },
      isRight,
    });
  else
    print(
      `\n${stage.moves.length} moves, stopped for ${median.toFixed(1)} ms each (median); one node drained, one killed; ${formatDuration(tookMs)} in all.\n` +
        `The program's answer: ${found} primes below ${limit}, which add up to ${added}.\n` +
        `A sieve of Eratosthenes, run here by Node.js, finds ${count} that add up to ${sum}: ${isRight ? "the same" : "NOT the same"}.\n`,
    );
  if (!isRight) throw failure("ENODE", "the program's answer is wrong: please report it");
}

function sieve(limit: number): { count: number; sum: number } {
  const composite = new Uint8Array(limit);
  let count = 0;
  let sum = 0;
  for (let n = 2; n < limit; n++) {
    if (composite[n] === 1) continue;
    count++;
    sum += n;
    for (let multiple = n * n; multiple < limit; multiple += n) composite[multiple] = 1;
  }
  return { count, sum };
}
