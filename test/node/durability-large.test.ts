/**
 * A large durable process: while images of it are taken, its node answers.
 *
 * @alone: it measures how soon a node answers
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { withMembers } from "./bench-members.ts";

const MEGABYTES = 200;

/** Writes to a page of each 64 KiB, over and over. */
const DIRTIER = `
  const all = Array.from({ length: ${MEGABYTES} }, (_, seed) => {
    const words = new Uint32Array(2 ** 18);
    for (let i = 0, x = seed + 1; i < words.length; i += 1024) {
      x ^= x << 13; x ^= x >>> 17; x ^= x << 5;
      words[i] = x;
    }
    return words;
  });
  console.log("up");
  for (let n = 0;; n++) {
    for (const words of all) for (let i = 0; i < words.length; i += 2 ** 14) words[i] += n;
    sleep(1);
  }`;

/** Alone it takes a tenth of a second; the machine may have other things to do. */
const ANSWER_MAX_MS = 5_000;

await withMembers(["a", "b"], (t) => {
  test("200 MB that change, an image every 500 ms: inspect and ps are answered at once", async () => {
    const pid = await t.start("a", DIRTIER, 500);
    const { own, cluster } = t.get("a");
    await t.test("a").watch(pid).printed("up");
    const images = () => cluster.durability?.savedCount(pid)?.images ?? 0;
    const first = images();
    let answers = 0;
    for (; images() < first + 3; answers++) {
      const fromMs = performance.now();
      const { process } = await own.inspect(pid);
      assert.ok(process.memoryBytes > MEGABYTES * 2 ** 20);
      assert.notEqual((await own.list()).find((one) => one.pid === pid)?.state ?? "ended", "ended");
      const tookMs = performance.now() - fromMs;
      assert.ok(tookMs < ANSWER_MAX_MS, `${answers} answers, and the next took ${tookMs} ms`);
    }
    assert.ok(answers > 3, `${answers} answers`);
    const faults = t.events.filter(({ kind }) => kind === "unsaved" || kind === "superseded");
    assert.deepEqual(faults, [], "it was kept, and nobody took its node for dead");
    await own.signal(pid, "SIGKILL");
  });
});
