/** Processes and nodes that end under their clients, and services that have too few of them. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../cluster/condition.ts";
import { withMembers } from "../node/bench-members.ts";
import { front, startServer, textOf } from "./served.ts";

/** `/wait` is answered by nobody who has not been told to; all else at once. */
const SERVER = `
let waiting = 0;
serve(async (request) => {
  const { pathname } = new URL(request.url);
  if (pathname === "/waiting") return new Response(String(waiting));
  if (pathname === "/begun")
    return new Response(new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode("begun")) }));
  if (pathname === "/wait") {
    waiting++;
    await new Promise(() => {});
  }
  return new Response(String(self.pid));
}, { address: "service:web" });
`;

await withMembers(["front", "b", "c"], (t) => {
  test(
    "a request that was not answered is made again when its node dies, if that does no harm",
    { timeout: 90_000 },
    async () => {
      const all = ["front", "b", "c"].map((name) => t.get(name));
      const [first, b] = [t.get("front"), t.get("b")];
      const dying = await startServer(b, SERVER, { seenBy: all });
      const url = await front(first, { policy: "round-robin" });
      const waits = (method: string) => fetch(`${url}/wait`, { method });
      const [get, put, post] = [waits("GET"), waits("PUT"), waits("POST")];
      const begun = await fetch(`${url}/begun`);
      await until("they wait", async () => (await textOf(`${url}/waiting`)) === "3");
      // The other answers at once: it has no such path.
      const other = await startServer(
        t.get("c"),
        `serve((request) => new Response(request.method + " " + self.pid), { address: "service:web" });`,
        { seenBy: [first] },
      );
      await t.kill("b");
      assert.equal(await (await get).text(), `GET ${other}`);
      assert.equal(await (await put).text(), `PUT ${other}`);
      assert.equal((await post).status, 502);
      await assert.rejects(begun.text(), "what has begun is broken off");
      await until(
        "the dead one serves no more",
        async () => {
          const [web] = await first.own.services();
          return web?.members.every(({ pid }) => pid !== dying) === true;
        },
        30_000,
      );
      assert.equal(await textOf(url), `GET ${other}`);
      await first.own.unexpose("web");
      await t.get("c").own.signal(other, "SIGKILL");
      await until("nobody serves", async () => (await first.own.services()).length === 0);
    },
  );

  test(
    "a client waits for a process to come, and is told to come again when none does",
    { timeout: 60_000 },
    async () => {
      const first = t.get("front");
      const url = await front(first, { service: "late" });
      const c = t.get("c");
      const pid = await c.own.spawn({
        name: "late.js",
        source: `const { onSignal, serve } = globalThis.__godwit.exports;
        onSignal("SIGUSR1", () => void serve(() => new Response("here"), { address: "service:late" }));
        console.log("ready");
        setInterval(() => {}, 1000);`,
        capabilities: { listen: ["service:late"] },
      });
      let output = "";
      c.own.output(pid, true, (_stream, bytes) => void (output += Buffer.from(bytes).toString()));
      await until("it is there", () => output.includes("ready"));
      const early = textOf(`${url}/`);
      await c.own.signal(pid, "SIGUSR1");
      assert.equal(await early, "here");
      const nobody = await front(first, { service: "nobody" });
      const refused = await fetch(nobody);
      assert.equal(refused.status, 503);
      assert.equal(refused.headers.get("retry-after"), "1");
      assert.match(await refused.text(), /^nobody: no process is free/);
    },
  );

  test("a process that ends is no more asked, and its clients go on with another", { timeout: 60_000 }, async () => {
    const [first, c] = [t.get("front"), t.get("c")];
    const program = `serve(async () => { await sleepers; return new Response("served"); }, { address: "service:two" });
      const sleepers = Promise.resolve();`;
    const one = await startServer(c, program, { service: "two", seenBy: [first, c] });
    const two = await startServer(first, program, { service: "two", seenBy: [first, c] });
    const url = await front(first, { service: "two" });
    let isOver = false;
    const asking = (async () => {
      let count = 0;
      for (; !isOver; count++) assert.equal(await textOf(url), "served");
      return count;
    })();
    asking.catch(() => {}); // awaited below
    await c.own.signal(one, "SIGKILL");
    await until("it is gone", async () => {
      const two = (await first.own.services()).find(({ name }) => name === "two");
      return two?.members.length === 1;
    });
    isOver = true;
    assert.ok((await asking) > 0);
    await first.own.signal(two, "SIGKILL");
  });
});
