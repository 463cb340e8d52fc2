/** Clients that go to care-of addresses, under load, while processes are moved and the node that they go to is drained: none fails. */

import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { test } from "node:test";
import { openService, type ServiceClient } from "../../src/client/index.ts";
import type { ClusterMember } from "../../src/node/cluster-member.ts";
import { until, within } from "../cluster/condition.ts";
import { withMembers } from "../node/bench-members.ts";
import { echoOf, front, startServer } from "./served.ts";

const SITE = `serve(async (request) => {
  const words = await request.text();
  return new Response(request.method + " " + new URL(request.url).pathname + " " + words, {
    headers: { "x-way": request.headers.get("alt-used") ?? "relayed" },
  });
}, { address: "service:web" });`;

async function careOf(at: ClusterMember, service: string, scheme: string): Promise<string> {
  const { address } = await at.own.expose({ service, address: `${scheme}://127.0.0.1:0`, careOf: "" });
  return address.slice(address.indexOf("://") + 3);
}

/** Asks, one request after the other in each of a few lines, and holds every answer to what was asked. */
class Load {
  /** Answers by the way that they came. */
  readonly ways = new Map<string, number>();
  answered = 0;
  readonly #lines: Promise<void>[];
  #isOver = false;
  #fault: Error | undefined;

  constructor(client: ServiceClient, lines: number) {
    this.#lines = Array.from({ length: lines }, (_, line) => this.#ask(client, line));
    for (const line of this.#lines) line.catch((error: unknown) => (this.#fault ??= error as Error));
  }

  async #ask(client: ServiceClient, line: number): Promise<void> {
    for (let turn = 0; !this.#isOver; turn++) {
      const path = `/${line}/${turn}`;
      const isPost = turn % 2 === 1;
      const response = await client.fetch(path, isPost ? { method: "POST", body: `words of ${path}` } : {});
      const text = await response.text();
      assert.equal(response.status, 200, text);
      assert.equal(text, isPost ? `POST ${path} words of ${path}` : `GET ${path} `);
      const way = response.headers.get("x-way") ?? "";
      this.ways.set(way, (this.ways.get(way) ?? 0) + 1);
      this.answered++;
    }
  }

  /** Resolves when so many more were answered. */
  async more(count: number): Promise<void> {
    const so = this.answered;
    await until(
      `${count} more are answered`,
      () => {
        if (this.#fault !== undefined) return true;
        return this.answered >= so + count;
      },
      60_000,
    );
    if (this.#fault !== undefined) throw this.#fault;
  }

  /** Resolves when some were answered by this way from now on. */
  async by(way: string): Promise<void> {
    const so = this.ways.get(way) ?? 0;
    await until(
      `answers come by ${way}`,
      () => this.#fault !== undefined || (this.ways.get(way) ?? 0) > so + 10,
      60_000,
    );
    if (this.#fault !== undefined) throw this.#fault;
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#lines);
  }
}

async function echoed(socket: Socket, text: string): Promise<void> {
  let got = "";
  const hear = (bytes: Buffer) => (got += bytes.toString());
  socket.on("data", hear).write(text);
  await until(`${text} comes back`, () => got === text);
  socket.off("data", hear);
}

await withMembers(["a", "b", "c"], (t) => {
  test(
    "requests go along with their processes, from node to node and off a node that leaves",
    { timeout: 150_000 },
    async () => {
      const all = ["a", "b", "c"].map((name) => t.get(name));
      const [a, b, c] = [t.get("a"), t.get("b"), t.get("c")];
      const pid = await startServer(b, SITE, { seenBy: all });
      await front(a);
      const [atB, atC] = [await careOf(b, "web", "http"), await careOf(c, "web", "http")];
      const { address: lookup } = await a.own.openLookup({ address: "http://127.0.0.1:0" });
      const client = await openService("web", { lookup });
      const load = new Load(client, 6);
      await load.by(atB);
      for (const to of ["c", "a", "b", "c", "b"]) {
        const { outcome, reason } = await a.control.migrate(pid, to);
        assert.equal(outcome, "moved", reason);
        await load.more(50);
      }
      // Another process, at another home: both are gone to.
      const second = await startServer(c, SITE, { seenBy: all });
      await load.by(atC);
      await load.by(atB);

      const raw = await startServer(b, echoOf("echo"), { service: "echo", seenBy: all });
      await front(a, { service: "echo", address: "tcp://127.0.0.1:0" });
      const echoAtB = await careOf(b, "echo", "tcp");
      await careOf(c, "echo", "tcp");
      const echo = await openService("echo", { lookup });
      await until("its care-of address is told", () => echo.addresses().includes(`tcp://${echoAtB}`));
      const old = await echo.connect();
      assert.equal(`${old.remoteAddress}:${old.remotePort}`, echoAtB);
      await echoed(old, "before");

      let isEmpty = false;
      b.onEmpty = () => (isEmpty = true);
      const { left } = await b.control.drain("b");
      assert.deepEqual(left, []);
      await until("nobody is told of it any more", () => !client.addresses().join().includes(atB));
      await load.more(100);
      await echoed(old, "in the meantime");
      await until("nobody is told of it for this service either", () => !echo.addresses().join().includes(echoAtB));
      const next = await echo.connect();
      assert.notEqual(`${next.remoteAddress}:${next.remotePort}`, echoAtB);
      await echoed(next, "after");
      assert.equal(isEmpty, false, "it stays for the connection that it has");
      for (const socket of [old, next]) {
        socket.end();
        await within("the end", once(socket.resume(), "close"));
      }
      await until("the node is empty", () => isEmpty, 30_000);
      await t.remove("b");
      await load.more(100);
      await load.by(atC);
      await load.end();
      await client.close();
      await echo.close();
      for (const one of [pid, second, raw]) await a.control.signal(one, "SIGKILL");
    },
  );
});
