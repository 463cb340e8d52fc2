/** Servers of every organisation answer on while they, and the processes that work for them, are moved between LWPs and nodes. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { handOver } from "../../src/node/hand-over.ts";
import type { Node } from "../../src/node/node.ts";
import { until } from "../cluster/condition.ts";
import { converse, ORGANISATIONS, served } from "../guest/conversation.ts";
import { stopped } from "../guest/server.ts";
import { type TestCluster, withCluster } from "./bench-cluster.ts";
import { withNode } from "./bench-node.ts";

/** The server and its children. */
function crew(node: Node, server: number): number[] {
  return node.table
    .all()
    .filter(({ pid, parent, exit }) => exit === undefined && (pid === server || parent?.pid === server))
    .map(({ pid }) => pid);
}

/** Moves all of them about until told to stop; how often one moved. */
function unrest(all: () => number[], move: (pid: number, turn: number) => Promise<boolean>): () => Promise<number> {
  let isOver = false;
  const going = (async () => {
    let moves = 0;
    for (let turn = 0; !isOver; turn++) for (const pid of all()) if (await move(pid, turn).catch(() => false)) moves++;
    return moves;
  })();
  return () => {
    isOver = true;
    return going;
  };
}

const between = (t: TestCluster, names: readonly string[]) => async (pid: number, turn: number) => {
  const report = await t.get("a").migrate(pid, names[turn % names.length] ?? "a");
  return report.outcome === "moved";
};

await withNode({ lwps: 2 }, (t) => {
  for (const organisation of ORGANISATIONS)
    test(`${organisation}, between LWPs`, { timeout: 120_000 }, async () => {
      const site = await served(t, organisation);
      const still = unrest(
        () => crew(t.node, site.process.pid),
        async (pid) => {
          const entry = t.node.table.living(pid);
          await new Promise((resolve) => setImmediate(resolve));
          return entry.held === undefined && handOver(t.node, entry, t.node.lwps.otherThan(entry.lwp));
        },
      );
      for (let turn = 0; turn < 3; turn++) await converse(site);
      assert.ok((await still()) >= 5);
      assert.doesNotMatch(await stopped(site, t), /ECANCELED|EBADF|faulted/);
    });
});

await withCluster(["a", "b", "c"], (t) => {
  for (const organisation of ORGANISATIONS)
    test(`${organisation}, between nodes`, { timeout: 120_000 }, async () => {
      const home = t.test("a");
      const site = await served(home, organisation);
      const still = unrest(() => crew(home.node, site.process.pid), between(t, ["b", "c", "a"]));
      for (let turn = 0; turn < 3; turn++) await converse(site);
      assert.ok((await still()) >= 5);
      assert.doesNotMatch(await stopped(site, home), /ECANCELED|EBADF|faulted/);
      // The server's end is known before that of its children, which is told to their hosts.
      const kept = () => [...t.nodes.values()].flatMap(({ hosting }) => hosting.all());
      await until("no host keeps what has ended", () => kept().length === 0);
    });
});
