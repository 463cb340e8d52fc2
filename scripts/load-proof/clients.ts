/** Clients of a service, at once, each of which holds it to account: what failed, what came out of order, how long it took. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { get } from "node:http";
import autocannon from "autocannon";
import { WebSocket } from "ws";
import { findProgram, WRK } from "../../test/cluster/debian.ts";
import { timesOf } from "./unrest.ts";

/** What one client saw. */
export interface Sight {
  readonly client: string;
  readonly answered: number;
  /** What went wrong; nothing may. */
  readonly faults: readonly string[];
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface Load {
  /** Where it goes, without a slash at its end. */
  readonly url: string;
  readonly seconds: number;
}

const WRK_CONNECTIONS = 4;
const CANNON_CONNECTIONS = 4;
const CANNON_PIPELINING = 4;
const CANNON_PATHS = 32;
/** Messages of a WebSocket that are not answered yet. */
const ECHOES_MAX = 4;
/** Nobody waits longer for an answer. */
const PATIENCE_S = 20;

/** Why there is no `wrk`. */
export async function wrkMissing(): Promise<string | undefined> {
  const found = await findProgram(WRK);
  return "missing" in found ? found.missing : undefined;
}

/** `wrk`, a client in C. */
export async function wrk({ url, seconds }: Load): Promise<Sight> {
  const found = await findProgram(WRK);
  if ("missing" in found) throw new Error(found.missing);
  const args = ["-t1", `-c${WRK_CONNECTIONS}`, `-d${seconds}s`, `--timeout`, `${PATIENCE_S}s`, "--latency"];
  const child = spawn(found.path, [...args, `${url}/item/wrk`], {
    env: { ...process.env, ...found.environment },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (piece: string) => (text += piece));
  const [code] = (await once(child, "close")) as [number | null];
  const faults = code === 0 ? [] : [`it ended with code ${code}`];
  // It writes neither line when there is nothing to tell.
  for (const [line] of text.matchAll(/^ *(?:Socket errors|Non-2xx or 3xx responses):.*$/gm)) faults.push(line.trim());
  const answered = Number(/(\d+) requests in/.exec(text)?.[1] ?? 0);
  if (answered === 0) faults.push(`nothing was answered: ${text}`);
  const maxMs = msOf(/^ +Latency +\S+ +\S+ +(\S+)/m.exec(text)?.[1]);
  const [p50Ms, p99Ms] = ["50", "99"].map((n) => msOf(new RegExp(`^ +${n}% +(\\S+) *$`, "m").exec(text)?.[1]));
  return { client: "wrk", answered, faults, p50Ms: p50Ms ?? NaN, p99Ms: p99Ms ?? NaN, maxMs };
}

/** As wrk writes it: `1.20ms`. */
function msOf(text = ""): number {
  const [, number, unit = ""] = /^([\d.]+)(us|ms|s|m)$/.exec(text) ?? [];
  const units: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, m: 60_000 };
  return Number(number) * (units[unit] ?? NaN);
}

/** `autocannon`, with several requests on each connection before the first is answered: each answer is its own. */
export async function pipelining({ url, seconds }: Load): Promise<Sight> {
  const wrong: string[] = [];
  const requests = Array.from({ length: CANNON_PATHS }, (_, item) => ({
    path: `/item/${item}`,
    onResponse: (status: number, body: string) => {
      if (status !== 200 || body !== `item ${item}`) wrong.push(`item ${item} was answered ${status}: ${body}`);
    },
  }));
  const result = await autocannon({
    url,
    connections: CANNON_CONNECTIONS,
    pipelining: CANNON_PIPELINING,
    duration: seconds,
    timeout: PATIENCE_S,
    requests,
  });
  const { errors, timeouts, non2xx, resets, latency } = result;
  const faults = Object.entries({ errors, timeouts, non2xx, resets }).flatMap(([what, count]) =>
    count > 0 ? [`${count} ${what}`] : [],
  );
  faults.push(...wrong.slice(0, 3));
  const { p50, p99, max } = latency;
  return { client: "autocannon", answered: result["2xx"], faults, p50Ms: p50, p99Ms: p99, maxMs: max };
}

/** A WebSocket: each message is answered with what it was and how many were before. */
export async function echoes({ url, seconds }: Load): Promise<Sight> {
  const socket = new WebSocket(`${url.replace(/^http/, "ws")}/echo`);
  const faults: string[] = [];
  const sentMs: number[] = [];
  const tookMs: number[] = [];
  const closed = new Promise<number>((resolve) => socket.on("close", resolve));
  socket.on("error", (error) => faults.push(error.message));
  const endMs = performance.now() + seconds * 1000;
  const send = () => {
    if (socket.readyState !== WebSocket.OPEN) return;
    socket.send(String(sentMs.length));
    sentMs.push(performance.now());
  };
  socket.on("open", () => {
    for (let count = 0; count < ECHOES_MAX; count++) send();
  });
  socket.on("message", (data: Buffer) => {
    const at = tookMs.length;
    if (String(data) !== `${at} ${at}`) faults.push(`message ${at} was answered ${JSON.stringify(String(data))}`);
    tookMs.push(performance.now() - (sentMs[at] ?? NaN));
    if (performance.now() < endMs) send();
    else if (tookMs.length === sentMs.length) socket.close(1000);
  });
  const late = setTimeout(() => socket.terminate(), (seconds + PATIENCE_S) * 1000);
  const code = await closed;
  clearTimeout(late);
  if (code !== 1000) faults.push(`it was closed with ${code}`);
  if (tookMs.length !== sentMs.length) faults.push(`${sentMs.length} were sent, ${tookMs.length} came back`);
  return sightOf("WebSocket", tookMs, faults);
}

/** A stream of events: each has the next number, and the last tells how many there were. */
export async function events({ url, seconds }: Load): Promise<Sight> {
  const faults: string[] = [];
  const gapsMs: number[] = [];
  let [text, seen, total] = ["", 0, -1];
  let lastMs = performance.now();
  const event = (one: string) => {
    if (one.startsWith("event: end")) return void (total = Number(one.slice(one.indexOf("data: ") + 6)));
    if (one !== `data: ${seen}`) faults.push(`event ${seen} was ${JSON.stringify(one)}`);
    seen++;
    const nowMs = performance.now();
    gapsMs.push(nowMs - lastMs);
    lastMs = nowMs;
    return undefined;
  };
  await new Promise<void>((resolve) => {
    const failed = (error: Error) => {
      faults.push(error.message);
      resolve();
    };
    const request = get(`${url}/events?ms=${seconds * 1000}`, (response) => {
      if (response.statusCode !== 200) faults.push(`status ${response.statusCode}`);
      response.setEncoding("utf8").on("data", (piece: string) => {
        const parts = (text + piece).split("\n\n");
        text = parts.pop() ?? "";
        for (const one of parts) event(one);
      });
      response.on("end", resolve).on("error", failed);
    });
    request
      .on("error", failed)
      .setTimeout(PATIENCE_S * 1000, () => request.destroy(new Error("nothing came any more")));
  });
  if (total !== seen) faults.push(`${seen} events came, and the last said ${total}`);
  return sightOf("events", gapsMs, faults);
}

function sightOf(client: string, allMs: readonly number[], faults: readonly string[]): Sight {
  const { p50, p99, max } = timesOf(allMs);
  return { client, answered: allMs.length, faults: faults.slice(0, 5), p50Ms: p50, p99Ms: p99, maxMs: max };
}
