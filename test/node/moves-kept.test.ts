/** What a move needed is let go when it is over, however long the link between the two nodes lasts. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { onLost } from "../../src/cluster/link-loss.ts";
import type { Link } from "../../src/cluster/link.ts";
import { until } from "../cluster/condition.ts";
import { withMembers } from "./bench-members.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** So much memory of a process that even few of it are seen. */
const HOLDER = `const held = new Uint8Array(8 * 2 ** 20).fill(7); for (let n = held[0]; ; n++) sleep(1000);`;
const MOVES = 12;

test("who asks to be told of a link's end is told once, unless it cares no more", async () => {
  let lose: (error: Error) => void = () => {};
  const link = { peer: "p", lost: new Promise<Error>((resolve) => (lose = resolve)) } as Link;
  const told: string[] = [];
  onLost(link, ({ message }) => told.push(`one: ${message}`));
  onLost(link, ({ message }) => told.push(`other: ${message}`))();
  lose(new Error("gone"));
  await link.lost;
  assert.deepEqual(told, ["one: gone"]);
  await new Promise<void>((resolve) => onLost(link, () => resolve()));
});

await withMembers(["a", "b"], (t) => {
  test("memories of processes that have moved on are let go", { timeout: 90_000 }, async () => {
    const pid = await t.start("a", HOLDER, 0);
    const { cluster } = t.get("a");
    const move = async (turn: number) => {
      const { outcome, reason } = await t.get("a").control.migrate(pid, turn % 2 === 0 ? "b" : "a");
      assert.equal(outcome, "moved", reason);
    };
    for (let turn = 0; turn < 4; turn++) await move(turn);
    collect();
    const before = process.memoryUsage().arrayBuffers;
    for (let turn = 0; turn < MOVES; turn++) await move(turn);
    const grown = () => {
      collect();
      return process.memoryUsage().arrayBuffers - before;
    };
    // One memory each may be the process's own, at another node than before, and what waits for its turn to be collected.
    await until("they are let go", () => grown() < (MOVES / 2) * 8 * 2 ** 20, 20_000);
    await cluster.node.signal(pid, "SIGKILL");
  });
});
