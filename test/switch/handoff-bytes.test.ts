/** What clients send in pieces of any size, while their connections go from node to node: each request is answered once, in order. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { ExchangeHead } from "../../src/abi/channel.ts";
import { headAndBody, wholeFrame } from "../../src/resources/frame.ts";
import type { Acceptor } from "../../src/resources/listener.ts";
import { until } from "../cluster/condition.ts";
import type { RawClient } from "../node/raw-client.ts";
import { TwoNodes } from "./two-nodes.ts";

const CLIENTS = 12;
const REQUESTS = 24;

/** Mulberry32, by Tommy Ettinger (public domain). */
function chance(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Answers with what was asked for and sent, after a while. */
function echo(random: (below: number) => number): Acceptor {
  return (frame, drive) => {
    const { head, body } = headAndBody(frame);
    const path = new URL((head as ExchangeHead).url).pathname;
    const answer = wholeFrame(
      { status: 200, statusText: "", headers: [] },
      Buffer.from(`<${path}:${Buffer.from(body).toString()}>`),
    );
    const driver = drive({ push: () => true, break: () => {} });
    void (async () => {
      for (let turns = random(6); turns > 0; turns--) await turn();
      await driver.take(answer);
    })();
  };
}

/** Sends requests in pieces; several may be on their way at once. Resolves when all answers have come. */
async function converse(client: RawClient, random: (below: number) => number): Promise<void> {
  const expected: string[] = [];
  let text = "";
  for (let at = 0; at < REQUESTS; at++) {
    const body = random(2) === 0 ? "" : "x".repeat(random(3000));
    const length = body === "" ? "" : `Content-Length: ${body.length}\r\n`;
    text += `${body === "" ? "GET" : "POST"} /${at} HTTP/1.1\r\nHost: x\r\n${length}\r\n${body}`;
    expected.push(`</${at}:${body}>`);
    // A part of it, all, or with others: sometimes all is to be answered first, so that the connection can go.
    if (random(3) === 0) continue;
    while (text.length > 0) {
      const size = 1 + random(random(2) === 0 ? 40 : 4000);
      client.send(text.slice(0, size));
      text = text.slice(size);
      if (text.length < 40 && random(3) === 0) break;
      for (let turns = random(4); turns > 0; turns--) await turn();
    }
    if (text === "" && random(2) === 0) await answered(client, expected);
  }
  client.send(text);
  await answered(client, expected);
}

async function answered(client: RawClient, expected: readonly string[]): Promise<void> {
  const found = () => Array.from(client.text.matchAll(/<[^>]*>/g), ([one]) => one);
  await until("all is answered", () => client.socket.closed || found().length >= expected.length, 60_000);
  assert.deepEqual(found(), expected);
}

for (const policy of ["least-loaded", "hash:path"])
  test(
    `connections that are given away, and back, while they are in use (${policy})`,
    { timeout: 120_000 },
    async (t) => {
      for (const seed of [1, 2, 3]) {
        const random = chance(seed);
        const nodes = new TwoNodes(echo(random));
        t.after(() => nodes.stop());
        const { a, b } = nodes;
        const { url } = await nodes.front(a, policy);
        const clients = await Promise.all(Array.from({ length: CLIENTS }, () => nodes.client(url)));
        const talks = Promise.all(clients.map((client) => converse(client, random)));
        await until("b has most of them", () => b.sockets.length > CLIENTS / 2);
        a.choice = undefined;
        b.handoff.leave();
        await talks;
        await until("all are back", () => !b.handoff.isInUse);
        assert.ok(a.sockets.length >= b.sockets.length, `${a.sockets.length} of ${b.sockets.length}`);
        nodes.stop();
      }
    },
  );
