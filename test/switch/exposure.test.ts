/** Addresses that belong to the cluster: nodes hold them, stand by for them, and take them over. */

import assert from "node:assert/strict";
import { type Socket, connect } from "node:net";
import { test } from "node:test";
import type { ExposureInfo } from "../../src/abi/control.ts";
import { foundCluster, identify } from "../../src/cluster/identity-authority.ts";
import type { ClusterMember } from "../../src/node/cluster-member.ts";
import { until } from "../cluster/condition.ts";
import { withMembers } from "../node/bench-members.ts";
import { startServer, textOf } from "./served.ts";

/** A connection that stays open. */
class Kept {
  readonly #socket: Socket;
  #text = "";
  isOver = false;

  constructor(url: string) {
    this.#socket = connect({ host: "127.0.0.1", port: Number(new URL(url).port) });
    this.#socket.setEncoding("latin1").on("data", (text: string) => (this.#text += text));
    this.#socket.on("error", () => {}).on("close", () => (this.isOver = true));
  }

  ask(times = 1): void {
    this.#socket.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n".repeat(times));
  }

  /** What was answered, when it is this many times. */
  async answered(times: number): Promise<string> {
    await until(`${times} answers`, () => this.#text.split("kept of ").length > times);
    return this.#text;
  }
}

const LIMIT = { timeout: 60_000 };

/** Has a service answered by a process of this node. */
function serve(at: ClusterMember, service: string, seenBy: readonly ClusterMember[]): Promise<number> {
  const source = `serve(() => new Response("${service} of " + self.pid), { address: "service:${service}" });`;
  return startServer(at, source, { service, seenBy });
}

async function exposureOf(at: ClusterMember, service: string): Promise<ExposureInfo | undefined> {
  return (await at.control.services()).find(({ name }) => name === service)?.exposures[0];
}

/** Nodes where clients of a service come in. */
async function holdersOf(at: ClusterMember, service: string): Promise<string[]> {
  const found = (await at.control.services()).find(({ name }) => name === service);
  return (found?.fronts ?? []).map(({ node }) => node).sort();
}

await withMembers(["a", "b", "c"], (t) => {
  test(
    "one holds an address of a machine, others stand by and tell why; the next one takes it over",
    LIMIT,
    async () => {
      const [a, b, c] = [t.get("a"), t.get("b"), t.get("c")];
      const pid = await serve(c, "web", [a, b, c]);
      const address = "http://127.0.0.1:0";
      const { address: url, node } = await a.control.expose({ service: "web", address, at: ["a", "b"] });
      assert.equal(node, "a");
      assert.equal(await textOf(url), `web of ${pid}`);
      await until("b stands by", async () => (await exposureOf(c, "web"))?.standBys[0]?.node === "b");
      const exposure = await exposureOf(b, "web");
      assert.deepEqual(exposure?.at, ["a", "b"]);
      assert.match(exposure?.standBys[0]?.reason ?? "", /it is in use/);
      assert.deepEqual(await holdersOf(c, "web"), ["a"]);

      await t.kill("a");
      await until("b has it", async () => (await textOf(url)) === `web of ${pid}`);
      await until("b says so", async () => (await holdersOf(c, "web")).join() === "b");

      const again = await t.add("a");
      await until("a stands by", async () => (await exposureOf(c, "web"))?.standBys[0]?.node === "a");
      await t.remove("b");
      await until("a has it again", async () => (await textOf(url)) === `web of ${pid}`);
      assert.deepEqual(await holdersOf(c, "web"), ["a"]);
      await t.add("b");
      await until("b stands by", async () => (await exposureOf(c, "web"))?.standBys[0]?.node === "b");
      assert.deepEqual(
        (await again.control.unexpose("web")).map((one) => [one.address, one.at]),
        [[url, ["a", "b"]]],
      );
      await assert.rejects(fetch(url));
      assert.deepEqual(await again.control.unexpose("web"), []);
      assert.equal(await exposureOf(again, "web"), undefined);
      await c.own.signal(pid, "SIGKILL");
    },
  );

  test("all: also a node that joins later; it is taken back where it is not held too", LIMIT, async () => {
    const [a, c] = [t.get("a"), t.get("c")];
    const pid = await serve(c, "all", [a]);
    const { address: url } = await a.control.expose({ service: "all", address: "http://127.0.0.1:0", at: "all" });
    await t.add("d");
    await until("the others stand by", async () => (await exposureOf(c, "all"))?.standBys.length === 3);
    await t.remove("a");
    await until("one has it", async () => (await textOf(url)) === `all of ${pid}`);
    const back = await t.add("a");
    await until("a stands by", async () => {
      const exposure = await exposureOf(c, "all");
      return exposure?.standBys.some(({ node }) => node === "a") === true;
    });
    await t.remove("d");
    await until("one has it still", async () => (await textOf(url)) === `all of ${pid}`);
    assert.equal((await back.control.unexpose("all")).length, 1);
    await assert.rejects(fetch(url));
    await c.own.signal(pid, "SIGKILL");
  });

  test("to expose it again changes its policy and its nodes, without a refused client", LIMIT, async () => {
    const [a, b, c] = [t.get("a"), t.get("b"), t.get("c")];
    const pid = await serve(c, "changed", [a, b, c]);
    const { address } = await a.control.expose({ service: "changed", address: "http://127.0.0.1:0" });
    await b.control.expose({ service: "changed", address, policy: "round-robin", at: ["a", "c"] });
    assert.equal(await textOf(address), `changed of ${pid}`);
    await until("c stands by", async () => (await exposureOf(b, "changed"))?.standBys[0]?.node === "c");
    const [front] = (await a.control.services()).find(({ name }) => name === "changed")?.fronts ?? [];
    assert.deepEqual([front?.policy, front?.node], ["round-robin", "a"]);
    // A node that is not one of them any more lets it go, and another has it.
    await b.control.expose({ service: "changed", address, at: ["c"] });
    await until("c has it", async () => (await holdersOf(b, "changed")).join() === "c");
    assert.equal(await textOf(address), `changed of ${pid}`);
    await b.control.unexpose("changed", address);
    await c.own.signal(pid, "SIGKILL");
  });

  test(
    "who is connected when an address goes to another node is served on, and comes by a new connection then",
    LIMIT,
    async () => {
      const [a, b, c] = [t.get("a"), t.get("b"), t.get("c")];
      const pid = await serve(c, "kept", [a, b, c]);
      const { address } = await a.control.expose({ service: "kept", address: "http://127.0.0.1:0" });
      const [one, many, fresh] = [new Kept(address), new Kept(address), new Kept(address)];
      one.ask();
      many.ask(2);
      await one.answered(1);
      await many.answered(2);
      await a.control.expose({ service: "kept", address, at: ["c"] });
      await until("c has it", async () => (await holdersOf(b, "kept")).join() === "c");
      one.ask();
      many.ask(3);
      fresh.ask();
      assert.match(await one.answered(2), /connection: close/i);
      // Those that are sent together are all answered.
      await many.answered(5);
      await fresh.answered(1);
      await until("it is closed", () => one.isOver && fresh.isOver);
      assert.equal(await textOf(address), `kept of ${pid}`);
      await a.control.unexpose("kept");
      await assert.rejects(fetch(address));
      await c.own.signal(pid, "SIGKILL");
    },
  );

  test(
    "a node that was asked nothing holds an address: when it is drained it stays as long as it has that alone",
    LIMIT,
    async () => {
      const [a, c] = [t.get("a"), t.get("c")];
      const d = await t.add("d");
      let hasGone = false;
      d.onEmpty = () => (hasGone = true);
      const pid = await serve(c, "quiet", [a]);
      const { address } = await a.own.expose({ service: "quiet", address: "http://127.0.0.1:0", at: ["a", "d"] });
      await a.own.expose({ service: "quiet", address, at: ["d"] });
      const answer = () => textOf(address).catch(() => "");
      await until("d has it", async () => (await answer()) === `quiet of ${pid}`);
      assert.deepEqual((await a.control.drain("d")).left, []);
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
      assert.equal(hasGone, false);
      assert.equal(await answer(), `quiet of ${pid}`);
      await a.own.unexpose("quiet");
      await until("it has gone", () => hasGone);
      await t.remove("d");
      await c.own.signal(pid, "SIGKILL");
    },
  );

  test("what cannot be is told, and nothing is exposed", LIMIT, async () => {
    const [a, b] = [t.get("a"), t.get("b")];
    const { address } = await a.control.expose({ service: "first", address: "http://127.0.0.1:0" });
    for (const at of ["a", "b"])
      await assert.rejects(a.control.expose({ service: "second", address, at: [at] }), { code: "EADDRINUSE" });
    const sealed = { service: "second", address: "https://127.0.0.1:0", certificate: "none", key: "none" };
    await assert.rejects(a.control.expose(sealed), { code: "EINVAL" });
    await assert.rejects(a.control.expose({ service: "second", address: "http://192.0.2.1:0" }), {
      code: "EADDRNOTAVAIL",
    });
    await assert.rejects(a.control.expose({ service: "second", address: "http://127.0.0.1:0", at: ["a", "nobody"] }), {
      code: "ENONODE",
    });
    assert.equal(await exposureOf(b, "second"), undefined);
    await a.control.unexpose("first");
  });

  test(
    "a key is with the cluster's nodes, and nobody else can read it; what is not used any more is gone",
    LIMIT,
    async () => {
      const [a, b, c] = [t.get("a"), t.get("b"), t.get("c")];
      const authority = await foundCluster();
      const { certificate, key } = await identify(authority, "localhost");
      const { address } = await a.control.expose({
        service: "safe",
        address: "https://127.0.0.1:0",
        certificate,
        key,
        at: "all",
      });
      const { blobs, directory } = c.view.engine;
      const kept = await blobs.list("vault/");
      assert.equal(kept.length, 1);
      for (const { value } of await directory.list("exposures/")) assert.ok(!Buffer.from(value).includes("PRIVATE"));
      for (const { name } of kept) {
        const pieces: Uint8Array[] = [];
        for await (const piece of (await blobs.get(name)).content) pieces.push(piece);
        assert.ok(!Buffer.concat(pieces).includes("PRIVATE"));
      }
      await until("the others stand by", async () => (await exposureOf(c, "safe"))?.standBys.length === 2);
      await t.remove("a");
      await until("another has it, with the key", async () => (await holdersOf(c, "safe")).length === 1);
      await b.control.expose({ service: "safe", address, certificate, key, at: ["b", "c"] });
      // Without them it could not be held any more.
      for (const more of [{}, { certificate }, { certificate, key: "none" }])
        await assert.rejects(b.control.expose({ service: "safe", address, at: ["b"], ...more }), { code: "EINVAL" });
      assert.deepEqual((await exposureOf(b, "safe"))?.at, ["b", "c"]);
      assert.equal((await holdersOf(c, "safe")).length, 1);
      assert.equal((await blobs.list("vault/")).length, 1);
      await b.control.unexpose("safe");
      await until("nothing is kept", async () => (await blobs.list("vault/")).length === 0);
      await t.add("a");
    },
  );
});
