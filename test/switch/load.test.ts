/** A service is moved while a client that we did not write asks for it as fast as it can, with pipelining. */

import assert from "node:assert/strict";
import { test } from "node:test";
import autocannon from "autocannon";
import { until } from "../cluster/condition.ts";
import { withMembers } from "../node/bench-members.ts";
import { front, startServer } from "./served.ts";

const SERVER = `serve((request) => new Response("hello from " + self.pid), { address: "service:web" });`;

await withMembers(["a", "b", "c"], (t) => {
  test("no request fails while its process goes from node to node and back", { timeout: 90_000 }, async () => {
    const all = ["a", "b", "c"].map((name) => t.get(name));
    const pid = await startServer(t.get("a"), SERVER, { seenBy: all });
    const url = await front(t.get("a"));
    let [answered, moves] = [0, 0];
    let done: (result: autocannon.Result) => void = () => {};
    const over = new Promise<autocannon.Result>((resolve) => (done = resolve));
    const options = { url, connections: 4, pipelining: 4, duration: 600, timeout: 60 };
    const load = autocannon(options, (_error: unknown, result: autocannon.Result) => done(result));
    load.on("response", () => answered++);
    await until("it answers", () => answered > 100);
    for (const to of ["b", "c", "a", "b", "a", "c", "b", "a"]) {
      const { outcome, reason } = await t.get("a").control.migrate(pid, to);
      assert.equal(outcome, "moved", reason);
      moves++;
      const so = answered;
      await until("it goes on", () => answered > so + 50, 30_000);
    }
    load.stop();
    const result = await over;
    const { errors, timeouts, non2xx, mismatches, resets } = result;
    assert.deepEqual(
      { errors, timeouts, non2xx, mismatches, resets, moves },
      {
        errors: 0,
        timeouts: 0,
        non2xx: 0,
        mismatches: 0,
        resets: 0,
        moves: 8,
      },
    );
    assert.ok(result["2xx"] > 500, `${result["2xx"]} answers`);
  });
});
