/** One handler and what it is asked: every organisation of a server answers the same. */

import assert from "node:assert/strict";
import { Agent } from "node:http";
import type { TestNode } from "../node/bench-node.ts";
import { ask, type Site, start } from "./server.ts";

export const ORGANISATIONS = [
  "event-driven",
  "iterative",
  "thread-per-request",
  "thread-pool",
  "process-per-request",
  "pre-forked",
] as const;
export type Organisation = (typeof ORGANISATIONS)[number];

const options = (organisation: Organisation, more = ""): string =>
  `organisation: ${JSON.stringify(organisation)}, ${more}`;

export const HANDLER = `(request, environment, context) => {
  const { pathname } = new URL(request.url);
  switch (pathname) {
    case "/plain": return new Response("plain " + environment.GIVEN);
    case "/blocks": sleep(3); return new Response("blocked");
    case "/awaits": return new Promise((resolve) => setTimeout(resolve, 3)).then(() => new Response("awaited"));
    case "/echo": return request.text().then((text) => new Response(text, { headers: { "x-method": request.method } }));
    case "/large": return new Response("x".repeat(2_000_000));
    case "/stream": return new Response(new ReadableStream({ async start(c) { for (const part of ["a", "b", "c"]) { c.enqueue(new TextEncoder().encode(part)); await new Promise((r) => setTimeout(r, 1)); } c.close(); } }));
    case "/flood": return new Response(new ReadableStream({ pull(c) { this.n = (this.n ?? 0) + 1; c.enqueue(new Uint8Array(65536)); if (this.n === 40) c.close(); } }));
    case "/throw": throw new Error("thrown here");
    case "/reject": return Promise.reject(new RangeError("rejected here"));
    case "/nothing": return undefined;
    case "/spin": { let sum = 0; for (let i = 0; i < 300_000; i++) sum += i; return new Response(String(sum)); }
    case "/later": context.waitUntil(new Promise((r) => setTimeout(r, 1)).then(() => console.log("afterwards"))); return new Response("now");
    default: return new Response("not found", { status: 404 });
  }
}`;

const long = "y".repeat(200_000);
/** Path, body, and what is answered. */
const CONVERSATION: readonly (readonly [path: string, body: string | undefined, status: number, text: string])[] = [
  ["/plain", undefined, 200, "plain 1"],
  ["/blocks", undefined, 200, "blocked"],
  ["/awaits", undefined, 200, "awaited"],
  ["/echo", "short", 200, "short"],
  ["/echo", long, 200, long],
  ["/large", undefined, 200, "x".repeat(2_000_000)],
  ["/stream", undefined, 200, "abc"],
  ["/flood", undefined, 200, "\0".repeat(40 * 65_536)],
  ["/throw", undefined, 500, "Internal Server Error"],
  ["/reject", undefined, 500, "Internal Server Error"],
  ["/nothing", undefined, 500, "Internal Server Error"],
  ["/spin", undefined, 200, "44999850000"],
  ["/later", undefined, 200, "now"],
  ["/nowhere", undefined, 404, "not found"],
];

/** What takes long where every call is a stop. */
export const HEAVY = ["/large", "/flood", "/spin"];

export async function converse(site: Site, without: readonly string[] = []): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 3 });
  const one = async ([path, body, status, text]: (typeof CONVERSATION)[number]) => {
    const method = body === undefined ? "GET" : "POST";
    const answer = await ask(new URL(path, site.url).href, { agent, method }, body);
    assert.equal(answer.status, status, path);
    assert.ok(answer.text === text, `${path}: ${answer.text.slice(0, 200)}`);
  };
  await Promise.all(CONVERSATION.filter(([path]) => !without.includes(path)).map(one));
  agent.destroy();
}

export async function served(t: TestNode, organisation: Organisation, handler = HANDLER, more = "", spawn = {}) {
  return start(t, handler, options(organisation, more), { environment: { GIVEN: "1" }, ...spawn });
}
