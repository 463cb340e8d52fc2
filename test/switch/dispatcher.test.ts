/**
 * Which processes clients are given: those that are alike in turn. Clients that wait for one: that could not take them, or
 * that is not there; beside others that need not wait.
 */

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { type Frame, FRAME_KINDS } from "../../src/abi/channel.ts";
import { FRONT_HELD_MAX_BYTES } from "../../src/limits.ts";
import { wholeFrame } from "../../src/resources/frame.ts";
import { Dispatcher } from "../../src/switch/dispatcher.ts";
import { Holdings } from "../../src/switch/holdings.ts";
import { EndpointMap } from "../../src/switch/endpoint-map.ts";
import { FrontSession, type Order, type Place } from "../../src/switch/front-session.ts";
import { policyOf } from "../../src/switch/policy.ts";
import { Session } from "../../src/switch/session.ts";
import type { SessionMessage } from "../../src/switch/session-post.ts";
import { until } from "../cluster/condition.ts";

/** A dispatcher that is asked for clients, by the fields in which their orders differ; what became of them is noted. */
async function dispatching(t: TestContext) {
  const map = await EndpointMap.open("a");
  const told: string[] = [];
  const wanted: string[] = [];
  const given: FrontSession[] = [];
  const held = new Holdings(FRONT_HELD_MAX_BYTES);
  const dispatcher = new Dispatcher(
    "a",
    map,
    (_session, why) => told.push(why),
    (service) => wanted.push(service),
  );
  t.after(() => dispatcher.close());
  const make = (order: Partial<Order> = {}, path = "/", method = "POST"): FrontSession => {
    const front = { scheme: "http", isNear: true, isCareOf: false, isSpread: false } as const;
    const common = { service: "web", protocol: "http", policy: { kind: "least-loaded" }, ...front } as const;
    const head = { method, url: `http://x${path}`, headers: [], remote: "127.0.0.1:1" };
    const session: FrontSession = new FrontSession({ ...common, ...order }, wholeFrame(head, new Uint8Array(0)), {
      uploads: held,
      downloads: held,
      newId: () => "id",
      send: (_home, { op }) => void (op === "open" && given.push(session)),
      homeless: (one) => dispatcher.take(one, true),
      left: (place: Place, how) => dispatcher.left(place, session.order.protocol, how),
      gone: (one) => dispatcher.gone(one),
      alternative: () => null,
    });
    return session;
  };
  return { map, dispatcher, make, told, wanted, given };
}

test("those that were refused, at different moments, are all given to it again", { timeout: 30_000 }, async (t) => {
  const { map, dispatcher, make, told, given } = await dispatching(t);
  await map.publish("web", 7, "http", () => true);
  const sessions = Array.from({ length: 3 }, () => make());
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

test("who waits for a process keeps nobody from those of another service, or of another kind", async (t) => {
  const { map, dispatcher, make, told, wanted, given } = await dispatching(t);
  await map.publish("web", 7, "http", () => true);
  const policy = policyOf("content:/api=api");
  const [api, page, stream, plain] = [
    make({ policy }, "/api/x"),
    make({ policy }, "/page"),
    make({ protocol: "tcp", scheme: "tcp" }),
    make(),
  ];
  for (const one of [api, page, stream, plain]) dispatcher.take(one);
  assert.deepEqual(given, [page, plain]);
  assert.deepEqual(wanted, ["api", "web"], "what is started is what they wait for");
  assert.deepEqual(
    ["api", "web", "other"].map((service) => dispatcher.isWantedFor(service)),
    [true, true, false],
  );
  await map.publish("api", 8, "http", () => true);
  assert.deepEqual(given, [page, plain, api]);
  assert.equal(dispatcher.isWantedFor("api"), false);
  stream.break("ECONNRESET", "its client has left");
  assert.equal(dispatcher.isWantedFor("web"), false);
  assert.deepEqual(told, []);
});

test("a home that has taken a request, and then says that it has not, has lost it", async (t) => {
  const { map, dispatcher, make, told, given } = await dispatching(t);
  await map.publish("web", 7, "http", () => true);
  const session = make();
  let isClosed = false;
  session.driver = { take: () => {}, resume: () => {}, close: () => (isClosed = true) };
  dispatcher.take(session);
  session.heard({ op: "done", id: "id", done: 1 });
  session.refused();
  await until("its client hears of that", () => isClosed);
  assert.deepEqual(given, [session], "it is not given to anybody again");
  assert.equal(dispatcher.open(7, "http"), 0);
  assert.deepEqual(told, []);
});

test("a request whose home is lost in two ways at once is made again, and answered", async (t) => {
  const { map, dispatcher, make, told, given } = await dispatching(t);
  await map.publish("web", 7, "http", () => true);
  const session = make({}, "/", "GET");
  dispatcher.take(session);
  session.lost();
  session.lost();
  const taken: Frame[] = [];
  let isClosed = false;
  session.driver = { take: (frame) => void taken.push(frame), resume: () => {}, close: () => (isClosed = true) };
  await until("it is made again", () => given.length === 2, 4_000);
  const item = wholeFrame({ status: 200 }, new Uint8Array(0));
  session.heard({ op: "item", id: "id", number: 1, item, done: 1 });
  assert.deepEqual([taken, isClosed, told], [[item], false, []]);
});

test("a client that says some more after it was told to wait goes on when its home is done with that, too", () => {
  // So little is left of what there is for all that two messages at once are too much.
  const held = new Holdings(64 * 1000);
  const home = new Session();
  const said: SessionMessage[] = [];
  const order = { service: "web", protocol: "http", policy: policyOf("local"), scheme: "http" } as const;
  const head = { method: "GET", url: "http://x/", headers: [], remote: "192.0.2.1:1" };
  const nothing = () => {};
  const session = new FrontSession(
    { ...order, isNear: true, isCareOf: false, isSpread: false },
    wholeFrame(head, new Uint8Array(0)),
    {
      uploads: held,
      downloads: held,
      newId: () => "id",
      send: (_home, message) => void said.push(message),
      homeless: nothing,
      left: nothing,
      gone: nothing,
      alternative: () => null,
    },
  );
  let resumed = 0;
  session.driver = { take: nothing, resume: () => void resumed++, close: nothing };
  /** The home takes all at once, and tells of it when it is to. */
  const pass = () => {
    for (let message = said.shift(); message !== undefined; message = said.shift()) {
      if (message.op === "item" && home.arrived(message.number, message.item)) home.done();
      if (message.op === "ask") home.asked();
      if (home.isDue) session.heard({ op: "done", id: "id", done: home.takeDone() });
    }
  };
  session.assign({ pid: 7, home: "b" }, "web");
  pass();
  session.heard({ op: "done", id: "id", done: home.takeDone() });
  const message = { kind: FRAME_KINDS.data, bytes: new Uint8Array(2000) };
  assert.deepEqual([session.push(message), session.push(message)], [false, false]);
  pass();
  assert.deepEqual([resumed, held.heldBytes], [1, 0]);
});

for (const kind of ["least-loaded", "round-robin", "local"])
  test(`${kind}: one client after the other, all processes have their turn`, async (t) => {
    const { map, dispatcher, make } = await dispatching(t);
    for (const pid of [7, 8]) await map.publish("web", pid, "http", () => true);
    for (const pid of [9, 10]) await map.publish("mail", pid, "http", () => true);
    const [policy, others, mails] = [policyOf(kind), policyOf(kind), policyOf(kind)];
    /** It is answered before anything else comes. */
    const request = (order: Partial<Order>) => {
      const session = make(order);
      dispatcher.take(session);
      const { place } = session;
      assert.ok(place !== undefined, "a process is free");
      dispatcher.left(place, "http", "done");
      return place.pid;
    };
    const connections: unknown[] = [];
    const requests: number[] = [];
    for (let count = 0; count < 4; count++) {
      // What other fronts are asked meanwhile changes nothing.
      request({ policy: others });
      request({ policy: mails, service: "mail" });
      connections.push(dispatcher.glance(make({ policy }).order, { remote: "192.0.2.1:4000" }, () => 0)?.pid);
      requests.push(request({ policy }));
    }
    assert.deepEqual(connections, [7, 8, 7, 8]);
    assert.deepEqual(requests, [7, 8, 7, 8]);
  });

test("content: the processes of each service have their turn", async (t) => {
  const { map, dispatcher, make } = await dispatching(t);
  for (const pid of [7, 8]) await map.publish("web", pid, "http", () => true);
  for (const pid of [9, 10]) await map.publish("mail", pid, "http", () => true);
  const { order } = make({ policy: policyOf("content:/mail=mail") });
  const chosen = ["/", "/mail", "/", "/mail", "/", "/mail"].map(
    (path) => dispatcher.glance(order, { remote: "192.0.2.1:4000", url: `http://x${path}` }, () => 0)?.pid,
  );
  assert.deepEqual(chosen, [7, 9, 8, 10, 7, 9]);
});
