/** Every share of the pool is its own, whole, and random. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { RandomPool } from "../../src/node/random-pool.ts";

test("no share is given twice, whatever sizes are asked for", () => {
  const pool = new RandomPool();
  const seen = new Set<string>();
  for (let round = 0; round < 2000; round++) {
    const share = new Uint8Array(16 + (round % 400));
    pool.draw(share);
    // Sixteen bytes that were not filled, or were given before, would be among those seen.
    for (let at = 0; at + 16 <= share.length; at += 16) {
      const text = Buffer.from(share.subarray(at, at + 16)).toString("hex");
      assert.ok(!seen.has(text), `round ${round}, byte ${at}`);
      seen.add(text);
    }
  }
  assert.ok(!seen.has("0".repeat(32)));
});

test("the largest share there may be is filled to its end, an empty one is none", () => {
  const pool = new RandomPool();
  const large = new Uint8Array(65_536);
  pool.draw(large);
  for (let at = 0; at < large.length; at += 32) assert.ok(large.subarray(at, at + 32).some((byte) => byte !== 0));
  pool.draw(new Uint8Array(0));
});
