/** The web platform: what a request of a Hono application costs, what the platform weighs, and its operations. */

import autocannon from "autocannon";
import { build } from "esbuild";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runInThisContext } from "node:vm";
import { BareEngine } from "../test/guest/bare-engine.ts";
import { BenchNode, PRELUDE, samplesOf } from "./bench-node.ts";
import type { Extent, Group } from "./benchmark.ts";
import { ratioOf, type Row, rowOf } from "./row.ts";
import { measureOperations } from "./web-operations.ts";
import type { WebServerNews } from "./web-server.ts";

const APPLICATION = fileURLToPath(new URL("../../examples/hono/app.ts", import.meta.url));
const SERVER = fileURLToPath(new URL("./web-server.js", import.meta.url));
/** Query, headers and a JSON answer. */
const PATH = "/echo?a=1&b=2";
const ROUNDS = 8;
const ROUND_S = 2;
const CONNECTIONS = 16;
const SAMPLES = 100;
const WARM_UP = 20;
/** Calls of the application for one sample. */
const CALLS = 50;
const GOAL = "CPU for a request: godwit to Node";

export async function measureWeb(extent: Extent): Promise<Group[]> {
  const folder = mkdtempSync(join(tmpdir(), "godwit-bench-"));
  try {
    const bundle = join(folder, "app.js");
    await build({
      entryPoints: [APPLICATION],
      bundle: true,
      format: "iife",
      globalName: "__application",
      platform: "neutral",
      mainFields: ["module", "main"],
      target: "es2023",
      outfile: bundle,
      logLevel: "error",
    });
    return [
      await throughConnections(bundle, extent),
      await inEngines(readFileSync(bundle, "utf8"), extent),
      await weights(extent),
      await measureOperations(extent),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

// ---- Requests over connections

interface Served {
  readonly cpuUs: number[];
  readonly perSecond: number[];
}

async function throughConnections(bundle: string, { quick }: Extent): Promise<Group> {
  const places = ["godwit", "Node with @hono/node-server"] as const;
  const servers = await Promise.all([serverOf("godwit", bundle), serverOf("node", bundle)]);
  const served = servers.map((): Served => ({ cpuUs: [], perSecond: [] }));
  // The first round warms up; then turn by turn.
  for (let round = quick ? 0 : -1; round < (quick ? 1 : ROUNDS); round++)
    for (const [index, server] of servers.entries()) {
      const { cpuUs, perSecond } = await oneRound(server, quick ? 0.3 : ROUND_S);
      if (round < 0) continue;
      served[index]?.cpuUs.push(cpuUs);
      served[index]?.perSecond.push(perSecond);
    }
  for (const { child } of servers) child.kill();
  const row = (what: string, unit: string, of: (served: Served) => number[]): [Row, Row] => {
    const [godwit, node] = served.map((each, index) => rowOf(`${what}: ${places[index] ?? ""}`, unit, of(each)));
    if (godwit === undefined || node === undefined) throw new RangeError("two servers were measured");
    return [godwit, node];
  };
  const cpu = row("CPU for a request", "us", ({ cpuUs }) => cpuUs);
  const rate = row(`requests a second, ${CONNECTIONS} connections`, "1/s", ({ perSecond }) => perSecond);
  const rows = [...cpu, ratioOf(GOAL, ...cpu), ...rate, ratioOf("requests a second: godwit to Node", ...rate)];
  return { title: "A request of the Hono application, over connections", rows, goals: [], missing: [] };
}

interface WebServer {
  readonly child: ChildProcess;
  readonly url: string;
}

async function serverOf(where: "godwit" | "node", bundle: string): Promise<WebServer> {
  const child = fork(SERVER, [where, bundle], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  const { url = "" } = await news(child);
  return { child, url };
}

async function news(child: ChildProcess): Promise<WebServerNews> {
  const [told] = (await once(child, "message")) as [WebServerNews];
  return told;
}

async function cpuUs({ child }: WebServer): Promise<number> {
  const told = news(child);
  child.send("cpu");
  return (await told).cpuUs ?? 0;
}

async function oneRound(server: WebServer, durationS: number): Promise<{ cpuUs: number; perSecond: number }> {
  const before = await cpuUs(server);
  const result = await autocannon({ url: server.url + PATH, connections: CONNECTIONS, duration: durationS });
  const after = await cpuUs(server);
  const { non2xx, errors } = result;
  const count = result["2xx"];
  if (count === 0 || non2xx > 0 || errors > 0) throw new RangeError(`${non2xx} other answers, ${errors} errors`);
  return { cpuUs: (after - before) / count, perSecond: count / result.duration };
}

// ---- The application's own share

/** Calls the application, and reads its answer; prints microseconds for each call by `__taken`. */
function calling(samples: number): string {
  return `{ const taken = [], { fetch } = __application.default;
  (async () => {
    for (let turn = -${WARM_UP}; turn < ${samples}; turn++) {
      const began = performance.now();
      for (let i = 0; i < ${CALLS}; i++) {
        const response = await fetch(new Request("http://127.0.0.1:8080${PATH}", { headers: { "x-agent": "bench" } }));
        await response.text();
      }
      if (turn >= 0) taken.push((performance.now() - began) * 1000 / ${CALLS});
    }
    __taken(taken);
  })(); }`;
}

async function inEngines(application: string, { quick }: Extent): Promise<Group> {
  const program = `${application}\n${calling(quick ? 1 : SAMPLES)}`;
  const bench = await BenchNode.start({ lwps: 1 });
  const print = "globalThis.__taken = (taken) => console.log(JSON.stringify(taken));\n";
  const godwit = rowOf("app.fetch and its answer's text: godwit", "us", samplesOf(await bench.run(print + program)));
  await bench.stop();
  const bare = rowOf(
    "app.fetch and its answer's text: quickjs-wasi with the same library",
    "us",
    await inBareEngine(program),
  );
  const v8 = await new Promise<number[]>((resolve) => {
    runInThisContext(`(__taken) => {${program}}`)(resolve);
  });
  const node = rowOf("app.fetch and its answer's text: Node", "us", v8);
  const rows = [
    godwit,
    bare,
    node,
    ratioOf("godwit to quickjs-wasi", godwit, bare),
    ratioOf("godwit to Node", godwit, node),
  ];
  return { title: "The application's own share of it", rows, goals: [], missing: [] };
}

async function inBareEngine(program: string): Promise<number[]> {
  const engine = await BareEngine.create();
  const now = engine.vm.newFunction("now", () => engine.vm.newNumber(performance.now()));
  engine.vm.setProp(engine.vm.global, "__now", now);
  engine.run(
    "globalThis.performance = { now: __now }; globalThis.__taken = (taken) => { globalThis.result = taken; };",
  );
  engine.run(program);
  const taken = engine.evaluate("result");
  engine.dispose();
  return taken as number[];
}

// ---- What the platform weighs

/** Programs that wait, having used more and more of the platform. */
const USES: Readonly<Record<string, string>> = {
  "nothing used": "",
  "fetch's classes used": `new Request("http://x/", { headers: { a: "b" } }); await new Response("x").text();`,
  "streams used": `const stream = new ReadableStream({ start(c) { c.enqueue(new Uint8Array(1)); c.close(); } }); for await (const chunk of stream);`,
  "a request served": `const server = godwit.serve(() => new Response("x"), { address: "127.0.0.1:0" }); console.log(server.address);`,
};

async function weights({ quick }: Extent): Promise<Group> {
  const bench = await BenchNode.start({ lwps: 1 });
  const rows: Row[] = [];
  for (const [name, source] of Object.entries(USES)) {
    const memory: number[] = [];
    const image: number[] = [];
    const ready: number[] = [];
    for (let sample = quick ? 0 : -2; sample < (quick ? 1 : 10); sample++) {
      const began = performance.now();
      const program = await bench.spawn(
        `(async () => { ${PRELUDE}${source}\nconsole.log("ready"); setTimeout(() => {}, 1e9); })();`,
        {
          capabilities: { listen: "all" },
        },
      );
      let line = await program.line();
      if (line !== "ready") {
        await (await fetch(`http://${line}/`)).text();
        line = await program.line();
      }
      const took = performance.now() - began;
      const { memoryBytes = 0 } = (await bench.node.list()).find(({ pid }) => pid === program.pid) ?? {};
      const { length } = await bench.node.checkpoint(program.pid);
      await bench.kill(program.pid);
      if (sample < 0) continue;
      memory.push(memoryBytes / 1000);
      image.push(length / 1000);
      ready.push(took);
    }
    rows.push(rowOf(`${name}: pages that are not zero`, "KB", memory));
    rows.push(rowOf(`${name}: image, compressed`, "KB", image));
    rows.push(rowOf(`${name}: from spawn to there`, "ms", ready));
  }
  await bench.stop();
  return { title: "What a process weighs, by what it used of the platform", rows, goals: [], missing: [] };
}
