/** The embedded engine under hostile peers, slow peers, a full disk, and many deaths. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { type Socket, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { encode } from "cborg";
import fc from "fast-check";
import { readBlob } from "../../src/cluster/blob.ts";
import type { Engine } from "../../src/cluster/engine.ts";
import { connectEmbedded, startEmbeddedServer } from "../../src/cluster/engines/embedded.ts";
import {
  type ClientMessage,
  PROTOCOL,
  type ServerMessage,
  encodeFrame,
  serverMessages,
} from "../../src/cluster/engines/embedded/protocol.ts";
import { Store } from "../../src/cluster/engines/embedded/store.ts";
import { type ErrorCode, GodwitError } from "../../src/errors.ts";
import { CLUSTER_MESSAGE_MAX_BYTES, CLUSTER_OUT_MAX_BYTES, DIRECTORY_VALUE_MAX_BYTES } from "../../src/limits.ts";
import { Child, endChildren } from "./child.ts";
import { until, within } from "./condition.ts";

const coded = (code: ErrorCode) => (error: unknown) => error instanceof GodwitError && error.code === code;
const HELLO: ClientMessage = { type: "hello", protocol: PROTOCOL, version: 1 };

const folders: string[] = [];
function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "godwit-faults-"));
  folders.push(folder);
  return folder;
}
after(async () => {
  await endChildren();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A peer that says what it likes. */
class Raw {
  readonly socket: Socket;
  readonly heard: ServerMessage[] = [];
  readonly closed: Promise<void>;

  constructor(path: string) {
    this.socket = connect(path);
    const reader = serverMessages();
    this.socket.on("data", (bytes: Buffer) => this.heard.push(...reader.read(bytes)));
    this.socket.on("error", () => {});
    this.closed = new Promise((resolve) => this.socket.on("close", () => resolve()));
  }

  say(...messages: ClientMessage[]): void {
    for (const message of messages) this.socket.write(encodeFrame(message));
  }

  async hears(type: ServerMessage["type"]): Promise<ServerMessage> {
    await until(`a ${type}`, () => this.heard.some((message) => message.type === type));
    const found = this.heard.find((message) => message.type === type);
    assert.ok(found !== undefined);
    return found;
  }
}

/** Whether the engine still serves those who behave. */
async function works(engine: Engine): Promise<void> {
  const key = `works/${Math.random()}`;
  const revision = await engine.directory.create(key, new Uint8Array([1]));
  assert.equal((await engine.directory.get(key))?.revision, revision);
}

function frame(payload: Uint8Array, length = payload.length): Buffer {
  const header = Buffer.alloc(4);
  header.writeUInt32BE(length);
  return Buffer.concat([header, payload]);
}

describe("hostile peers", () => {
  it("are refused with a reason, whatever they send, and disturb nobody", async () => {
    const server = await startEmbeddedServer({ folder: newFolder() });
    const engine = await connectEmbedded(server);
    const hello = Buffer.from(encodeFrame(HELLO));
    const deep = frame(new Uint8Array(400_000).fill(0x81));
    const wide = frame(new Uint8Array([0x9b, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff]));
    const say = (message: unknown) => frame(encode(message));
    const openings: readonly [string, Buffer][] = [
      ["garbage", Buffer.from("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")],
      ["an empty frame", frame(new Uint8Array())],
      ["a frame that is too long", frame(new Uint8Array(8), 0xffffffff)],
      ["no map", say([1, 2])],
      ["deep nesting", deep],
      ["a list that says it is vast", wide],
      ["another protocol", say({ type: "hello", protocol: "other", version: 1 })],
      ["another version", say({ type: "hello", protocol: PROTOCOL, version: 2 })],
      ["no hello", say({ type: "get", id: 1, key: "k" })],
      ["a second hello", Buffer.concat([hello, hello])],
      ["an unknown type", Buffer.concat([hello, say({ type: "format", id: 1 })])],
      ["a field too many", Buffer.concat([hello, say({ type: "get", id: 1, key: "k", more: 1 })])],
      ["a wrong kind", Buffer.concat([hello, say({ type: "get", id: "1", key: "k" })])],
      ["a negative id", Buffer.concat([hello, say({ type: "get", id: -1, key: "k" })])],
      ["a key that is too long", Buffer.concat([hello, say({ type: "get", id: 1, key: "k".repeat(10_000) })])],
      [
        "a value that is too large",
        Buffer.concat([
          hello,
          say({
            type: "write",
            id: 1,
            key: "k",
            value: new Uint8Array(DIRECTORY_VALUE_MAX_BYTES + 1),
            revision: 0,
            mark: "m",
          }),
        ]),
      ],
      [
        "an id that is in use",
        Buffer.concat([hello, say({ type: "watch", id: 1, prefix: "" }), say({ type: "watch", id: 1, prefix: "" })]),
      ],
    ];
    for (const [what, bytes] of openings) {
      const raw = new Raw(server.socket);
      raw.socket.write(bytes);
      await raw.hears("refused");
      await within(`the end of ${what}`, raw.closed);
      await works(engine);
    }
    const truncated = new Raw(server.socket);
    truncated.socket.end(Buffer.concat([hello, frame(new Uint8Array(10), 1000)]));
    await within("the end of a truncated one", truncated.closed);
    const patient = new Raw(server.socket);
    for (const byte of hello) patient.socket.write(Buffer.from([byte]));
    await patient.hears("welcome");
    patient.socket.destroy();
    await works(engine);
    await engine.close();
    await server.close();
  });

  it("may send anything at all", async () => {
    const server = await startEmbeddedServer({ folder: newFolder() });
    const engine = await connectEmbedded(server);
    const hello = Buffer.from(encodeFrame(HELLO));
    const samples: ClientMessage[] = [
      { type: "write", id: 1, key: "data/k", value: new Uint8Array([1]), revision: 0, mark: "m" },
      { type: "watch", id: 2, prefix: "data/" },
      { type: "serve", id: 3, subject: "data/s" },
      { type: "request", id: 4, subject: "data/s", body: new Uint8Array(3) },
      { type: "reply", id: 1, body: new Uint8Array(3) },
      { type: "refuse", id: 7, code: "EWHAT", message: "m" },
      { type: "subscribe", id: 5, pattern: "" },
      { type: "publish", subject: "data/s", body: new Uint8Array(3) },
      { type: "stop", id: 2 },
    ];
    const valid = fc.constantFrom(...samples).map((message) => Buffer.from(encodeFrame(message)));
    const altered = fc.tuple(valid, fc.nat(), fc.nat(255)).map(([bytes, place, byte]) => {
      const copy = Buffer.from(bytes);
      copy[place % copy.length] = byte;
      return copy;
    });
    const noise = fc.uint8Array({ maxLength: 64 }).map((bytes) => frame(bytes));
    const talk = fc.array(fc.oneof({ weight: 3, arbitrary: valid }, altered, noise), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(talk, async (pieces) => {
        const raw = new Raw(server.socket);
        raw.socket.end(Buffer.concat([hello, ...pieces]));
        await within("the end of the talk", raw.closed);
      }),
      { numRuns: 150 },
    );
    await works(engine);
    await engine.close();
    await server.close();
  });

  it("who answer for an engine are not taken for one", async () => {
    const socket = join(newFolder(), "fake.sock");
    const fake = createServer((connection) => {
      connection.on("error", () => {});
      connection.resume();
      connection.write("HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    await new Promise<void>((resolve) => fake.listen(socket, resolve));
    await assert.rejects(connectEmbedded({ socket, timeoutMs: 300 }), coded("ECLUSTER"));
    await new Promise((resolve) => fake.close(resolve));
    await assert.rejects(connectEmbedded({ socket, timeoutMs: 300 }), coded("ECLUSTER"));
  });
});

describe("the engine's folder", () => {
  it("is one process's, private, whole and of this version, or it is refused", async () => {
    const folder = newFolder();
    const server = await startEmbeddedServer({ folder });
    const other = join(newFolder(), "other.sock");
    await assert.rejects(startEmbeddedServer({ folder, socket: other }), coded("ECLUSTER"));
    const engine = await connectEmbedded(server);
    await works(engine);
    await engine.close();
    await server.close();

    const open = newFolder();
    chmodSync(open, 0o777);
    await assert.rejects(startEmbeddedServer({ folder: open }), coded("EPERM"));
    await assert.rejects(
      startEmbeddedServer({ folder: newFolder(), socket: `/tmp/${"x".repeat(200)}` }),
      coded("EINVAL"),
    );

    const damaged = newFolder();
    writeFileSync(join(damaged, "directory.db"), Buffer.alloc(8192, "garbage"));
    await assert.rejects(startEmbeddedServer({ folder: damaged }), coded("ECORRUPT"));
  });

  it("keeps counting revisions, and knows a write that is tried again, after a restart", () => {
    const folder = newFolder();
    const write = { key: "k", value: new Uint8Array([1]), revision: 0, mark: "first" };
    let store = new Store(folder);
    assert.deepEqual(store.write([write], 1), [{ ok: true, revision: 1, isNew: true }]);
    assert.deepEqual(store.write([{ key: "k", value: null, revision: 1, mark: "second" }], 2), [
      { ok: true, revision: 2, isNew: true },
    ]);
    store.close();
    store = new Store(folder);
    assert.deepEqual(store.write([{ key: "k", value: null, revision: 1, mark: "second" }], 3), [
      { ok: true, revision: 2, isNew: false },
    ]);
    store.sweep(Date.now() * 2);
    store.close();
    store = new Store(folder);
    assert.deepEqual(store.write([{ ...write, mark: "third" }], 4), [{ ok: true, revision: 3, isNew: true }]);
    assert.deepEqual(store.keys(""), ["k"]);
    store.close();
  });
});

/** The memory of an OS process, bytes. */
function residentBytes(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(line?.[1]) * 1024;
}

describe("slow peers", () => {
  it("cost the engine no more than the bound, and are told the last state when they listen", async () => {
    const folder = newFolder();
    const daemon = Child.script("embedded-daemon.js", { folder });
    const socket = await daemon.said("ready");
    const engine = await connectEmbedded({ socket });
    const raw = new Raw(socket);
    raw.say(HELLO, { type: "watch", id: 1, prefix: "data/" }, { type: "subscribe", id: 2, pattern: "data/" });
    await raw.hears("current");
    await raw.hears("done");
    raw.socket.pause();
    const before = residentBytes(daemon.process.pid ?? 0);
    const value = new Uint8Array(DIRECTORY_VALUE_MAX_BYTES);
    let revision = await engine.directory.create("slow", value);
    const event = new Uint8Array(CLUSTER_MESSAGE_MAX_BYTES);
    for (let round = 0; round < 400; round++) {
      revision = await engine.directory.replace("slow", value, revision);
      if (round % 2 === 0) engine.messages.publish("event", event);
    }
    // 125 MB were on their way to it.
    const grown = residentBytes(daemon.process.pid ?? 0) - before;
    assert.ok(grown < 64 * 2 ** 20, `the engine grew by ${Math.round(grown / 2 ** 20)} MB`);
    raw.socket.resume();
    await until("the last state", () =>
      raw.heard.some((message) => message.type === "put" && message.revision === revision),
    );
    const events = raw.heard.filter(({ type }) => type === "event").length;
    assert.ok(events * CLUSTER_MESSAGE_MAX_BYTES < 2 * CLUSTER_OUT_MAX_BYTES, `${events} events were kept for it`);
    raw.socket.destroy();
    await engine.close();
    await daemon.end();
  });

  it("who serve are not given more requests than they take", async () => {
    const server = await startEmbeddedServer({ folder: newFolder() });
    const engine = await connectEmbedded(server);
    const raw = new Raw(server.socket);
    raw.say(HELLO, { type: "serve", id: 1, subject: "data/slow" });
    await raw.hears("done");
    raw.socket.pause();
    const body = new Uint8Array(CLUSTER_MESSAGE_MAX_BYTES);
    const codes = new Set<string>();
    const ask = async () => {
      try {
        await engine.messages.request("slow", body, { timeoutMs: 20_000 });
        codes.add("replied");
      } catch (error) {
        codes.add(error instanceof GodwitError ? error.code : String(error));
      }
    };
    const asked = Promise.all(Array.from({ length: 40 }, ask));
    await until("a refusal", () => codes.has("EAGAIN"));
    assert.deepEqual([...codes], ["EAGAIN"]);
    raw.socket.destroy();
    await within("the others' end", asked);
    assert.ok(codes.has("ECONNRESET") && !codes.has("replied"));
    await engine.close();
    await server.close();
  });
});

describe("deaths", () => {
  it("time and again in the middle of writes lose none that was acknowledged", async () => {
    const folder = newFolder();
    let daemon = Child.script("embedded-daemon.js", { folder });
    const socket = await daemon.said("ready");
    const writer = Child.script("writer.js", { place: { kind: "embedded", socket }, prefix: "deaths/" });
    const count = () => writer.output.split("\n").length;
    for (let death = 0; death < 4; death++) {
      const before = count();
      await until("writes between deaths", () => count() > before + 30);
      await daemon.end("SIGKILL");
      daemon = Child.script("embedded-daemon.js", { folder });
      await daemon.said("ready");
    }
    await writer.end("SIGKILL");
    const engine = await connectEmbedded({ socket });
    const entries = new Map((await engine.directory.list("deaths/")).map(({ key, revision }) => [key, revision]));
    for (const [, text] of writer.output.matchAll(/^wrote (.*)\n/gm)) {
      const { key, revision } = JSON.parse(text ?? "") as { key: string; revision: number };
      assert.equal(entries.get(key), revision, `${key} was acknowledged`);
    }
    assert.equal(new Set(entries.values()).size, entries.size, "no revision was given twice");
    await engine.close();
    await daemon.end();
  });

  it("of a writer leave no half of a blob", async () => {
    const folder = newFolder();
    const server = await startEmbeddedServer({ folder });
    const engine = await connectEmbedded(server);
    await engine.blobs.put("whole", new Uint8Array(1000).fill(7));
    const script = Child.script("blob-writer.js", { socket: server.socket, name: "whole" });
    await script.said("half");
    await script.end("SIGKILL");
    assert.deepEqual(await readBlob(engine.blobs, "whole", 1000), new Uint8Array(1000).fill(7));
    assert.equal((await engine.blobs.list("")).length, 1);
    assert.equal(readdirSync(join(folder, "blobs", ".partial")).length, 1, "what was begun is not a blob");
    await engine.close();
    await server.close();
  });
});

function mountSmall(folder: string): string | undefined {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=8m,mode=0700", "tmpfs", folder], { stdio: "pipe" });
    return undefined;
  } catch (error) {
    return `no small disk can be mounted: ${error instanceof Error ? error.message : String(error)}`;
  }
}

it("a full disk refuses what does not fit, keeps what there is, and takes more when there is room", async (t) => {
  const folder = join(newFolder(), "small");
  mkdirSync(folder);
  const problem = mountSmall(folder);
  if (problem !== undefined) {
    console.error(`NOT TESTED: a full disk: ${problem}`);
    return t.skip(problem);
  }
  // In an OS process of its own: what it has open keeps the disk mounted.
  const daemon = Child.script("embedded-daemon.js", { folder });
  try {
    const engine = await connectEmbedded({ socket: await daemon.said("ready") });
    const first = await engine.directory.create("first", new Uint8Array([1]));
    await engine.blobs.put("ballast", new Uint8Array(3 * 2 ** 20));
    await assert.rejects(engine.blobs.put("too large", new Uint8Array(16 * 2 ** 20)), coded("ENOSPC"));
    assert.deepEqual(
      (await engine.blobs.list("")).map(({ name }) => name),
      ["ballast"],
    );
    assert.deepEqual(readdirSync(join(folder, "blobs", ".partial")), []);
    let written = 0;
    const fill = async () => {
      for (; ; written++) await engine.directory.create(`fill/${written}`, new Uint8Array(DIRECTORY_VALUE_MAX_BYTES));
    };
    await assert.rejects(fill(), coded("ENOSPC"));
    assert.equal((await engine.directory.get("first"))?.revision, first);
    assert.equal((await engine.directory.list("fill/")).length, written);
    await engine.blobs.delete("ballast");
    await engine.directory.create("more", new Uint8Array(1000));
    await engine.close();
  } finally {
    await daemon.end();
    execFileSync("umount", [folder]);
  }
});
