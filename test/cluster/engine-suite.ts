/** What every engine must do. Each test works on names of its own, so that all share one world. */

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { keepLast, readBlob } from "../../src/cluster/blob.ts";
import type { Change, Engine, LeaseChange } from "../../src/cluster/engine.ts";
import { type ErrorCode, GodwitError, failure } from "../../src/errors.ts";
import {
  BLOB_SEGMENT_MAX_BYTES,
  CLUSTER_MESSAGE_MAX_BYTES,
  CLUSTER_PATH_MAX_BYTES,
  CLUSTER_SERVED_AT_ONCE_MAX,
  DIRECTORY_VALUE_MAX_BYTES,
  LEASE_DEFAULT_MS,
  LEASE_UNCONFIRMED_MAX_MS,
} from "../../src/limits.ts";
import { Child } from "./child.ts";
import { until, within } from "./condition.ts";
import { type Place, connectTo } from "./place.ts";

/** A running engine, and what can befall it. */
export interface World {
  readonly place: Place;
  /** Kills what keeps the directory, without warning, and has it back. */
  crash(): Promise<void>;
  /** Damages a stored blob's content: in the middle, or so that its end is missing. */
  damage(name: string, how: "altered" | "truncated"): Promise<void>;
  stop(): Promise<void>;
}

const bytes = (text: string) => new Uint8Array(Buffer.from(text));
const text = (value: Uint8Array | undefined) => (value === undefined ? undefined : Buffer.from(value).toString());
const coded = (code: ErrorCode) => (error: unknown) => error instanceof GodwitError && error.code === code;

/** Names that a file system, NATS or SQL could take amiss. */
const ODD = ["a.b", "*", ">", "..", ".", " ", "ü", "日本", "😀", "'", '"', "%", "_", "=", "=2e", "\n", "$JS", "con"];

export function engineSuite(name: string, start: () => Promise<World>, options: { skip?: string } = {}): void {
  describe(
    name,
    { ...(options.skip === undefined ? {} : { skip: options.skip }), timeout: 120_000, concurrency: 1 },
    () => {
      let world: World;
      let a: Engine;
      let b: Engine;
      before(async () => {
        world = await start();
        [a, b] = await Promise.all([connectTo(world.place), connectTo(world.place)]);
      });
      after(async () => {
        await a?.close();
        await b?.close();
        await world?.stop();
      });
      const engines = () => ({ a, b, world });
      describe("while it runs", { concurrency: true }, () => {
        describe("directory", { concurrency: 1 }, () => directoryTests(engines));
        describe("messages", { concurrency: 1 }, () => messageTests(engines));
        describe("leases", { concurrency: 1 }, () => leaseTests(engines));
        describe("blobs", { concurrency: 1 }, () => blobTests(engines));
        describe("arguments and ends", { concurrency: 1 }, () => boundaryTests(engines));
      });
      describe("crashes", () => crashTests(engines));
    },
  );
}

type Engines = () => { a: Engine; b: Engine; world: World };

function directoryTests(engines: Engines): void {
  it("creates, reads, replaces and deletes, each by revision", async () => {
    const { a, b } = engines();
    assert.equal(await a.directory.get("basic/key"), undefined);
    const first = await a.directory.create("basic/key", bytes("one"));
    assert.deepEqual(await b.directory.get("basic/key"), { key: "basic/key", value: bytes("one"), revision: first });
    await assert.rejects(b.directory.create("basic/key", bytes("two")), coded("EEXIST"));
    const second = await b.directory.replace("basic/key", bytes("two"), first);
    assert.ok(second > first);
    await assert.rejects(a.directory.replace("basic/key", bytes("three"), first), coded("ESTALE"));
    await assert.rejects(a.directory.delete("basic/key", first), coded("ESTALE"));
    await a.directory.delete("basic/key", second);
    assert.equal(await b.directory.get("basic/key"), undefined);
    await assert.rejects(b.directory.delete("basic/key", second), coded("ESTALE"));
    await assert.rejects(b.directory.replace("basic/key", bytes("x"), second), coded("ESTALE"));
    const third = await b.directory.create("basic/key", bytes("again"));
    assert.ok(third > second, "a revision is never used again");
    await assert.rejects(a.directory.replace("basic/key", bytes("late"), second), coded("ESTALE"));
  });

  it("lets one of several win a race, always", async () => {
    const { a, b } = engines();
    const won = await Promise.all(
      [a, b, a, b].map((each) =>
        each.directory.create("race/new", bytes("")).then(
          () => 1,
          () => 0,
        ),
      ),
    );
    assert.equal(
      won.reduce<number>((sum, one) => sum + one, 0),
      1,
    );
    await a.directory.create("race/count", bytes("0"));
    const add = async (engine: Engine) => {
      for (let done = 0; done < 50;) {
        const entry = await engine.directory.get("race/count");
        assert.ok(entry !== undefined);
        const next = bytes(String(Number(text(entry.value)) + 1));
        try {
          await engine.directory.replace("race/count", next, entry.revision);
          done++;
        } catch (error) {
          assert.ok(coded("ESTALE")(error), String(error));
        }
      }
    };
    await Promise.all([add(a), add(b), add(b)]);
    assert.equal(text((await a.directory.get("race/count"))?.value), "150");
  });

  it("lists what is below a prefix, whatever the names", async () => {
    const { a, b } = engines();
    const keys = ODD.flatMap((odd) => [`odd/${odd}`, `odd/below/${odd}/${odd}`]);
    await Promise.all(keys.map((key) => a.directory.create(key, bytes(key))));
    await a.directory.create("oddity", bytes("not below odd/"));
    const gone = await a.directory.create("odd/gone", bytes(""));
    await a.directory.delete("odd/gone", gone);
    const entries = await b.directory.list("odd/");
    assert.deepEqual(
      entries.map(({ key }) => key),
      [...keys].sort(),
    );
    for (const { key, value } of entries) assert.equal(text(value), key);
    assert.equal((await b.directory.list("odd/below/ü/")).length, 1);
    assert.deepEqual(await b.directory.list("nothing/"), []);
    assert.ok((await b.directory.list("")).length > keys.length);
  });

  it("takes values up to their bound, and none that is larger", async () => {
    const { a, b } = engines();
    const largest = new Uint8Array(randomBytes(DIRECTORY_VALUE_MAX_BYTES));
    await a.directory.create("size/largest", largest);
    await a.directory.create("size/empty", new Uint8Array());
    assert.deepEqual((await b.directory.get("size/largest"))?.value, largest);
    assert.deepEqual((await b.directory.get("size/empty"))?.value, new Uint8Array());
    const tooLarge = new Uint8Array(DIRECTORY_VALUE_MAX_BYTES + 1);
    await assert.rejects(a.directory.create("size/larger", tooLarge), coded("EMSGSIZE"));
  });

  it("tells a watch the state, and then every key's changes in order", async () => {
    const { a, b } = engines();
    const one = await a.directory.create("watch/one", bytes("1"));
    const dead = await a.directory.create("watch/dead", bytes("?"));
    await a.directory.delete("watch/dead", dead);
    const told = watching(b, "watch/");
    await until("the state", () => told.changes.some(({ kind }) => kind === "current"));
    assert.deepEqual(told.seen(), ["put one=1", "current"]);
    let revision = one;
    for (let value = 2; value <= 20; value++)
      revision = await a.directory.replace("watch/one", bytes(String(value)), revision);
    const two = await a.directory.create("watch/two", bytes("2"));
    await a.directory.delete("watch/one", revision);
    await a.directory.create("elsewhere", bytes("not told"));
    await until("the last changes", () => told.seen().includes("put two=2") && told.seen().includes("delete one"));
    told.stop();
    // Intermediate values may be left out, but what is told comes in order, and the last value is.
    const values = told
      .seen()
      .filter((line) => line.startsWith("put one="))
      .map((line) => Number(line.slice(8)));
    assert.deepEqual(
      values,
      [...values].sort((x, y) => x - y),
    );
    const deleted = told.changes.find((change) => change.kind === "delete");
    assert.ok(deleted?.kind === "delete" && deleted.revision <= revision);
    assert.equal(told.seen().filter((line) => line === "current").length, 1);
    await a.directory.delete("watch/two", two);
    await a.directory.get("watch/two");
    assert.ok(!told.seen().includes("delete two"), "nothing is told after the stop");
  });

  it("tells an empty state as current, and the last state of what changes quickly", async () => {
    const { a, b } = engines();
    const told = watching(b, "quick/");
    await until("the state", () => told.seen().includes("current"));
    assert.deepEqual(told.seen(), ["current"]);
    const hurry = async (key: string) => {
      for (let round = 0; round < 10; round++) {
        const revision = await a.directory.create(`quick/${key}`, bytes(String(round)));
        if (round < 9) await a.directory.delete(`quick/${key}`, revision);
      }
    };
    await Promise.all(["x", "y", "z"].map(hurry));
    const last = () => Object.fromEntries(told.state);
    await until("the last state", () => ["x", "y", "z"].every((key) => last()[key] === "9"));
    told.stop();
  });
}

/** A watch, what it told, and the state that comes of it. */
function watching(engine: Engine, prefix: string) {
  const changes: Change[] = [];
  const state = new Map<string, string>();
  const short = (key: string) => key.slice(prefix.length);
  const watch = engine.directory.watch(prefix, (change) => {
    changes.push(change);
    if (change.kind === "put") state.set(short(change.entry.key), text(change.entry.value) ?? "");
    if (change.kind === "delete") state.delete(short(change.key));
  });
  const line = (change: Change) => {
    if (change.kind === "put") return `put ${short(change.entry.key)}=${text(change.entry.value)}`;
    return change.kind === "delete" ? `delete ${short(change.key)}` : "current";
  };
  return { changes, state, seen: () => changes.map(line), stop: () => watch.stop() };
}

/** Asks until the subject's server is known everywhere: in a cluster of servers that takes a moment. */
async function reachable(engine: Engine, subject: string): Promise<void> {
  await until(`someone who serves ${subject}`, async () => {
    try {
      await engine.messages.request(subject, bytes("ping"));
    } catch (error) {
      if (coded("ENONODE")(error)) return false;
    }
    return true;
  });
}

function messageTests(engines: Engines): void {
  it("asks and answers, with bodies up to their bound", async () => {
    const { a, b } = engines();
    const served = await a.messages.serve("echo/ü .*>", (body, subject) => Buffer.concat([bytes(`${subject}:`), body]));
    await reachable(b, "echo/ü .*>");
    assert.equal(text(await b.messages.request("echo/ü .*>", bytes("hello"))), "echo/ü .*>:hello");
    const whole = await a.messages.serve("echo/whole", (body) => body);
    await reachable(b, "echo/whole");
    const largest = new Uint8Array(randomBytes(CLUSTER_MESSAGE_MAX_BYTES));
    assert.ok(Buffer.from(await b.messages.request("echo/whole", largest)).equals(largest));
    const tooLarge = new Uint8Array(CLUSTER_MESSAGE_MAX_BYTES + 1);
    await assert.rejects(b.messages.request("echo/whole", tooLarge), coded("EMSGSIZE"));
    served.stop();
    whole.stop();
    await until("its end", () => b.messages.request("echo/whole", bytes("")).then(() => false, coded("ENONODE")));
  });

  it("says at once when nobody serves a subject", async () => {
    const { b } = engines();
    const began = performance.now();
    await assert.rejects(b.messages.request("nobody/home", bytes("?"), { timeoutMs: 10_000 }), coded("ENONODE"));
    assert.ok(performance.now() - began < 2_000);
  });

  it("gives up a request after its time, and passes on what the server throws", async () => {
    const { a, b } = engines();
    const served = await a.messages.serve("throws", (body) => {
      if (text(body) === "coded") throw failure("ENOSPC", "the shelf is full");
      if (text(body) === "bug") throw new TypeError("oops");
      if (text(body) === "large") return new Uint8Array(CLUSTER_MESSAGE_MAX_BYTES + 1);
      return text(body) === "ping" ? body : new Promise(() => {});
    });
    await reachable(b, "throws");
    await assert.rejects(b.messages.request("throws", bytes("coded")), (error) => {
      return coded("ENOSPC")(error) && (error as Error).message === "the shelf is full";
    });
    await assert.rejects(b.messages.request("throws", bytes("bug")), coded("ENODE"));
    await assert.rejects(b.messages.request("throws", bytes("large")), coded("EMSGSIZE"));
    await assert.rejects(b.messages.request("throws", bytes("never"), { timeoutMs: 100 }), coded("ETIMEDOUT"));
    served.stop();
  });

  it("bounds what a server carries out at once", async () => {
    const { a, b } = engines();
    const waiting: (() => void)[] = [];
    const served = await a.messages.serve("busy", (body) => {
      if (text(body) === "ping") return body;
      return new Promise<Uint8Array>((resolve) => waiting.push(() => resolve(body)));
    });
    await reachable(b, "busy");
    const asked = Array.from({ length: CLUSTER_SERVED_AT_ONCE_MAX }, () =>
      b.messages.request("busy", bytes("wait"), { timeoutMs: 20_000 }),
    );
    await until("all of them under way", () => waiting.length === CLUSTER_SERVED_AT_ONCE_MAX);
    await assert.rejects(b.messages.request("busy", bytes("one more")), coded("EAGAIN"));
    for (const answer of waiting) answer();
    await Promise.all(asked);
    assert.equal(text(await b.messages.request("busy", bytes("ping"))), "ping");
    served.stop();
  });

  it("asks one of several servers of a subject", async () => {
    const { a, b } = engines();
    const asked: string[] = [];
    const serveAs = (engine: Engine, name: string) =>
      engine.messages.serve("shared", (body) => {
        asked.push(name);
        return body;
      });
    const both = [await serveAs(a, "a"), await serveAs(b, "b")];
    await reachable(a, "shared");
    await reachable(b, "shared");
    asked.length = 0;
    for (let round = 0; round < 40; round++) await a.messages.request("shared", bytes(""));
    assert.equal(asked.length, 40, "each request is carried out once");
    both[0]?.stop();
    await until("only the other", async () => {
      asked.length = 0;
      await a.messages.request("shared", bytes(""));
      return asked.join() === "b";
    });
    both[1]?.stop();
  });

  it("tells events to all who listen, one publisher's in order", async () => {
    const { a, b } = engines();
    const heard: string[][] = [[], [], []];
    const listen = (engine: Engine, subject: string, index: number) =>
      engine.messages.subscribe(subject, (body, from) => heard[index]?.push(`${from}=${text(body)}`));
    const subscriptions = [await listen(a, "news/", 0), await listen(b, "news/today", 1), await listen(b, "", 2)];
    await until("being heard everywhere", () => {
      a.messages.publish("news/today", bytes("warm-up"));
      return heard.every((lines) => lines.length > 0);
    });
    for (let number = 0; number < 100; number++) a.messages.publish("news/today", bytes(String(number)));
    a.messages.publish("news/old/er", bytes("deep"));
    a.messages.publish("newsless", bytes("not below news/"));
    a.messages.publish("end", bytes(""));
    await until(
      "the last event",
      () => heard[2]?.includes("end=") === true && heard[0]?.includes("news/old/er=deep") === true,
    );
    const numbers = (index: number) =>
      heard[index]?.filter((line) => /^news\/today=\d+$/.test(line)).map((line) => Number(line.slice(11)));
    const all = Array.from({ length: 100 }, (_, number) => number);
    assert.deepEqual(numbers(0), all);
    await until("the second's last", () => numbers(1)?.length === 100);
    assert.deepEqual(numbers(1), all);
    assert.deepEqual(numbers(2), all);
    assert.ok(heard[0]?.every((line) => line.startsWith("news/")));
    for (const subscription of subscriptions) subscription.stop();
  });
}

/** As nodes have it. A holder that is alone holds it by writes, which take their time on a busy machine. */
const TTL_MS = LEASE_DEFAULT_MS;
/** Where half of the holders have died, as in two of these tests at once, that takes longer to be known. */
const DEATH_MAX_MS = 2 * LEASE_UNCONFIRMED_MAX_MS;

function leaseTests(engines: Engines): void {
  const leases = (engine: Engine) => {
    const told: LeaseChange[] = [];
    const watch = engine.leases.watch((change) => told.push(change));
    const has = (kind: "held" | "ended", token: number) =>
      told.some((each) => each.kind === kind && (each.kind === "held" ? each.holding.token : each.token) === token);
    return { told, has, stop: () => watch.stop() };
  };

  it("are held by one at a time, and told to all", async () => {
    const { a, b } = engines();
    const watch = leases(b);
    const lease = await a.leases.acquire("one/at a time", bytes("me"), { ttlMs: TTL_MS });
    assert.ok(lease.held);
    await assert.rejects(b.leases.acquire("one/at a time", bytes("you")), coded("EEXIST"));
    await until("the holding", () => watch.has("held", lease.token));
    const held = watch.told.find((each) => each.kind === "held" && each.holding.token === lease.token);
    assert.deepEqual(held?.kind === "held" && held.holding, {
      name: "one/at a time",
      token: lease.token,
      value: bytes("me"),
    });
    await lease.release();
    assert.ok(!lease.held);
    await until("the end", () => watch.has("ended", lease.token));
    const next = await b.leases.acquire("one/at a time", bytes("you"), { ttlMs: TTL_MS });
    assert.ok(next.token > lease.token);
    const late = leases(a);
    await until(
      "a late watcher's state",
      () => late.has("held", next.token) && late.told.some(({ kind }) => kind === "current"),
    );
    await next.release();
    watch.stop();
    late.stop();
  });

  it("last longer than their time while the holder lives", async () => {
    const { a, b } = engines();
    const watch = leases(b);
    const lease = await a.leases.acquire("long", bytes(""), { ttlMs: TTL_MS });
    const began = performance.now();
    await until("three times its time", () => performance.now() - began > 3 * TTL_MS);
    assert.ok(lease.held);
    assert.ok(!watch.has("ended", lease.token));
    await lease.release();
    watch.stop();
  });

  it("end when their holder is killed, and can be had then", async () => {
    const { a, b, world } = engines();
    const watch = leases(b);
    const holder = Child.script("holder.js", { place: world.place, name: "killed", ttlMs: TTL_MS });
    try {
      const token = Number(await holder.said("token"));
      await until("the holding", () => watch.has("held", token));
      await holder.end("SIGKILL");
      const began = performance.now();
      await until("the end", () => watch.has("ended", token), DEATH_MAX_MS);
      assert.ok(performance.now() - began > TTL_MS / 2, "not before its time");
      const next = await a.leases.acquire("killed", bytes("next"), { ttlMs: TTL_MS });
      assert.ok(next.token > token);
      await next.release();
    } finally {
      await holder.end();
      watch.stop();
    }
  });

  it("end when their holder is stopped, who knows it as soon as it goes on", async () => {
    const { a, b, world } = engines();
    const watch = leases(a);
    const holder = Child.script("holder.js", { place: world.place, name: "stopped", ttlMs: TTL_MS });
    try {
      const token = Number(await holder.said("token"));
      await until("the holding", () => watch.has("held", token));
      holder.process.kill("SIGSTOP");
      await until("the end", () => watch.has("ended", token), DEATH_MAX_MS);
      const next = await b.leases.acquire("stopped", bytes("next"), { ttlMs: TTL_MS });
      holder.process.kill("SIGCONT");
      assert.equal(await holder.said("woke"), "false");
      assert.match(await holder.said("lost"), /the lease stopped was lost/);
      assert.ok(next.held, "the old holder does not disturb the new one");
      await next.release();
    } finally {
      await holder.end();
      watch.stop();
    }
  });
}

/** `count` MB of which every one is different, made as it is asked for. */
async function* megabytes(count: number): AsyncGenerator<Uint8Array> {
  const block = randomBytes(2 ** 20);
  for (let number = 0; number < count; number++) {
    block.writeUInt32LE(number);
    yield new Uint8Array(block);
  }
}

function blobTests(engines: Engines): void {
  it("stores what is large, and gives it back as it was", async () => {
    const { a, b } = engines();
    const hash = createHash("sha256");
    const source = async function* () {
      for await (const piece of megabytes(64)) {
        hash.update(piece);
        yield piece;
      }
    };
    const facts = await a.blobs.put("large/one", source());
    const sha256 = hash.digest("hex");
    assert.deepEqual([facts.name, facts.sizeBytes, facts.sha256], ["large/one", 64 * 2 ** 20, sha256]);
    assert.ok(Math.abs(Date.now() - facts.storedMs) < 60_000);
    const back = createHash("sha256");
    const blob = await b.blobs.get("large/one");
    for await (const piece of blob.content) back.update(piece);
    assert.equal(back.digest("hex"), sha256);
    assert.ok(await b.blobs.delete("large/one"));
    assert.ok(!(await a.blobs.delete("large/one")));
    await assert.rejects(a.blobs.get("large/one"), coded("ENOENT"));
  });

  it("replaces, lists by prefix, keeps the last ones and deletes, whatever the names", async () => {
    const { a, b } = engines();
    await a.blobs.put("images/7/0001", bytes("old"));
    await a.blobs.put("images/7/0001", bytes("new"));
    assert.equal(text(await readBlob(b.blobs, "images/7/0001", 10)), "new");
    await assert.rejects(readBlob(b.blobs, "images/7/0001", 2), coded("EMSGSIZE"));
    await a.blobs.put("images/7/0002", new Uint8Array());
    assert.deepEqual(await readBlob(b.blobs, "images/7/0002", 0), new Uint8Array());
    await a.blobs.put("images/7", bytes("beside the ones below it"));
    await a.blobs.put("images/70/1", bytes("not below images/7/"));
    assert.deepEqual(
      (await b.blobs.list("images/7/")).map(({ name }) => name),
      ["images/7/0001", "images/7/0002"],
    );
    assert.deepEqual(
      (await keepLast(b.blobs, "images/7/", 1)).map(({ name }) => name),
      ["images/7/0002"],
    );
    assert.deepEqual(
      (await b.blobs.list("images/")).map(({ name }) => name),
      ["images/7", "images/7/0002", "images/70/1"],
    );
    for (const odd of ODD) await a.blobs.put(`odd/${odd}/${odd}`, bytes(odd));
    assert.deepEqual(
      (await b.blobs.list("odd/")).map(({ name }) => name),
      ODD.map((odd) => `odd/${odd}/${odd}`).sort(),
    );
    for (const odd of ODD) assert.equal(text(await readBlob(b.blobs, `odd/${odd}/${odd}`, 100)), odd);
    await assert.rejects(b.blobs.get("images/8/none"), coded("ENOENT"));
  });

  it("stores nothing when the content fails half-way, and keeps what was there", async () => {
    const { a, b } = engines();
    await a.blobs.put("half/way", bytes("before"));
    const failing = async function* () {
      yield* megabytes(3);
      throw new RangeError("no more");
    };
    await assert.rejects(a.blobs.put("half/way", failing()), RangeError);
    await assert.rejects(a.blobs.put("half/new", failing()), RangeError);
    assert.equal(text(await readBlob(b.blobs, "half/way", 10)), "before");
    assert.deepEqual(
      (await b.blobs.list("half/")).map(({ name }) => name),
      ["half/way"],
    );
  });

  for (const how of ["altered", "truncated"] as const) {
    it(`does not give out one that was ${how} as whole`, async () => {
      const { a, world } = engines();
      await a.blobs.put(`damaged/${how}`, megabytes(5));
      await world.damage(`damaged/${how}`, how);
      await assert.rejects(readBlob(a.blobs, `damaged/${how}`, 2 ** 30), coded("ECORRUPT"));
    });
  }
}

function boundaryTests(engines: Engines): void {
  it("refuse names and numbers that make no sense", async () => {
    const { a } = engines();
    const long = "x".repeat(CLUSTER_PATH_MAX_BYTES + 1);
    for (const key of ["", "/", "a/", "/a", "a//b", "\ud800", "a\0b", long]) {
      await assert.rejects(a.directory.get(key), coded("EINVAL"), JSON.stringify(key));
      await assert.rejects(a.messages.request(key, bytes("")), coded("EINVAL"), JSON.stringify(key));
      await assert.rejects(a.leases.acquire(key, bytes("")), coded("EINVAL"), JSON.stringify(key));
      await assert.rejects(a.blobs.put(key, bytes("")), coded("EINVAL"), JSON.stringify(key));
    }
    for (const prefix of ["a", "/", "a//", "\ud800/"]) {
      await assert.rejects(a.directory.list(prefix), coded("EINVAL"), JSON.stringify(prefix));
      assert.throws(() => a.directory.watch(prefix, () => {}), coded("EINVAL"));
    }
    await assert.rejects(a.blobs.put("y".repeat(BLOB_SEGMENT_MAX_BYTES + 1), bytes("")), coded("EINVAL"));
    for (const revision of [0, -1, 1.5, NaN, 2 ** 60]) {
      await assert.rejects(a.directory.replace("k", bytes(""), revision), coded("EINVAL"), String(revision));
    }
    await assert.rejects(a.leases.acquire("ttl", bytes(""), { ttlMs: 1 }), coded("EINVAL"));
    const whole = "k".repeat(CLUSTER_PATH_MAX_BYTES);
    await a.directory.create(whole, bytes("as long as may be"));
    assert.equal(text((await a.directory.get(whole))?.value), "as long as may be");
  });

  it("end what is under way when the engine is closed", async () => {
    const { a, world } = engines();
    const c = await connectTo(world.place);
    const served = await a.messages.serve("closing", (body) => (text(body) === "ping" ? body : new Promise(() => {})));
    await reachable(c, "closing");
    const lease = await c.leases.acquire("closing", bytes(""), { ttlMs: TTL_MS });
    let wasLost = false;
    void lease.lost.then(() => (wasLost = true));
    const asked = c.messages.request("closing", bytes(""));
    asked.catch(() => {});
    await c.close();
    await assert.rejects(within("the request's end", asked), coded("ECANCELED"));
    await assert.rejects(within("a get", c.directory.get("k")), coded("ECANCELED"));
    await assert.rejects(within("a list", c.directory.list("")), coded("ECANCELED"));
    await assert.rejects(
      within(
        "a subscription",
        c.messages.subscribe("k", () => {}),
      ),
      coded("ECANCELED"),
    );
    c.messages.publish("k", bytes("into the void"));
    assert.ok(!lease.held);
    await until(
      "the closed one's lease to be free",
      async () => {
        const next = await a.leases.acquire("closing", bytes(""), { ttlMs: TTL_MS });
        await next.release();
        return true;
      },
      DEATH_MAX_MS,
    );
    assert.ok(!wasLost, "who closes does not lose");
    served.stop();
  });
}

function crashTests(engines: Engines): void {
  it("lose no write that was acknowledged, nor a watch's last state", async () => {
    const { a, b, world } = engines();
    const writer = Child.script("writer.js", { place: world.place, prefix: "crash/" });
    const told = watching(b, "crash/");
    const acknowledged = () =>
      [...writer.output.matchAll(/^wrote (.*)\n/gm)].map(
        (match) => JSON.parse(match[1] ?? "") as { key: string; revision: number },
      );
    try {
      const doomed = await a.directory.create("crash/doomed", bytes("to be deleted"));
      await until("writes", () => {
        if (writer.isEnded) throw new Error(writer.output);
        return acknowledged().length > 100;
      });
      await until("the watch", () => told.state.has("doomed"));
      await world.crash();
      const before = acknowledged().length;
      await a.directory.delete("crash/doomed", doomed, { timeoutMs: 30_000 });
      await until("more writes", () => acknowledged().length > before + 20, 30_000);
      await writer.end("SIGKILL");
      const entries = new Map(
        (await a.directory.list("crash/", { timeoutMs: 30_000 })).map((entry) => [entry.key, entry]),
      );
      for (const { key, revision } of acknowledged()) {
        assert.equal(entries.get(key)?.revision, revision, `${key} was acknowledged`);
        assert.equal(text(entries.get(key)?.value), `value of ${key}`);
      }
      await until("the watch's state", () => told.state.size === entries.size && !told.state.has("doomed"));
      const puts = told.seen().filter((line) => line.startsWith("put "));
      assert.equal(new Set(puts).size, puts.length, "nothing is told twice");
    } finally {
      await writer.end();
      told.stop();
    }
  });

  it("leave leases, served subjects and subscriptions in force", async () => {
    const { a, b, world } = engines();
    const served = await a.messages.serve("surviving", (body) => body);
    let heard = 0;
    const subscription = await a.messages.subscribe("surviving events", () => heard++);
    await reachable(b, "surviving");
    const blob = await a.blobs.put("surviving", megabytes(2));
    await world.crash();
    await until(
      "an answer",
      async () => text(await b.messages.request("surviving", bytes("ping"), { timeoutMs: 1_000 })) === "ping",
      30_000,
    );
    await until("an event", () => {
      b.messages.publish("surviving events", bytes(""));
      return heard > 0;
    });
    const again = await b.blobs.get("surviving");
    assert.equal(again.sha256, blob.sha256);
    assert.equal((await readBlob(b.blobs, "surviving", 2 ** 30)).length, 2 * 2 ** 20);
    const lease = await a.leases.acquire("after", bytes(""), { ttlMs: TTL_MS });
    assert.ok(lease.held);
    await lease.release();
    served.stop();
    subscription.stop();
  });
}
