/** Programs that serve, and clients of theirs over real connections. */

import { once } from "node:events";
import { type IncomingMessage, request as httpRequest, type RequestOptions } from "node:http";
import type { Started, TestNode } from "../node/bench-node.ts";

export const MAY_LISTEN = { capabilities: { listen: "all" } } as const;

/** A program that serves `handler` and prints where. */
function serving(handler: string, options = ""): string {
  return `const { serve } = globalThis.__godwit.exports;
    const server = serve(${handler}, { address: "127.0.0.1:0", ${options} });
    console.log("at http://" + server.address + "/");`;
}

export interface Site {
  readonly process: Started;
  readonly url: string;
}

export async function start(
  t: TestNode,
  handler: string,
  options = "",
  spawn: Parameters<TestNode["start"]>[1] = {},
): Promise<Site> {
  const process = await t.start(serving(handler, options), { ...MAY_LISTEN, ...spawn });
  const url = (await process.match(/at (\S+)\n/))[1] ?? "";
  return { process, url };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
}

async function read(response: IncomingMessage): Promise<Answer> {
  const pieces: Buffer[] = [];
  for await (const piece of response as AsyncIterable<Buffer>) pieces.push(piece);
  return { status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(pieces).toString() };
}

export async function ask(url: string, options: RequestOptions = {}, body?: string | Buffer): Promise<Answer> {
  const request = httpRequest(url, { agent: false, ...options });
  request.end(body);
  const [response] = (await once(request, "response")) as [IncomingMessage];
  return read(response);
}

export async function stopped(site: Site, t: TestNode): Promise<string> {
  await t.node.signal(site.process.pid, "SIGKILL");
  return (await site.process.ended).stderr;
}
