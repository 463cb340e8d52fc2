/** The phases of a load proof, over one cluster: what each found. */

import { setTimeout as delay } from "node:timers/promises";
import { echoes, events, type Load, pipelining, type Sight, wrk } from "./clients.ts";
import type { PassOn } from "../../src/abi/pass-on.ts";
import type { Cluster } from "./cluster.ts";
import { Download } from "./download.ts";
import { siteOf } from "./site.ts";
import { type Moves, Unrest } from "./unrest.ts";

/** A client that is slower while nothing moves tells of compilation, not of serving. */
const WARM_UP_S = 2;
/** Pages of a process, of which moves and images keep some for a while; not the download. */
const MEMORY_GROWTH_MAX_BYTES = 256 * 2 ** 20;

export interface Plan {
  /** While processes are moved, and while they stay. */
  readonly seconds: number;
  readonly quietSeconds: number;
  /** For each way to a process that is measured; 0 for none. */
  readonly relaySeconds: number;
  readonly downloadBytes: number;
  readonly processes: number;
  readonly everyMs: number;
  readonly isDurable: boolean;
  readonly hasWrk: boolean;
  /** How connections are passed on to the nodes of their processes. */
  readonly passOn: PassOn;
}

export interface LoadFound {
  readonly quiet: readonly Sight[];
  readonly moving: readonly Sight[];
  readonly moves: Moves;
  /** Connections that were given to other nodes. */
  readonly handedOff: number;
  readonly faults: readonly string[];
}

export interface DownloadFound {
  readonly bytes: number;
  readonly bytesPerSecond: number;
  readonly moves: Moves;
  /** The most that the memory of one node grew by. */
  readonly growthBytes: number;
  readonly faults: readonly string[];
}

/** Starts a process of a service at each of these nodes; resolves to their pids once fronts know of them. */
async function startService(cluster: Cluster, name: string, homes: readonly string[], isDurable = false) {
  const pids: number[] = [];
  for (const home of homes)
    pids.push(
      await cluster.at(home).spawn({
        name: `${name}.js`,
        source: siteOf(`service:${name}`),
        capabilities: { listen: [`service:${name}`] },
        node: home,
        ...(isDurable ? { durable: { intervalMs: 200 } } : {}),
      }),
    );
  const isKnown = async () => {
    const all = await cluster.at("n1").services();
    return all.find((one) => one.name === name)?.members.length === homes.length;
  };
  while (!(await isKnown())) await delay(20);
  return pids;
}

async function front(cluster: Cluster, service: string, node: string, passOn: PassOn): Promise<string> {
  return (await cluster.at(node).expose({ service, address: "http://127.0.0.1:0", node, passOn })).address;
}

/** How many connections of a service were given to the node of its process. */
async function handedOffOf(cluster: Cluster, service: string): Promise<number> {
  const fronts = (await cluster.at("n1").services()).find(({ name }) => name === service)?.fronts ?? [];
  return fronts.reduce((sum, { connections }) => sum + (connections?.handedOff ?? 0), 0);
}

/** All clients at once, at two fronts. */
async function loaded([one = "", other = ""]: readonly string[], seconds: number, hasWrk: boolean): Promise<Sight[]> {
  const at = (url: string): Load => ({ url, seconds });
  return Promise.all([
    ...(hasWrk ? [wrk(at(one))] : []),
    pipelining(at(other)),
    ...[one, other].flatMap((url) => [echoes(at(url)), events(at(url))]),
  ]);
}

/** Clients while nothing moves, and while all does; the node at which the first process is at home is drained. */
export async function proveLoad(cluster: Cluster, plan: Plan): Promise<LoadFound> {
  const { seconds, quietSeconds, hasWrk, passOn } = plan;
  const homes = Array.from({ length: plan.processes }, (_, index) => ["n3", "n1", "n2"][index % 3] ?? "");
  const pids = await startService(cluster, "proof", homes, plan.isDurable);
  const fronts = [await front(cluster, "proof", "n1", passOn), await front(cluster, "proof", "n2", passOn)];
  await loaded(fronts, WARM_UP_S, hasWrk);
  const quiet = await loaded(fronts, quietSeconds, hasWrk);
  const unrest = new Unrest(cluster, pids, plan.everyMs);
  const relieved = delay((seconds * 1000) / 3).then(() => unrest.relieve("n3", "n4"));
  const [moving] = await Promise.all([loaded(fronts, seconds, hasWrk), relieved]);
  const moves = await unrest.end();
  const faults = [...quiet, ...moving].flatMap(({ client, faults: own }) => own.map((fault) => `${client}: ${fault}`));
  if (moves.count === 0) faults.push("nothing was moved");
  const handedOff = await handedOffOf(cluster, "proof");
  if (passOn === "auto" && handedOff === 0) faults.push("no connection was handed to another node");
  for (const pid of pids) await cluster.at("n1").signal(pid, "SIGKILL");
  return { quiet, moving, moves, handedOff, faults };
}

/** A download whose process is moved, and at half of which the home is drained. */
export async function proveDownload(
  cluster: Cluster,
  { downloadBytes, everyMs, passOn }: Plan,
): Promise<DownloadFound> {
  const before = cluster.peaks();
  // A node that came since had nothing before; the least that one has is about what a new one has.
  const least = Math.min(...[...before.values()].filter((bytes) => bytes > 0));
  const pids = await startService(cluster, "pull", ["n4"]);
  const download = new Download(await front(cluster, "pull", "n1", passOn), downloadBytes);
  await download.reached(0.1);
  const unrest = new Unrest(cluster, pids, everyMs);
  await download.reached(0.5);
  await unrest.relieve("n4", "n5");
  await download.reached(1);
  const moves = await unrest.end();
  const faults = (await download.faults()).map((fault) => `download: ${fault}`);
  const growth = [...cluster.peaks()].map(([name, peak]) => ({ name, bytes: peak - (before.get(name) ?? least) }));
  for (const { name, bytes } of growth)
    if (bytes > MEMORY_GROWTH_MAX_BYTES) faults.push(`download: node ${name} had ${bytes} bytes more while it went`);
  const growthBytes = Math.max(...growth.map(({ bytes }) => bytes));
  return { bytes: download.bytes, bytesPerSecond: download.bytesPerSecond, moves, growthBytes, faults };
}

/** One way to a process. */
export interface Way extends Sight {
  /** Processor time of all nodes for a request: what it costs, however busy the machine is with other things. */
  readonly cpuUs: number;
}

/** What the way over a front costs: `wrk` at a process's own address, over its home's front, and over another node's. */
export async function measureRelay(cluster: Cluster, seconds: number): Promise<Way[]> {
  const direct = await startDirect(cluster, "n1");
  const pids = await startService(cluster, "relay", ["n1"]);
  const urls = [direct.url, await front(cluster, "relay", "n1", "relay"), await front(cluster, "relay", "n2", "relay")];
  const found: Way[] = [];
  for (const [index, client] of ["its own address", "a front at its home", "a front elsewhere"].entries()) {
    const load = { url: urls[index] ?? "", seconds };
    await wrk({ ...load, seconds: WARM_UP_S });
    const before = cluster.cpuMs();
    const sight = await wrk(load);
    found.push({ ...sight, client, cpuUs: ((cluster.cpuMs() - before) * 1000) / sight.answered });
  }
  for (const pid of [direct.pid, ...pids]) await cluster.at("n1").signal(pid, "SIGKILL");
  return found;
}

async function startDirect(cluster: Cluster, node: string): Promise<{ pid: number; url: string }> {
  const pid = await cluster.at(node).spawn({
    name: "direct.js",
    source: siteOf("127.0.0.1:0"),
    capabilities: { listen: ["127.0.0.1:0"] },
    node,
  });
  let said = "";
  const kept = (_: unknown, bytes: Uint8Array) => void (said += Buffer.from(bytes).toString());
  for (; !said.endsWith("\n"); await delay(20)) {
    said = "";
    await cluster.at(node).keptOutput(pid, kept);
  }
  return { pid, url: `http://${said.trim()}` };
}
