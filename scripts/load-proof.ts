/**
 * Proves that no client notices that a service is moved:
 *
 *     npm run load-proof -- [--seconds N] [--download MEBIBYTES] [--processes N] [--durable] [--every MS]
 *         [--pass-on auto|relay] [--without-wrk] [--json]
 *
 * Nodes are OS processes. `wrk`, `autocannon` with pipelining, WebSockets and streams of events are clients of a service at
 * two fronts, first while its processes stay, and then while one is moved every 100 ms, a node joins and another, at which
 * the service is at home, is drained and leaves. Then a download goes on over moves and a drain. Nothing may fail, be reset, be
 * cut short, or come out of order: else it ends with status 1.
 */

import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { type Sight, wrkMissing } from "./load-proof/clients.ts";
import { Cluster } from "./load-proof/cluster.ts";
import { type DownloadFound, type LoadFound, measureRelay, proveDownload, proveLoad } from "./load-proof/proof.ts";
import type { Moves } from "./load-proof/unrest.ts";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    quiet: { type: "string" },
    relay: { type: "string", default: "5" },
    download: { type: "string", default: "1024" },
    processes: { type: "string", default: "1" },
    every: { type: "string", default: "100" },
    "pass-on": { type: "string", default: "auto" },
    durable: { type: "boolean", default: false },
    "without-wrk": { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});

function count(name: string, text: string, least: number): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= least) return number;
  throw new Error(`--${name} is a whole number from ${least} on, not "${text}"`);
}

function moved({ count: all, perSecond, stoppedMs, wholeMs, stayed }: Moves): string[] {
  const times = `stopped for ${ms(stoppedMs.p50)} (p99 ${ms(stoppedMs.p99)}), each took ${ms(wholeMs.p50)} (p99 ${ms(wholeMs.p99)})`;
  return [
    `${all} moves, ${perSecond.toFixed(1)} a second; ${times}`,
    ...Object.entries(stayed).map(([reason, often]) => `not moved ${often} times: ${reason}`),
  ];
}

function told({ quiet, moving, moves, handedOff }: LoadFound, seconds: number, quietSeconds: number): string[] {
  const rate = ({ answered }: Sight, over: number) => `${(answered / over).toFixed(0)}/s`.padStart(8);
  const row = (before: Sight, after: Sight) =>
    before.client.padEnd(12) +
    [rate(before, quietSeconds), rate(after, seconds)].join(" ->") +
    (["p50Ms", "p99Ms", "maxMs"] as const)
      .map((key) => `   ${key.slice(0, 3)} ${ms(before[key]).padStart(9)} ->${ms(after[key]).padStart(9)}`)
      .join("");
  return [
    ...moved(moves),
    `${handedOff} connections were handed to the node of their process`,
    "while nothing moves -> while all does:",
    ...quiet.flatMap((before, index) => {
      const after = moving[index];
      return after === undefined ? [] : [row(before, after)];
    }),
  ];
}

function toldOf({ bytes, bytesPerSecond, growthBytes, moves }: DownloadFound): string[] {
  const size = `a download of ${mebi(bytes)}, at ${mebi(bytesPerSecond)}/s`;
  return [`${size}; no node's memory grew by more than ${mebi(growthBytes)}`, ...moved(moves)];
}

function ms(value: number): string {
  return `${value.toFixed(1)} ms`;
}

function mebi(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}

function say(...lines: readonly string[]): void {
  if (!values.json) console.log(lines.join("\n"));
}

const missing = values["without-wrk"] ? "it is left out" : await wrkMissing();
if (missing !== undefined) console.error(`NOT DONE: load by wrk: ${missing}`);
if (missing !== undefined && !values["without-wrk"]) {
  console.error("NOTHING IS PROVED: install wrk (on Debian: apt-get install wrk), or leave it out: --without-wrk");
  process.exit(1);
}
const seconds = count("seconds", values.seconds, 2);
const plan = {
  seconds,
  quietSeconds: values.quiet === undefined ? Math.max(2, Math.ceil(seconds / 3)) : count("quiet", values.quiet, 1),
  relaySeconds: count("relay", values.relay, 0),
  downloadBytes: count("download", values.download, 1) * 2 ** 20,
  processes: count("processes", values.processes, 1),
  everyMs: count("every", values.every, 0),
  isDurable: values.durable,
  hasWrk: missing === undefined,
  passOn: values["pass-on"] === "relay" ? ("relay" as const) : ("auto" as const),
};
const cluster = await Cluster.start(["n1", "n2", "n3"]);
try {
  const load = await proveLoad(cluster, plan);
  say(...told(load, plan.seconds, plan.quietSeconds), "");
  const download = await proveDownload(cluster, plan);
  say(...toldOf(download), "");
  const relay = plan.relaySeconds > 0 && plan.hasWrk ? await measureRelay(cluster, plan.relaySeconds) : [];
  for (const { client, answered, p50Ms, p99Ms, cpuUs } of relay) {
    const times = `p50 ${ms(p50Ms)}, p99 ${ms(p99Ms)}, processor time ${ms(cpuUs / 1000)} each`;
    say(`wrk at ${client}: ${(answered / plan.relaySeconds).toFixed(0)}/s, ${times}`);
  }
  const faults = [...load.faults, ...download.faults, ...relay.flatMap((one) => one.faults)];
  for (const fault of faults) console.error(`FAULT: ${fault}`);
  if (faults.length > 0) process.exitCode = 1;
  else say("no request failed, no connection was reset, every stream was whole and in order");
  if (values.json) console.log(JSON.stringify({ plan, load, download, relay, faults, machineLoad: loadavg()[0] }));
} finally {
  await cluster.stop();
}
