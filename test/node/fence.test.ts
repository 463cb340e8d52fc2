/** The moment until which an LWP may run guests. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { isPast, moment } from "../../src/node/lwp-control.ts";

test("who may run for no time does not run, not even in the same millisecond", () => {
  for (let round = 0; round < 10_000; round++) assert.ok(isPast(moment(0)));
  assert.ok(!isPast(moment(60_000)));
  assert.ok(!isPast(0), "0 is for ever");
});
