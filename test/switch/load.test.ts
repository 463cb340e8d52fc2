/** A service is moved while a client that we did not write asks for it as fast as it can, with pipelining. */

import assert from "node:assert/strict";
import { test } from "node:test";
import autocannon from "autocannon";
import { until } from "../cluster/condition.ts";
import { withMembers } from "../node/bench-members.ts";
import { front, startServer } from "./served.ts";

const server = (service: string) =>
  `serve(() => new Response("hello from " + self.pid), { address: "service:${service}" });`;

/** A client that asks as fast as it is answered, on a few connections, several requests at a time. */
class Load {
  answered = 0;
  readonly #load: autocannon.Instance;
  readonly #over: Promise<autocannon.Result>;

  constructor(url: string) {
    let done: (result: autocannon.Result) => void = () => {};
    this.#over = new Promise((resolve) => (done = resolve));
    const options = { url, connections: 4, pipelining: 4, duration: 600, timeout: 60 };
    this.#load = autocannon(options, (_error: unknown, result: autocannon.Result) => done(result));
    this.#load.on("response", () => this.answered++);
  }

  /** Resolves when so many more were answered. */
  async more(count: number): Promise<void> {
    const so = this.answered;
    await until(`${count} more are answered`, () => this.answered >= so + count, 30_000);
  }

  /** Stops, and holds it to account: not one request failed. */
  async end(): Promise<void> {
    this.#load.stop();
    const { errors, timeouts, non2xx, mismatches, resets, ...rest } = await this.#over;
    const none = { errors: 0, timeouts: 0, non2xx: 0, mismatches: 0, resets: 0 };
    assert.deepEqual({ errors, timeouts, non2xx, mismatches, resets }, none);
    assert.ok(rest["2xx"] > 100, `${rest["2xx"]} answers`);
  }
}

await withMembers(["a", "b", "c"], (t) => {
  test("no request fails while its process goes from node to node and back", { timeout: 90_000 }, async () => {
    const all = ["a", "b", "c"].map((name) => t.get(name));
    const pid = await startServer(t.get("a"), server("web"), { seenBy: all });
    const load = new Load(await front(t.get("a")));
    await load.more(100);
    for (const to of ["b", "c", "a", "b", "a", "c", "b", "a"]) {
      const { outcome, reason } = await t.get("a").control.migrate(pid, to);
      assert.equal(outcome, "moved", reason);
      await load.more(50);
    }
    await load.end();
    await t.get("a").own.unexpose("web");
    await t.get("a").own.signal(pid, "SIGKILL");
  });

  test(
    "nor while the node that it is at home at is drained and leaves, and another comes",
    { timeout: 90_000 },
    async () => {
      const [a, b] = [t.get("a"), t.get("b")];
      const pid = await startServer(b, server("drained"), { service: "drained", seenBy: [a, b] });
      const load = new Load(await front(a, { service: "drained" }));
      await load.more(100);
      let isEmpty = false;
      b.onEmpty = () => (isEmpty = true);
      const { left } = await b.control.drain("b");
      assert.deepEqual(left, []);
      await until("the node is empty", () => isEmpty);
      await b.stop();
      await load.more(100);
      const d = await t.add("d");
      await until("the new one is known", async () => (await a.control.nodes()).some(({ name }) => name === "d"));
      const { outcome, reason } = await d.control.migrate(pid, "d");
      assert.equal(outcome, "moved", reason);
      await load.more(100);
      await load.end();
    },
  );
});
