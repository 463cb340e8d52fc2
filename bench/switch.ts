/**
 * What a switch costs: requests a second, times and processor time of one handler at a process's own address, behind fronts that
 * relay and that hand over, and under Node; connections a second with a request each; and the cold start of a service that scales to zero.
 */

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { get } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import autocannon from "autocannon";
import type { Extent, Group } from "./benchmark.ts";
import { type Row, ratioOf, rowOf } from "./row.ts";
import type { Condition, Urls } from "./switch-site.ts";

const CONNECTIONS = 16;
/** Of clients that come anew for each request. */
const AT_ONCE = 8;
const RUNS = 5;
const RUN_S = 2;
const COLD_STARTS = 40;
/** What Linux counts processor time in, as all of its platforms do. */
const TICK_US = 10_000;
const BASE = "its own address";

interface Site {
  readonly urls: Urls;
  condition(): Promise<Condition>;
  end(): Promise<void>;
}

async function startSite(where: string): Promise<Site> {
  const child: ChildProcess = fork(fileURLToPath(new URL("./switch-site.js", import.meta.url)), [where]);
  const [{ urls }] = (await once(child, "message")) as [{ urls: Urls }];
  return {
    urls,
    condition: async () => {
      child.send({});
      const [condition] = (await once(child, "message")) as [Condition];
      return condition;
    },
    end: async () => {
      child.kill("SIGTERM");
      await once(child, "exit");
    },
  };
}

/** Processor time that OS processes have used, of which the system tells; undefined where it does not. */
function cpuUsOf(pids: readonly number[]): number | undefined {
  if (!existsSync("/proc/self/stat")) return undefined;
  return pids.reduce((sum, pid) => {
    // proc(5): the name, in parentheses, may have spaces; what follows has not. Fields 14 and 15 are user and system time.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
    return sum + (Number(fields[11]) + Number(fields[12])) * TICK_US;
  }, 0);
}

/** Samples of one way to the handler. */
class Taken {
  readonly rates: number[] = [];
  readonly p50sMs: number[] = [];
  readonly p99sMs: number[] = [];
  readonly cpuUs: number[] = [];
  readonly connectionRates: number[] = [];
  readonly connectionUs: number[] = [];
}

/** Runs a load, and adds what it took. @param isKept whether it counts: what is compiled at first use is compiled before. */
async function measured(
  site: Site,
  load: () => Promise<number>,
  rates: number[],
  cpuUs: number[],
  isKept: boolean,
): Promise<void> {
  const { pids } = await site.condition();
  const [beforeUs, fromMs] = [cpuUsOf(pids), performance.now()];
  const count = await load();
  const [tookMs, afterUs] = [performance.now() - fromMs, cpuUsOf(pids)];
  if (!isKept) return;
  rates.push((count * 1000) / tookMs);
  if (beforeUs !== undefined && afterUs !== undefined) cpuUs.push((afterUs - beforeUs) / count);
}

async function kept(url: string, taken: Taken, isKept: boolean): Promise<number> {
  const result = await autocannon({ url, connections: CONNECTIONS, duration: RUN_S });
  const failed = result.errors + result.timeouts + result.non2xx;
  if (failed > 0) throw new Error(`${url}: ${failed} of ${result.requests.total} requests failed`);
  if (isKept) {
    taken.p50sMs.push(result.latency.p50);
    taken.p99sMs.push(result.latency.p99);
  }
  return result.requests.total;
}

/** One request on a connection of its own. */
function ask(url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`${url}: status ${response.statusCode}`));
      response.resume().on("end", resolve).on("error", reject);
    }).on("error", reject);
  });
}

async function anew(url: string): Promise<number> {
  const untilMs = performance.now() + RUN_S * 1000;
  let count = 0;
  const client = async () => {
    for (; performance.now() < untilMs; count++) await ask(url);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, client));
  return count;
}

/** Times of the first request and of the next, ms. */
async function coldStarts(
  site: Site,
  count: number,
): Promise<{ readonly firstMs: number[]; readonly nextMs: number[] }> {
  const url = site.urls["cold"] ?? "";
  const [firstMs, nextMs]: [number[], number[]] = [[], []];
  const timed = async () => {
    const fromMs = performance.now();
    await ask(url);
    return performance.now() - fromMs;
  };
  for (let index = 0; index < count; index++) {
    firstMs.push(await timed());
    nextMs.push(await timed());
    while ((await site.condition()).started > 0) await delay(20);
    // What was ended has let go of its memory and threads.
    await delay(100);
  }
  return { firstMs, nextMs };
}

export async function measureSwitch({ quick }: Extent): Promise<Group[]> {
  const sites = [await startSite("godwit"), await startSite("node"), await startSite("cluster")];
  try {
    const all = new Map<string, Taken>();
    // In turn, so that what else the machine does falls on all alike.
    for (let run = -1; run < (quick ? 1 : RUNS); run++)
      for (const site of sites)
        for (const [name, url] of Object.entries(site.urls)) {
          if (name === "cold") continue;
          const taken = all.get(name) ?? new Taken();
          all.set(name, taken);
          await measured(site, () => kept(url, taken, run >= 0), taken.rates, taken.cpuUs, run >= 0);
          await measured(site, () => anew(url), taken.connectionRates, taken.connectionUs, run >= 0);
        }
    const [godwit] = sites;
    if (godwit === undefined) throw new RangeError("there is a site of godwit's");
    const { firstMs, nextMs } = await coldStarts(godwit, quick ? 5 : COLD_STARTS);
    const cold = [rowOf("first request to its answer", "ms", firstMs), rowOf("the next request", "ms", nextMs)];
    return [
      groupOf(`Ways to a process: ${CONNECTIONS} connections that are kept`, all, (taken) => [
        taken.rates,
        taken.cpuUs,
      ]),
      groupOf(`Ways to a process: a connection for each request, ${AT_ONCE} at once`, all, (taken) => [
        taken.connectionRates,
        taken.connectionUs,
      ]),
      { title: "A service that scales to zero", rows: cold, goals: [], missing: [] },
    ];
  } finally {
    for (const site of sites) await site.end();
  }
}

function groupOf(title: string, all: ReadonlyMap<string, Taken>, of: (taken: Taken) => [number[], number[]]): Group {
  const rows: Row[] = [];
  const [rates, costs] = [new Map<string, Row>(), new Map<string, Row>()];
  for (const [name, taken] of all) {
    const [each, cpuUs] = of(taken);
    rates.set(name, rowOf(`${name}: requests a second`, "1/s", each));
    if (cpuUs.length > 0) costs.set(name, rowOf(`${name}: processor time of a request`, "us", cpuUs));
    if (each === taken.rates)
      rows.push(rowOf(`${name}: p50`, "ms", taken.p50sMs), rowOf(`${name}: p99`, "ms", taken.p99sMs));
  }
  rows.unshift(...rates.values(), ...costs.values());
  for (const [what, figures] of [
    ["rate", rates],
    ["processor time", costs],
  ] as const) {
    const base = figures.get(BASE);
    for (const [name, row] of figures)
      if (base !== undefined && name !== BASE) rows.push(ratioOf(`${name}: ${what}, to ${BASE}`, row, base));
  }
  const missing = costs.size === 0 ? ["processor time (the system does not tell it by /proc)"] : [];
  return { title, rows, goals: [], missing };
}
