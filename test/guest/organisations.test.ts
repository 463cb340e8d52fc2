/** Every organisation of a server answers the same, over the same handler; they differ in what goes on beside what. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { type IncomingMessage, request as httpRequest } from "node:http";
import { describe, test } from "node:test";
import { withNode } from "../node/bench-node.ts";
import { converse, HANDLER, HEAVY, type Organisation, ORGANISATIONS, served } from "./conversation.ts";
import { ask, MAY_LISTEN, type Site, stopped } from "./server.ts";

/** The most that went on at one time. */
function overlap(spans: readonly (readonly [startMs: number, endMs: number])[]): number {
  return Math.max(...spans.map(([start]) => spans.filter(([from, to]) => from <= start && start < to).length));
}

/** How many of four requests that block are worked on at once, where there are three threads or processes. */
const BLOCKED_AT_ONCE: Record<Organisation, number> = {
  "event-driven": 1,
  iterative: 1,
  "thread-per-request": 3,
  "thread-pool": 3,
  "process-per-request": 3,
  "pre-forked": 3,
};
const WAITING_AT_ONCE = { ...BLOCKED_AT_ONCE, "event-driven": 4, "pre-forked": 4 };

/** Organisations that promise an answer while another request's handler spins. */
const UNDISTURBED: readonly Organisation[] = ["thread-per-request", "thread-pool", "process-per-request", "pre-forked"];
/** Those in which a request's end in a process's end costs no other. */
const SEPARATE: readonly Organisation[] = ["process-per-request", "pre-forked"];

const THREE = "threads: 3, processes: 3";
const at = (site: Site, path: string) => new URL(path, site.url).href;

await withNode({ lwps: 2 }, (t) => {
  for (const organisation of ORGANISATIONS)
    describe(organisation, () => {
      test("answers as the others do", { timeout: 60_000 }, async () => {
        const site = await served(t, organisation);
        await converse(site);
        assert.doesNotMatch(await stopped(site, t), /ECANCELED|EBADF|faulted/);
      });

      test("and under stress", { timeout: 120_000 }, async () => {
        const site = await served(t, organisation, HANDLER, THREE, { stress: { every: 29, at: "call" } });
        await converse(site, HEAVY);
        await stopped(site, t);
      });

      test("stop lets what is in flight finish, and the process end", { timeout: 60_000 }, async () => {
        const handler = `() => new Response(new ReadableStream({ async start(c) {
          c.enqueue(new TextEncoder().encode("begun "));
          await new Promise((resolve) => setTimeout(resolve, 500));
          c.enqueue(new TextEncoder().encode("and done")); c.close(); } }))`;
        const stop = `onListen: (server) => onSignal("SIGUSR1", async () => { await server.stop(); await server.finished; console.log("finished"); })`;
        const site = await served(t, organisation, handler, `${THREE}, ${stop}`);
        const request = httpRequest(site.url, { agent: false });
        request.end();
        const [response] = (await once(request, "response")) as [IncomingMessage];
        let text = String(((await once(response, "data")) as [Buffer])[0]);
        response.on("data", (piece: Buffer) => (text += String(piece)));
        await t.node.signal(site.process.pid, "SIGUSR1");
        await once(response, "end");
        assert.equal(text, "begun and done");
        const { status, stdout, stderr } = await site.process.ended;
        assert.deepEqual([status.code, stderr], [0, ""]);
        assert.match(stdout, /finished/);
        await assert.rejects(ask(site.url), /ECONNREFUSED/);
        const left = (await t.node.list()).filter(({ parent, exit }) => parent === site.process.pid && !exit);
        assert.deepEqual(left, []);
      });

      test("as many go on at once as it promises", { timeout: 60_000 }, async () => {
        const handler = `(request) => { const start = Date.now();
          if (request.url.endsWith("/block")) { sleep(400); return Response.json([start, Date.now()]); }
          return new Promise((resolve) => setTimeout(resolve, 400)).then(() => Response.json([start, Date.now()])); }`;
        const site = await served(t, organisation, handler, THREE);
        for (const [path, most] of [
          ["/block", BLOCKED_AT_ONCE[organisation]],
          ["/wait", WAITING_AT_ONCE[organisation]],
        ] as const) {
          const answers = await Promise.all([1, 2, 3, 4].map(() => ask(at(site, path))));
          const spans = answers.map(({ text }) => JSON.parse(text) as [number, number]);
          assert.equal(overlap(spans), most, `${path}: ${JSON.stringify(spans)}`);
        }
        await stopped(site, t);
      });

      if (UNDISTURBED.includes(organisation))
        test("others go on while a handler spins", { timeout: 60_000 }, async () => {
          const handler = `(request) => { if (request.url.endsWith("/spin")) for (;;); return new Response("fine"); }`;
          const site = await served(t, organisation, handler, THREE);
          const spinning = httpRequest(at(site, "/spin"), { agent: false });
          spinning.on("error", () => {}).end();
          for (let i = 0; i < 10; i++) assert.equal((await ask(site.url)).text, "fine");
          spinning.destroy();
          await stopped(site, t);
        });

      test("what becomes of others when a process ends", { timeout: 60_000 }, async () => {
        const handler = `(request) => {
          switch (new URL(request.url).pathname) {
            case "/exit": return exit(7);
            case "/stray": Promise.reject(new Error("stray")); return new Promise(() => {});
            case "/eat": { const all = []; for (;;) all.push(new Uint8Array(1_000_000)); }
            case "/slow": return new Promise((resolve) => setTimeout(resolve, 600)).then(() => new Response("slow"));
            default: return new Response("fine"); } }`;
        const quotas = { quotas: { memoryBytes: 32 * 2 ** 20 } };
        const site = await served(t, organisation, handler, THREE, quotas);
        // Memory that runs out is an error of the request that took it, everywhere.
        assert.equal((await ask(at(site, "/eat"))).status, 500);
        assert.equal((await ask(site.url)).text, "fine");
        if (!SEPARATE.includes(organisation)) {
          assert.equal((await ask(at(site, "/exit"))).status, 502);
          assert.equal((await site.process.ended).status.code, 7);
          return;
        }
        for (const path of ["/exit", "/stray"]) {
          const slow = organisation === "process-per-request" ? ask(at(site, "/slow")) : undefined;
          assert.equal((await ask(at(site, path))).status, 502, path);
          assert.equal((await ask(site.url)).text, "fine");
          assert.equal((await slow)?.text ?? "slow", "slow");
        }
        // One that is killed from outside is replaced.
        const children = (await t.node.list()).filter(({ parent, exit }) => parent === site.process.pid && !exit);
        for (const { pid } of children) await t.node.signal(pid, "SIGKILL").catch(() => {});
        for (const { pid } of children) await t.node.wait(pid);
        for (let i = 0; i < 10; i++) assert.equal((await ask(site.url)).text, "fine");
        await stopped(site, t);
      });
    });

  test("children of a server end with it, however it ends", { timeout: 60_000 }, async () => {
    const site = await served(t, "pre-forked", `() => new Response(String(self.pid))`, "processes: 2");
    const pids = new Set<string>();
    while (pids.size < 2) pids.add((await ask(site.url)).text);
    assert.ok(!pids.has(String(site.process.pid)), "the parent does not answer itself");
    await stopped(site, t);
    for (const pid of pids) assert.equal((await t.node.wait(Number(pid))).code, 0);
    await assert.rejects(ask(site.url), /ECONNREFUSED/);
  });

  test("an organisation that there is not, and numbers that are none", { timeout: 60_000 }, async () => {
    for (const [wrong, told] of [
      [`organisation: "anarchy"`, /RangeError: anarchy is no organisation: use one of event-driven, /],
      [`threads: 0`, /RangeError: threads is 0/],
      [`processes: 1.5`, /RangeError: processes is 1.5/],
    ] as const) {
      const source = `globalThis.__godwit.exports.serve(() => {}, { address: "127.0.0.1:0", ${wrong} })`;
      assert.match((await t.run(source, MAY_LISTEN)).stderr, told);
    }
  });

  test("a pool that there are no threads for", { timeout: 60_000 }, async () => {
    const source = `globalThis.__godwit.exports.serve(() => {}, { address: "127.0.0.1:0", organisation: "thread-pool", threads: 8 })`;
    const { status, stderr } = await t.run(source, { ...MAY_LISTEN, quotas: { threadsMax: 4 } });
    assert.equal(status.code, 1);
    assert.match(stderr, /may have 4 threads/);
  });
});
