/** Other nodes of the cluster that mean ill, or do not keep to the protocol of sessions: what they can have is bounded, and none else loses by it. */

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { type Frame, FRAME_KINDS } from "../../src/abi/channel.ts";
import { GodwitError } from "../../src/errors.ts";
import { FRONT_SESSIONS_MAX, SESSION_ID_MAX_CHARS, SESSIONS_OPENING_MAX } from "../../src/limits.ts";
import { datagramOf } from "../../src/resources/datagram.ts";
import { wholeFrame } from "../../src/resources/frame.ts";
import type { Line } from "../../src/resources/line.ts";
import { EndpointMap } from "../../src/switch/endpoint-map.ts";
import { FrontMap } from "../../src/switch/front-map.ts";
import { Fronts } from "../../src/switch/fronts.ts";
import { homeSessionRecordOf } from "../../src/switch/home-session.ts";
import { Homes } from "../../src/switch/homes.ts";
import { Reach } from "../../src/switch/reach.ts";
import { type Item, PARTING } from "../../src/switch/session.ts";
import { type SessionMessage, SessionPost, type Side } from "../../src/switch/session-post.ts";
import { until } from "../cluster/condition.ts";
import { RawClient } from "../node/raw-client.ts";

/** What is said to other nodes. */
type Said = { readonly peer: string; readonly side: Side; readonly message: SessionMessage };

class Post extends SessionPost {
  readonly said: Said[] = [];

  constructor() {
    super("a", undefined, { heard: () => {}, lost: () => {} });
  }

  override send(peer: string, side: Side, message: SessionMessage): void {
    this.said.push({ peer, side, message });
  }
}

const REQUEST = wholeFrame({ method: "GET" }, new Uint8Array(0));
const DONE = 0;

/** A home with a process that serves `web`, and what its node says to fronts. */
async function home(t: TestContext, accept: (frame: Frame) => void = () => {}) {
  const map = await EndpointMap.open("a");
  t.after(() => map.close());
  const post = new Post();
  const homes = new Homes({ self: "a", map, links: undefined, post, attachHere: async () => [] });
  const broken: string[] = [];
  const accepted: Frame[] = [];
  homes.join("web", 7, "http", { push: () => true, break: () => {} }, (frame, drive) => {
    const line: Line = { push: () => true, break: (code) => void broken.push(code) };
    accept(frame);
    accepted.push(frame);
    drive(line);
  });
  const refused = () => post.said.flatMap(({ message }) => (message.op === "refused" ? [message.code] : []));
  const open = (front: string, id: string) =>
    homes.heard(front, { op: "open", id, pid: 7, service: "web", protocol: "http" });
  const say = (front: string, id: string, item: Item = REQUEST, number = 1) =>
    homes.heard(front, { op: "item", id, number, item, done: DONE });
  return { homes, post, accepted, broken, refused, open, say };
}

test("sessions that are opened and never begin are bounded, for each front", async (t) => {
  const { accepted, refused, open, say } = await home(t);
  for (let count = 0; count < 10 * SESSIONS_OPENING_MAX; count++) open("evil", `evil.${count}`);
  assert.equal(refused().length, 9 * SESSIONS_OPENING_MAX);
  assert.ok(refused().every((code) => code === "EAGAIN"));
  for (let count = 0; count < 2 * SESSIONS_OPENING_MAX; count++) {
    open("good", `good.${count}`);
    say("good", `good.${count}`);
  }
  assert.equal(accepted.length, 2 * SESSIONS_OPENING_MAX, "who begins what it opens is not held up");
  say("evil", "evil.0");
  assert.equal(accepted.length, 2 * SESSIONS_OPENING_MAX + 1);
});

test("nobody takes the place of another's session, or begins one for it", async (t) => {
  const { homes, accepted, broken, refused, open, say } = await home(t);
  open("good", "x");
  open("evil", "x");
  say("evil", "x");
  assert.equal(accepted.length, 1, "evil has one of its own");
  say("good", "x");
  assert.deepEqual([accepted.length, refused()], [1, ["EPROTO"]], "two of one name there are not");
  open("good", "y");
  say("good", "y");
  open("evil", "y");
  assert.deepEqual(refused(), ["EPROTO", "EEXIST"]);
  say("evil", "y", { kind: PARTING, bytes: Buffer.from("{}") }, 2);
  assert.deepEqual(broken, [], "what another says of it is not heard");
  assert.equal(homes.open, 2);
});

test("what no session begins with, or goes on with, ends it alone", async (t) => {
  const { homes, accepted, broken, refused, open, say } = await home(t, ({ kind }) => {
    if (kind === FRAME_KINDS.datagram) datagramOf({ kind, bytes: new Uint8Array(0) });
  });
  for (const [index, [item, number]] of [
    [{ kind: PARTING, bytes: new Uint8Array(0) }, 1] as const,
    [REQUEST, 2] as const,
  ].entries()) {
    open("evil", `begin.${index}`);
    say("evil", `begin.${index}`, item, number);
  }
  assert.deepEqual([accepted.length, refused()], [0, ["EPROTO", "EPROTO"]]);
  open("evil", "malformed");
  say("evil", "malformed", { kind: FRAME_KINDS.datagram, bytes: new Uint8Array(0) });
  assert.equal(homes.open, 0, "nothing is left of what its process cannot take");
  for (const parting of ["", "{", "null", "{}", `{"code":1,"message":""}`]) {
    open("evil", parting);
    say("evil", parting);
    say("evil", parting, { kind: PARTING, bytes: Buffer.from(parting) }, 2);
  }
  assert.deepEqual([broken.length, homes.open], [5, 0]);
});

test("sessions with which no front goes on at a new home are over, and hold nothing", async (t) => {
  const { homes, post } = await home(t);
  const kept = [{ kind: FRAME_KINDS.data, bytes: new Uint8Array(1000) }];
  const session = { sent: 1, kept, received: 1, open: [] };
  // The front of this node has none of them, and that of another cannot be asked.
  for (const front of ["a", "gone"])
    for (const isClosed of [false, true]) {
      const id = `${front}.${isClosed}`;
      const broken: string[] = [];
      const resumed = homes.resume({ id, front, session }, 7, {
        push: () => true,
        break: (code) => void broken.push(code),
      });
      if (isClosed) resumed.close();
      assert.deepEqual([homes.open, homes.heldBytes > 1000], [1, true]);
      await homes.attach([resumed]);
      assert.deepEqual([homes.open, homes.heldBytes, broken], [0, 0, ["ECONNRESET"]]);
      const { peer, message } = post.said.at(-1) ?? {};
      assert.deepEqual([peer, message?.op === "item" && message.item.kind], [front, PARTING], "one that does is told");
    }
});

test("a session's record that cannot be is refused", () => {
  const item = (length: number) => ({ kind: FRAME_KINDS.data, bytes: new Uint8Array(length) });
  const good = { sent: 3, kept: [item(10)], received: 4, open: [64, 100] };
  const record = (session: object, more: object = {}) => ({ id: "x", front: "b", session, ...more });
  assert.deepEqual(homeSessionRecordOf(record(good)).session, good);
  for (const [what, bad] of Object.entries({
    "an item that cost nothing": record({ ...good, open: [0] }),
    "one that cost less than any": record({ ...good, open: [63] }),
    "a cost that is no number": record({ ...good, open: [Number.NaN] }),
    "more kept than sent": record({ ...good, sent: 0 }),
    "more open than received": record({ ...good, received: 1 }),
    "more under way than a window": record({ ...good, open: [5 * 2 ** 20] }),
    "more kept than a window": record({ ...good, sent: 9, kept: Array.from({ length: 9 }, () => item(2 ** 20)) }),
    "an item of no kind": record({ ...good, kept: [{ ...item(1), kind: 99 }] }),
    "an item of half a kind": record({ ...good, kept: [{ ...item(1), kind: 1.5 }] }),
    "a name without end": record(good, { id: "x".repeat(SESSION_ID_MAX_CHARS + 1) }),
    "none at all": null,
  }))
    assert.throws(() => homeSessionRecordOf(bad), { code: "EPROTO" }, what);
});

test("sessions go on with the home that the directory names, and with nobody else", { timeout: 30_000 }, async (t) => {
  const map = await EndpointMap.open("a");
  const post = new Post();
  const fronts = new Fronts(
    "a",
    map,
    await FrontMap.open("a"),
    new Reach("a", undefined),
    post,
    () => {},
    () => {},
  );
  t.after(() => fronts.stop());
  for (const pid of [7, 8]) await map.publish("web", pid, "http", () => true);
  const url = (await fronts.expose({ service: "web", address: "http://127.0.0.1:0" })).address;
  const clients = await Promise.all([0, 1].map(() => RawClient.connect(url)));
  t.after(() => clients.forEach(({ socket }) => socket.destroy()));
  for (const client of clients) client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  const opened = () => post.said.flatMap(({ message }) => (message.op === "open" ? [message] : []));
  await until("both are with a process", () => opened().length === 2);
  const ids = [7, 8].map((of) => opened().find(({ pid }) => pid === of)?.id ?? "");

  const isHome = async (node: string, pid: number) => node === "new" && pid === 7;
  const all = (received: number) => [...ids, "a.000000000000.1"].map((id) => ({ id, received }));
  assert.deepEqual(await fronts.attach("evil", all(0), isHome), [null, null, null]);
  assert.deepEqual(
    await fronts.attach("a", all(0), async () => false),
    [0, 0, null],
    "it stays with the home that it has",
  );
  assert.ok(
    post.said.every(({ peer }) => peer !== "evil"),
    "it is told nothing",
  );
  assert.deepEqual(
    await fronts.attach("new", all(0), isHome),
    [0, null, null],
    "of the processes that are at home there",
  );
  const toNew = post.said.filter(({ peer }) => peer === "new");
  assert.deepEqual(new Set(toNew.map(({ message }) => message.id)), new Set([ids[0]]));
  const answer = (id: string, text: string) =>
    ({ op: "item", id, number: 1, item: wholeFrame(HEAD, Buffer.from(text)), done: 1 }) as const;
  for (const id of ids) fronts.heard("evil", answer(id, "evil"));
  for (const id of ids) fronts.heard("new", answer(id, "new"));
  for (const id of ids) fronts.heard("a", answer(id, "a"));
  await until("both are answered", () => clients.every(({ statuses }) => statuses.join() === "200"));
  assert.deepEqual(clients.map(({ text }) => text.slice(text.indexOf("\r\n\r\n") + 4)).sort(), ["a", "new"]);

  const isNotRead = async () => {
    throw new GodwitError("ETIMEDOUT", "the directory did not answer");
  };
  await assert.rejects(fronts.attach("new", all(0), isNotRead), { code: "ETIMEDOUT" });
  const tooMany = Array.from({ length: FRONT_SESSIONS_MAX + 1 }, () => ({ id: "x", received: 0 }));
  await assert.rejects(fronts.attach("new", tooMany, isHome), { code: "EPROTO" });
});

test("a home that says that it has received what was not sent loses that session, and no other", async (t) => {
  const map = await EndpointMap.open("a");
  const post = new Post();
  const fronts = new Fronts(
    "a",
    map,
    await FrontMap.open("a"),
    new Reach("a", undefined),
    post,
    () => {},
    () => {},
  );
  t.after(() => fronts.stop());
  await map.publish("web", 7, "http", () => true);
  const url = (await fronts.expose({ service: "web", address: "http://127.0.0.1:0" })).address;
  const clients = await Promise.all([0, 1].map(() => RawClient.connect(url)));
  t.after(() => clients.forEach(({ socket }) => socket.destroy()));
  for (const client of clients) client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
  const opened = () => post.said.flatMap(({ message }) => (message.op === "open" ? [message.id] : []));
  await until("both are with the process", () => opened().length === 2);
  const [bad = "", good = ""] = opened();
  const asked = [
    { id: bad, received: 9 },
    { id: good, received: 0 },
  ];
  assert.deepEqual(await fronts.attach("new", asked, async () => true), [null, 0]);
  await until("one is told", () => clients.some(({ statuses }) => statuses.join() === "502"));
  fronts.heard("new", { op: "item", id: good, number: 1, item: wholeFrame(HEAD, Buffer.from("new")), done: 1 });
  await until("the other is answered", () => clients.some(({ statuses }) => statuses.join() === "200"));
});

const HEAD = { status: 200, statusText: "", headers: [] };
