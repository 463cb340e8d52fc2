/** Durable processes whose home has moved, as when a node is drained: the new home has them as durable as the old one had. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../cluster/condition.ts";
import { type TestMembers, withMembers } from "./bench-members.ts";

const COUNTER = `for (let n = 1;; n++) { console.log("n " + n); sleep(2); }`;
const LIMIT = { timeout: 90_000 };

/** At home at a, it runs elsewhere, and there is an image of it from there. */
async function kept(t: TestMembers, host: string): Promise<number> {
  const pid = await t.start("a", COUNTER);
  assert.equal((await t.get("a").cluster.migrate(pid, host)).outcome, "moved");
  const images = () => t.get(host).cluster.durability?.savedCount(pid)?.images ?? 0;
  await until("an image made there", () => images() > 1);
  return pid;
}

async function rehome(t: TestMembers, pid: number, to: string): Promise<void> {
  const { cluster } = t.get("a");
  await cluster.handHome([cluster.node.table.living(pid)], to);
}

/** It says something more, heard at its home. */
async function goesOn(t: TestMembers, home: string, pid: number): Promise<void> {
  let said = "";
  const stop = t.get(home).own.output(pid, false, (_, bytes) => void (said += Buffer.from(bytes).toString()));
  await until(`process ${pid} goes on with its home ${home}`, () => said.split("\n").length > 10, 20_000);
  stop();
}

await withMembers(["a", "b", "c"], (t) => {
  test("its host dies: it is restored, and goes on with the home that it has now", LIMIT, async () => {
    await t.add("d");
    const pid = await kept(t, "d");
    await rehome(t, pid, "b");
    assert.equal(t.get("a").cluster.durability?.has(pid), false);
    await goesOn(t, "b", pid);
    await t.kill("d");
    await t.event("restored", pid);
    await goesOn(t, "b", pid);
    assert.equal((await t.get("b").view.directory.find(pid))?.home, "b");
    await t.get("b").own.signal(pid, "SIGKILL");
    await until("its entry's end", async () => (await t.get("b").view.directory.find(pid)) === undefined);
  });

  test("its home, at which it runs, stops: it goes on elsewhere", LIMIT, async () => {
    await t.add("e");
    const pid = await kept(t, "e");
    await rehome(t, pid, "e");
    await goesOn(t, "e", pid);
    await t.remove("e");
    await t.event("restored", pid);
    const { home = "" } = (await t.get("a").view.directory.find(pid)) ?? {};
    await goesOn(t, home, pid);
    await t.get(home).own.signal(pid, "SIGKILL");
  });
});
