/** The organisations of a server, over the same handlers, beside `node:http` and `node:cluster`: requests a second, and times. */

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import autocannon from "autocannon";
import type { Extent, Group } from "./benchmark.ts";
import { type Row, ratioOf, rowOf } from "./row.ts";

const SERVERS = [
  "iterative",
  "event-driven",
  "thread-per-request",
  "thread-pool",
  "process-per-request",
  "pre-forked",
  "node",
  "cluster",
] as const;
const HANDLERS = ["trivial", "blocking", "cpu"] as const;
const CONNECTIONS = 16;
const RUNS = 3;
const RUN_S = 2;

interface Taken {
  readonly rates: number[];
  readonly p50sMs: number[];
  readonly p99sMs: number[];
  /** Processor time of a request: what it costs, however busy the machine is with other things. */
  readonly cpuUs: number[];
}

/** Loads one server with one handler after the other; nothing may fail. */
async function measureServer(server: string, runs: number): Promise<Map<string, Taken>> {
  const child = fork(fileURLToPath(new URL("./serve-site.js", import.meta.url)), [server]);
  try {
    const [{ url }] = (await once(child, "message")) as [{ url: string }];
    const taken = new Map<string, Taken>();
    for (const handler of HANDLERS) {
      const own: Taken = { rates: [], p50sMs: [], p99sMs: [], cpuUs: [] };
      // One before the others: what is compiled at first use is compiled then.
      for (let run = -1; run < runs; run++) {
        const beforeUs = await cpuOf(child);
        const result = await autocannon({ url: `${url}/${handler}`, connections: CONNECTIONS, duration: RUN_S });
        const failed = result.errors + result.timeouts + result.non2xx;
        if (failed > 0) throw new Error(`${server}, ${handler}: ${failed} of ${result.requests.total} requests failed`);
        if (run < 0) continue;
        own.rates.push(result.requests.total / result.duration);
        own.p50sMs.push(result.latency.p50);
        own.p99sMs.push(result.latency.p99);
        own.cpuUs.push(((await cpuOf(child)) - beforeUs) / result.requests.total);
      }
      taken.set(handler, own);
    }
    return taken;
  } finally {
    child.disconnect();
    await once(child, "exit");
  }
}

async function cpuOf(child: ChildProcess): Promise<number> {
  child.send({});
  const [{ cpuUs }] = (await once(child, "message")) as [{ cpuUs: number }];
  return cpuUs;
}

export async function measureServe({ quick }: Extent): Promise<Group[]> {
  const all = new Map<string, Map<string, Taken>>();
  for (const server of SERVERS) all.set(server, await measureServer(server, quick ? 1 : RUNS));
  return HANDLERS.map((handler) => {
    const rows: Row[] = [];
    const rates = new Map<string, Row>();
    for (const server of SERVERS) {
      const { rates: each = [], p50sMs = [], p99sMs = [], cpuUs = [] } = all.get(server)?.get(handler) ?? {};
      const rate = rowOf(`${server}: requests a second`, "1/s", each);
      rates.set(server, rate);
      rows.push(rate, rowOf(`${server}: p50`, "ms", p50sMs), rowOf(`${server}: p99`, "ms", p99sMs));
      rows.push(rowOf(`${server}: processor time of a request`, "us", cpuUs));
    }
    const base = rates.get("node");
    for (const [server, rate] of rates)
      if (base !== undefined && server !== "node") rows.push(ratioOf(`${server}: to node:http`, rate, base));
    const title = `Organisations of a server, a ${handler} handler, ${CONNECTIONS} connections`;
    return { title, rows, goals: [], missing: [] };
  });
}
