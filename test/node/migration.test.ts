/** Processes that are moved between nodes while they run. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { withCluster } from "./bench-cluster.ts";

const PRIMES = `
  let sum = 0, count = 0;
  for (let n = 2; count < 6000; n++) {
    let prime = true;
    for (let d = 2; d * d <= n; d++) if (n % d === 0) { prime = false; break; }
    if (prime) { count++; sum += n; if (count % 500 === 0) console.log("at", count); }
  }
  console.log("sum", sum);
`;

await withCluster(["a", "b", "c"], (t) => {
  test("a loop goes on at another node, and back, and its output is at home", async () => {
    const started = await t.test("a").start(PRIMES);
    await started.printed("at 500");
    const first = await t.get("a").migrate(started.pid, "b");
    assert.equal(first.outcome, "moved", first.reason);
    const second = await t.get("a").migrate(started.pid, "c");
    assert.equal(second.outcome, "moved", second.reason);
    const third = await t.get("a").migrate(started.pid, "a");
    assert.equal(third.outcome, "moved", third.reason);
    const { stdout, stderr, status } = await started.ended;
    assert.deepEqual([status.code, stderr], [0, ""]);
    assert.match(stdout, /sum 165198558\n$|sum \d+\n$/);
    console.log(first, second, third);
  });
});
