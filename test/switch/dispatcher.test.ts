/** Clients that wait for a process which could not take them, and which nothing else happens to. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { FRAME_KINDS } from "../../src/abi/channel.ts";
import { Dispatcher } from "../../src/switch/dispatcher.ts";
import { EndpointMap } from "../../src/switch/endpoint-map.ts";
import { FrontSession, type Place } from "../../src/switch/front-session.ts";
import { until } from "../cluster/condition.ts";

test("those that were refused, at different moments, are all given to it again", { timeout: 30_000 }, async (t) => {
  const map = await EndpointMap.open("a");
  await map.publish("web", 7, "http", () => true);
  const told: string[] = [];
  const dispatcher = new Dispatcher(
    "a",
    map,
    (_session, why) => told.push(why),
    () => {},
  );
  t.after(() => dispatcher.close());
  const given: FrontSession[] = [];
  const make = (): FrontSession => {
    const front = { scheme: "http", isNear: true, isCareOf: false, isSpread: false } as const;
    const order = { service: "web", protocol: "http", policy: { kind: "least-loaded" }, ...front } as const;
    const session: FrontSession = new FrontSession(
      order,
      { kind: FRAME_KINDS.whole, bytes: new Uint8Array(4) },
      {
        newId: () => "id",
        send: (_home, { op }) => void (op === "open" && given.push(session)),
        homeless: (one) => dispatcher.take(one, true),
        left: (place: Place, how) => dispatcher.left(place, how),
        gone: (one) => dispatcher.gone(one),
        alternative: () => null,
      },
    );
    return session;
  };
  const sessions = Array.from({ length: 3 }, make);
  for (const session of sessions) dispatcher.take(session);
  assert.equal(given.length, 3);
  // One after the other, so that the last is refused while the first has almost waited enough.
  for (const session of sessions) {
    const untilMs = performance.now() + 8;
    while (performance.now() < untilMs) await new Promise((resolve) => setImmediate(resolve));
    session.refused();
  }
  await until("all are given to it again", () => sessions.every((one) => given.lastIndexOf(one) >= 3), 4_000);
  assert.deepEqual(told, []);
});
