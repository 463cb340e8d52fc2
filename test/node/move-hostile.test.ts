/** A peer with a key of its own that does not keep to the protocol of moves: it is refused, and nothing is left of it. */

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { type Duplex, duplexPair } from "node:stream";
import { test } from "node:test";
import type { Link } from "../../src/cluster/link.ts";
import { MOVE_FRAME_MAX_BYTES, WASM_PAGE_BYTES } from "../../src/limits.ts";
import { encodeImage } from "../../src/machine/image.ts";
import { loadEngine } from "../../src/machine/load.ts";
import { until } from "../cluster/condition.ts";
import { type TestCluster, withCluster } from "./bench-cluster.ts";

const engine = await loadEngine();
const { hash, memoryBytes } = engine.manifest;

/** A peer's end, as the node sees it: what is said to it is kept. */
class Peer implements Link {
  readonly peer: string;
  readonly lost = new Promise<Error>(() => {});
  readonly heard: { kind: string; body: unknown }[] = [];

  constructor(name: string) {
    this.peer = name;
  }
  tell(kind: string, body: unknown): void {
    this.heard.push({ kind, body });
  }
  request(): Promise<unknown> {
    return Promise.resolve(null);
  }
  drained(): Promise<void> {
    return Promise.resolve();
  }
}

function offer(change: object = {}): { migration: string } {
  const about = { pid: 999_999, name: "evil.js", home: "evil", epoch: 3, engine: hash, memoryBytes, durable: false };
  const room = { memoryQuotaBytes: 2 ** 24 };
  return { migration: randomUUID(), ...about, ...room, ...change };
}

function frame(bytes: Uint8Array, length = bytes.length): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32LE(length);
  return Buffer.concat([head, bytes]);
}
const image = (state: unknown, of = hash) =>
  Buffer.from(encodeImage({ engine: of, memoryBytes, pages: [], zeroed: [], state }, { compress: false }));

function flipped(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy[copy.length - 40] = (copy[copy.length - 40] ?? 0) ^ 1;
  return copy;
}

/** What a peer sends in place of a process. */
const STREAMS: Readonly<Record<string, (stream: Duplex) => void>> = {
  "a frame that is longer than any": (stream) => stream.end(frame(Buffer.alloc(8), MOVE_FRAME_MAX_BYTES + 1)),
  "a frame that is cut off": (stream) => stream.end(frame(image(null)).subarray(0, 30)),
  "an empty frame": (stream) => stream.end(frame(Buffer.alloc(0))),
  "what is no image": (stream) => stream.end(frame(Buffer.from("no image at all, but some text"))),
  "an image with a bit flipped": (stream) => stream.end(frame(flipped(image(null)))),
  "an image of another engine": (stream) => stream.end(frame(image(null, "0".repeat(64)))),
  "an image that is larger than its quota": (stream) => {
    const large = { engine: hash, memoryBytes: 2 ** 30 + WASM_PAGE_BYTES, pages: [], zeroed: [], state: null };
    stream.end(frame(Buffer.from(encodeImage(large, { compress: false }))));
  },
  "a record that is none": (stream) => stream.end(frame(image({ record: { pid: 999_999 }, outputInFlight: 0 }))),
  "the end before the last frame": (stream) => stream.end(frame(image(null))),
};

function nothingCame(t: TestCluster): void {
  const { moves, hosting, node } = t.get("b");
  assert.deepEqual([moves, hosting.all().length, node.lwps.processes], [0, 0, 0]);
}

/** What node b hears of the next move to it: the offer, the header of its stream, and pieces for who collects them. */
function overheard(t: TestCluster): { offer: unknown; header: unknown; pieces: Buffer[]; stop: () => void } {
  const b = t.get("b");
  const [asked, bulk] = [b.asked.bind(b), b.bulk.bind(b)];
  const stop = () => {
    Object.assign(b, { asked, bulk });
    t.piece = () => {};
  };
  const heard = { offer: undefined as unknown, header: undefined as unknown, pieces: [] as Buffer[], stop };
  const listeners: Pick<typeof b, "asked" | "bulk"> = {
    asked: (link, kind, body) => {
      if (kind === "move/offer") heard.offer = body;
      return asked(link, kind, body);
    },
    bulk: (peer, stream, header) => {
      heard.header = header;
      bulk(peer, stream, header);
    },
  };
  Object.assign(b, listeners);
  return heard;
}

await withCluster(["a", "b"], (t) => {
  for (const [what, send] of Object.entries(STREAMS))
    test(`a peer that sends ${what} is told so, and nothing is kept`, async () => {
      const evil = new Peer("evil");
      const offered = offer();
      await t.get("b").asked(evil, "move/offer", offered);
      const [mine, theirs] = duplexPair();
      mine.on("error", () => {});
      t.get("b").bulk("evil", theirs, { migration: offered.migration });
      send(mine);
      await until("it is declined", () => evil.heard.some(({ kind }) => kind === "move/declined"));
      await until("it is let go", () => t.get("b").moves === 0);
      nothingCame(t);
      assert.equal(t.directory.entries.has(999_999), false, "the directory heard nothing");
    });

  test("an offer that is malformed, repeated, or of what is here is refused", async () => {
    const b = t.get("b");
    const evil = new Peer("evil");
    for (const change of [
      { pid: -1 },
      { pid: 1.5 },
      { epoch: -1 },
      { epoch: "1" },
      { migration: "x" },
      { memoryBytes: 2 ** 50 },
      { home: "" },
    ])
      await assert.rejects(b.asked(evil, "move/offer", offer(change)), { code: "EPROTO" }, JSON.stringify(change));
    await assert.rejects(b.asked(evil, "move/offer", offer({ engine: "other" })), { code: "EIMAGE_ENGINE" });
    const twice = offer();
    await b.asked(evil, "move/offer", twice);
    await assert.rejects(b.asked(evil, "move/offer", twice), { code: "EEXIST" });
    b.told(evil, "move/cancel", { migration: twice.migration });
    await until("it is let go", () => b.moves === 0);
    const started = await t.test("b").start(`console.log("up"); receive();`);
    await started.printed("up");
    await assert.rejects(b.asked(evil, "move/offer", offer({ pid: started.pid, home: "b" })), { code: "EEXIST" });
    await b.node.signal(started.pid, "SIGKILL");
    assert.equal((await started.ended).status.code, 137);
    nothingCame(t);
  });

  test("who is not the peer of a move can neither cancel it, nor send for it, nor end it", async () => {
    const b = t.get("b");
    const [good, evil] = [new Peer("good"), new Peer("evil")];
    const offered = offer({ home: "good" });
    await b.asked(good, "move/offer", offered);
    const about = { migration: offered.migration };
    b.told(evil, "move/cancel", about);
    b.told(evil, "move/taken", about);
    b.told(evil, "move/declined", { ...about, reason: "no" });
    const [mine, theirs] = duplexPair();
    mine.on("error", () => {});
    b.bulk("evil", theirs, about);
    assert.ok(theirs.destroyed, "a stream of another's is closed");
    assert.equal(b.moves, 1, "the move goes on");
    assert.throws(() => b.told(evil, "move/whatever", about), { code: "EPROTO" });
    assert.throws(() => b.told(evil, "move/taken", "no object"), { code: "EPROTO" });
    b.told(good, "move/cancel", about);
    await until("it is let go", () => b.moves === 0);
    nothingCame(t);
  });

  test("a move has one stream: another for it is closed, and what was sent once is nothing when it is sent again", async () => {
    const [a, b] = [t.get("a"), t.get("b")];
    const started = await t.test("a").start(`
      let goesOn = true, n = 0;
      onSignal("SIGUSR1", () => { goesOn = false; });
      for (; goesOn; n++) { console.log("tick", n); sleep(2); }
      console.log("ticks", n);
    `);
    const { pid } = started;
    await started.printed("tick 2");
    const sent = overheard(t);
    const closed: boolean[] = [];
    const second = () => {
      const [mine, theirs] = duplexPair();
      mine.on("error", () => {});
      b.bulk("a", theirs, sent.header);
      mine.end(Buffer.concat(sent.pieces));
      closed.push(theirs.destroyed);
    };
    t.piece = (from, _to, bytes) => {
      if (from !== "a") return;
      sent.pieces.push(Buffer.from(bytes));
      second();
    };
    const { outcome, reason } = await a.migrate(pid, "b");
    sent.stop();
    assert.deepEqual([outcome, reason], ["moved", undefined]);
    assert.ok(closed.length >= 2 && closed.every(Boolean), `${closed.length} more streams, closed: ${closed.join()}`);
    second();
    assert.equal(closed.at(-1), true, "a move that is over has no stream");

    // The same offer and the same bytes, from the node that it came from: here it is, and then it is somewhere else.
    const replayer = new Peer("a");
    await assert.rejects(b.asked(replayer, "move/offer", sent.offer), { code: "EEXIST" });
    assert.equal((await a.migrate(pid, "a")).outcome, "moved");
    const before = t.directory.entries.get(pid);
    await b.asked(replayer, "move/offer", sent.offer);
    const [mine, theirs] = duplexPair();
    mine.on("error", () => {});
    b.bulk("a", theirs, sent.header);
    mine.write(Buffer.concat(sent.pieces));
    await until("it is declined", () => replayer.heard.some(({ kind }) => kind === "move/declined"));
    const declined = replayer.heard.find(({ kind }) => kind === "move/declined");
    assert.match(JSON.stringify(declined?.body), /the directory has given the process to another node/);
    await until("it is let go", () => b.moves === 0);
    assert.deepEqual(t.directory.entries.get(pid), before);
    mine.destroy();
    await a.node.signal(pid, "SIGUSR1");
    const lines = (await started.ended).stdout.split("\n").slice(0, -1);
    const ticks = lines.slice(0, -1);
    assert.deepEqual(
      ticks,
      Array.from(ticks, (_, n) => `tick ${n}`),
    );
    assert.equal(lines.at(-1), `ticks ${ticks.length}`);
    nothingCame(t);
  });

  test("a move that is refused after its stream was opened leaves no stream", async () => {
    const started = await t.test("a").start(`console.log("up"); receive();`);
    await started.printed("up");
    const { meddle } = t.directory;
    t.directory.meddle = () => ({ carryOut: false });
    t.streams.clear();
    const report = await t.get("a").migrate(started.pid, "b");
    t.directory.meddle = meddle;
    assert.equal(report.outcome, "stayed");
    assert.match(report.reason ?? "", /the directory does not answer/);
    assert.equal(t.streams.size, 1);
    await until("its end", () => [...t.streams.keys()].every(({ destroyed }) => destroyed));
    await until("it is let go", () => t.get("b").moves === 0);
    await t.get("a").node.signal(started.pid, "SIGKILL");
    assert.equal((await started.ended).status.code, 137);
    nothingCame(t);
  });

  test("a claim under a wrong epoch, by a wrong node or after the end changes nothing", async () => {
    const { claim, entries } = t.directory;
    const [a, b, c] = ["a", "b", "c"].map((node) => ({ node, epoch: 5 }));
    assert.ok(a !== undefined && b !== undefined && c !== undefined);
    assert.equal(await claim(77, b, { node: "c", epoch: 6 }, "a", "m1"), "superseded", "there is no entry");
    assert.equal(await claim(77, a, a, "a", "m1"), "won");
    assert.equal(await claim(77, { node: "a", epoch: 4 }, { node: "b", epoch: 5 }, "a", "m2"), "superseded");
    assert.equal(await claim(77, c, { node: "b", epoch: 6 }, "a", "m3"), "superseded");
    assert.equal(await claim(77, a, { node: "b", epoch: 6 }, "a", "m4"), "won");
    assert.equal(await claim(77, a, { node: "a", epoch: 6 }, "a", "m4"), "lost");
    assert.equal(await claim(77, a, { node: "c", epoch: 6 }, "a", "m5"), "superseded");
    entries.delete(77);
    assert.equal(await claim(77, { node: "b", epoch: 6 }, { node: "c", epoch: 7 }, "a", "m6"), "superseded");
  });
});
