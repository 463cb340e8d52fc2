/**
 * A service whose process is at home at another node than its stable address: what the relay costs, and what a client saves that
 * goes to the care-of address; beside them, connections that the stable address hands off, as it can on one machine. Two nodes, each
 * an OS process on this machine.
 */

import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import autocannon from "autocannon";
import type { ClusterControl } from "../src/abi/control.ts";
import { openService } from "../src/client/open-service.ts";
import { Launcher } from "../src/node/launcher.ts";
import type { Extent, Group } from "./benchmark.ts";
import { type Row, ratioOf, rowOf } from "./row.ts";

const NODES = ["n1", "n2"];
const RUNS = 5;
const RUN_S = 3;
const CONNECTIONS = [1, 16];
const CLIENT_REQUESTS = 2000;
const DEADLINE_MS = 60_000;
const POLL_MS = 20;
/** Of /proc/PID/stat: hundredths of a second, whatever the kernel's own. */
const TICK_US = 10_000;

const SERVER = `globalThis.__godwit.exports.serve(() => new Response("hello"), { address: "service:web" });`;

interface Site {
  readonly control: ClusterControl;
  readonly ways: Readonly<Record<"relayed" | "handed off" | "direct", string>>;
  readonly lookup: string;
}

export async function measureRoute({ quick }: Extent): Promise<Group[]> {
  const options = { name: "bench", names: NODES, version: "bench", respawn: false, swapAfterMs: Infinity };
  const launcher = await Launcher.start({ ...options, log: () => {} });
  try {
    const site = await open(launcher.control);
    const groups: Group[] = [];
    for (const connections of CONNECTIONS) groups.push(await measureWays(site, connections, quick));
    return [...groups, await measureClient(site, quick)];
  } finally {
    await launcher.control.stop();
  }
}

/** One process at n2, a stable address at n1, a care-of address at n2. */
async function open(control: ClusterControl): Promise<Site> {
  const capabilities = { listen: ["service:web"] };
  await control.spawn({ name: "server.js", source: SERVER, node: "n2", capabilities });
  const address = "http://127.0.0.1:0";
  const stable = { service: "web", address, at: ["n1"] };
  const relayed = (await control.expose({ ...stable, passOn: "relay" })).address;
  const handedOff = (await control.expose({ ...stable, passOn: "handoff" })).address;
  const direct = (await control.expose({ service: "web", address, at: ["n2"], careOf: "" })).address;
  const lookup = (await control.openLookup({ address, node: "n1" })).address;
  await until(async () => (await fetch(relayed)).headers.get("alt-svc") !== null);
  return { control, ways: { relayed, "handed off": handedOff, direct }, lookup };
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + DEADLINE_MS;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error("the service did not come up in time");
    await delay(POLL_MS);
  }
}

interface Taken {
  readonly rates: number[];
  readonly p50sMs: number[];
  readonly p99sMs: number[];
  readonly cpuUs: number[];
}

/** All in turn, so that what else the machine does is the same for each. */
async function measureWays({ control, ways }: Site, connections: number, quick: boolean): Promise<Group> {
  const taken = new Map<string, Taken>();
  for (const way of Object.keys(ways)) taken.set(way, { rates: [], p50sMs: [], p99sMs: [], cpuUs: [] });
  // One before the others: what is compiled at first use is compiled then.
  for (let run = -1; run < (quick ? 1 : RUNS); run++) {
    for (const [way, url] of Object.entries(ways)) {
      const beforeUs = await cpuOf(control);
      const { requests, latency, duration, errors, timeouts, non2xx } = await autocannon({
        url,
        connections,
        duration: quick ? 1 : RUN_S,
      });
      const failed = errors + timeouts + non2xx;
      if (failed > 0) throw new Error(`${way}: ${failed} of ${requests.total} requests failed`);
      const own = taken.get(way);
      if (run < 0 || own === undefined) continue;
      own.rates.push(requests.total / duration);
      own.p50sMs.push(latency.p50);
      own.p99sMs.push(latency.p99);
      const afterUs = await cpuOf(control);
      if (beforeUs !== undefined && afterUs !== undefined) own.cpuUs.push((afterUs - beforeUs) / requests.total);
    }
  }
  const title = `A process at another node, autocannon with ${connections} connection${connections === 1 ? "" : "s"}`;
  return groupOf(title, taken);
}

function groupOf(title: string, taken: ReadonlyMap<string, Taken>): Group {
  const rows: Row[] = [];
  const costs = new Map<string, Row>();
  for (const [way, { rates, p50sMs, p99sMs, cpuUs }] of taken) {
    rows.push(rowOf(`${way}: requests a second`, "1/s", rates));
    rows.push(rowOf(`${way}: p50`, "ms", p50sMs), rowOf(`${way}: p99`, "ms", p99sMs));
    if (cpuUs.length > 0) costs.set(way, rowOf(`${way}: processor time of a request, both nodes`, "us", cpuUs));
  }
  const [relayed, direct] = [costs.get("relayed"), costs.get("direct")];
  const missing = relayed === undefined ? ["processor time (there is no /proc here)"] : [];
  const ratio =
    relayed === undefined || direct === undefined
      ? []
      : [ratioOf("processor time, relayed to direct", relayed, direct)];
  return { title, rows: [...rows, ...costs.values(), ...ratio], goals: [], missing };
}

/** One request after the other: by the stable address, and by the library, which finds the other one. */
async function measureClient({ ways, lookup }: Site, quick: boolean): Promise<Group> {
  const count = quick ? 50 : CLIENT_REQUESTS;
  const stable = await openService("web", { home: ways.relayed, follow: false });
  const routed = await openService("web", { lookup });
  const ofEach = new Map<string, number[]>([
    ["relayed", []],
    ["direct", []],
  ]);
  for (let turn = 0; turn < 1.1 * count; turn++) {
    for (const [way, client] of [
      ["relayed", stable],
      ["direct", routed],
    ] as const) {
      const beginMs = performance.now();
      await (await client.fetch("/")).text();
      // The first tenth is to get everything compiled.
      if (turn >= count / 10) ofEach.get(way)?.push(performance.now() - beginMs);
    }
  }
  await Promise.all([stable.close(), routed.close()]);
  const rows = [...ofEach].flatMap(([way, samples]) => {
    const sorted = samples.toSorted((one, other) => one - other);
    const p99 = sorted[Math.floor(0.99 * sorted.length)] ?? 0;
    return [rowOf(`${way}: a request`, "ms", samples), { ...rowOf(`${way}: p99`, "ms", [p99]), n: samples.length }];
  });
  return { title: "openService of godwit/client, one request after the other", rows, goals: [], missing: [] };
}

/** Processor time of all nodes so far; undefined where the system does not tell it. */
async function cpuOf(control: ClusterControl): Promise<number | undefined> {
  let sumUs = 0;
  for (const { hostPid } of await control.nodes()) {
    try {
      // After the name, which may have anything in it: proc(5), utime and stime are fields 14 and 15.
      const fields = readFileSync(`/proc/${hostPid}/stat`, "utf8")
        .replace(/^.*\) /s, "")
        .split(" ");
      sumUs += (Number(fields[11]) + Number(fields[12])) * TICK_US;
    } catch {
      return undefined;
    }
  }
  return sumUs;
}
