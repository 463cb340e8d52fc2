/** Services that scale to zero are the cluster's: one process is started for all fronts, and ended for all, wherever it is by then. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { decode, encode } from "cborg";
import type { ProcessInfo, SpawnOptions } from "../../src/abi/control.ts";
import type { ClusterMember } from "../../src/node/cluster-member.ts";
import { until } from "../cluster/condition.ts";
import { withMembers } from "../node/bench-members.ts";
import { PRELUDE, textOf } from "./served.ts";

const LIMIT = { timeout: 60_000 };

/** Exposes a service that is started when it is wanted at nodes, and returns their fronts' addresses. */
async function started(
  nodes: readonly ClusterMember[],
  service: string,
  idleMs: number,
  body?: string,
): Promise<string[]> {
  const handler = body ?? `serve(() => new Response(String(self.pid)), { address: "service:${service}" });`;
  const program = { name: service, source: PRELUDE + handler, capabilities: { listen: [`service:${service}`] } };
  const addresses: string[] = [];
  for (const { own } of nodes) {
    const { address } = await own.expose({ service, address: "http://127.0.0.1:0", start: { program, idleMs } });
    addresses.push(address);
  }
  const isKnown = async ({ own }: ClusterMember) =>
    (await own.services()).find(({ name }) => name === service)?.exposures.length === nodes.length;
  for (const node of nodes) await until("all know it", () => isKnown(node));
  return addresses;
}

/** Living processes of a service. */
async function living(at: ClusterMember, service: string): Promise<ProcessInfo[]> {
  return (await at.control.list()).filter(({ name, state }) => name === service && state !== "ended");
}

/** What the directory says of the process that was started for a service. */
async function runOf({ view }: ClusterMember, service: string): Promise<{ readonly pid: number | null } | undefined> {
  const entry = await view.engine.directory.get(`runs/${service}`);
  return entry === undefined ? undefined : decode(entry.value);
}

/** Moves a process to another node, and its home after it. */
async function moveAway(from: ClusterMember, pid: number, to: string): Promise<void> {
  const { outcome, reason } = await from.control.migrate(pid, to);
  assert.equal(outcome, "moved", reason);
  await from.cluster.handHome([from.cluster.node.table.living(pid)], to);
}

/** A program whose clients of `/long` are there until another asks for `/end`. */
function held(service: string): string {
  return `const waiting = [];
    serve(({ url }) => {
      const answer = new Response(String(self.pid));
      if (url.endsWith("/end")) for (const resolve of waiting.splice(0)) resolve();
      return url.endsWith("/long") ? new Promise((resolve) => waiting.push(() => resolve(answer))) : answer;
    }, { address: "service:${service}" });`;
}

/** Whether a client that came in at this node is with a process. */
async function isHeldBy({ own }: ClusterMember, service: string): Promise<boolean> {
  return (await own.services()).some(({ name, members }) => name === service && members.some(({ open }) => open > 0));
}

/** The process that a client which came in at this node is with. */
async function heldBy(at: ClusterMember, service: string): Promise<number> {
  await until("a client is there", () => isHeldBy(at, service));
  const found = (await at.own.services()).find(({ name }) => name === service);
  return found?.members[0]?.pid ?? 0;
}

await withMembers(["a", "b", "c"], (t) => {
  test("however many fronts want one at once, one is started, time and again", LIMIT, async () => {
    const nodes = ["a", "b", "c"].map((name) => t.get(name));
    // It answers when all are there.
    const together = `let count = 0, all; const there = new Promise((resolve) => (all = resolve));
      serve(async () => { if (++count === 9) all(); await there; return new Response(String(self.pid)); }, { address: "service:once" });`;
    const urls = await started(nodes, "once", 100, together);
    const all = new Set<string>();
    for (let round = 0; round < 10; round++) {
      const pids = new Set(await Promise.all([...urls, ...urls, ...urls].map((url) => textOf(url))));
      assert.equal(pids.size, 1, `processes ${[...pids].join()} answered at once`);
      for (const pid of pids) all.add(pid);
      await until("it is ended", async () => (await living(t.get("a"), "once")).length === 0);
    }
    assert.equal(all.size, 10);
    await t.get("b").control.unexpose("once");
  });

  test("it is told how it is started, and what runs", LIMIT, async () => {
    const [a, b] = [t.get("a"), t.get("b")];
    const [url = ""] = await started([a], "told", 60_000);
    const told = async () => (await b.control.services()).find(({ name }) => name === "told")?.start;
    await until("b knows it", async () => (await told()) !== undefined);
    assert.deepEqual(await told(), { program: "told", idleMs: 60_000 });
    const pid = Number(await textOf(url));
    await until("b knows that it runs", async () => (await told())?.pid === pid);
    await b.control.unexpose("told");
    await until("it is not defined any more", async () => (await told()) === undefined);
    await a.control.signal(pid, "SIGKILL");
  });

  test(
    "after its home has moved it is ended where it is, and not while a client of another front is there",
    LIMIT,
    async () => {
      const [a, b] = [t.get("a"), t.get("b")];
      const [near = "", far = ""] = await started([a, b], "moved", 300, held("moved"));
      const long = textOf(`${far}/long`);
      const pid = await heldBy(b, "moved");
      await moveAway(b, pid, "c");
      await until("its home is told", async () => (await living(b, "moved"))[0]?.node === "c");
      // Long past the time: nothing else tells that it is not ended.
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      assert.deepEqual(
        (await living(b, "moved")).map((one) => one.pid),
        [pid],
      );
      assert.equal(await textOf(`${near}/end`), String(pid));
      assert.equal(await long, String(pid));
      await until("it is ended", async () => (await living(b, "moved")).length === 0);
      assert.notEqual(await textOf(near), String(pid));
      await a.control.unexpose("moved");
      await until("it is ended", async () => (await living(b, "moved")).length === 0);
    },
  );

  test("a starter that dies in the middle is followed by another", LIMIT, async () => {
    const [b, c] = [t.get("b"), t.get("c")];
    const [url = ""] = await started([b], "middle", 60_000);
    const token = c.view.membership.find("c")?.token ?? 0;
    await b.view.engine.directory.create(
      "runs/middle",
      encode({ starter: "c", token, id: "", pid: null, idleMs: 60_000 }),
    );
    const answer = textOf(url);
    answer.catch(() => {}); // heard below
    const before = performance.now();
    while (performance.now() - before < 300) {
      assert.equal((await living(b, "middle")).length, 0, "another is just starting it");
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await t.kill("c");
    assert.ok(Number(await answer) > 0);
    assert.equal((await living(b, "middle")).length, 1);
    await b.control.unexpose("middle");
    await b.control.signal(Number(await answer), "SIGKILL");
    await t.add("c");
  });

  test(
    "a starter that dies when another node has just started it: it is known, and ended when idle",
    LIMIT,
    async () => {
      const [b, c] = [t.get("b"), t.get("c")];
      const source = `${PRELUDE}serve(() => new Response("here"), { address: "service:between" });`;
      const program = { name: "between", source, node: "b", capabilities: { listen: ["service:between"] } };
      const exposed = { service: "between", address: "http://127.0.0.1:0", start: { program, idleMs: 300 } };
      const { address } = await c.own.expose(exposed);
      const spawn = b.control.spawn.bind(b.control);
      let pid = 0;
      Object.assign(b.control, {
        spawn: async (options: SpawnOptions) => {
          pid = await spawn(options);
          await t.kill("c");
          return pid;
        },
      });
      const lost = textOf(address).catch(() => "its front is gone");
      await until("it is known", async () => pid > 0 && (await runOf(b, "between"))?.pid === pid, 20_000);
      Reflect.deleteProperty(b.control, "spawn");
      await until("it is ended", async () => (await living(b, "between")).length === 0, 20_000);
      await until("nothing is left of it", async () => (await runOf(b, "between")) === undefined);
      await lost;
      await b.control.unexpose("between");
      await t.add("c");
    },
  );

  test(
    "a start whose node does not hear of it is started anew, and what was started before is ended",
    LIMIT,
    async () => {
      const [a, b] = [t.get("a"), t.get("b")];
      const source = `${PRELUDE}serve(() => new Response(String(self.pid)), { address: "service:twice" });`;
      const program = { name: "twice", source, node: "b", capabilities: { listen: ["service:twice"] } };
      const exposed = { service: "twice", address: "http://127.0.0.1:0", start: { program, idleMs: 60_000 } };
      const { address } = await a.own.expose(exposed);
      const spawn = b.control.spawn.bind(b.control);
      let goOn = () => {};
      const released = new Promise<void>((resolve) => (goOn = resolve));
      const pids: number[] = [];
      Object.assign(b.control, {
        spawn: async (options: SpawnOptions) => {
          const isFirst = pids.length === 0;
          const pid = await spawn({ ...options, ...(isFirst ? { source: "setInterval(() => {}, 1000);" } : {}) });
          pids.push(pid);
          if (isFirst) await released;
          return pid;
        },
      });
      const toB = await a.view.links.to("b");
      const request = toB.request.bind(toB);
      Object.assign(toB, { request: (kind: string, body: unknown) => request(kind, body, { timeoutMs: 200 }) });
      const answer = await textOf(address);
      Reflect.deleteProperty(toB, "request");
      assert.deepEqual([pids.length, Number(answer)], [2, pids[1]]);
      assert.equal((await living(b, "twice")).length, 2);
      goOn();
      await until("the first is ended", async () => (await living(b, "twice")).length === 1);
      assert.equal((await runOf(b, "twice"))?.pid, pids[1]);
      Reflect.deleteProperty(b.control, "spawn");
      await b.control.unexpose("twice");
      await b.control.signal(pids[1] ?? 0, "SIGKILL");
    },
  );

  test("the node that started it dies: one that moved before is ended when idle", LIMIT, async () => {
    const [b, c] = [t.get("b"), t.get("c")];
    const [at = "", url = ""] = await started([c, b], "orphan", 300, held("orphan"));
    const first = textOf(`${at}/long`);
    first.catch(() => {}); // lost with its front
    const pid = await heldBy(c, "orphan");
    assert.deepEqual((await living(b, "orphan"))[0]?.node, "c");
    const long = textOf(`${url}/long`);
    await until("another client is there", () => isHeldBy(b, "orphan"));
    await moveAway(c, pid, "b");
    await t.kill("c");
    assert.equal(await textOf(`${url}/end`), String(pid));
    assert.equal(await long, String(pid));
    await until("it is ended", async () => (await living(b, "orphan")).length === 0);
    await b.control.unexpose("orphan");
    await t.add("c");
  });

  test("one that was at a node that dies is replaced, at another", LIMIT, async () => {
    const [b, c] = [t.get("b"), t.get("c")];
    const [at = "", url = ""] = await started([c, b], "lost", 60_000);
    const first = await textOf(at);
    assert.deepEqual((await living(b, "lost"))[0]?.node, "c");
    await t.kill("c");
    await until("another answers", async () => (await textOf(url)) !== first, 20_000);
    const [second, more] = await living(b, "lost");
    assert.deepEqual([second?.node, more], ["b", undefined]);
    await b.control.unexpose("lost");
    await b.control.signal(second?.pid ?? 0, "SIGKILL");
    await t.add("c");
  });

  test("a front whose node is drained starts it at another", LIMIT, async () => {
    const [a, c] = [t.get("a"), t.get("c")];
    const [url = ""] = await started([c], "elsewhere", 60_000);
    const report = await c.control.drain("c");
    assert.deepEqual(report.left, []);
    const pid = Number(await textOf(url));
    const [process] = await living(a, "elsewhere");
    assert.equal(process?.pid, pid);
    assert.notEqual(process?.node, "c");
    await a.control.unexpose("elsewhere");
    await a.control.signal(pid, "SIGKILL");
  });
});
