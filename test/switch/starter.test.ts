/** Services that scale to zero: started by the first client, ended when none comes. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { ClusterMember } from "../../src/node/cluster-member.ts";
import { until } from "../cluster/condition.ts";
import { withMembers } from "../node/bench-members.ts";
import { PRELUDE, front, startServer, textOf } from "./served.ts";

const LIMIT = { timeout: 60_000 };

/** A front of a service that is started when it is wanted, at the first node. */
function started(at: ClusterMember, service: string, idleMs: number, body?: string): Promise<string> {
  const handler = body ?? `serve(() => new Response(String(self.pid)), { address: "service:${service}" });`;
  const source = PRELUDE + handler;
  const program = { name: "started.js", source, capabilities: { listen: [`service:${service}`] } };
  return front(at, { service, start: { program, idleMs } });
}

async function living(at: ClusterMember): Promise<number> {
  return (await at.own.list()).filter(({ name, state }) => name === "started.js" && state !== "ended").length;
}

await withMembers(["a", "b"], (t) => {
  test("nothing runs until a client comes; many that come at once have one process", LIMIT, async () => {
    const a = t.get("a");
    const url = await started(a, "many", 60_000);
    assert.equal(await living(a), 0);
    const pids = await Promise.all(Array.from({ length: 50 }, () => textOf(url)));
    assert.equal(new Set(pids).size, 1);
    assert.equal(await living(a), 1);
    await a.own.unexpose("many");
    await a.own.signal(Number(pids[0]), "SIGKILL");
  });

  test("it is ended when no client came for so long, and the next one starts another", LIMIT, async () => {
    const a = t.get("a");
    const url = await started(a, "idle", 200);
    const first = await textOf(url);
    await until("it is ended", async () => (await living(a)) === 0);
    const second = await textOf(url);
    assert.notEqual(second, first);
    await until("it is ended again", async () => (await living(a)) === 0);
    const services = await a.own.services();
    assert.deepEqual(services.find(({ name }) => name === "idle")?.members, []);
    await a.own.unexpose("idle");
  });

  test("no request fails however it falls between an end and a start, by two fronts", LIMIT, async () => {
    const [a, b] = [t.get("a"), t.get("b")];
    const urls = [await started(a, "edge", 100), await started(b, "edge", 100)];
    const pids = new Set<string>();
    for (let count = 0; count < 60; count++) {
      const answers = await Promise.all(urls.map((url) => textOf(url, { method: "POST", body: "x" })));
      for (const pid of answers) pids.add(pid);
      await new Promise((resolve) => setTimeout(resolve, 60 + ((count * 37) % 120)));
    }
    assert.ok(pids.size > 2, `${pids.size} processes`);
    for (const each of [a, b]) await each.own.unexpose("edge");
    for (const each of [a, b]) await until("it is ended", async () => (await living(each)) === 0);
  });

  test("a client that is being served keeps it, however long that takes", LIMIT, async () => {
    const a = t.get("a");
    const slow = `serve(async (request) => { for (let n = 0; n < 10; n++) await new Promise((done) => setTimeout(done, 100));
      return new Response("done"); }, { address: "service:slow" });`;
    const url = await started(a, "slow", 100, slow);
    assert.equal(await textOf(url), "done");
    await until("it is ended", async () => (await living(a)) === 0);
    await a.own.unexpose("slow");
  });

  test("where somebody serves already, nothing is started", LIMIT, async () => {
    const [a, b] = [t.get("a"), t.get("b")];
    const url = await started(a, "there", 60_000);
    const pid = await startServer(b, `serve(() => new Response("was here"), { address: "service:there" });`, {
      service: "there",
      seenBy: [a, b],
    });
    assert.equal(await textOf(url), "was here");
    assert.equal(await living(a), 0);
    await a.own.unexpose("there");
    await b.own.signal(pid, "SIGKILL");
  });

  test(
    "one that fails is started again, not more than once a second; clients are told to come again",
    LIMIT,
    async () => {
      const a = t.get("a");
      const url = await started(a, "failing", 60_000, `throw new Error("it cannot be helped");`);
      const startsNow = async () => (await a.own.list()).filter(({ name }) => name === "started.js").length;
      const before = await startsNow();
      const response = await fetch(url);
      assert.equal(response.status, 503);
      assert.equal(response.headers.get("retry-after"), "1");
      await response.text();
      const starts = (await startsNow()) - before;
      await a.own.unexpose("failing");
      assert.ok(starts >= 2 && starts <= 6, `${starts} starts while a client waited for five seconds`);
    },
  );
});
