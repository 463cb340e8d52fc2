/**
 * What sessions have in memory, all together: processes that take nothing of what their clients send, clients that take nothing
 * of what there is for them. Beyond a bound newcomers are told to come again; those that are there go on as their other side does.
 */

import assert from "node:assert/strict";
import { type Duplex, duplexPair } from "node:stream";
import type { Socket } from "node:net";
import { test, type TestContext } from "node:test";
import { type Frame, FRAME_KINDS } from "../../src/abi/channel.ts";
import { FRONT_HELD_MAX_BYTES, HOME_KEPT_MAX_BYTES, SESSION_PIECE_MAX_BYTES } from "../../src/limits.ts";
import { wholeFrame } from "../../src/resources/frame.ts";
import type { Driver, Line } from "../../src/resources/line.ts";
import { EndpointMap } from "../../src/switch/endpoint-map.ts";
import type { Order } from "../../src/switch/front-session.ts";
import { FrontMap } from "../../src/switch/front-map.ts";
import { Fronts } from "../../src/switch/fronts.ts";
import { Homes } from "../../src/switch/homes.ts";
import { Reach } from "../../src/switch/reach.ts";
import { SessionPost } from "../../src/switch/session-post.ts";
import { until } from "../cluster/condition.ts";
import { withMembers } from "../node/bench-members.ts";
import { RawClient } from "../node/raw-client.ts";
import { front, startServer, textOf } from "./served.ts";

/** A process's end of a client's channel, which takes what comes only when it is told to. */
class Channel implements Line {
  driver: Driver | undefined;
  receivedBytes = 0;
  isTaking: boolean;
  hasEnded = false;

  constructor(isTaking: boolean) {
    this.isTaking = isTaking;
  }

  push({ kind, bytes }: Frame): boolean {
    this.receivedBytes += bytes.length;
    if (kind === FRAME_KINDS.end) void this.answer(OK);
    return this.isTaking;
  }

  break(): void {
    this.hasEnded = true;
  }

  /** Takes what has come, and what comes. */
  take(): void {
    this.isTaking = true;
    this.driver?.resume();
  }

  /** As a process's plug does: it lets go when all is taken. */
  async answer(frame: Frame): Promise<void> {
    await this.driver?.take(frame);
    if (!this.hasEnded) this.driver?.close();
    this.hasEnded = true;
  }
}

const OK = wholeFrame({ status: 200, statusText: "", headers: [] }, Buffer.from("taken"));

/** Fronts and homes of one node, with the test in the place of processes. */
async function node(t: TestContext) {
  const [map, frontMap] = [await EndpointMap.open("a"), await FrontMap.open("a")];
  const post: SessionPost = new SessionPost("a", undefined, {
    heard: (side, peer, message) => (side === "home" ? homes : fronts).heard(peer, message),
    lost: () => {},
  });
  const nothing = () => {};
  const fronts: Fronts = new Fronts("a", map, frontMap, new Reach("a", undefined), post, nothing, nothing);
  const attachHere = (asked: unknown) => fronts.attach("a", asked, async () => true);
  const homes: Homes = new Homes({ self: "a", map, links: undefined, post, attachHere });
  t.after(() => fronts.stop());
  const serve = async (service: string, pid: number, isTaking: boolean): Promise<Channel[]> => {
    const channels: Channel[] = [];
    const line = { push: () => true, break: nothing };
    homes.join(service, pid, "http", line, (_frame, drive) => {
      const channel = new Channel(isTaking);
      channels.push(channel);
      channel.driver = drive(channel);
    });
    await until(`${service} is known`, () => map.of(service).some((one) => one.pid === pid));
    return channels;
  };
  const expose = async (service: string) => (await fronts.expose({ service, address: "http://127.0.0.1:0" })).address;
  return { fronts, homes, serve, expose };
}

/** Until nothing changes any more, for some turns: a test that goes on too early only sees less. */
async function still(count: () => number): Promise<void> {
  let [last, turns] = [-1, 0];
  await until("it stands still", () => {
    turns = count() === last ? turns + 1 : 0;
    last = count();
    return turns > 30;
  });
}

test("uploads to processes that take nothing", { timeout: 120_000 }, async (t) => {
  const { fronts, serve, expose } = await node(t);
  const [stuck, other] = [await serve("stuck", 7, false), await serve("other", 8, true)];
  const [url, otherUrl] = [await expose("stuck"), await expose("other")];
  const [count, bodyBytes] = [500, 320 * 1024];
  const post = `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${bodyBytes}\r\n\r\n`;
  const clients = await Promise.all(
    Array.from({ length: count }, async () => (await RawClient.connect(url)).send(post)),
  );
  t.after(() => clients.forEach(({ socket }) => socket.destroy()));
  await until("all are with the process", () => stuck.length === count);
  const body = Buffer.alloc(bodyBytes, 1);
  for (const { socket } of clients) socket.write(body);
  await until("there is no more room for this front", () => fronts.held.uploads >= FRONT_HELD_MAX_BYTES / 2);
  await still(() => fronts.held.uploads);
  // A front has half of what there is for all, and a piece of each who had nothing under way.
  const mostBytes = FRONT_HELD_MAX_BYTES / 2 + count * SESSION_PIECE_MAX_BYTES;
  assert.ok(fronts.held.uploads < mostBytes, `${fronts.held.uploads} bytes`);
  assert.ok(mostBytes < count * 256 * 1024, "the windows of all hold more");

  const refused = await fetch(url, { signal: AbortSignal.timeout(20_000) });
  assert.equal(refused.status, 503);
  assert.equal(refused.headers.get("retry-after"), "1");
  const answered = await fetch(otherUrl, { method: "POST", body });
  assert.equal(answered.status, 200, "another front's clients are served");
  assert.equal(other[0]?.receivedBytes, bodyBytes);

  // Those whose process takes what they send go on, beside the others.
  const some = stuck.slice(-20);
  for (const channel of some) channel.take();
  await until("they are whole", () => some.every(({ receivedBytes }) => receivedBytes === bodyBytes), 60_000);
  for (const channel of stuck) channel.take();
  await until("all are answered", () => clients.every(({ statuses }) => statuses.join() === "200"), 60_000);
  assert.ok(stuck.every(({ receivedBytes }) => receivedBytes === bodyBytes));
  assert.equal(fronts.held.uploads, 0);
  const again = fetch(url, { method: "POST", body });
  await until("a newcomer comes to the process", () => stuck.length > count);
  stuck.at(-1)?.take();
  assert.equal((await again).status, 200, "there is room again");
});

/** A client whose connection takes nothing until it is told to; the system's buffers are not between. */
class SlowClient {
  readonly #mine: Duplex;
  readonly #theirs: Duplex;
  receivedBytes = 0;
  text = "";

  constructor(enter: (socket: Socket) => void, request: string) {
    const [mine, theirs] = duplexPair();
    [this.#mine, this.#theirs] = [mine, theirs];
    for (const end of [mine, theirs]) end.on("error", () => {});
    enter(theirs as unknown as Socket);
    mine.write(request);
  }

  read(): this {
    this.#mine.on("data", (bytes: Buffer) => {
      if (this.receivedBytes === 0) this.text = bytes.toString("latin1", 0, 200);
      this.receivedBytes += bytes.length;
    });
    return this;
  }

  /** The connection is lost. */
  end(): void {
    this.#mine.destroy();
    this.#theirs.destroy();
  }
}

test("answers to clients that take nothing", { timeout: 120_000 }, async (t) => {
  const { fronts, homes, serve } = await node(t);
  const channels = await serve("large", 7, true);
  const order: Order = {
    service: "large",
    protocol: "http",
    policy: { kind: "least-loaded" },
    scheme: "http",
    isNear: true,
    isCareOf: false,
    isSpread: false,
  };
  const paper = { id: "x", node: "a", service: "large", scheme: "http", isNear: true, policy: "least-loaded" } as const;
  const entrance = fronts.adopt(order, paper);
  t.after(() => entrance.close());
  const get = () => new SlowClient((socket) => entrance.enter(socket), "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  const [count, bodyBytes] = [800, 900_000];
  const clients = Array.from({ length: count }, get);
  t.after(() => clients.forEach((client) => client.end()));
  await until("all are with the process", () => channels.length === count);
  // The same bytes for all: it is the count that grows.
  const large = wholeFrame({ status: 200, statusText: "", headers: [] }, Buffer.alloc(bodyBytes));
  let [given, mostBytes] = [0, 0];
  const [last] = channels.slice(-1);
  for (const channel of channels.slice(0, -1))
    void channel.answer(large).then(() => {
      given++;
      mostBytes = Math.max(mostBytes, fronts.held.downloads);
    });
  await until("there is no more room", () => fronts.held.downloads >= FRONT_HELD_MAX_BYTES);
  await still(() => fronts.held.downloads);
  // The home hears of it with the next turn, or the one after, and has so much on its way in each.
  const boundBytes = FRONT_HELD_MAX_BYTES + 2 * HOME_KEPT_MAX_BYTES;
  assert.ok(Math.max(mostBytes, fronts.held.downloads) < boundBytes, `${mostBytes} bytes`);
  assert.ok(boundBytes < count * bodyBytes);
  assert.ok(given < count - 1, "some wait at their process");

  const refused = get().read();
  await until("a newcomer is told", () => refused.text.startsWith("HTTP/1.1 503 "));
  assert.match(refused.text, /\r\nretry-after: 1\r\n/i);
  // Who has nothing under way goes on.
  const small = clients.at(-1)?.read();
  void last?.answer(OK);
  await until("a small answer comes", () => small?.text.startsWith("HTTP/1.1 200 ") === true);
  // Clients that leave make room, too.
  for (const client of clients.slice(0, 100)) client.end();
  for (const client of clients.slice(100, -1)) client.read();
  await until("all have theirs", () => clients.slice(100, -1).every((one) => one.receivedBytes > bodyBytes), 60_000);
  await until("nothing is held", () => fronts.held.downloads === 0 && homes.heldBytes === 0);
  const again = get().read();
  await until("it comes to the process", () => channels.length === count + 1);
  void channels.at(-1)?.answer(OK);
  await until("there is room again", () => again.text.startsWith("HTTP/1.1 200 "));
});

test("what a home has said last takes room until it is sent", async (t) => {
  const map = await EndpointMap.open("a");
  t.after(() => map.close());
  let sent = () => {};
  class SlowPost extends SessionPost {
    override send(): void {}
    override drained(): Promise<void> {
      return new Promise((resolve) => (sent = resolve));
    }
  }
  const post = new SlowPost("a", undefined, { heard: () => {}, lost: () => {} });
  const homes = new Homes({ self: "a", map, links: undefined, post, attachHere: async () => [] });
  const channels: Channel[] = [];
  homes.join("web", 7, "http", { push: () => true, break: () => {} }, (_frame, drive) => {
    const channel = new Channel(true);
    channel.driver = drive(channel);
    channels.push(channel);
  });
  const bodyBytes = 3 * SESSION_PIECE_MAX_BYTES;
  for (const id of ["large", "small"]) {
    homes.heard("front", { op: "open", id, pid: 7, service: "web", protocol: "http" });
    homes.heard("front", { op: "item", id, number: 1, item: OK, done: 0 });
  }
  const [large, small] = channels;
  await large?.answer(wholeFrame({ status: 200, statusText: "", headers: [] }, Buffer.alloc(bodyBytes)));
  assert.equal(homes.open, 1, "its session is over");
  const heldBytes = homes.heldBytes;
  assert.ok(heldBytes > bodyBytes, `${heldBytes} bytes`);
  await small?.answer(OK);
  assert.deepEqual([homes.open, homes.heldBytes], [0, heldBytes]);
  sent();
  await until("it is sent", () => homes.heldBytes === 0);
});

/** Reads what it is sent once it is told to. */
const SLOW = `
let goOn = () => {};
const told = new Promise((resolve) => (goOn = resolve));
globalThis.__godwit.exports.onSignal("SIGUSR1", () => goOn());
serve(async (request) => {
  await told;
  let length = 0;
  for await (const piece of request.body) length += piece.length;
  return new Response(String(length));
}, { address: "service:slow" });`;

await withMembers(["front", "b"], (t) => {
  test("uploads to programs at another node that read nothing for long", { timeout: 180_000 }, async (context) => {
    const [first, b] = [t.get("front"), t.get("b")];
    const pids = [0, 1].map(() => startServer(b, SLOW, { service: "slow", seenBy: [first, b] }));
    await Promise.all(pids);
    const quickServer = `serve(() => new Response("here"), { address: "service:quick" });`;
    await startServer(b, quickServer, { service: "quick", seenBy: [first, b] });
    const [url, quick] = [await front(first, { service: "slow" }), await front(first, { service: "quick" })];
    const [count, bodyBytes] = [440, 320 * 1024];
    const request = `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${bodyBytes}\r\n\r\n`;
    const clients = await Promise.all(
      Array.from({ length: count }, async () => (await RawClient.connect(url)).send(request)),
    );
    context.after(() => clients.forEach(({ socket }) => socket.destroy()));
    const open = async () => {
      const { members = [] } = (await first.own.services()).find(({ name }) => name === "slow") ?? {};
      return members.reduce((sum, member) => sum + member.open, 0);
    };
    await until("all are with them", async () => (await open()) === count, 30_000);
    const body = Buffer.alloc(bodyBytes, 1);
    for (const { socket } of clients) socket.write(body);
    // One that is let in before there is no more room waits like the others.
    const refused = async () => {
      const answer = await fetch(url, { method: "POST", signal: AbortSignal.timeout(1_000) });
      return answer.status === 503 && answer.headers.get("retry-after") === "1";
    };
    await until("newcomers are told to come again", refused, 60_000);
    assert.equal(await textOf(quick), "here", "another front's clients are served");
    for (const pid of pids) await b.own.signal(await pid, "SIGUSR1");
    await until("all are answered", () => clients.every(({ statuses }) => statuses.length === 1), 90_000);
    for (const { text } of clients) assert.match(text, new RegExp(`\\r\\n\\r\\n${bodyBytes}$`));
    assert.equal(await textOf(url, { method: "POST", body: "x" }), "1", "there is room again");
  });
});
