/** Keys and operations in processes that are captured, restored elsewhere and forked; signatures that cross; libraries. */

import assert from "node:assert/strict";
import { createHash, createHmac, pbkdf2Sync } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { sign as honoSign, verify as honoVerify } from "hono/jwt";
import * as jose from "jose";
import type { StressMode } from "../../src/abi/control.ts";
import { startNode } from "../../src/node/node.ts";
import { TestNode, withNode } from "../node/bench-node.ts";

const ROOT = fileURLToPath(new URL(import.meta.url.includes("/dist/") ? "../../.." : "../..", import.meta.url));
const STRESS: StressMode = { every: 499, at: "call" };
const { subtle } = globalThis.crypto;

const PRELUDE = `
const s = crypto.subtle;
const text = (t) => new TextEncoder().encode(t);
const hex = (bytes) => Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
const unhex = (t) => Uint8Array.from(t.match(/../g) ?? [], (pair) => parseInt(pair, 16));
`;

async function printed(t: TestNode, source: string, stress?: StressMode): Promise<unknown> {
  const { stdout, stderr, status } = await t.run(PRELUDE + source, stress === undefined ? {} : { stress });
  assert.equal(stderr, "");
  assert.equal(status.code, 0);
  return JSON.parse(stdout);
}

const HMAC_HEX = createHmac("sha256", "a secret").update("data").digest("hex");

/** Algorithms whose results differ each time: each side checks the other's. */
const SIGNERS = [
  {
    make: { name: "RSA-PSS", hash: "SHA-256", modulusLength: 2048, exponent: 65_537 },
    use: { name: "RSA-PSS", saltLength: 32 },
  },
  {
    make: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-512", modulusLength: 1024, exponent: 3 },
    use: { name: "RSASSA-PKCS1-v1_5" },
  },
  { make: { name: "ECDSA", namedCurve: "P-256" }, use: { name: "ECDSA", hash: "SHA-256" } },
  { make: { name: "ECDSA", namedCurve: "P-384" }, use: { name: "ECDSA", hash: "SHA-512" } },
  { make: { name: "ECDSA", namedCurve: "P-521" }, use: { name: "ECDSA", hash: "SHA-1" } },
  { make: { name: "Ed25519" }, use: { name: "Ed25519" } },
];

await withNode({ lwps: 2, swapAfterMs: 50 }, (t) => {
  for (const stress of [undefined, STRESS]) {
    const when = stress === undefined ? "undisturbed" : "under stress";

    for (const { make, use } of SIGNERS) {
      test(`${make.name} ${make.namedCurve ?? ""} signatures cross, ${when}`, { timeout: 120_000 }, async () => {
        const data = Buffer.from("what is signed");
        const made = `(() => { const { exponent, ...rest } = ${JSON.stringify(make)}; return { ...rest, publicExponent: exponent === 3 ? Uint8Array.of(3) : Uint8Array.of(1, 0, 1) }; })()`;
        const [spki, jwk, signature] = (await printed(
          t,
          `const { publicKey, privateKey } = await s.generateKey(${made}, true, ["sign", "verify"]);
           const signature = await s.sign(${JSON.stringify(use)}, privateKey, text("what is signed"));
           console.log(JSON.stringify([hex(await s.exportKey("spki", publicKey)), await s.exportKey("jwk", privateKey), hex(signature)]));`,
          stress,
        )) as [string, object, string];
        const theirs = await subtle.importKey("spki", Buffer.from(spki, "hex"), make, true, ["verify"]);
        assert.ok(await subtle.verify(use, theirs, Buffer.from(signature, "hex"), data));

        const key = await subtle.importKey("jwk", jwk, make, true, ["sign"]);
        const ours = Buffer.from(await subtle.sign(use, key, data)).toString("hex");
        const verdicts = await printed(
          t,
          `const key = await s.importKey("spki", unhex("${spki}"), ${JSON.stringify(make)}, false, ["verify"]);
           const verify = (signature, data) => s.verify(${JSON.stringify(use)}, key, unhex(signature), text(data));
           console.log(JSON.stringify([await verify("${ours}", "what is signed"), await verify("${ours}", "what is not"), await verify("00", "what is signed")]));`,
          stress,
        );
        assert.deepEqual(verdicts, [true, false, false]);
      });
    }

    test(`RSA-OAEP ciphertexts cross, ${when}`, { timeout: 120_000 }, async () => {
      const rsa = { name: "RSA-OAEP", hash: "SHA-256", modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1) };
      const pair = await subtle.generateKey(rsa, true, ["encrypt", "decrypt"]);
      const jwk = JSON.stringify(await subtle.exportKey("jwk", pair.privateKey));
      const spki = Buffer.from(await subtle.exportKey("spki", pair.publicKey)).toString("hex");
      const ours = Buffer.from(await subtle.encrypt("RSA-OAEP", pair.publicKey, Buffer.from("to the guest")));
      const [read, theirs] = (await printed(
        t,
        `const rsa = { name: "RSA-OAEP", hash: "SHA-256" };
         const key = await s.importKey("jwk", ${jwk}, rsa, false, ["decrypt"]);
         const read = new TextDecoder().decode(await s.decrypt(rsa, key, unhex("${ours.toString("hex")}")));
         const publicKey = await s.importKey("spki", unhex("${spki}"), rsa, false, ["encrypt"]);
         console.log(JSON.stringify([read, hex(await s.encrypt(rsa, publicKey, text("from the guest")))]));`,
        stress,
      )) as [string, string];
      assert.equal(read, "to the guest");
      const plain = await subtle.decrypt("RSA-OAEP", pair.privateKey, Buffer.from(theirs, "hex"));
      assert.equal(Buffer.from(plain).toString(), "from the guest");
    });
  }

  test("a key goes with its process: into a child, and into an image that another node restores", async () => {
    const file = join(t.folder, "key.image");
    const source = `
      const key = await s.importKey("raw", text("a secret"), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
      const child = fork();
      if (child !== 0) wait(child);
      const { restored } = child === 0 ? { restored: false } : checkpoint({ file: ${JSON.stringify(file)} });
      console.log(JSON.stringify([child === 0, restored, key.extractable, hex(await s.sign("HMAC", key, text("data")))]));`;
    const { ended } = await t.start(PRELUDE + source, { capabilities: { write: [t.folder] } });
    const { stdout, stderr } = await ended;
    assert.equal(stderr, "");
    assert.deepEqual(
      stdout
        .trim()
        .split("\n")
        .map((line): unknown => JSON.parse(line)),
      [
        [true, false, false, HMAC_HEX],
        [false, false, false, HMAC_HEX],
      ],
    );

    const other = new TestNode(await startNode({ name: "other" }), t.folder);
    try {
      const restored = await other.watch(await other.node.restore(readFileSync(file))).ended;
      assert.deepEqual(
        JSON.parse(restored.stdout.trim().split("\n").at(-1) ?? ""),
        [false, true, false, HMAC_HEX],
        restored.stderr,
      );
    } finally {
      await other.node.stop();
    }
  });

  test("an image taken while operations run and wait has them made again", { timeout: 60_000 }, async () => {
    const rounds = 300_000;
    const expected = [1, 2, 3].map((salt) =>
      pbkdf2Sync("a password", Buffer.alloc(8, salt), rounds, 32, "sha512").toString("hex"),
    );
    const program = await t.start(`${PRELUDE}
      const key = await s.importKey("raw", text("a password"), "PBKDF2", false, ["deriveBits"]);
      const derive = (salt) => s.deriveBits({ name: "PBKDF2", hash: "SHA-512", salt: new Uint8Array(8).fill(salt), iterations: ${rounds} }, key, 256);
      const all = Promise.all([1, 2, 3].map(derive));
      console.log("begun");
      console.log(JSON.stringify((await all).map(hex)));`);
    await program.printed("begun");
    const image = await t.node.checkpoint(program.pid);
    await t.node.signal(program.pid, "SIGKILL");
    assert.doesNotMatch((await program.ended).stdout, /\[/, "the image was taken before the end");
    const restored = await t.watch(await t.node.restore(image)).ended;
    assert.deepEqual(JSON.parse(restored.stdout.replace("begun\n", "")), expected, restored.stderr);
  });

  test("more operations than may be in flight, and more bytes, wait for one another", async () => {
    const result = await printed(
      t,
      `const digests = await Promise.all(Array.from({ length: 3000 }, (_, i) => s.digest("SHA-256", Uint8Array.of(i & 255, i >> 8))));
       const large = await Promise.all(Array.from({ length: 12 }, () => s.digest("SHA-1", new Uint8Array(3_000_000))));
       const key = await s.importKey("raw", text("a secret"), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
       const tooLarge = await s.sign("HMAC", key, new Uint8Array(9_000_000)).catch((error) => error.name);
       console.log(JSON.stringify([new Set(digests.map(hex)).size, new Set(large.map(hex)).size, large.length, tooLarge]));`,
    );
    assert.deepEqual(result, [3000, 1, 12, "OperationError"]);
  });

  test("a digest of much data goes on where its process goes on", { timeout: 60_000 }, async () => {
    const sizeBytes = 20_000_001;
    const expected = createHash("sha256").update(Buffer.alloc(sizeBytes, 7)).digest("hex");
    const file = join(t.folder, "digest.image");
    const source = `${PRELUDE}
      const digest = s.digest("SHA-256", new Uint8Array(${sizeBytes}).fill(7));
      for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
      const { restored } = checkpoint({ file: ${JSON.stringify(file)} });
      console.log(JSON.stringify([restored, hex(await digest)]));`;
    const first = await t.run(source, { capabilities: { write: [t.folder] } });
    assert.deepEqual(JSON.parse(first.stdout), [false, expected], first.stderr);
    const other = new TestNode(await startNode({ name: "other" }), t.folder);
    try {
      const { stdout, stderr } = await other.watch(await other.node.restore(readFileSync(file))).ended;
      assert.deepEqual(JSON.parse(stdout), [true, expected], stderr);
    } finally {
      await other.node.stop();
    }
  });

  test("what an operation is given may be changed while it runs", async () => {
    const result = await printed(
      t,
      `const data = text("data"), bits = text("a secret");
       const imported = s.importKey("raw", bits, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
       bits.fill(0);
       const key = await imported;
       key.algorithm.name = "AES-GCM"; key.algorithm.hash.name = "SHA-1"; key.usages.length = 0;
       const signed = s.sign("HMAC", key, data);
       data.fill(0);
       console.log(JSON.stringify(hex(await signed)));`,
    );
    assert.equal(result, HMAC_HEX);
  });

  test("a copy of a key, in a clone or in a message, may do what the key may", async () => {
    const result = await printed(
      t,
      `const key = await s.importKey("raw", text("a secret"), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
       const copy = structuredClone({ keys: [key, key] });
       send(self.pid, key);
       const sent = receive().message;
       const { publicKey, privateKey } = structuredClone(await s.generateKey("Ed25519", false, ["sign", "verify"]));
       const signature = await s.sign("Ed25519", privateKey, text("data"));
       const refused = [structuredCloneOf(Object.create(CryptoKey.prototype)), structuredCloneOf(s), await s.exportKey("raw", sent).catch((error) => error.name)];
       function structuredCloneOf(value) { try { structuredClone(value); return "cloned"; } catch (error) { return error.name; } }
       console.log(JSON.stringify([
         copy.keys[0] === copy.keys[1], copy.keys[0] !== key, copy.keys[0] instanceof CryptoKey, sent.usages, sent.extractable,
         hex(await s.sign("HMAC", copy.keys[0], text("data"))), hex(await s.sign("HMAC", sent, text("data"))),
         await s.verify("Ed25519", publicKey, signature, text("data")), ...refused]));`,
    );
    const refused = ["DataCloneError", "DataCloneError", "InvalidAccessError"];
    assert.deepEqual(result, [true, true, true, ["sign"], false, HMAC_HEX, HMAC_HEX, true, ...refused]);
  });

  test("threads use one key, and none of their results is lost", async () => {
    const result = await printed(
      t,
      `const key = await s.importKey("raw", text("a secret"), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
       const threads = Array.from({ length: 4 }, () => Thread.create(() => Array.from({ length: 20 }, () => s.sign("HMAC", key, text("data")))));
       const results = (await Promise.all(threads.flatMap((thread) => thread.join()))).map(hex);
       console.log(JSON.stringify([results.length, ...new Set(results)]));`,
      { every: 97, at: "call" },
    );
    assert.deepEqual(result, [80, HMAC_HEX]);
  });
});

await withNode({ lwps: 1 }, (t) => {
  test("a process with long operations keeps neither the files nor the short operations of another waiting", async () => {
    const heavy = await t.start(`${PRELUDE}
      const key = await s.importKey("raw", text("a password"), "PBKDF2", false, ["deriveBits"]);
      const derive = () => s.deriveBits({ name: "PBKDF2", hash: "SHA-512", salt: text(""), iterations: 1_000_000 }, key, 256);
      const all = Promise.all(Array.from({ length: 100 }, derive));
      console.log("begun");
      await all;
      console.log("done");`);
    await heavy.printed("begun");
    const light = await t.run(
      `${PRELUDE}
      const key = await s.importKey("raw", text("a secret"), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
      for (let i = 0; i < 20; i++) { writeFile("light.txt", text("x")); await s.sign("HMAC", key, text("data")); readFile("light.txt"); }
      console.log(hex(await s.sign("HMAC", key, text("data"))));`,
      { capabilities: { read: [t.folder], write: [t.folder] } },
    );
    await t.node.signal(heavy.pid, "SIGKILL");
    assert.equal(light.stdout, `${HMAC_HEX}\n`, light.stderr);
    assert.equal((await heavy.ended).stdout, "begun\n", "the long operations went on meanwhile");
  });
});

// ---- Libraries, as they are

async function bundled(source: string): Promise<string> {
  const result = await build({
    stdin: { contents: source, resolveDir: ROOT },
    bundle: true,
    write: false,
    format: "esm",
    platform: "neutral",
    mainFields: ["module", "main"],
    conditions: ["worker", "browser", "import"],
    target: "es2024",
    logLevel: "silent",
  });
  return result.outputFiles[0]?.text ?? "";
}

await withNode({ lwps: 1 }, (t) => {
  for (const stress of [undefined, STRESS]) {
    const when = stress === undefined ? "undisturbed" : "under stress";

    test(`jose's tokens cross, ${when}`, { timeout: 180_000 }, async () => {
      const secret = new Uint8Array(32).fill(7);
      const pair = await jose.generateKeyPair("ES256", { extractable: true });
      const rsa = await jose.generateKeyPair("RSA-OAEP-256", { extractable: true });
      const given = {
        es256: await jose.exportJWK(pair.privateKey),
        es256Public: await jose.exportJWK(pair.publicKey),
        rsa: await jose.exportJWK(rsa.privateKey),
        token: await new jose.SignJWT({ from: "node" })
          .setProtectedHeader({ alg: "ES256" })
          .setIssuedAt(1)
          .sign(pair.privateKey),
        encrypted: await new jose.EncryptJWT({ to: "guest" })
          .setProtectedHeader({ alg: "RSA-OAEP-256", enc: "A256GCM" })
          .encrypt(rsa.publicKey),
      };
      const source = await bundled(`
        import * as jose from "jose";
        const given = ${JSON.stringify(given)};
        const secret = new Uint8Array(32).fill(7);
        const out = {};
        const key = await jose.importJWK(given.es256, "ES256");
        out.es256 = await new jose.SignJWT({ from: "guest" }).setProtectedHeader({ alg: "ES256" }).sign(key);
        out.hs256 = await new jose.SignJWT({ from: "guest" }).setProtectedHeader({ alg: "HS256" }).setExpirationTime("2h").sign(secret);
        const keys = jose.createLocalJWKSet({ keys: [{ ...given.es256Public, alg: "ES256", use: "sig" }] });
        out.read = (await jose.jwtVerify(given.token, keys)).payload.from;
        out.decrypted = (await jose.jwtDecrypt(given.encrypted, await jose.importJWK(given.rsa, "RSA-OAEP-256"))).payload.to;
        out.refused = await jose.jwtVerify(given.token.slice(0, -4) + "AAAA", keys).catch((error) => error.code);
        for (const alg of ["EdDSA", "PS256", "RS512"]) {
          const { privateKey, publicKey } = await jose.generateKeyPair(alg);
          const token = await new jose.SignJWT({ alg }).setProtectedHeader({ alg }).sign(privateKey);
          out[alg] = (await jose.jwtVerify(token, publicKey)).payload.alg;
        }
        const { publicKey, privateKey } = await jose.generateKeyPair("ECDH-ES+A256KW", { crv: "X25519" });
        const agreed = await new jose.CompactEncrypt(new TextEncoder().encode("agreed")).setProtectedHeader({ alg: "ECDH-ES+A256KW", enc: "A128CBC-HS256" }).encrypt(publicKey);
        out.agreed = new TextDecoder().decode((await jose.compactDecrypt(agreed, privateKey)).plaintext);
        const password = await new jose.CompactEncrypt(new TextEncoder().encode("kept")).setProtectedHeader({ alg: "PBES2-HS256+A128KW", enc: "A128GCM" }).encrypt(new TextEncoder().encode("password"));
        out.kept = new TextDecoder().decode((await jose.compactDecrypt(password, new TextEncoder().encode("password"), { keyManagementAlgorithms: ["PBES2-HS256+A128KW"] })).plaintext);
        out.thumbprint = await jose.calculateJwkThumbprint(given.es256Public);
        console.log(JSON.stringify(out));`);
      const out = (await printed(t, source, stress)) as Record<string, string>;
      const { es256 = "", hs256 = "", ...rest } = out;
      assert.equal((await jose.jwtVerify(es256, pair.publicKey)).payload["from"], "guest");
      assert.equal((await jose.jwtVerify(hs256, secret)).payload["from"], "guest");
      assert.deepEqual(rest, {
        read: "node",
        decrypted: "guest",
        refused: "ERR_JWS_SIGNATURE_VERIFICATION_FAILED",
        EdDSA: "EdDSA",
        PS256: "PS256",
        RS512: "RS512",
        agreed: "agreed",
        kept: "kept",
        thumbprint: await jose.calculateJwkThumbprint(given.es256Public),
      });
    });

    test(`hono/jwt's tokens cross, ${when}`, { timeout: 120_000 }, async () => {
      const token = await honoSign({ from: "node" }, "a secret", "HS384");
      const source = await bundled(`
        import { decode, sign, verify } from "hono/jwt";
        const out = { read: (await verify(${JSON.stringify(token)}, "a secret", "HS384")).from };
        out.refused = await verify(${JSON.stringify(token)}, "another", "HS384").catch((error) => error.name);
        out.token = await sign({ from: "guest", exp: Math.floor(Date.now() / 1000) + 60 }, "a secret", "HS256");
        out.decoded = decode(out.token).header.alg;
        console.log(JSON.stringify(out));`);
      const out = (await printed(t, source, stress)) as Record<string, string>;
      assert.equal((await honoVerify(out["token"] ?? "", "a secret", "HS256"))["from"], "guest");
      assert.deepEqual([out["read"], out["refused"], out["decoded"]], ["node", "JwtTokenSignatureMismatched", "HS256"]);
    });
  }
});
