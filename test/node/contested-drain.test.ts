/** A node is drained while somebody else moves the same processes: both come to an end, and the directory is right. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turnOver } from "node:timers/promises";
import { GodwitError } from "../../src/errors.ts";
import { until } from "../cluster/condition.ts";
import { withMembers } from "./bench-members.ts";

const COUNTER = `for (let n = 1;; n++) { console.log("n " + n); sleep(2); }`;
const PROCESSES = 3;

await withMembers(["a", "b", "c", "d"], (t) => {
  test("nothing stays, and each process can be found and moved afterwards", { timeout: 90_000 }, async () => {
    const { control } = t.get("a");
    for (const [leaving, ...rest] of [
      ["b", "a", "c", "d"],
      ["c", "a", "d"],
    ] as const) {
      const pids = await Promise.all(Array.from({ length: PROCESSES }, () => t.start(leaving, COUNTER, 0)));
      await until("all are known", async () => {
        const all = await control.list();
        return pids.every((pid) => all.some((one) => one.pid === pid && one.state !== "ended"));
      });
      let [isOver, moved] = [false, 0];
      const unrest = pids.map(async (pid) => {
        for (let turn = 0; !isOver; turn++) {
          const to = rest[turn % rest.length] ?? "";
          const report = await control.migrate(pid, to).catch((error: unknown) => {
            if (!(error instanceof GodwitError)) throw error;
          });
          if (report?.outcome === "moved") moved++;
          await turnOver(); // a refusal may need none, and this is the nodes' own thread
        }
      });
      await until("they move", () => moved > 2 * PROCESSES, 30_000);
      const { left } = await t.get(leaving).control.drain(leaving);
      assert.deepEqual(left, [], leaving);
      const so = moved;
      await until("they move on", () => moved > so + 2 * PROCESSES, 30_000);
      isOver = true;
      await Promise.all(unrest);
      for (const pid of pids) {
        const entry = await t.get("a").view.directory.find(pid);
        assert.ok(entry !== undefined && entry.home !== leaving && entry.node !== leaving, JSON.stringify(entry));
        await control.signal(pid, "SIGKILL");
      }
    }
  });
});

await withMembers(["a", "b", "c"], (t) => {
  test(
    "a process that moves on just when its home is to follow it is followed again",
    { timeout: 60_000 },
    async () => {
      const { control: home, cluster } = t.get("a");
      const pid = await t.start("a", COUNTER, 0);
      const move = async (to: string) => {
        const { outcome, reason } = await home.migrate(pid, to);
        assert.equal(outcome, "moved", reason);
      };
      await move("b");
      const linkTo = cluster.links.to.bind(cluster.links);
      let [isMoving, moves] = [false, 0];
      // Whoever is about to ask where it is finds it gone, twice.
      cluster.links.to = async (name: string) => {
        const isHost = cluster.node.table.living(pid).lwp.nodeName === name;
        if (isHost && !isMoving && moves < 2) {
          isMoving = true;
          await move(name === "b" ? "c" : "b");
          moves++;
          isMoving = false;
        }
        return linkTo(name);
      };
      assert.deepEqual((await home.drain("a")).left, []);
      assert.equal(moves, 2);
      assert.notEqual((await t.get("c").view.directory.find(pid))?.home, "a");
    },
  );
});
