/**
 * Moves between two nodes, each an OS process on this machine: how long a process is stopped and how long a move takes, by the
 * size of its heap and by how fast it writes; what goes over the wire; how many small processes move in a second; and how soon
 * a durable one is back when its node is killed.
 */

import { setTimeout as delay } from "node:timers/promises";
import type { ClusterControl, MoveReport } from "../src/abi/control.ts";
import { Launcher } from "../src/node/launcher.ts";
import type { Extent, Group } from "./benchmark.ts";
import { measureCriu } from "./criu.ts";
import { type Row, rowOf } from "./row.ts";

const MB = 2 ** 20;
const MOVES = 20;
/** Processes of each kind, whose first moves are measured; the last of them goes there and back. */
const FIRSTS = 3;
const WARM_UP = 4;
const SIZES_MB = [2, 16, 64, 256];
const RATES_MB = [0, 1, 20];
const SMALL = 1000;
/** Moves that are asked for at once; a node takes no more than MOVES_MAX. */
const AT_ONCE = 16;
const KILLS = 5;
const IMAGE_INTERVAL_MS = 500;
const DEADLINE_MS = 60_000;
/** Programs are asked for, not waited for: a node answers only so many requests at once. */
const POLL_MS = 20;
const NODES = ["n1", "n2"];

/** Holds `mb` MB that differ from page to page and from process to process, and writes `rate` MB of them each second, a page in one place. */
const HEAP = `
const { exports: godwit } = globalThis.__godwit;
const [mb, rate] = godwit.self.arguments.map(Number);
const PAGE = 4096;
const heap = new Uint32Array(Math.round(mb * 2 ** 20 / 4));
for (let i = 0, x = godwit.self.pid; i < heap.length; i++) heap[i] = x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
console.log("ready");
const pages = heap.length * 4 / PAGE;
let page = 0;
let owed = 0;
let last = performance.now();
for (;;) {
  godwit.sleep(rate === 0 ? 1000 : 10);
  const now = performance.now();
  owed += (now - last) / 1000 * rate * 2 ** 20 / PAGE;
  last = now;
  for (; owed >= 1; owed--) heap[(page = (page + 1) % pages) * PAGE / 4]++;
}`;
const IDLE = `console.log("ready"); globalThis.__godwit.exports.receive();`;
const BUSY = `console.log("ready"); let n = 0; for (;;) n++;`;

export async function measureMigration(extent: Extent): Promise<Group[]> {
  const bySize = await measureSizes(extent);
  const many = await measureMany(extent);
  const failover = await measureFailover(extent);
  const criu = await measureCriu(extent);
  return [...bySize, many, failover, criu];
}

/** Runs `use` with a cluster of nodes that is taken down afterwards. */
async function withNodes<T>(names: readonly string[], use: (control: ClusterControl) => Promise<T>): Promise<T> {
  const options = { name: "bench", names, version: "bench", respawn: false, swapAfterMs: Infinity };
  const launcher = await Launcher.start({ ...options, log: () => {} });
  try {
    return await use(launcher.control);
  } finally {
    await launcher.control.stop();
  }
}

interface Program {
  readonly source: string;
  readonly node: string;
  readonly arguments?: readonly string[];
  readonly durable?: { readonly intervalMs: number };
}

/** Starts a program; resolves when it has said that it is ready. */
async function ready(control: ClusterControl, program: Program): Promise<number> {
  const quotas = { memoryBytes: 1024 * MB };
  const pid = await control.spawn({ name: "bench.js", quotas, ...program });
  const deadlineMs = performance.now() + DEADLINE_MS;
  for (let text = ""; !text.includes("ready\n"); await delay(POLL_MS)) {
    if (performance.now() > deadlineMs) throw new Error(`the program did not begin: ${text}`);
    text = "";
    await control.keptOutput(pid, (_, bytes) => void (text += Buffer.from(bytes).toString()));
  }
  return pid;
}

async function move(control: ClusterControl, pid: number, node: string): Promise<MoveReport> {
  const report = await control.migrate(pid, node);
  if (report.outcome === "moved") return report;
  throw new Error(`process ${pid} did not move: ${report.reason ?? report.outcome}`);
}

async function measureSizes({ quick }: Extent): Promise<Group[]> {
  const downtime: Row[] = [];
  const total: Row[] = [];
  const wire: Row[] = [];
  for (const mb of quick ? [2] : SIZES_MB)
    for (const rate of RATES_MB) {
      const [moves, warmUp] = quick ? [2, 0] : [mb > 64 ? MOVES / 2 : MOVES, WARM_UP];
      const { firsts, again } = await withNodes(NODES, (control) => there(control, mb, rate, moves, warmUp));
      const what = `${mb} MB${rate === 0 ? "" : `, writing ${rate} MB/s`}`;
      const ofHeap = ({ bytes }: MoveReport) => bytes / (mb * MB);
      const ms = ({ totalMs }: MoveReport) => totalMs;
      downtime.push(
        rowOf(
          what,
          "ms",
          again.map(({ downtimeMs }) => downtimeMs),
        ),
      );
      total.push(rowOf(`${what}: the first`, "ms", firsts.map(ms)), rowOf(`${what}: back again`, "ms", again.map(ms)));
      wire.push(
        rowOf(`${what}: the first`, "ratio", firsts.map(ofHeap)),
        rowOf(`${what}: back again`, "ratio", again.map(ofHeap)),
      );
    }
  const goals = quick
    ? []
    : [
        { row: "2 MB", atMost: 8 },
        { row: "64 MB, writing 1 MB/s", atMost: 20 },
      ];
  const group = (title: string, rows: readonly Row[]): Group => ({ title, rows, goals: [], missing: [] });
  return [
    { ...group("A move: how long the process is stopped, by its heap", downtime), goals },
    group("A move: from the request to its end", total),
    group("A move: bytes on the wire, to the heap's", wire),
  ];
}

/** First moves, and one process there and back again. */
async function there(control: ClusterControl, mb: number, rate: number, moves: number, warmUp: number) {
  const firsts: MoveReport[] = [];
  const again: MoveReport[] = [];
  for (;;) {
    const pid = await ready(control, { source: HEAP, node: "n1", arguments: [String(mb), String(rate)] });
    firsts.push(await move(control, pid, "n2"));
    if (firsts.length < FIRSTS) {
      await control.signal(pid, "SIGKILL");
      continue;
    }
    for (let turn = -warmUp; turn < moves; turn++) {
      const report = await move(control, pid, NODES[(turn + warmUp) % 2] ?? "n1");
      if (turn >= 0) again.push(report);
    }
    return { firsts, again };
  }
}

async function measureMany({ quick }: Extent): Promise<Group> {
  const count = quick ? 20 : SMALL;
  const reports: MoveReport[] = [];
  const tookMs = await withNodes(NODES, async (control) => {
    const pids: number[] = [];
    while (pids.length < count) {
      const some = Array.from({ length: Math.min(AT_ONCE, count - pids.length) }, () =>
        ready(control, { source: IDLE, node: "n1" }),
      );
      pids.push(...(await Promise.all(some)));
    }
    const beganMs = performance.now();
    const left = [...pids];
    const mover = async (): Promise<void> => {
      for (let pid = left.pop(); pid !== undefined; pid = left.pop()) reports.push(await move(control, pid, "n2"));
    };
    await Promise.all(Array.from({ length: AT_ONCE }, mover));
    return performance.now() - beganMs;
  });
  const rows = [
    rowOf("moves in a second", "moves", [count / (tookMs / 1000)]),
    rowOf(
      "each is stopped for",
      "ms",
      reports.map(({ downtimeMs }) => downtimeMs),
    ),
    rowOf(
      "each puts on the wire",
      "KB",
      reports.map(({ bytes }) => bytes / 1000),
    ),
  ];
  return { title: `${count} small processes, ${AT_ONCE} on their way at once`, rows, goals: [], missing: [] };
}

async function measureFailover({ quick }: Extent): Promise<Group> {
  const back: number[] = [];
  for (let kill = 0; kill < (quick ? 1 : KILLS); kill++) back.push(await withNodes(NODES, killed));
  const rows = [rowOf("from kill -9 of its node until it runs elsewhere", "ms", back)];
  return { title: "A durable process whose node is killed", rows, goals: [], missing: [] };
}

async function killed(control: ClusterControl): Promise<number> {
  const pid = await ready(control, { source: BUSY, node: "n1", durable: { intervalMs: IMAGE_INTERVAL_MS } });
  const node = (await control.nodes()).find(({ name }) => name === "n1");
  if (node === undefined) throw new Error("there is no node n1");
  await delay(3 * IMAGE_INTERVAL_MS); // an image of it is there
  const restored = new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("it was not brought back")), DEADLINE_MS);
    control.events(false, (event) => {
      if (event.kind !== "restored" || event.pid !== pid) return;
      clearTimeout(timer);
      resolve();
    });
  });
  const killedMs = performance.now();
  process.kill(node.hostPid, "SIGKILL");
  await restored;
  return performance.now() - killedMs;
}
