/**
 * Servers with one handler, for what is between them and their clients: processes of godwit at two nodes of one launcher, at an
 * address of their own and behind fronts; or Node's own server, alone or with `node:cluster`. Tells over IPC where each is. On
 * a message it tells the OS processes that take part, and how many serve the service that starts when it is wanted.
 *
 *     node dist/bench/switch-site.js godwit|node|cluster
 */

import cluster from "node:cluster";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { PassOn } from "../src/abi/pass-on.ts";
import { Launcher } from "../src/node/launcher.ts";
import { PRELUDE } from "./bench-node.ts";

/** By the names of the ways to the handler. */
export type Urls = Readonly<Record<string, string>>;

export interface Condition {
  readonly pids: readonly number[];
  readonly started: number;
}

const SITE = (address: string) =>
  `${PRELUDE}const server = godwit.serve(() => new Response("hello"), { address: "${address}" });
console.log("at", server.address);`;
const COLD_IDLE_MS = 100;

const [where = ""] = process.argv.slice(2);
process.once("disconnect", () => process.exit());
if (where === "node" || cluster.isWorker) underNode();
else if (where === "cluster") underCluster();
else if (where === "godwit") await underGodwit();

function tell(urls: Urls, condition: () => Promise<Condition>): void {
  process.on("message", () => void condition().then((now) => process.send?.(now)));
  process.send?.({ urls });
}

function underNode(): void {
  const server = createServer((_request, response) => {
    response.setHeader("content-type", "text/plain;charset=UTF-8");
    response.end("hello");
  });
  server.listen(0, "127.0.0.1", () => {
    if (cluster.isWorker) return;
    const { port } = server.address() as AddressInfo;
    tell({ "node:http": `http://127.0.0.1:${port}` }, async () => ({ pids: [process.pid], started: 0 }));
  });
}

function underCluster(): void {
  const worker = cluster.fork();
  cluster.once("listening", (_worker, { port }) => {
    const pids = [process.pid, worker.process.pid ?? 0];
    tell({ "node:cluster": `http://127.0.0.1:${port}` }, async () => ({ pids, started: 0 }));
  });
}

async function underGodwit(): Promise<void> {
  const names = ["front", "other"];
  const launcher = await Launcher.start({ name: "bench", names, version: "0", respawn: false, log: () => {}, lwps: 1 });
  const { control } = launcher;
  process.once("SIGTERM", () => void launcher.stop().then(() => process.exit()));
  const spawn = (node: string, address: string) => {
    const capabilities = { listen: [address] };
    return control.spawn({ name: "site.js", source: SITE(address), capabilities, node });
  };
  const direct = await new Promise<string>((resolve, reject) => {
    void spawn("other", "127.0.0.1:0").then((pid) => {
      let text = "";
      control.output(pid, true, (_stream, bytes) => {
        text += Buffer.from(bytes).toString();
        const place = /^at (.*)\n/.exec(text)?.[1];
        if (place !== undefined) resolve(`http://${place}`);
      });
    }, reject);
  });
  await spawn("front", "service:own");
  await spawn("other", "service:far");
  const members = async (service: string) =>
    (await control.services()).find(({ name }) => name === service)?.members ?? [];
  while ((await members("own")).length + (await members("far")).length < 2) await delay(20);
  const front = async (service: string, passOn: PassOn) =>
    (await control.expose({ service, address: "http://127.0.0.1:0", node: "front", passOn })).address;
  const program = { name: "cold.js", source: SITE("service:cold"), capabilities: { listen: ["service:cold"] } };
  const start = { program, idleMs: COLD_IDLE_MS };
  const cold = await control.expose({ service: "cold", address: "http://127.0.0.1:0", node: "front", start });
  const urls = {
    "its own address": direct,
    "relay, its node's front": await front("own", "relay"),
    "relay, another node's front": await front("far", "relay"),
    "handoff, another node's front": await front("far", "handoff"),
    cold: cold.address,
  };
  const hosts = (await control.nodes()).map(({ hostPid }) => hostPid);
  tell(urls, async () => ({ pids: [process.pid, ...hosts], started: (await members("cold")).length }));
  await once(process, "disconnect");
}
