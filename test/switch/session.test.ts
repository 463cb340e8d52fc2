/** The two ends of a session under a seed: homes that move at any moment, what was under way lost or late, slow ends. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { decode, encode } from "cborg";
import { FRAME_KINDS } from "../../src/abi/channel.ts";
import type { Link } from "../../src/cluster/link.ts";
import { CHANNEL_WINDOW_BYTES } from "../../src/limits.ts";
import { type Item, Session, type SessionRecord } from "../../src/switch/session.ts";
import { type SessionMessage, SessionPost } from "../../src/switch/session-post.ts";
import { until } from "../cluster/condition.ts";

/** Mulberry32. */
function randomOf(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

interface Letter {
  readonly number?: number;
  readonly item?: Item;
  readonly done: number;
}

/** One end, with whoever is behind it: it sends a sequence of bytes, and takes what comes when it likes. */
class End {
  session: Session;
  /** Bytes that it sends, all told, and of those how many it has given the session. */
  readonly #total: number;
  #given = 0;
  /** What came and is not taken; the first byte that is expected next. */
  readonly #waiting: Item[] = [];
  taken = 0;
  /** How much was ever kept at once. */
  keptMax = 0;

  constructor(total: number, record?: SessionRecord, from?: End) {
    this.session = new Session(record);
    this.#total = total;
    if (from === undefined) return;
    this.#given = from.#given;
    this.taken = from.taken;
    this.#waiting.push(...from.#waiting);
  }

  get isAtEnd(): boolean {
    return this.#given === this.#total;
  }

  /** Gives the session some more, if that has room. */
  give(random: (below: number) => number): Letter | undefined {
    if (!this.session.hasRoom || this.isAtEnd) return undefined;
    const length = Math.min(this.#total - this.#given, 1 + random(40_000));
    const bytes = Uint8Array.from({ length }, (_, index) => byteAt(this.#given + index));
    this.#given += length;
    const item = { kind: FRAME_KINDS.data, bytes };
    const number = this.session.send(item);
    return { number, item, done: this.session.takeDone() };
  }

  hear({ number, item, done }: Letter): void {
    this.session.acknowledged(done);
    if (number === undefined || item === undefined || !this.session.arrived(number, item)) return;
    this.#waiting.push(item);
    const bytes = this.#waiting.reduce((sum, one) => sum + one.bytes.length, 0);
    this.keptMax = Math.max(this.keptMax, bytes);
  }

  /** Takes the oldest of what came. */
  take(): Letter | undefined {
    const item = this.#waiting.shift();
    if (item === undefined) return undefined;
    for (const byte of item.bytes) {
      if (byte !== byteAt(this.taken++)) assert.fail(`byte ${this.taken - 1} is not the one that was sent`);
    }
    this.session.done();
    return this.session.isDue ? { done: this.session.takeDone() } : undefined;
  }
}

function byteAt(index: number): number {
  return (index * 31 + (index >>> 8)) & 0xff;
}

/** What was sent one way, in order. */
class Way {
  readonly letters: Letter[] = [];
}

/** Runs one world; returns how often the home moved. `flaw` puts something wrong in the place of what is right. */
function run(seed: number, flaw: "none" | "forgets" = "none"): number {
  const random = randomOf(seed);
  const [up, down] = [200_000 + random(1_000_000), 200_000 + random(1_000_000)];
  const front = new End(up);
  let home = new End(down);
  let [toHome, toFront] = [new Way(), new Way()];
  const patience = { front: 1 + random(6), home: 1 + random(6) };
  let moves = 0;
  const post = (way: Way, letter: Letter | undefined) => void (letter !== undefined && way.letters.push(letter));
  for (let steps = 0; front.taken < down || home.taken < up; steps++) {
    assert.ok(steps < 1_000_000, "it goes on");
    switch (random(8)) {
      case 0:
        post(toHome, front.give(random));
        break;
      case 1:
        post(toFront, home.give(random));
        break;
      case 2:
      case 3: {
        const letter = toHome.letters.shift();
        if (letter !== undefined) home.hear(letter);
        break;
      }
      case 4:
      case 5: {
        const letter = toFront.letters.shift();
        if (letter !== undefined) front.hear(letter);
        break;
      }
      case 6:
        if (random(patience.front) === 0) post(toHome, front.take());
        if (random(patience.home) === 0) post(toFront, home.take());
        break;
      default: {
        if (random(40) !== 0) break;
        moves++;
        // What the old home's process has not taken goes along with it; what was under way is lost, both ways.
        const record = home.session.save();
        home = new End(down, flaw === "forgets" ? { ...record, kept: record.kept.slice(1) } : record, home);
        [toHome, toFront] = [new Way(), new Way()];
        const { first, items } = front.session.after(home.session.received);
        for (const [index, item] of items.entries())
          post(toHome, { number: first + index, item, done: front.session.takeDone() });
        const back = home.session.after(front.session.received);
        for (const [index, item] of back.items.entries())
          post(toFront, { number: back.first + index, item, done: home.session.takeDone() });
        // Who might believe that there is no room is told.
        post(toFront, { done: home.session.takeDone() });
        post(toHome, { done: front.session.takeDone() });
      }
    }
  }
  assert.ok(front.isAtEnd && home.isAtEnd);
  // A window and the piece that crossed its end.
  assert.ok(Math.max(front.keptMax, home.keptMax) <= CHANNEL_WINDOW_BYTES + 40_000);
  return moves;
}

test("every byte arrives once and in order, however often the home moves", { timeout: 120_000 }, () => {
  let moves = 0;
  for (let seed = 1; seed <= 40; seed++) {
    try {
      moves += run(seed);
    } catch (error) {
      throw new Error(`seed ${seed}: ${String(error)}`, { cause: error });
    }
  }
  assert.ok(moves > 100, `${moves} moves`);
});

test("and a session that forgets something is found out", () => {
  assert.throws(() => {
    for (let seed = 1; seed <= 20; seed++) run(seed, "forgets");
  });
});

test("what does not keep to the protocol is refused", () => {
  const item = (length: number): Item => ({ kind: FRAME_KINDS.data, bytes: new Uint8Array(length) });
  const refused = { code: "EPROTO" };
  const session = new Session();
  session.send(item(10));
  assert.throws(() => session.acknowledged(2), refused);
  assert.throws(() => session.after(2), refused);
  session.acknowledged(1);
  assert.throws(() => session.after(0), refused);
  assert.equal(session.arrived(1, item(1)), true);
  assert.equal(session.arrived(1, item(1)), false);
  assert.throws(() => session.arrived(3, item(1)), refused);
  assert.throws(() => {
    for (let number = 2; number < 10; number++) session.arrived(number, item(2 ** 20));
  }, refused);
});

test("what the ends of sessions say crosses a link as it is, and what is none of it is refused", async () => {
  const heard: [string, SessionMessage][] = [];
  const handlers = {
    heard: (side: string, _peer: string, message: SessionMessage) => void heard.push([side, message]),
    lost: () => {},
  };
  const nobody = new Promise<Error>(() => {});
  const told: [string, unknown][] = [];
  const link = (peer: string): Link => ({
    peer,
    lost: nobody,
    tell: (kind, body) => void told.push([kind, body]),
    request: async () => null,
    drained: async () => {},
  });
  const links = {
    to: async (peer: string) => link(peer),
    bulk: () => assert.fail(),
    drop: () => {},
    close: async () => {},
  };
  const near = new SessionPost("a", links, { heard: () => assert.fail(), lost: () => {} });
  const far = new SessionPost("b", undefined, handlers);
  const item = { kind: FRAME_KINDS.data, bytes: new Uint8Array([1, 2]) };
  const toHome: SessionMessage[] = [
    { op: "open", id: "x", pid: 7, service: "web", protocol: "tcp" },
    { op: "item", id: "x", number: 1, item, done: 0 },
    { op: "ping", id: "x", message: "hello" },
    { op: "ask", id: "x" },
    { op: "full", id: "", isSo: true },
    { op: "full", id: "", isSo: false },
  ];
  const toFront: SessionMessage[] = [
    { op: "done", id: "x", done: 1 },
    { op: "pinged", id: "x" },
    { op: "ask", id: "x" },
    { op: "refused", id: "x", code: "ESRCH", message: "gone" },
  ];
  for (const message of toHome) near.send("b", "home", message);
  for (const message of toFront) near.send("b", "front", message);
  await near.drained("b");
  await until("all is told", () => told.length === 2);
  for (const [kind, body] of told) assert.equal(far.told(link("a"), kind, decode(encode(body))), true);
  assert.deepEqual(heard, [...toHome.map((one) => ["home", one]), ...toFront.map((one) => ["front", one])]);
  const kind = told[0]?.[0] ?? "";
  for (const bad of [
    null,
    [null],
    [[]],
    [[7, "", 1]],
    [[6, 1]],
    [[6, "x".repeat(1000)]],
    [[1, "x", 1, 99, new Uint8Array(1), 0]],
    [[99, "x"]],
  ])
    assert.throws(() => far.told(link("a"), kind, bad), { code: "EPROTO" }, JSON.stringify(bad));
});

test("an end that is asked tells as soon as it is done with all, however little that is", () => {
  const [front, home] = [new Session(), new Session()];
  const item: Item = { kind: FRAME_KINDS.data, bytes: new Uint8Array(10) };
  for (let count = 0; count < 2; count++) home.arrived(front.send(item), item);
  home.done();
  assert.equal(home.isDue, false);
  home.asked();
  assert.equal(home.isDue, false, "there is more to be done with");
  home.done();
  assert.equal(home.isDue, true);
  front.acknowledged(home.takeDone());
  assert.deepEqual([front.keptBytes, home.isDue], [0, false]);
  home.arrived(front.send(item), item);
  home.done();
  assert.equal(home.isDue, false, "it is asked once for each time");
});
