/**
 * One server with three handlers, in an OS process of its own: in an organisation of godwit's, or under Node, alone or with
 * `node:cluster`. Tells over IPC where, and on each message what processor time it has used, in microseconds.
 *
 *     node dist/bench/serve-site.js ORGANISATION|node|cluster
 */

import cluster from "node:cluster";
import { once } from "node:events";
import { createServer } from "node:http";
import { BenchNode, PRELUDE } from "./bench-node.ts";

/** What each handler does before it answers, as functions of both worlds; `block` stands still for so many ms. */
const HANDLERS = `{
  "/trivial": () => "hello",
  "/blocking": () => { block(5); return "hello"; },
  "/cpu": () => { let sum = 0; for (let i = 0; i < 20_000; i++) sum = (sum * 31 + i) | 0; return String(sum); },
}`;
/** Of a pool, or of children. */
const WORKERS = 8;
const CLUSTER_WORKERS = 2;

const [where = ""] = process.argv.slice(2);
process.once("disconnect", () => process.exit());
if (where === "node" || cluster.isWorker) underNode();
else if (where === "cluster") underCluster();
else tell(await underGodwit());

process.on("message", () => void cpuUs().then((used) => process.send?.({ cpuUs: used })));

/** Of this OS process, and of a cluster's workers. */
async function cpuUs(): Promise<number> {
  const { user, system } = process.cpuUsage();
  const workers = Object.values(cluster.workers ?? {}).map(async (worker) => {
    worker?.send({});
    const [news] = (await once(worker as NodeJS.EventEmitter, "message")) as [{ cpuUs: number }];
    return news.cpuUs;
  });
  return (await Promise.all(workers)).reduce((sum, used) => sum + used, user + system);
}

function tell(address: string): void {
  process.send?.({ url: `http://${address}` });
}

async function underGodwit(): Promise<string> {
  const bench = await BenchNode.start({ lwps: 2 });
  const program = await bench.spawn(
    `${PRELUDE}const block = godwit.sleep, handlers = ${HANDLERS};
    const server = godwit.serve((request) => new Response(handlers[new URL(request.url).pathname]()),
      { address: "127.0.0.1:0", organisation: ${JSON.stringify(where)}, threads: ${WORKERS}, processes: ${WORKERS} });
    console.log(server.address);`,
    { capabilities: { listen: "all" } },
  );
  return program.line();
}

function underNode(): void {
  const word = new Int32Array(new SharedArrayBuffer(4));
  const block = (ms: number): void => void Atomics.wait(word, 0, 0, ms);
  // eslint-disable-next-line no-implied-eval
  const handlers = new Function("block", `return ${HANDLERS}`)(block) as Record<string, () => string>;
  const server = createServer((request, response) => {
    const text = handlers[new URL(request.url ?? "", "http://x").pathname]?.() ?? "";
    response.setHeader("content-type", "text/plain;charset=UTF-8");
    response.end(text);
  });
  server.listen(0, "127.0.0.1", () => {
    const address = server.address();
    if (address !== null && typeof address === "object") tell(`127.0.0.1:${address.port}`);
  });
}

function underCluster(): void {
  const workers = Array.from({ length: CLUSTER_WORKERS }, () => once(cluster.fork(), "message"));
  // They share one address.
  void Promise.all(workers).then((told) => process.send?.(told[0]?.[0] as object));
}
