/** Joining a cluster: tokens, identities, and what is sealed for its nodes. */

import assert from "node:assert/strict";
import { X509Certificate, randomBytes } from "node:crypto";
import { chmodSync, readFileSync, readdirSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join as joinPath } from "node:path";
import { after, before, describe, it } from "node:test";
import { decode, encode } from "cborg";
import type { Engine } from "../../src/cluster/engine.ts";
import { type EmbeddedServer, connectEmbedded, startEmbeddedServer } from "../../src/cluster/engines/embedded.ts";
import { authorityIn, readIdentity, writeIdentity } from "../../src/cluster/identity.ts";
import { identify } from "../../src/cluster/identity-authority.ts";
import { isSealed, open, seal } from "../../src/cluster/identity-seal.ts";
import { join, serveJoins } from "../../src/cluster/join.ts";
import { decodeToken, makeToken } from "../../src/cluster/join-token.ts";
import { LinkWorld } from "./link-node.ts";
import { coded } from "./link-suite.ts";

describe("joining", { timeout: 60_000 }, () => {
  const world = new LinkWorld();
  const state = joinPath(world.folder, "state");
  const log: string[] = [];
  let server: EmbeddedServer;
  let founder: Engine;
  let engine: Engine;
  before(async () => {
    server = await startEmbeddedServer({ folder: joinPath(world.folder, "engine") });
    founder = await connectEmbedded({ socket: server.socket });
    engine = await connectEmbedded({ socket: server.socket });
    await assert.rejects(makeToken(state), coded("ENOENT"));
    await authorityIn(state);
    await serveJoins(founder, state, (line) => log.push(line));
  });
  after(async () => {
    await founder?.close();
    await engine?.close();
    await server?.close();
    await world.close();
  });

  it("gives a machine with a token what it needs to speak to nodes", async () => {
    const authority = await authorityIn(state);
    const own = await identify(authority, "founder");
    const identity = await join(engine, `  ${await makeToken(state)}\n`, "joined");
    assert.equal(identity.cluster, authority.cluster);
    assert.deepEqual(identity.secret, authority.secret);
    assert.ok(new X509Certificate(identity.certificate).verify(new X509Certificate(authority.ca).publicKey));
    const path = joinPath(world.folder, "joined", "identity.json");
    writeIdentity(path, identity);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.deepEqual(readIdentity(path), identity);
    const address = "tls:127.0.0.1:0";
    const [a] = await Promise.all([
      world.start("founder", { identity: own, address }),
      world.start("joined", { identity: readIdentity(path), address }),
    ]);
    assert.equal(await (await a.links.to("joined")).request("echo", 7), 7);
    assert.deepEqual(log, ["node joined has joined the cluster"]);
  });

  it("takes a token once, and not after its time", async () => {
    const token = await makeToken(state);
    await join(engine, token, "once");
    await assert.rejects(join(engine, token, "twice"), coded("EACCES"));
    await assert.rejects(join(engine, token, "once"), coded("EEXIST"), "a new key is another machine");
    await assert.rejects(join(engine, await makeToken(state, { lifetimeMs: -1 }), "late"), coded("EACCES"));
    // Of several that have the same token, one is let in.
    const shared = await makeToken(state);
    const all = await Promise.allSettled(["r1", "r2", "r3"].map((name) => join(engine, shared, name)));
    assert.equal(all.filter(({ status }) => status === "fulfilled").length, 1);
  });

  it("answers again who did not hear the answer", async () => {
    let lost = 0;
    const request: Engine["messages"]["request"] = async (...args) => {
      await engine.messages.request(...args);
      lost++;
      return engine.messages.request(...args);
    };
    const identity = await join(
      { ...engine, messages: { ...engine.messages, request } },
      await makeToken(state),
      "deaf",
    );
    assert.equal(identity.name, "deaf");
    assert.equal(lost, 1);
  });

  it("gives no name twice, but to whom a token is for", async () => {
    await join(engine, await makeToken(state), "taken");
    const token = await makeToken(state);
    await assert.rejects(join(engine, token, "taken"), coded("EEXIST"));
    assert.equal((await join(engine, token, "free")).name, "free", "a refusal for the name does not use the token up");
    const named = await makeToken(state, { name: "taken" });
    await assert.rejects(join(engine, named, "other"), coded("EACCES"));
    assert.equal((await join(engine, named, "taken")).name, "taken");
    await assert.rejects(join(engine, await makeToken(state), "taken"), coded("EEXIST"));
    for (const name of ["", "../x", "a/b", "a b", "x".repeat(64)])
      await assert.rejects(join(engine, await makeToken(state), name), coded("EINVAL"));
  });

  it("refuses what is no token, and one of another cluster or secret", async () => {
    const token = await makeToken(state);
    for (const text of ["", "godwit-join-", token.slice(0, -20), `x${token}`, "godwit-join-AAAA"])
      await assert.rejects(join(engine, text, "n"), coded("EINVAL"));
    const remade = (change: object) =>
      `godwit-join-${Buffer.from(encode({ ...decodeToken(token), ...change })).toString("base64url")}`;
    await assert.rejects(join(engine, remade({ secret: new Uint8Array(randomBytes(32)) }), "n"), coded("EACCES"));
    await assert.rejects(join(engine, remade({ id: "0".repeat(32) }), "n"), coded("EACCES"));
    const elsewhere = remade({ cluster: "00000000-0000-4000-8000-000000000000" });
    await assert.rejects(join(engine, elsewhere, "n"), coded("ENONODE"));
    // It was not used up by any of them, and whoever gives another authority's certificate is not believed.
    await assert.rejects(join(engine, remade({ fingerprint: new Uint8Array(32) }), "n"), coded("EPROTO"));
  });

  it("keeps nothing of a token by which it could be used, and sends nothing that could be read", async () => {
    const token = await makeToken(state);
    const secret = Buffer.from(decodeToken(token).secret);
    const seen: Uint8Array[] = [];
    const request: Engine["messages"]["request"] = async (subject, body) => {
      const reply = await engine.messages.request(subject, body);
      seen.push(body, reply);
      return reply;
    };
    const identity = await join({ ...engine, messages: { ...engine.messages, request } }, token, "private");
    const folder = joinPath(state, "tokens");
    for (const file of readdirSync(folder)) {
      const content = readFileSync(joinPath(folder, file), "utf8");
      assert.equal(statSync(joinPath(folder, file)).mode & 0o077, 0);
      for (const form of ["base64url", "hex"] as const) assert.ok(!content.includes(secret.toString(form)));
    }
    assert.equal(seen.length, 2);
    for (const bytes of seen) {
      assert.equal(Buffer.from(bytes).indexOf(secret), -1);
      assert.equal(Buffer.from(bytes).indexOf(identity.secret), -1);
    }
  });

  it("survives applications that are garbage", async () => {
    const { cluster } = await authorityIn(state);
    const subject = `join/${cluster}`;
    const fields = {
      version: 1,
      token: "0".repeat(32),
      name: "n",
      request: new Uint8Array(9),
      share: new Uint8Array(44),
    };
    const bodies = [
      new Uint8Array(),
      new Uint8Array(randomBytes(500)),
      encode(null),
      encode({ ...fields, proof: new Uint8Array(31) }),
      encode({ ...fields, proof: new Uint8Array(32), token: "../authority.json" }),
      encode({ ...fields, proof: new Uint8Array(32), name: "../x" }),
      encode(decode(encode({ ...fields, proof: new Uint8Array(32) }))),
    ];
    for (const body of bodies)
      await assert.rejects(
        engine.messages.request(subject, body),
        (error) => coded("EPROTO")(error) || coded("EACCES")(error),
      );
    assert.equal((await join(engine, await makeToken(state), "after-garbage")).name, "after-garbage");
  });

  it("reads no file that others may read, or that is damaged", async () => {
    const path = joinPath(world.folder, "damaged.json");
    await assert.rejects(async () => readIdentity(path), coded("ENOENT"));
    writeIdentity(path, await identify(await authorityIn(state), "n"));
    chmodSync(path, 0o640);
    assert.throws(() => readIdentity(path), coded("EPERM"));
    chmodSync(path, 0o600);
    truncateSync(path, 100);
    assert.throws(() => readIdentity(path), coded("ECORRUPT"));
    writeFileSync(path, "{}");
    assert.throws(() => readIdentity(path), coded("ECORRUPT"));
  });

  it("opens what is sealed, whole and under its name, in its cluster", async () => {
    const identity = await authorityIn(state);
    for (const length of [0, 1, 100_000]) {
      const bytes = new Uint8Array(randomBytes(length));
      const sealed = seal(identity, "image/7", bytes);
      assert.ok(isSealed(sealed) && !isSealed(bytes));
      assert.deepEqual(new Uint8Array(open(identity, "image/7", sealed)), bytes);
      assert.notDeepEqual(seal(identity, "image/7", bytes), sealed);
      if (length > 50) assert.equal(Buffer.from(sealed).indexOf(bytes.subarray(0, 32)), -1);
      assert.throws(() => open(identity, "image/8", sealed), coded("ECORRUPT"));
      assert.throws(() => open({ secret: new Uint8Array(32) }, "image/7", sealed), coded("ECORRUPT"));
      for (const index of [0, 3, 4, 40, sealed.length - 17, sealed.length - 1]) {
        const altered = Uint8Array.from(sealed);
        altered[index] = (altered[index] ?? 0) ^ 1;
        assert.throws(() => open(identity, "image/7", altered), coded("ECORRUPT"), `byte ${index}`);
      }
      for (const cut of [1, 16, sealed.length]) {
        assert.throws(() => open(identity, "image/7", sealed.subarray(0, -cut)), coded("ECORRUPT"));
      }
    }
  });
});
