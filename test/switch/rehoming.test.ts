/** A service's processes are moved, and their homes too, while clients are in the middle of something: none of them notices. */

import assert from "node:assert/strict";
import { get } from "node:http";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { ClusterMember } from "../../src/node/cluster-member.ts";
import { until } from "../cluster/condition.ts";
import { withMembers } from "../node/bench-members.ts";
import { front, startServer, textOf } from "./served.ts";

const PIECE_BYTES = 20_000;

/** What is sent goes on until /finish is asked for, which tells how much it was. */
const SITE = `
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const sent = { count: 0, pieces: 0, events: 0 };
let finished = false;
const stream = (next) => new ReadableStream({
  async pull(controller) {
    await pause(2);
    if (finished) controller.close();
    else controller.enqueue(next());
  },
});
serve(async (request) => {
  switch (new URL(request.url).pathname) {
    case "/count":
      return new Response(String(++sent.count));
    case "/finish":
      finished = true;
      return Response.json(sent);
    case "/upload": {
      let length = 0;
      for await (const piece of request.body) {
        // Each 997th byte: a guest that looks at all of them has no time for anything else.
        for (let at = length + (997 - length % 997) % 997; at < length + piece.length; at += 997)
          if (piece[at - length] !== (Math.floor(at / ${PIECE_BYTES}) & 255)) return new Response("wrong at " + at);
        length += piece.length;
      }
      return new Response("right " + length);
    }
    case "/events":
      return new Response(stream(() => new TextEncoder().encode("data: " + sent.events++ + "\\n\\n")), {
        headers: { "content-type": "text/event-stream" },
      });
    default:
      return new Response(stream(() => new Uint8Array(${PIECE_BYTES}).fill(sent.pieces++)));
  }
}, { address: "service:web" });
`;

/** Takes all of a response, now and then slowly; resolves to how many pieces were in it. Rejects for a byte that is not its own. */
function download(url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    let length = 0;
    get(url, (response) => {
      response.on("data", (bytes: Buffer) => {
        for (const byte of bytes)
          if (byte !== (Math.floor(length++ / PIECE_BYTES) & 255))
            return reject(new Error(`byte ${length - 1} is wrong`));
        if (Math.random() > 0.1) return undefined;
        response.pause();
        return setTimeout(() => response.resume(), 5);
      });
      response.on("end", () => resolve(length / PIECE_BYTES)).on("error", reject);
    }).on("error", reject);
  });
}

/** Sends pieces until it is told to end. Resolves to the server's answer, and what it should have been. */
async function upload(url: string, isOver: () => boolean): Promise<[string, string]> {
  let pieces = 0;
  async function* body(): AsyncGenerator<Uint8Array> {
    for (; !isOver(); pieces++) {
      yield Buffer.alloc(PIECE_BYTES, pieces);
      await delay(2);
    }
  }
  const options = { method: "POST", body: body(), duplex: "half" } as unknown as RequestInit;
  return [await textOf(url, options), `right ${pieces * PIECE_BYTES}`];
}

/** Moves a process to another node, and its home after it. */
async function moveAway(from: ClusterMember, pid: number, to: string): Promise<void> {
  const { outcome, reason } = await from.control.migrate(pid, to);
  assert.equal(outcome, "moved", reason);
  await from.cluster.handHome([from.cluster.node.table.living(pid)], to);
}

await withMembers(["front", "b", "c"], (t) => {
  test("a download, an upload, events and many requests, while the home moves", { timeout: 90_000 }, async () => {
    const all = ["front", "b", "c"].map((name) => t.get(name));
    const pid = await startServer(t.get("b"), SITE, { seenBy: all });
    const url = await front(t.get("front"));
    let [isOver, asked] = [false, 0];
    const requests = async () => {
      for (; !isOver; asked++) assert.equal(await textOf(`${url}/count`), String(asked + 1));
    };
    const [downloading, uploading, events] = [
      download(`${url}/download`),
      upload(`${url}/upload`, () => isOver),
      textOf(`${url}/events`),
    ];
    const underWay = Promise.all([downloading, uploading, events, requests()]);
    underWay.catch(() => {}); // heard below

    const homes = ["b", "c", "front"];
    for (let turn = 0; turn < 7; turn++) {
      const so = asked;
      await Promise.race([until("requests go on", () => asked > so + 3, 30_000), underWay]);
      await moveAway(t.get(homes[turn % 3] ?? ""), pid, homes[(turn + 1) % 3] ?? "");
    }
    isOver = true;
    const sent = (await (await fetch(`${url}/finish`)).json()) as { pieces: number; events: number };
    await underWay;
    assert.equal(await downloading, sent.pieces);
    assert.equal(await events, Array.from({ length: sent.events }, (_, tick) => `data: ${tick}\n\n`).join(""));
    const [answer, expected] = await uploading;
    assert.equal(answer, expected);
    assert.ok(sent.pieces > 20 && sent.events > 20, JSON.stringify(sent));
  });
});
