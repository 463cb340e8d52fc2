/**
 * Out of band: what is told to a program that is busy gets through, in every organisation of a server.
 *
 * @alone: it measures how soon a program is told
 */

import assert from "node:assert/strict";
import { once } from "node:events";
import { access, readFile } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { WebSocketServer } from "ws";
import { withNode } from "../node/bench-node.ts";
import { ORGANISATIONS } from "./conversation.ts";
import { ask, MAY_LISTEN, start, stopped } from "./server.ts";

const URGENT = "const { onUrgent } = globalThis.__godwit.exports;\n";

/** Asks, and leaves once the handler is at work. */
async function leave(url: string, begun: Promise<unknown>): Promise<void> {
  const request = httpRequest(url, { agent: false });
  request.on("error", () => {}).end();
  await begun;
  request.destroy();
}

await withNode({ lwps: 2 }, (t) => {
  for (const organisation of ORGANISATIONS)
    test(`${organisation}: a client that leaves ends a handler that spins`, { timeout: 60_000 }, async () => {
      // Where children work, what they print is theirs: the file says the same for all.
      const file = `${t.folder}/${organisation}`;
      const handler = `(request) => {
        if (!request.url.endsWith("/spin")) return new Response("free");
        writeFile(${JSON.stringify(file)} + ".begun", "");
        let heard = "";
        request.signal.addEventListener("abort", () => (heard = request.signal.reason.name));
        while (!request.signal.aborted);
        writeFile(${JSON.stringify(file)}, heard);
        return new Response("too late"); }`;
      const site = await start(t, handler, `organisation: "${organisation}", threads: 2, processes: 2`, {
        capabilities: { listen: "all", write: [t.folder] },
      });
      const present = async (path: string): Promise<void> => {
        for (;;) {
          try {
            return await access(path);
          } catch {
            await new Promise((resolve) => setTimeout(resolve, 5));
          }
        }
      };
      await leave(new URL("/spin", site.url).href, present(`${file}.begun`));
      await present(file);
      // It is written in one go, some time after it is there.
      while ((await readFile(file, "utf8")) === "") await new Promise((resolve) => setTimeout(resolve, 5));
      assert.equal(await readFile(file, "utf8"), "AbortError");
      assert.equal((await ask(site.url)).text, "free");
      assert.equal(await stopped(site, t), "");
    });

  test("interrupts reach a loop, in order, with what they say", { timeout: 60_000 }, async () => {
    const process = await t.start(
      `${URGENT} const heard = []; let stop = false;
       onUrgent(({ kind, message }) => { heard.push(kind + ":" + message); if (message === "stop") stop = true; });
       console.log("spinning"); while (!stop); console.log(heard.join());`,
    );
    await process.printed("spinning");
    for (const message of ["one", "two", "", "stop"]) await t.node.signal(process.pid, "SIGURG", message);
    const { stdout, status, stderr } = await process.ended;
    assert.deepEqual(
      [stdout, status.code, stderr],
      ["spinning\ninterrupt:one,interrupt:two,interrupt:,interrupt:stop\n", 0, ""],
    );
  });

  test("a program that has no ear is not disturbed, and one may stop to listen", { timeout: 60_000 }, async () => {
    const deaf = await t.start(`console.log("here"); setTimeout(() => console.log("done"), 200);`);
    await deaf.printed("here");
    await t.node.signal(deaf.pid, "SIGURG", "hello");
    assert.equal((await deaf.ended).stdout, "here\ndone\n");
    const process = await t.start(
      `${URGENT} let heard = 0; const stop = onUrgent(() => { heard++; stop(); console.log("heard"); });
       onUrgent(({ message }) => { if (message === "end") { console.log(heard); exit(0); } });
       console.log("ready"); setInterval(() => {}, 1000);`,
    );
    await process.printed("ready");
    await t.node.signal(process.pid, "SIGURG", "a");
    await process.printed("heard");
    await t.node.signal(process.pid, "SIGURG", "end");
    assert.equal((await process.ended).stdout, "ready\nheard\n1\n");
  });

  test("an event loop that is free calls between its tasks, not in their midst", { timeout: 60_000 }, async () => {
    const process = await t.start(
      `${URGENT} onUrgent(({ message }) => { console.log("heard " + message, "thread", Thread.self().id); if (message === "9") exit(0); });
       console.log("ready"); setInterval(() => {}, 1000);`,
    );
    await process.printed("ready");
    for (let i = 0; i < 10; i++) {
      await t.node.signal(process.pid, "SIGURG", String(i));
      if (i < 9) await process.printed(`heard ${i}`);
    }
    // On a machine that is busy with other things the loop may come late to one or another.
    assert.match((await process.ended).stdout, /thread 1\n/);
  });

  test("a WebSocket's ping that says something", { timeout: 60_000 }, async () => {
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    await once(server, "listening");
    server.on("connection", (socket) => {
      socket.ping();
      socket.ping("hurry");
    });
    const { port } = server.address() as AddressInfo;
    const process = await t.start(
      `${URGENT} let said; onUrgent(({ kind, message }) => { said = kind + " " + message; });
       const socket = new WebSocket("ws://127.0.0.1:${port}/");
       socket.onopen = () => { while (said === undefined); console.log(said); exit(0); };`,
      { capabilities: { net: "all" } },
    );
    assert.equal((await process.ended).stdout, "ping hurry\n");
    for (const socket of server.clients) socket.terminate();
    server.close();
  });

  test("many interrupts: those that find no room are lost, and nothing else", { timeout: 60_000 }, async () => {
    const process = await t.start(
      `${URGENT} let count = 0; onUrgent(({ message }) => { count++; if (message === "end") { console.log("counted", count <= 2001, count > 1); exit(0); } });
       console.log("ready"); setInterval(() => {}, 1000);`,
    );
    await process.printed("ready");
    for (let i = 0; i < 2000; i++) void t.node.signal(process.pid, "SIGURG", "x");
    const end = setInterval(() => void t.node.signal(process.pid, "SIGURG", "end").catch(() => {}), 20);
    const { stdout } = await process.ended;
    clearInterval(end);
    assert.equal(stdout, "ready\ncounted true true\n");
  });

  test("it gets through beside threads that spin", { timeout: 60_000 }, async () => {
    const process = await t.start(
      `${URGENT} const { monotonic } = globalThis.__godwit.exports;
       for (let i = 0; i < 4; i++) Thread.create(() => { for (;;); });
       onUrgent(({ message }) => { console.log("heard " + message); if (message === "9") exit(0); });
       console.log("ready"); for (;;);`,
    );
    await process.printed("ready");
    const tookMs: number[] = [];
    for (let i = 0; i < 10; i++) {
      const startMs = performance.now();
      const heard = process.printed(`heard ${i}`);
      await t.node.signal(process.pid, "SIGURG", String(i));
      await heard;
      tookMs.push(performance.now() - startMs);
    }
    await process.ended;
    const [median = Infinity] = tookMs.sort((a, b) => a - b).slice(5);
    // Ten milliseconds of patience with the event loop, and a few slices; five spinners would make it wait for long.
    assert.ok(median < 250, `${median} ms`);
  });

  test("onUrgent hears of requests whose clients leave", { timeout: 60_000 }, async () => {
    const process = await t.start(
      `${URGENT} const { serve } = globalThis.__godwit.exports;
       onUrgent(({ kind, request }) => { console.log(kind, new URL(request.url).pathname); exit(0); });
       const server = serve(() => { console.log("asked"); for (;;); }, { address: "127.0.0.1:0" });
       console.log("at http://" + server.address + "/");`,
      MAY_LISTEN,
    );
    const url = (await process.match(/at (\S+)\n/))[1] ?? "";
    await leave(new URL("/gone", url).href, process.printed("asked"));
    assert.match((await process.ended).stdout, /abort \/gone\n$/);
  });

  test("under stress", { timeout: 60_000 }, async () => {
    const handler = `(request) => { let n = 0; console.log("asked"); while (!request.signal.aborted) n++; console.log("over"); return new Response(""); }`;
    const site = await start(t, handler, "", { stress: { every: 7, at: "call" } });
    await leave(site.url, site.process.printed("asked"));
    await site.process.printed("over");
    await stopped(site, t);
  });
});
