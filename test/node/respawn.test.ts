/** A node that ends again and again is started again after longer and longer pauses. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { RESPAWN_PAUSE_MAX_MS, RESPAWN_PAUSE_MS, RESPAWN_STEADY_MS } from "../../src/limits.ts";
import { Launcher } from "../../src/node/launcher.ts";
import { Respawns } from "../../src/node/respawn.ts";
import { until } from "../cluster/condition.ts";

test("pauses grow up to a bound, each node's by itself, and begin anew when it has lived for a while", () => {
  const respawns = new Respawns();
  const pauses = Array.from({ length: 12 }, () => respawns.pauseMs("a", RESPAWN_STEADY_MS - 1));
  assert.deepEqual(
    pauses.slice(0, 4),
    [1, 2, 4, 8].map((times) => times * RESPAWN_PAUSE_MS),
  );
  assert.equal(Math.max(...pauses), RESPAWN_PAUSE_MAX_MS);
  assert.equal(pauses.at(-1), RESPAWN_PAUSE_MAX_MS);
  assert.equal(respawns.pauseMs("b", 0), RESPAWN_PAUSE_MS);
  assert.equal(respawns.pauseMs("a", RESPAWN_STEADY_MS), RESPAWN_PAUSE_MS);
  assert.equal(respawns.pauseMs("a", 0), 2 * RESPAWN_PAUSE_MS);
});

test("a launcher waits so long, says it, and starts nothing once it stops", { timeout: 120_000 }, async () => {
  const lines: { readonly text: string; readonly atMs: number }[] = [];
  const log = (text: string) => void lines.push({ text, atMs: performance.now() });
  const launcher = await Launcher.start({ name: "test", names: ["a"], version: "0", respawn: true, log, lwps: 1 });
  const named = (what: string) => lines.filter(({ text }) => text.includes(what));
  try {
    for (let count = 1; count <= 3; count++) {
      const pidOf = async () => (await launcher.control.nodes()).find(({ name }) => name === "a")?.hostPid;
      const before = lines.at(-2)?.text ?? "";
      await until("it is there", async () => {
        const pid = await pidOf();
        return pid !== undefined && !before.includes(`(process ${pid})`);
      });
      process.kill((await pidOf()) ?? 0, "SIGKILL");
      await until("it is told of", () => named("is started again in").length === count);
      if (count < 3) await until("it is started again", () => named("was started again").length === count, 60_000);
    }
  } finally {
    await launcher.stop();
  }
  const ends = named("is started again in");
  const pauses = [1, 2, 4].map((times) => times * RESPAWN_PAUSE_MS);
  for (const [index, pauseMs] of pauses.entries()) {
    const end = ends[index];
    assert.match(
      end?.text ?? "",
      new RegExp(`^node a \\(process \\d+\\) ended by SIGKILL, and is started again in ${pauseMs / 1000} s$`),
    );
    const again = named("was started again")[index];
    if (again !== undefined) assert.ok(again.atMs - (end?.atMs ?? 0) >= pauseMs - 1);
  }
  assert.equal(named("was started again").length, 2);
});

test("a node for which there is no OS process is told of, and its launcher goes on", { timeout: 60_000 }, async (t) => {
  const log = () => {};
  const launcher = await Launcher.start({ name: "test", names: ["a"], version: "0", respawn: false, log, lwps: 1 });
  t.after(() => launcher.stop());
  const { execPath } = process;
  process.execPath = "/nowhere/node";
  try {
    await assert.rejects(launcher.add("b"), { code: "ENODE", message: /^node b ended while it was starting/ });
  } finally {
    process.execPath = execPath;
  }
  await launcher.add("b");
  assert.deepEqual((await launcher.control.nodes()).map(({ name }) => name).toSorted(), ["a", "b"]);
});
