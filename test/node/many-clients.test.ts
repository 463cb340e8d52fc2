/** One process and more clients at once than all that its channels hold is enough for: none of them holds up the others. */

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import {
  CALLS_IN_FLIGHT_MAX,
  CHANNEL_WINDOW_BYTES,
  CHANNELS_WINDOW_BYTES,
  EXCHANGES_IN_FLIGHT_MAX,
} from "../../src/limits.ts";
import { until } from "../cluster/condition.ts";
import { start } from "../guest/server.ts";
import { withNode } from "./bench-node.ts";
import { RawClient } from "./raw-client.ts";

const UPLOAD_BYTES = 320 * 1024;
const GET = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

async function clientsOf(t: TestContext, url: string, count: number): Promise<RawClient[]> {
  const clients = await Promise.all(Array.from({ length: count }, () => RawClient.connect(url)));
  t.after(() => {
    for (const { socket } of clients) socket.destroy();
  });
  return clients;
}

await withNode({}, (t) => {
  test("who has sent half of a body waits for itself alone", { timeout: 120_000 }, async (context) => {
    const { url } = await start(
      t,
      "async (request) => new Response(`had ${(await request.arrayBuffer()).byteLength}.`)",
    );
    // Of those that are worked on and those that wait for it, what has come is more than all windows.
    const clients = await clientsOf(context, url, 2 * EXCHANGES_IN_FLIGHT_MAX);
    assert.ok((clients.length * UPLOAD_BYTES) / 2 > 2 * CHANNELS_WINDOW_BYTES);
    const half = "a".repeat(UPLOAD_BYTES / 2);
    for (const client of clients)
      client.send(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${UPLOAD_BYTES}\r\n\r\n${half}`);
    const last = clients.at(-1);
    await until("all is in their hands", () => (last?.socket.bytesWritten ?? 0) > UPLOAD_BYTES / 2);
    for (const client of clients) client.send(half);
    await until("all are answered", () => clients.every(({ text }) => text.endsWith(`had ${UPLOAD_BYTES}.`)), 60_000);
  });

  test("results that wait for the event loop come as it takes them", { timeout: 120_000 }, async (context) => {
    const count = EXCHANGES_IN_FLIGHT_MAX - 1;
    const { url, process } = await start(
      t,
      `async (request) => {
        if (request.url.endsWith("/busy")) {
          while (globalThis.waiting !== ${count}) await new Promise((resolve) => setTimeout(resolve, 5));
          console.log("busy");
          // What comes meanwhile for the others is more than may wait.
          for (const endMs = Date.now() + 1500; Date.now() < endMs; );
          return new Response("done.");
        }
        let had = 0;
        for await (const piece of request.body) {
          had += piece.length;
          if (had === ${UPLOAD_BYTES / 2}) globalThis.waiting = (globalThis.waiting ?? 0) + 1;
        }
        return new Response("had " + had + ".");
      }`,
    );
    const [busy, ...clients] = await clientsOf(context, url, count + 1);
    assert.ok(busy !== undefined);
    const half = "a".repeat(UPLOAD_BYTES / 2);
    for (const client of clients)
      client.send(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${UPLOAD_BYTES}\r\n\r\n${half}`);
    busy.send("GET /busy HTTP/1.1\r\nHost: x\r\n\r\n");
    await process.match(/busy\n/);
    for (const client of clients) client.send(half);
    await busy.seen(/done\.$/);
    await until("all are answered", () => clients.every(({ text }) => text.endsWith(`had ${UPLOAD_BYTES}.`)), 60_000);
  });

  test("clients that take nothing keep nobody else from being answered", { timeout: 120_000 }, async (context) => {
    const { url } = await start(
      t,
      `(request) => {
        if (!request.url.endsWith("/long")) return new Response("given " + globalThis.given + ".");
        const pull = (controller) => {
          globalThis.given = (globalThis.given ?? 0) + 1;
          controller.enqueue(new Uint8Array(65536));
        };
        return new Response(new ReadableStream({ pull }));
      }`,
    );
    const slow = await clientsOf(context, url, (1.5 * CHANNELS_WINDOW_BYTES) / CHANNEL_WINDOW_BYTES);
    for (const client of slow) {
      client.socket.pause();
      client.send("GET /long HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    const given = async () => {
      const client = await RawClient.connect(url);
      client.send(GET);
      const [, count] = await client.seen(/given (\d+)\.$/);
      client.socket.destroy();
      return Number(count);
    };
    let before = -1;
    // Each question is one of a client that takes its answer.
    await until(
      "no more is given to them",
      async () => {
        const now = await given();
        const isStill = now === before;
        before = now;
        if (!isStill) await new Promise((resolve) => setTimeout(resolve, 500));
        return isStill && now >= slow.length;
      },
      90_000,
    );
  });

  test(
    "while a program has all its calls in flight, its clients wait and are answered",
    {
      timeout: 60_000,
    },
    async (context) => {
      // Reads that nothing answers before they are given up.
      const { url, process } = await start(
        t,
        `async (request) => {
        if (request.method === "POST") return new Response("had " + (await request.arrayBuffer()).byteLength + ".");
        const { listen } = globalThis.__godwit.exports;
        const listener = listen({ port: 0 });
        const waits = Array.from({ length: ${CALLS_IN_FLIGHT_MAX} }, () => listener.acceptAsync().catch(() => {}));
        setTimeout(() => listener.close(), 1000);
        console.log("full");
        return new Response("asked.");
      }`,
      );
      const [asking, ...clients] = await clientsOf(context, url, 4);
      assert.ok(asking !== undefined);
      const half = "a".repeat(UPLOAD_BYTES / 2);
      for (const client of clients)
        client.send(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${UPLOAD_BYTES}\r\n\r\n${half}`);
      asking.send(GET);
      await process.match(/full\n/);
      for (const client of clients) client.send(half);
      await asking.seen(/asked\.$/);
      await until("all are answered", () => clients.every(({ text }) => text.endsWith(`had ${UPLOAD_BYTES}.`)));
    },
  );
});
