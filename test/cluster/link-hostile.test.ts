/** Links with those who should not be let in, with peers that misbehave, and with peers that die. */

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmodSync, mkdirSync, statSync } from "node:fs";
import { type Socket, connect } from "node:net";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { decode, encode } from "cborg";
import fc from "fast-check";
import * as v from "valibot";
import { connectEmbedded, startEmbeddedServer } from "../../src/cluster/engines/embedded.ts";
import { type Identity, writeIdentity } from "../../src/cluster/identity.ts";
import { foundCluster, identify } from "../../src/cluster/identity-authority.ts";
import { FrameReader, encodeBeat, encodeMessage } from "../../src/cluster/link-frame.ts";
import { greet } from "../../src/cluster/link-greeting.ts";
import { hear, say } from "../../src/cluster/link-parley.ts";
import { LINK_BUFFER_MAX_BYTES, LINK_GREETINGS_MAX, LINK_MESSAGE_MAX_BYTES } from "../../src/limits.ts";
import { Child } from "./child.ts";
import { until, within } from "./condition.ts";
import { CutProxy } from "./cut-proxy.ts";
import { type LinkNode, LinkWorld } from "./link-node.ts";
import { coded } from "./link-suite.ts";

const world = new LinkWorld();
after(() => world.close());
let names = 0;
const fresh = (prefix: string) => `${prefix}${++names}`;
const authority = () => LinkWorld.authority();
const TLS = { address: "tls:127.0.0.1:0" };

/** Closed from its other end, within its time. */
async function closed(socket: Socket): Promise<Buffer> {
  const pieces: Buffer[] = [];
  socket.on("data", (bytes: Buffer) => pieces.push(bytes)).on("error", () => {});
  if (!socket.closed) await within("being hung up on", once(socket, "close"));
  return Buffer.concat(pieces);
}

async function dial(node: LinkNode): Promise<Socket> {
  const socket = connect(world.socket(node.name));
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

/** Whether the node is there for others, after all. */
async function assertSound(node: LinkNode): Promise<void> {
  const other = await world.start(fresh("sound"));
  assert.equal(await (await other.links.to(node.name)).request("echo", 1), 1);
  await other.links.close();
}

describe("who is let in", { timeout: 90_000 }, () => {
  const refusedFor = async (identity: Identity, options: object, why: RegExp) => {
    const node = await world.start(fresh("n"), options);
    const stranger = await world.start(fresh("s"), { ...options, identity });
    for (const attempt of [() => stranger.links.to(node.name), () => stranger.links.bulk(node.name, 0)]) {
      await assert.rejects(attempt(), (error) => {
        assert.ok(coded("ENONODE")(error), String(error));
        assert.match((error as Error).message, why);
        return true;
      });
    }
    assert.ok(node.links.faults.refused > 0);
    assert.deepEqual(node.told, []);
    // And it is not believed when it is the one that is asked.
    world.addresses.set(identity.name, world.addresses.get(stranger.name) ?? "");
    await assert.rejects(node.links.to(identity.name), coded("ENONODE"));
    await Promise.all([node.links.close(), stranger.links.close()]);
    return node.log;
  };

  it("nobody who does not know the cluster's secret", async () => {
    const own = await identify(await authority(), "wrong-secret");
    const identity = { ...own, secret: new Uint8Array(randomBytes(32)) };
    await refusedFor(identity, {}, /does not know the cluster's secret/);
    await refusedFor(identity, TLS, /does not know the cluster's secret/);
  });

  it("nobody of another cluster", async () => {
    const own = await authority();
    const other = await foundCluster();
    await refusedFor(await identify(other, "other-cluster"), {}, /this node is of cluster/);
    await refusedFor(await identify(other, "other-cluster"), TLS, /certificate|hung up|broke/);
    // Even if they have learnt the secret.
    const informed = { ...(await identify(other, "other-ca")), cluster: own.cluster, secret: own.secret };
    await refusedFor(informed, TLS, /certificate|hung up|broke/);
    const log = await refusedFor({ ...informed, ca: own.ca }, TLS, /certificate|hung up|broke/);
    assert.match(log.join("\n"), /the certificate was not accepted: /);
  });

  it("nobody whose certificate has expired", async () => {
    const expired = await identify(await authority(), "expired", -1000);
    const log = await refusedFor(expired, TLS, /expired|hung up|broke/);
    assert.match(log.join("\n"), /the certificate was not accepted: CERT_HAS_EXPIRED/);
  });

  it("nobody under another name than the certified one", async () => {
    const identity = { ...(await identify(await authority(), "certified")), name: "pretended" };
    await refusedFor(identity, TLS, /the certificate is node certified's/);
  });

  it("no other node than the one that was meant", async () => {
    const [a, b, c] = await Promise.all(["a", "b", "c"].map((name) => world.start(fresh(name), TLS)));
    assert.ok(a !== undefined && b !== undefined && c !== undefined);
    world.addresses.set(b.name, world.addresses.get(c.name) ?? "");
    await assert.rejects(a.links.to(b.name), /where node b\d+ should be/);
    assert.deepEqual(c.told, []);
  });

  it("no repetition of what was heard before", async () => {
    const node = await world.start(fresh("n"));
    const peer = await world.start(fresh("p"));
    const heard: Buffer[] = [];
    const socket = await dial(node);
    const write = socket.write.bind(socket);
    socket.write = (bytes: Buffer) => {
      heard.push(Buffer.from(bytes));
      return write(bytes);
    };
    const identity = await identify(await authority(), peer.name);
    await greet(socket, identity, node.name, "session");
    assert.equal(heard.length, 2);
    const { refused } = node.links.faults;
    const again = await dial(node);
    again.write(Buffer.concat(heard));
    await closed(again);
    // Nor is a node's own proof one for it to be given back.
    const mirror = await dial(node);
    mirror.write(heard[0] ?? Buffer.alloc(0));
    const { proof } = await hear(mirror, v.looseObject({ proof: v.instance(Uint8Array) }));
    say(mirror, { proof });
    await closed(mirror);
    assert.equal(node.links.faults.refused, refused + 2);
    socket.destroy();
    await assertSound(node);
  });

  it("no garbage, and not for long who says nothing", async () => {
    const node = await world.start(fresh("n"));
    const length = (size: number) => Buffer.from(Uint32Array.of(size).buffer).swap32();
    const said = (message: unknown) => Buffer.concat([length(encode(message).length), encode(message)]);
    const hello = { protocol: "godwit-link", version: 1, cluster: "x", from: "x", to: node.name };
    const openings = [
      randomBytes(1000),
      Buffer.from("GET / HTTP/1.1\r\n\r\n"),
      length(0),
      length(2 ** 32 - 1),
      Buffer.concat([length(10), randomBytes(10)]),
      said(null),
      said({ ...hello, purpose: "session", nonce: new Uint8Array(31) }),
      said({ ...hello, purpose: "anything", nonce: new Uint8Array(32) }),
      said({ ...hello, from: "../x", purpose: "session", nonce: new Uint8Array(32) }),
      said({ refused: "no" }),
    ];
    for (const opening of openings) {
      const socket = await dial(node);
      socket.write(opening);
      await closed(socket);
    }
    assert.equal(node.links.faults.refused, openings.length);
    assert.ok(node.log.length > 0 && node.log.length < openings.length, "the log is not flooded");
    // Connections without a word take no more room than is theirs, and make it free again.
    const silent = await Promise.all(Array.from({ length: LINK_GREETINGS_MAX + 20 }, () => dial(node)));
    await Promise.all(silent.map(closed));
    await assertSound(node);
  });

  it("nobody who comes and goes, however many they are", async () => {
    const folder = join(world.folder, "engine");
    const server = await startEmbeddedServer({ folder });
    const engines = await Promise.all([0, 1, 2].map(() => connectEmbedded({ socket: server.socket })));
    const [own, engine, others] = engines;
    assert.ok(own !== undefined && engine !== undefined && others !== undefined);
    const node = await world.start(fresh("n"), { ...TLS, engine: own });
    const port = Number((world.addresses.get(node.name) ?? "").split(":")[2]);
    const asked = (subject: string, message: unknown) => engine.messages.request(subject, encode(message));
    const opened = v.object({ subject: v.string() });
    for (let count = 0; count < 2 * LINK_GREETINGS_MAX; count++) {
      const socket = connect({ host: "127.0.0.1", port });
      if (count % 2 === 0) socket.write(randomBytes(100));
      else socket.on("connect", () => socket.destroy());
      await closed(socket);
      const id = randomBytes(16).toString("hex");
      const reply = await asked(`link/${node.name}`, { op: "open", id, from: `link/x/${"0".repeat(16)}` });
      const { subject } = v.parse(opened, decode(reply));
      // Bytes that are not TLS's, out of order, or too many; and then nothing more.
      const at = count % 3 === 0 ? 0 : 5;
      await asked(subject, { op: "piece", id, at, bytes: new Uint8Array(randomBytes(100)) }).catch(() => {});
      if (count % 2 === 0) await asked(subject, { op: "break", id }).catch(() => {});
      else await assert.rejects(asked(subject, { op: "piece", id, at: 0, bytes: new Uint8Array(2 ** 18 + 1) }));
    }
    await assert.rejects(asked(`link/${node.name}`, "garbage"), coded("EPROTO"));
    // Those who said nothing more are given up in their time, and make room.
    const address = world.addresses.get(node.name) ?? "";
    for (const way of [address, "engine:"]) {
      const other = await world.start(fresh("o"), { address: "engine:", engine: others, resolve: () => [way] });
      await until(`a link by ${way}`, async () => (await (await other.links.to(node.name)).request("echo", 1)) === 1);
      await other.links.close();
    }
    await node.links.close();
    await Promise.all(engines.map((each) => each.close()));
    await server.close();
  });

  it("no user but one's own", async () => {
    const node = await world.start(fresh("n"));
    assert.equal(statSync(world.socket(node.name)).mode & 0o777, 0o600);
    const shared = join(world.folder, "shared");
    mkdirSync(shared);
    chmodSync(shared, 0o777);
    await assert.rejects(world.start(fresh("n"), { address: `unix:${shared}/x.sock` }), coded("EPERM"));
    await assert.rejects(world.start(fresh("n"), { address: `unix:${world.socket(node.name)}` }), coded("EADDRINUSE"));
    await assert.rejects(world.start(fresh("n"), { address: "http://x" }), coded("EINVAL"));
    await assert.rejects(world.start(fresh("n"), { address: "tls:127.0.0.1:99999" }), coded("EINVAL"));
    const made = join(world.folder, "made");
    await world.start(fresh("n"), { address: `unix:${made}/x.sock` });
    assert.equal(statSync(made).mode & 0o777, 0o700);
  });
});

/** A member of the cluster that says what it likes, on a session that it has with a node. */
async function rogue(node: LinkNode, name: string, session: string, yours: string | null) {
  const socket = await dial(node);
  const identity = await identify(await authority(), name);
  await greet(socket, identity, node.name, "session");
  // The node's name sorts first: it is the arbiter.
  assert.ok(node.name < name);
  say(socket, { mine: session, yours, received: 0 });
  const verdict = await hear(socket, v.looseObject({ mine: v.optional(v.string()), over: v.optional(v.boolean()) }));
  return { socket, theirs: verdict.mine, over: verdict.over };
}

describe("a peer that misbehaves", { timeout: 90_000 }, () => {
  it("loses the connection, and not the session", async () => {
    const node = await world.start(fresh("a"));
    const name = fresh("z");
    const session = `${"0".repeat(16)}.1`;
    let received = 0;
    let { socket, theirs } = await rogue(node, name, session, null);
    const link = await node.links.to(name);
    socket.write(encodeMessage(++received, 0, [0, "number", received]));
    await until("the message", () => node.told.length === received);
    const next = (content: unknown, confirmed = 0) => encodeMessage(received + 1, confirmed, content);
    const length = (size: number) => Buffer.from(Uint32Array.of(size).buffer).swap32();
    const attacks: readonly (() => Buffer)[] = [
      () => length(LINK_MESSAGE_MAX_BYTES + 100),
      () => length(3),
      () => Buffer.concat([length(20), Buffer.from([7]), randomBytes(19)]),
      () => encodeMessage(received + 2, 0, [0, "skipped one", 0]),
      () => encodeBeat(1000),
      () => next([0, "confirms what was never sent", 0], 1000),
      () => next("no message"),
      () => next([0, 1, 2]),
      () => next([1, -1, "echo", 0]),
      () => next([9, "x", 0]),
      () => Buffer.concat([next([0, "number", 0]).subarray(0, -1), Buffer.from([0xff])]),
      () => Buffer.concat([next([0, "number", 0]).subarray(0, 17), Buffer.alloc(100, 0x9f)]),
      () => Buffer.concat([next(0).subarray(0, 17), Buffer.alloc(9, 0x81)]),
      () => next(0).subarray(0, 10),
    ];
    for (const attack of attacks) {
      const { broken } = node.links.faults;
      // The last is broken off by ourselves.
      if (attack === attacks.at(-1)) socket.end(attack());
      else socket.write(attack());
      await closed(socket);
      assert.equal(node.links.faults.broken, broken + 1);
      // Back again with the same session: it goes on where it was.
      ({ socket, theirs } = await rogue(node, name, session, theirs ?? null));
      socket.write(encodeMessage(received, 0, [0, "number", "again"]));
      socket.write(encodeMessage(++received, 0, [0, "number", received]));
      await until("the next message", () => node.told.length === received);
    }
    assert.deepEqual(
      node.told,
      Array.from({ length: received }, (_, index) => index + 1),
    );
    // A reply to what was never asked is nothing; a request gets its answer.
    socket.write(encodeMessage(++received, 0, [2, 77, "unasked"]));
    socket.write(encodeMessage(++received, 0, [0, "number", "after"]));
    await until("what came after", () => node.told.includes("after"));
    let isLost = false;
    void link.lost.then(() => (isLost = true));
    await assertSound(node);
    assert.equal(isLost, false);
    socket.destroy();
  });

  it("cannot say that a session goes on that does not, or meddle with another's", async () => {
    const node = await world.start(fresh("a"));
    const name = fresh("z");
    const run = "1".repeat(16);
    const first = await rogue(node, name, `${run}.5`, null);
    const link = await node.links.to(name);
    assert.equal((await rogue(node, name, `${run}.5`, `${run}.9`)).over, true);
    assert.equal((await rogue(node, fresh("z"), `${run}.5`, first.theirs ?? "")).over, true, "another's session");
    // An earlier one is late, whatever became of it.
    await assert.rejects(rogue(node, name, `${run}.4`, null), coded("ECONNRESET"));
    const later = rogue(node, name, `${run}.6`, null);
    assert.ok(coded("ECONNRESET")(await within("the loss", link.lost)));
    (await later).socket.destroy();
    first.socket.destroy();
  });

  it("that takes nothing costs no more than the bound, and then the session", async () => {
    const proxied = fresh("b");
    const [a] = await Promise.all([world.start(fresh("a")), world.start(proxied)]);
    const proxy = new CutProxy({ path: world.socket(proxied) });
    await proxy.listen({ path: world.socket(`${proxied}-proxy`) });
    world.addresses.set(proxied, `unix:${world.socket(`${proxied}-proxy`)}`);
    const link = await a.links.to(proxied);
    proxy.hold();
    const body = new Uint8Array(2 ** 22);
    let sizeBytes = 0;
    let lost: Error | undefined;
    void link.lost.then((error) => (lost = error));
    while (lost === undefined && sizeBytes < 2 * LINK_BUFFER_MAX_BYTES) {
      link.tell("body", body);
      sizeBytes += body.length;
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(coded("ECONNRESET")(lost));
    assert.ok(sizeBytes <= LINK_BUFFER_MAX_BYTES + body.length, `${sizeBytes} bytes`);
    await link.drained();
    await proxy.close();
  });

  it("whose messages the handlers cannot take is refused those, and no more", async () => {
    const [a, b] = await Promise.all([world.start(fresh("a")), world.start(fresh("b"))]);
    b.onTold = (_link, kind) => {
      if (kind === "bad") throw new TypeError("it cannot be read");
    };
    const link = await a.links.to(b.name);
    link.tell("bad", 0);
    link.tell("good", 1);
    assert.equal(await link.request("echo", 2), 2);
    assert.deepEqual(b.told, [0, 1]);
    assert.equal(b.links.faults.failed, 1);
    b.onStream = () => {
      throw new TypeError("it cannot be read");
    };
    const stream = await a.links.bulk(b.name, 0);
    stream.on("error", () => {}).resume();
    await within("the stream's end", once(stream, "close"));
    assert.equal(b.links.faults.failed, 2);
  });
});

describe("a peer that dies", { timeout: 90_000 }, () => {
  for (const kind of ["unix", "tls"] as const) {
    it(`and is started again has lost the session (${kind})`, async () => {
      // Whichever of the two is the arbiter.
      for (const prefix of ["a", "z"]) {
        const node = await world.start(fresh("m"), kind === "tls" ? TLS : {});
        const name = fresh(prefix);
        const identity = join(world.folder, `${name}.json`);
        writeIdentity(identity, await identify(await authority(), name));
        const address = kind === "tls" ? TLS.address : `unix:${world.socket(name)}`;
        const argument = { identity, address, peer: node.name, peerAddress: world.addresses.get(node.name) };
        let child = Child.script("link-child.js", argument);
        try {
          world.addresses.set(name, await child.said("ready"));
          await until("its greeting", () => node.told.length === 1);
          const link = await node.links.to(name);
          const pending = link.request("echo", 1);
          assert.equal(await pending, 1);
          await child.end("SIGKILL");
          // It is gone, and the session waits for it: it might be the connection only.
          const waiting = link.request("echo", 2);
          waiting.catch(() => {});
          child = Child.script("link-child.js", argument);
          world.addresses.set(name, await child.said("ready"));
          assert.ok(coded("ECONNRESET")(await within("the loss", link.lost)));
          await assert.rejects(waiting, coded("ECONNRESET"));
          await until("its second greeting", () => node.told.length === 2);
          const anew = await node.links.to(name);
          anew.tell("number", 7);
          assert.equal(await anew.request("echo", 3), 3);
          assert.equal(await child.said("told"), "7");
          assert.doesNotMatch(child.output, /^lost/m);
        } finally {
          await child.end("SIGKILL");
          await node.links.close();
        }
      }
    });
  }
});

describe("frames", () => {
  it("come out as they went in, however they are split", () => {
    const contents = fc.array(fc.oneof(fc.string(), fc.integer(), fc.uint8Array({ maxLength: 300 })), {
      maxLength: 20,
    });
    fc.assert(
      fc.property(contents, fc.array(fc.integer({ min: 1, max: 400 })), (contents, splits) => {
        const frames = contents.map((content, index) => encodeMessage(index + 1, index, content));
        let rest = Buffer.concat([...frames, encodeBeat(contents.length)]);
        const reader = new FrameReader();
        const out: unknown[] = [];
        for (const split of [...splits, rest.length]) {
          for (const frame of reader.read(rest.subarray(0, split))) out.push(frame);
          rest = rest.subarray(split);
        }
        const messages = contents.map((content, index) => [index, { sequence: index + 1, content }]);
        const told = out.map((frame) => {
          const { received, message } = frame as { received: number; message?: { sequence: number; content: unknown } };
          return message === undefined
            ? [received]
            : [received, { sequence: message.sequence, content: message.content }];
        });
        assert.deepEqual(told, [...messages, [contents.length]]);
      }),
    );
  });

  it("that are none are refused with a coded error, and nothing else", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const reader = new FrameReader();
        const length = Buffer.from(Uint32Array.of(bytes.length).buffer).swap32();
        try {
          for (const _ of reader.read(Buffer.concat([length, bytes])));
        } catch (error) {
          assert.ok(coded("EPROTO")(error), String(error));
        }
      }),
    );
  });
});
