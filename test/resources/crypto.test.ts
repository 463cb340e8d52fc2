/** The host's side of Web Cryptography: what it refuses, what it bounds, and that nothing a guest sends breaks it. */

import assert from "node:assert/strict";
import { createHash, createHmac, createPrivateKey, createPublicKey, randomBytes } from "node:crypto";
import { before, test } from "node:test";
import fc from "fast-check";
import type { KeyRecord } from "../../src/abi/crypto.ts";
import { GodwitError } from "../../src/errors.ts";
import type { Crypto, CryptoOperation } from "../../src/kernel/host.ts";
import {
  CRYPTO_DATA_MAX_BYTES,
  CRYPTO_KEYS_CACHED_MAX,
  CRYPTO_PARAMETER_MAX_BYTES,
  DERIVED_MAX_BYTES,
  DIGESTS_KEPT_MAX,
  IO_MAX_BYTES,
  PBKDF2_MAX_ROUNDS,
  RSA_GENERATE_MAX_BITS,
  RSA_IMPORT_MAX_BITS,
} from "../../src/limits.ts";
import { hostCrypto } from "../../src/resources/crypto.ts";
import { type Attempt, attempts } from "./crypto-fuzz.ts";

const NO_DATA = new Uint8Array(0);
const host: Crypto = hostCrypto();

async function resultOf<T>(operation: CryptoOperation<T>): Promise<T> {
  return "result" in operation ? operation.result : operation.run();
}

async function generated(algorithm: object, usages: readonly string[]): Promise<KeyRecord[]> {
  const request = { op: "generateKey", algorithm, extractable: true, usages };
  return (await resultOf(host.keyOperation(request, NO_DATA))) as KeyRecord[];
}

async function passwordKey(name: string): Promise<KeyRecord[]> {
  const request = { op: "importKey", format: "raw", algorithm: { name }, extractable: false, usages: ["deriveBits"] };
  return (await resultOf(host.keyOperation(request, Buffer.from("a password")))) as KeyRecord[];
}

const keys: KeyRecord[] = [];
before(async () => {
  const rsa = { modulusLength: 1024, publicExponent: "AQAB", hash: "SHA-256" };
  const made = await Promise.all([
    generated({ name: "RSASSA-PKCS1-v1_5", ...rsa }, ["sign", "verify"]),
    generated({ name: "RSA-PSS", ...rsa }, ["sign", "verify"]),
    generated({ name: "RSA-OAEP", ...rsa }, ["encrypt", "decrypt"]),
    ...["P-256", "P-384", "P-521"].map((namedCurve) => generated({ name: "ECDSA", namedCurve }, ["sign", "verify"])),
    ...["P-256", "P-384", "P-521"].map((namedCurve) => generated({ name: "ECDH", namedCurve }, ["deriveBits"])),
    generated({ name: "Ed25519" }, ["sign", "verify"]),
    generated({ name: "X25519" }, ["deriveBits"]),
    generated({ name: "HMAC", hash: "SHA-512" }, ["sign", "verify"]),
    ...["AES-CTR", "AES-CBC", "AES-GCM"].map((name) => generated({ name, length: 256 }, ["encrypt", "decrypt"])),
    generated({ name: "AES-KW", length: 128 }, ["wrapKey", "unwrapKey"]),
    passwordKey("HKDF"),
    passwordKey("PBKDF2"),
  ]);
  keys.push(...made.flat());
});

/** What came of it: a value of the kind that there is for it, or the code of the error. */
async function outcome({ keys, request, data }: Attempt): Promise<string> {
  try {
    const result = await resultOf<object>(prepared({ keys, request, data }));
    if (keys) JSON.stringify(result);
    else assert.ok(result instanceof Uint8Array, "the result of an operation is bytes");
    return "done";
  } catch (error) {
    if (!(error instanceof GodwitError)) throw error;
    return error.code === "ECRYPTO" ? error.message : error.code;
  }
}

const STANDARD = /^(done|EINVAL|(OperationError|DataError|NotSupportedError|InvalidAccessError|SyntaxError): .+)$/s;

test("whatever a guest asks for, there is an answer or a coded error", { timeout: 300_000 }, async () => {
  const jwks = await Promise.all(
    keys
      .filter(({ algorithm }) => algorithm.name !== "HKDF" && algorithm.name !== "PBKDF2")
      .map(async (key) => resultOf(host.keyOperation({ op: "exportJwk", key }, NO_DATA))),
  );
  let done = 0;
  const numRuns = Number(process.env["GODWIT_FUZZ_RUNS"] ?? 3000);
  await fc.assert(
    fc.asyncProperty(attempts(keys, jwks), async (attempt) => {
      const what = await outcome(attempt);
      assert.match(what, STANDARD);
      if (what === "done") done++;
    }),
    { numRuns },
  );
  assert.ok(done > numRuns / 30, `enough of the requests made sense: ${done} of ${numRuns}`);
});

// ---- What is bounded

const secret = (bytes: Uint8Array, algorithm: object): KeyRecord =>
  ({ type: "secret", algorithm, usages: [], material: Buffer.from(bytes).toString("base64") }) as unknown as KeyRecord;
const pbkdf2 = (iterations: number, length: number) => ({
  op: "deriveBits",
  algorithm: { name: "PBKDF2", hash: "SHA-256", salt: "", iterations },
  key: secret(Buffer.from("password"), { name: "PBKDF2" }),
  length,
});
const rsa = (modulusLength: number, publicExponent: string) => ({
  op: "generateKey",
  algorithm: { name: "RSA-PSS", hash: "SHA-256", modulusLength, publicExponent },
  extractable: true,
  usages: ["sign"],
});
const attempt = (request: object, data: Uint8Array = NO_DATA): Attempt => ({
  keys: ["importKey", "generateKey", "exportJwk"].includes((request as { op: string }).op),
  request,
  data,
});

test("what would take long, or much, is refused before it begins", async () => {
  const tooMuch: readonly Attempt[] = [
    attempt(pbkdf2(PBKDF2_MAX_ROUNDS + 1, 256)),
    attempt(pbkdf2(PBKDF2_MAX_ROUNDS / 2 + 1, 512)),
    attempt(pbkdf2(1, (DERIVED_MAX_BYTES + 1) * 8)),
    attempt(rsa(RSA_GENERATE_MAX_BITS + 1, "AQAB")),
    attempt(rsa(2048, "AA==")),
    attempt(rsa(2048, "Ag==")),
    attempt(rsa(2048, "/////w==")),
    attempt({ ...rsa(0, ""), algorithm: { name: "HMAC", hash: "SHA-1", length: CRYPTO_PARAMETER_MAX_BYTES * 8 + 8 } }),
  ];
  for (const each of tooMuch) assert.throws(() => prepared(each), { code: "ECRYPTO", message: /^OperationError: / });
  assert.equal(
    await outcome(attempt({ op: "digest", algorithm: { name: "SHA-1" } }, new Uint8Array(CRYPTO_DATA_MAX_BYTES + 1))),
    "EINVAL",
  );
  assert.equal(
    await outcome(attempt({ op: "digest", algorithm: { name: "SHA-1" } }, new Uint8Array(CRYPTO_DATA_MAX_BYTES))),
    "done",
  );
  assert.equal(await outcome(attempt(pbkdf2(1000, 512))), "done");
});

function prepared({ keys, request, data }: Attempt): CryptoOperation<object> {
  return keys ? host.keyOperation(request, data) : host.operation(request, data);
}

test("keys that are too large are refused, wherever they come from", async () => {
  const modulus = randomBytes(RSA_IMPORT_MAX_BITS / 8 + 1);
  modulus[0] = 0xff;
  modulus[modulus.length - 1] = 0xff;
  const jwk = { kty: "RSA", n: modulus.toString("base64url"), e: "AQAB" };
  const spki = createPublicKey({ key: jwk, format: "jwk" }).export({ format: "der", type: "spki" });
  const algorithm = { name: "RSA-PSS", hash: "SHA-256" };
  const request = { op: "importKey", algorithm, extractable: true, usages: ["verify"] };
  const key = { type: "public", algorithm, usages: ["verify"], material: spki.toString("base64") };
  const refused = [
    attempt({ ...request, format: "spki" }, spki),
    attempt({ ...request, format: "jwk", jwk }),
    attempt({ op: "verify", algorithm: { name: "RSA-PSS", saltLength: 32 }, key, signature: "" }),
    attempt({ op: "exportJwk", key }),
    attempt(
      { ...request, format: "raw", algorithm: { name: "HMAC", hash: "SHA-1" }, usages: ["sign"] },
      new Uint8Array(CRYPTO_PARAMETER_MAX_BYTES + 1),
    ),
  ];
  for (const each of refused) assert.match(await outcome(each), /^DataError: .*at most/);
});

test("a private key whose parts are longer than its modulus, which would take minutes, is refused", async () => {
  const number = (lengthBytes: number) => {
    const bytes = randomBytes(lengthBytes);
    bytes[0] = 0x80;
    bytes[lengthBytes - 1] = 1;
    return bytes.toString("base64url");
  };
  const small = {
    n: number(128),
    e: "AQAB",
    d: number(1),
    p: number(16),
    q: number(16),
    dp: number(1),
    dq: number(1),
    qi: number(1),
  };
  const large = { kty: "RSA", ...small, p: number(2000), dp: number(2000) };
  const algorithm = { name: "RSA-PSS", hash: "SHA-256" };
  const request = { op: "importKey", algorithm, extractable: true, usages: ["sign"] };
  const pkcs8 = createPrivateKey({ key: large, format: "jwk" }).export({ format: "der", type: "pkcs8" });
  const key = { type: "private", algorithm, usages: ["sign"], material: pkcs8.toString("base64") };
  const refused = [
    attempt({ ...request, format: "jwk", jwk: large }),
    attempt({ ...request, format: "pkcs8" }, pkcs8),
    attempt({ op: "sign", algorithm: { name: "RSA-PSS", saltLength: 32 }, key }),
  ];
  for (const each of refused) assert.match(await outcome(each), /^DataError: .* is longer than its modulus/);
});

test("an operation says whether it takes long, or is done", () => {
  const hmac = {
    op: "sign",
    algorithm: { name: "HMAC" },
    key: secret(randomBytes(32), { name: "HMAC", hash: "SHA-1" }),
  };
  const aes = {
    op: "encrypt",
    algorithm: { name: "AES-CBC", iv: "" },
    key: secret(randomBytes(32), { name: "AES-CBC" }),
  };
  const raw = { ...rsa(0, ""), op: "importKey", format: "raw", algorithm: { name: "AES-GCM" }, usages: ["encrypt"] };
  const cases: readonly (readonly [boolean | "done", Attempt])[] = [
    ["done", attempt(hmac, new Uint8Array(1000))],
    ["done", attempt(raw, new Uint8Array(16))],
    [true, attempt(rsa(2048, "AQAB"))],
    [true, attempt(pbkdf2(100_000, 256))],
    [true, attempt(hmac, new Uint8Array(2 ** 21))],
    [false, attempt(pbkdf2(1000, 256))],
    [false, attempt(hmac, new Uint8Array(100_000))],
    [false, attempt(aes, new Uint8Array(1000))],
    [false, attempt({ op: "generateKey", algorithm: { name: "Ed25519" }, extractable: true, usages: ["sign"] })],
  ];
  for (const [expected, each] of cases) {
    const operation = prepared(each);
    assert.equal("result" in operation ? "done" : operation.isLong, expected, JSON.stringify(each.request));
  }
});

test("keys are told apart by all that they are, however many there are", async () => {
  const materials = Array.from({ length: 2 * CRYPTO_KEYS_CACHED_MAX }, () => randomBytes(20));
  const data = Buffer.from("data");
  for (let round = 0; round < 2; round++) {
    for (const material of materials) {
      for (const [name, digest] of [
        ["SHA-1", "sha1"],
        ["SHA-512", "sha512"],
      ] as const) {
        const request = {
          op: "sign",
          algorithm: { name: "HMAC" },
          key: secret(material, { name: "HMAC", hash: name }),
        };
        const expected = createHmac(digest, material).update(data).digest("hex");
        assert.equal(Buffer.from(await resultOf(host.operation(request, data))).toString("hex"), expected);
      }
    }
  }
});

// ---- Digests in pieces

test("a digest in pieces is that of the whole; one that the host does not know begins again", async () => {
  const data = randomBytes(2500);
  const piece = (id: string, at: number, end: number, isLast = end === data.length) =>
    resultOf(
      host.operation({ op: "digestPiece", algorithm: { name: "SHA-256" }, id, at, isLast }, data.subarray(at, end)),
    );
  const whole = createHash("sha256").update(data).digest("hex");

  assert.equal((await piece("a", 0, 1000)).length, 1);
  assert.equal((await piece("b", 0, 500)).length, 1);
  assert.equal((await piece("a", 1000, 2000)).length, 1);
  assert.equal((await piece("a", 1000, 2000)).length, 0, "a piece that was taken already");
  assert.equal((await piece("b", 1000, 2000)).length, 0, "a piece after one that is missing");
  assert.equal((await piece("c", 1000, 2000)).length, 0, "a digest that was never begun");
  assert.equal(Buffer.from(await piece("a", 2000, 2500)).toString("hex"), whole);
  assert.equal((await piece("a", 2000, 2500)).length, 0, "a digest that has ended");

  for (let index = 0; index < DIGESTS_KEPT_MAX; index++) await piece(`other ${index}`, 0, 10);
  assert.equal((await piece("b", 500, 2500)).length, 0, "the oldest of too many");
  assert.equal(Buffer.from(await piece("b", 0, 2500)).toString("hex"), whole);
  const large = { op: "digestPiece", algorithm: { name: "SHA-1" }, id: "d", at: 0, isLast: true };
  assert.equal(await outcome(attempt(large, new Uint8Array(IO_MAX_BYTES + 1))), "EINVAL");
});
