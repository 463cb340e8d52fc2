/** How often, and how many at once. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Allowance } from "../../../src/switch/superserver/allowance.ts";

const kinds = (allowance: Allowance, ...timesMs: readonly number[]) => timesMs.map((at) => allowance.take(at).kind);

test("so many starts within a minute, and as many again in the next", () => {
  const allowance = new Allowance({ perMinute: 3, atOnce: 100 });
  assert.deepEqual(kinds(allowance, 5, 6, 7, 8, 60_004), ["granted", "granted", "granted", "refused", "refused"]);
  assert.deepEqual(kinds(allowance, 60_005, 60_006, 60_007, 60_008), ["granted", "granted", "granted", "refused"]);
});

test("the first refusal of a minute is told apart, with when it ends", () => {
  const allowance = new Allowance({ perMinute: 1, atOnce: 100 });
  allowance.take(10);
  assert.deepEqual(allowance.take(20), { kind: "refused", isFirst: true, untilMs: 60_010 });
  assert.deepEqual(allowance.take(30), { kind: "refused", isFirst: false, untilMs: 60_010 });
  allowance.take(60_010);
  assert.deepEqual(allowance.take(60_020), { kind: "refused", isFirst: true, untilMs: 120_010 });
});

test("so many at once; who waits does not count as a start", () => {
  const allowance = new Allowance({ perMinute: 4, atOnce: 2 });
  assert.deepEqual(kinds(allowance, 1, 2, 3, 4), ["granted", "granted", "busy", "busy"]);
  allowance.end();
  assert.deepEqual(kinds(allowance, 5, 6), ["granted", "busy"]);
});

test("new bounds hold at once", () => {
  const allowance = new Allowance({ perMinute: 2, atOnce: 1 });
  assert.deepEqual(kinds(allowance, 1, 2), ["granted", "busy"]);
  allowance.rebound({ perMinute: 2, atOnce: 2 });
  assert.deepEqual(kinds(allowance, 3, 4), ["granted", "refused"]);
});

test("more is not given back than was granted", () => {
  const allowance = new Allowance({ perMinute: 2, atOnce: 1 });
  assert.throws(() => allowance.end(), /granted/);
});
