/**
 * The NATS engine with credentials and TLS, on servers that are not fit, with races on three servers, and what it tidies up.
 *
 * @alone: it measures how soon a fault is told
 */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect, nkeys } from "@nats-io/transport-node";
import { readBlob } from "../../src/cluster/blob.ts";
import type { Change } from "../../src/cluster/engine.ts";
import { type NatsOptions, connectNatsEngine, connectNatsGround } from "../../src/cluster/engines/nats.ts";
import { type ErrorCode, GodwitError } from "../../src/errors.ts";
import { CLUSTER_MESSAGE_MAX_BYTES } from "../../src/limits.ts";
import { endChildren } from "./child.ts";
import { until, within } from "./condition.ts";
import { NatsServers, findNatsServer } from "./nats-server.ts";

const found = await findNatsServer();
if ("missing" in found) console.error(`NOT TESTED: the NATS engine's credentials, TLS and faults: ${found.missing}`);
const path = "path" in found ? found.path : "";
const coded = (code: ErrorCode) => (error: unknown) => error instanceof GodwitError && error.code === code;
const value = (text: string) => new Uint8Array(Buffer.from(text));

async function withServers(
  start: () => Promise<NatsServers>,
  use: (servers: NatsServers, address: string) => Promise<void>,
): Promise<void> {
  const servers = await start();
  try {
    await use(servers, (servers.urls[0] ?? "").replace("nats://", ""));
  } finally {
    await servers.stop();
  }
}

async function worksWith(options: NatsOptions): Promise<void> {
  const engine = await connectNatsEngine(options);
  const key = `works/${randomUUID()}`;
  const revision = await engine.directory.create(key, value("1"));
  assert.equal((await engine.directory.get(key))?.revision, revision);
  await engine.close();
}

async function isRefused(options: NatsOptions): Promise<void> {
  const began = performance.now();
  await assert.rejects(connectNatsEngine(options), coded("ECLUSTER"));
  assert.ok(performance.now() - began < 5_000, "it is said soon");
}

/** A claim as NATS signs it: a JWT by an NKey. */
function claim(signer: nkeys.KeyPair, subject: nkeys.KeyPair, name: string, nats: object): string {
  const part = (content: object) => Buffer.from(JSON.stringify(content)).toString("base64url");
  const issued = { jti: randomUUID(), iat: Math.floor(Date.now() / 1000), iss: signer.getPublicKey() };
  const body = part({ ...issued, name, sub: subject.getPublicKey(), nats: { ...nats, version: 2 } });
  const signed = `${part({ typ: "JWT", alg: "ed25519-nkey" })}.${body}`;
  return `${signed}.${Buffer.from(signer.sign(Buffer.from(signed))).toString("base64url")}`;
}

describe("NATS", { skip: "missing" in found ? found.missing : false, timeout: 120_000, concurrency: 4 }, () => {
  after(endChildren);

  it("takes a user and password, or a token, by URL or option, and no others", async () => {
    const user = () => NatsServers.start(path, 1, () => 'authorization { user: "ann:e", password: "p@ss/word" }');
    await withServers(user, async (_, address) => {
      await worksWith({
        servers: `nats://${encodeURIComponent("ann:e")}:${encodeURIComponent("p@ss/word")}@${address}`,
      });
      await worksWith({ servers: `nats://${address}`, user: "ann:e", password: "p@ss/word" });
      await isRefused({ servers: `nats://${address}`, user: "ann:e", password: "wrong" });
      await isRefused({ servers: address });
    });
    const token = () => NatsServers.start(path, 1, () => 'authorization { token: "sesame" }');
    await withServers(token, async (_, address) => {
      await worksWith({ servers: `nats://sesame@${address}` });
      await worksWith({ servers: [address], token: "sesame" });
      await isRefused({ servers: address, token: "open" });
    });
  });

  it("takes an NKey's seed", async () => {
    const [key, other] = [nkeys.createUser(), nkeys.createUser()];
    const start = () =>
      NatsServers.start(path, 1, () => `authorization { users: [ { nkey: ${key.getPublicKey()} } ] }`);
    await withServers(start, async ({ folder }, address) => {
      const [nkeySeedFile, wrong] = [join(folder, "user.nk"), join(folder, "other.nk")];
      writeFileSync(nkeySeedFile, `${Buffer.from(key.getSeed()).toString()}\n`);
      writeFileSync(wrong, other.getSeed());
      await worksWith({ servers: address, nkeySeedFile });
      await isRefused({ servers: address, nkeySeedFile: wrong });
      await assert.rejects(
        connectNatsEngine({ servers: address, nkeySeedFile: join(folder, "none") }),
        coded("EACCES"),
      );
    });
  });

  it("takes a credentials file of an operator's user", async () => {
    const [operator, user] = [nkeys.createOperator(), nkeys.createUser()];
    const [account, system] = [nkeys.createAccount(), nkeys.createAccount()];
    const all = { subs: -1, conn: -1, leaf: -1, imports: -1, exports: -1, data: -1, payload: -1, wildcards: true };
    const store = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };
    const accountClaim = claim(operator, account, "A", { type: "account", limits: { ...all, ...store } });
    const lines = [
      `operator: ${claim(operator, operator, "O", { type: "operator" })}`,
      `system_account: ${system.getPublicKey()}`,
      "resolver: MEMORY",
      "resolver_preload: {",
      `  ${account.getPublicKey()}: ${accountClaim}`,
      `  ${system.getPublicKey()}: ${claim(operator, system, "SYS", { type: "account", limits: all })}`,
      "}",
    ];
    await withServers(
      () => NatsServers.start(path, 1, () => lines.join("\n")),
      async ({ folder }, address) => {
        const userClaim = claim(account, user, "U", { type: "user", subs: -1, data: -1, payload: -1 });
        const credentialsFile = join(folder, "user.creds");
        const seed = Buffer.from(user.getSeed()).toString();
        const block = (what: string, content: string) =>
          `-----BEGIN ${what}-----\n${content}\n------END ${what}------\n\n`;
        writeFileSync(credentialsFile, block("NATS USER JWT", userClaim) + block("USER NKEY SEED", seed));
        await worksWith({ servers: address, credentialsFile });
        await isRefused({ servers: address });
      },
    );
  });

  it("speaks TLS, and trusts whom it is told to", async (t) => {
    try {
      execFileSync("openssl", ["version"], { stdio: "pipe" });
    } catch {
      console.error("NOT TESTED: TLS to NATS: there is no openssl to make certificates with");
      return t.skip("no openssl");
    }
    const start = () =>
      NatsServers.start(path, 1, (folder) => {
        makeCertificates(folder);
        const files = `cert_file: "${folder}/server.pem", key_file: "${folder}/server.key", ca_file: "${folder}/ca.pem"`;
        return `tls { ${files}, verify: true }`;
      });
    await withServers(start, async ({ folder }, address) => {
      const file = (name: string) => join(folder, name);
      const tls = { caFile: file("ca.pem"), certFile: file("client.pem"), keyFile: file("client.key") };
      const named = `tls://${address.replace("127.0.0.1", "localhost")}`;
      await worksWith({ servers: named, tls });
      await isRefused({ servers: named, tls: { caFile: file("ca.pem") }, timeoutMs: 1_000 });
      await isRefused({ servers: named, tls: { ...tls, caFile: file("client.pem") }, timeoutMs: 1_000 });
    });
  });

  it("is refused where it is not fit: no server, no JetStream, small messages, too few servers, no name", async () => {
    await isRefused({ servers: "nats://127.0.0.1:9", timeoutMs: 500 });
    await assert.rejects(connectNatsEngine({ servers: "http://127.0.0.1" }), coded("EINVAL"));
    await assert.rejects(connectNatsEngine({ servers: [] }), coded("EINVAL"));
    const small = () => NatsServers.start(path, 1, () => `max_payload: ${CLUSTER_MESSAGE_MAX_BYTES}`);
    await withServers(small, async (_, address) => {
      await isRefused({ servers: address, timeoutMs: 1_000 });
      await assert.rejects(connectNatsEngine({ servers: address, cluster: "a b" }), coded("EINVAL"));
    });
    await withServers(
      () => NatsServers.start(path, 1, () => "", ""),
      (_, address) => isRefused({ servers: address, replicas: 3, timeoutMs: 1_000 }),
    );
    // "none" switches JetStream off.
    const plain = () => NatsServers.start(path, 1, () => "", "enabled: false");
    await withServers(plain, async (_, address) => {
      const refused = (error: unknown) => coded("ETIMEDOUT")(error) || coded("ECLUSTER")(error);
      await assert.rejects(connectNatsEngine({ servers: address, timeoutMs: 1_000 }), refused);
    });
  });

  it("says when the server's disk is full", async () => {
    const start = () => NatsServers.start(path, 1, () => "", "max_memory_store: 1048576, max_file_store: 8388608");
    await withServers(start, async (_, address) => {
      const engine = await connectNatsEngine({ servers: address });
      await engine.blobs.put("fits", new Uint8Array(2 ** 20));
      await assert.rejects(
        within("the refusal", engine.blobs.put("too large", new Uint8Array(16 * 2 ** 20))),
        coded("ENOSPC"),
      );
      assert.deepEqual(
        (await engine.blobs.list("")).map(({ name }) => name),
        ["fits"],
      );
      assert.equal((await readBlob(engine.blobs, "fits", 2 ** 20)).length, 2 ** 20);
      await engine.close();
    });
  });

  it("forgets deletions and unfinished blobs after their time, and nothing else", async () => {
    await withServers(
      () => NatsServers.start(path, 1),
      async (_, address) => {
        const ground = await connectNatsGround({ servers: address });
        const { directory, blobs } = ground;
        const kept = await directory.create("data/kept", value("kept"));
        const gone = await directory.create("data/gone", value("gone"));
        const told: Change[] = [];
        const watch = directory.watch("data/", (change) => told.push(change));
        await until("the state", () => told.some(({ kind }) => kind === "current"));
        await directory.delete("data/gone", gone);
        await blobs.put("kept", value("whole"));
        const connection = await connect({ servers: address });
        const manager = await jetstreamManager(connection);
        await manager.jetstream().publish("$O.godwit_default_blobs.C.unfinished", value("half"));
        const messages = async () => (await manager.streams.info("KV_godwit_default_directory")).state.messages;
        assert.equal(await messages(), 3);
        assert.equal(await ground.sweep(), 0, "nothing is old yet");
        assert.equal(await ground.sweep(0), 2, "the deletion, and the unfinished blob");
        assert.equal(await messages(), 1);
        assert.equal((await directory.get("data/kept"))?.revision, kept);
        assert.equal(Buffer.from(await readBlob(blobs, "kept", 100)).toString(), "whole");
        const again = await directory.create("data/gone", value("again"));
        assert.ok(again > gone);
        await until("the new one", () =>
          told.some((change) => change.kind === "put" && change.entry.revision === again),
        );
        watch.stop();
        let revision = kept;
        for (let round = 0; round < 100; round++) revision = await directory.replace("data/kept", value("x"), revision);
        assert.ok((await messages()) > 100, "what was replaced is kept for its time");
        await ground.sweep(0);
        assert.equal(await messages(), 2);
        assert.equal((await directory.get("data/kept"))?.revision, revision);
        revision = await directory.replace("data/kept", value("y"), revision);
        assert.equal((await directory.get("data/kept"))?.revision, revision);
        await connection.close();
        await ground.close();
      },
    );
  });

  it("lets one of many win each race, on three servers, and all see the same", async () => {
    await withServers(
      () => NatsServers.start(path, 3),
      async ({ urls }) => {
        const first = await connectNatsEngine({ servers: urls, replicas: 1, timeoutMs: 30_000 });
        await first.directory.create("before", value("made with one copy"));
        await first.close();
        const engines = await Promise.all(
          [0, 1, 2, 0, 1, 2].map((index) => connectNatsEngine({ servers: urls[index] ?? "" })),
        );
        const [engine] = engines;
        assert.ok(engine !== undefined);
        const connection = await connect({ servers: [...urls] });
        const { config } = await (await jetstreamManager(connection)).streams.info("KV_godwit_default_directory");
        assert.equal(config.num_replicas, 3, "there are three copies now");
        await connection.close();
        const seen = engines.map(() => [] as string[]);
        const watches = engines.map((each, index) =>
          each.directory.watch("race/", (change) => {
            if (change.kind === "put") seen[index]?.push(Buffer.from(change.entry.value).toString());
          }),
        );
        let revision = await engine.directory.create("race/key", value("start"));
        const winners = ["start"];
        for (let round = 0; round < 40; round++) {
          const outcomes = await Promise.all(
            engines.map((each, index) =>
              each.directory.replace("race/key", value(`${round}:${index}`), revision).then(
                (won) => ({ index, won }),
                (error: unknown) => {
                  assert.ok(coded("ESTALE")(error), String(error));
                  return undefined;
                },
              ),
            ),
          );
          const won = outcomes.filter((outcome) => outcome !== undefined);
          assert.equal(won.length, 1, `round ${round} has one winner`);
          revision = won[0]?.won ?? 0;
          winners.push(`${round}:${won[0]?.index}`);
          const entries = await Promise.all(engines.map((each) => each.directory.get("race/key")));
          for (const entry of entries) assert.equal(entry?.revision, revision);
        }
        await until("the last winner everywhere", () => seen.every((values) => values.at(-1) === winners.at(-1)));
        for (const values of seen) {
          // A watch may begin in the middle, and leave out, but tells only winners, in their order.
          const places = values.map((each) => winners.indexOf(each));
          assert.ok(!places.includes(-1), `a void write was told: ${values.join()}`);
          assert.deepEqual(
            places,
            [...places].sort((a, b) => a - b),
          );
        }
        for (const watch of watches) watch.stop();
        await Promise.all(engines.map((each) => each.close()));
      },
    );
  });
});

/** An authority, and certificates by it for a server at localhost and a client. */
function makeCertificates(folder: string): void {
  const file = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
  for (const name of ["ca", "server", "client"]) {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    writeFileSync(file(`${name}.key`), privateKey.export({ type: "pkcs8", format: "pem" }));
  }
  openssl("req", "-x509", "-new", "-key", "ca.key", "-subj", "/CN=authority", "-days", "2", "-out", "ca.pem");
  writeFileSync(file("names"), "subjectAltName=DNS:localhost\n");
  for (const name of ["server", "client"]) {
    openssl("req", "-new", "-key", `${name}.key`, "-subj", `/CN=${name}`, "-out", `${name}.csr`);
    const by = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names"];
    openssl("x509", "-req", "-in", `${name}.csr`, ...by, "-out", `${name}.pem`);
  }
}
