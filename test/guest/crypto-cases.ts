/**
 * What Web Cryptography does, as expressions that run in any engine: in a guest, and in Node, whose results are the
 * expected ones. Results are shown as text.
 */

/** Keys that the cases use, as JSON Web Keys; and those of the other side of an agreement. */
export interface Fixtures {
  readonly rsa: JsonWebKey;
  readonly p256: JsonWebKey;
  readonly p384: JsonWebKey;
  readonly p521: JsonWebKey;
  readonly ed25519: JsonWebKey;
  readonly x25519: JsonWebKey;
  readonly otherP256: JsonWebKey;
  readonly otherX25519: JsonWebKey;
}
type JsonWebKey = Readonly<Record<string, unknown>>;

async function privateJwk(algorithm: object, usages: readonly string[]): Promise<JsonWebKey> {
  const made = await crypto.subtle.generateKey(algorithm as { name: string }, true, usages as ["sign"]);
  const { privateKey } = made as unknown as { privateKey: Parameters<typeof crypto.subtle.exportKey>[1] };
  const jwk = (await crypto.subtle.exportKey("jwk", privateKey)) as JsonWebKey;
  // The same key is used with several algorithms.
  return Object.fromEntries(Object.entries(jwk).filter(([name]) => !["alg", "key_ops", "ext"].includes(name)));
}

export async function makeFixtures(): Promise<Fixtures> {
  const ecdh = (namedCurve: string) => privateJwk({ name: "ECDH", namedCurve }, ["deriveBits"]);
  const rsa = { name: "RSA-PSS", hash: "SHA-256", modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1) };
  return {
    rsa: await privateJwk(rsa, ["sign"]),
    p256: await ecdh("P-256"),
    p384: await ecdh("P-384"),
    p521: await ecdh("P-521"),
    ed25519: await privateJwk({ name: "Ed25519" }, ["sign"]),
    x25519: await privateJwk({ name: "X25519" }, ["deriveBits"]),
    otherP256: await ecdh("P-256"),
    otherX25519: await privateJwk({ name: "X25519" }, ["deriveBits"]),
  };
}

/** What the expressions may use; needs nothing but the language, `crypto` and text encoding. */
export function prelude(fixtures: Fixtures): string {
  return `
const FIXTURES = ${JSON.stringify(fixtures)};
const s = crypto.subtle;
const text = (t) => new TextEncoder().encode(t);
const count = (n) => Uint8Array.from({ length: n }, (_, i) => i);
const hex = (bytes) => Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
const unhex = (t) => Uint8Array.from(t.match(/../g) ?? [], (pair) => parseInt(pair, 16));
const publicJwk = ({ kty, crv, x, y, n, e }) => ({ kty, crv, x, y, n, e });
const priv = (name, algorithm, usages, extractable = true) => s.importKey("jwk", FIXTURES[name], algorithm, extractable, usages);
const pub = (name, algorithm, usages, extractable = true) => s.importKey("jwk", publicJwk(FIXTURES[name]), algorithm, extractable, usages);
const raw = (bytes, algorithm, usages, extractable = true) => s.importKey("raw", bytes, algorithm, extractable, usages);
const RSA = (name, hash = "SHA-256") => ({ name, hash });
const EC = (name, namedCurve) => ({ name, namedCurve });
const HMAC = { name: "HMAC", hash: "SHA-256" };
const show = (value) => {
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return hex(value instanceof ArrayBuffer ? value : value.buffer);
  if (value instanceof CryptoKey) return show({ type: value.type, extractable: value.extractable, algorithm: value.algorithm, usages: value.usages });
  if (Array.isArray(value)) return "[" + value.map(show).join() + "]";
  if (typeof value !== "object" || value === null) return String(value);
  return "{" + Object.keys(value).sort().map((key) => key + ":" + show(value[key])).join() + "}";
};
const attempt = async (make) => { try { return show(await make()); } catch (error) { return "throws " + error.name; } };
`;
}

const HASHES = ["SHA-1", "SHA-256", "SHA-384", "SHA-512"];
const each = (names: readonly string[], make: (name: string) => string) => names.map(make);

/** Cases with one result. */
export const VALUES: readonly string[] = [
  ...each(HASHES, (hash) => `s.digest("${hash}", text("abc"))`),
  `s.digest({ name: "sha-256" }, new ArrayBuffer(0))`,
  `s.digest("SHA-512", new DataView(count(100).buffer, 10, 50))`,
  `s.digest("SHA-256", new Uint16Array([1, 2, 3]))`,
  `s.digest("SHA-1", new Uint8Array(3_000_000).fill(7))`,
  ...each(
    HASHES,
    (hash) =>
      `raw(count(20), { name: "HMAC", hash: "${hash}" }, ["sign"]).then((k) => s.sign("HMAC", k, text("data")))`,
  ),
  `raw(count(20), HMAC, ["verify"]).then(async (k) => [await s.verify("HMAC", k, new Uint8Array(32), text("data")), await s.verify("HMAC", k, new Uint8Array(3), text("data"))])`,
  `raw(count(200), HMAC, ["sign", "verify"]).then(async (k) => s.verify("HMAC", k, await s.sign("HMAC", k, text("data")), text("data")))`,
  ...each(
    HASHES,
    (hash) =>
      `priv("rsa", RSA("RSASSA-PKCS1-v1_5", "${hash}"), ["sign"]).then((k) => s.sign("RSASSA-PKCS1-v1_5", k, text("data")))`,
  ),
  `priv("rsa", RSA("RSA-PSS"), ["sign"]).then((k) => s.sign({ name: "RSA-PSS", saltLength: 0 }, k, text("data")))`,
  `priv("ed25519", "Ed25519", ["sign"]).then((k) => s.sign("Ed25519", k, text("data")))`,
  ...each(
    ["AES-CBC", "AES-GCM"],
    (name) =>
      `raw(count(32), "${name}", ["encrypt"]).then((k) => s.encrypt({ name: "${name}", iv: count(16) }, k, text("some text")))`,
  ),
  `raw(count(16), "AES-CTR", ["encrypt"]).then((k) => s.encrypt({ name: "AES-CTR", counter: new Uint8Array(16).fill(255), length: 64 }, k, count(100)))`,
  `raw(count(24), "AES-GCM", ["encrypt", "decrypt"]).then(async (k) => { const a = { name: "AES-GCM", iv: count(12), additionalData: text("more"), tagLength: 96 }; const c = await s.encrypt(a, k, text("some text")); return [c, await s.decrypt(a, k, c)]; })`,
  `raw(count(16), "AES-CBC", ["encrypt", "decrypt"]).then(async (k) => { const a = { name: "AES-CBC", iv: count(16) }; return s.decrypt(a, k, await s.encrypt(a, k, new Uint8Array(100_000))); }).then((b) => b.byteLength)`,
  `raw(text("password"), "HKDF", ["deriveBits"], false).then((k) => s.deriveBits({ name: "HKDF", hash: "SHA-256", salt: count(8), info: text("info") }, k, 512))`,
  ...each(
    HASHES,
    (hash) =>
      `raw(text("password"), "PBKDF2", ["deriveBits"], false).then((k) => s.deriveBits({ name: "PBKDF2", hash: "${hash}", salt: count(16), iterations: 1000 }, k, 256))`,
  ),
  `raw(new Uint8Array(0), "PBKDF2", ["deriveKey"], false).then((k) => s.deriveKey({ name: "PBKDF2", hash: "SHA-256", salt: new Uint8Array(0), iterations: 2 }, k, { name: "AES-GCM", length: 256 }, true, ["decrypt", "encrypt"])).then(async (k) => [k, await s.exportKey("raw", k)])`,
  `raw(text("password"), "HKDF", ["deriveKey"], false).then((k) => s.deriveKey({ name: "HKDF", hash: "SHA-1", salt: count(8), info: count(0) }, k, { name: "HMAC", hash: "SHA-384" }, true, ["sign"])).then(async (k) => [k, await s.exportKey("raw", k)])`,
  ...each(
    ["null", "256", "8", "100"],
    (bits) =>
      `Promise.all([priv("p256", EC("ECDH", "P-256"), ["deriveBits"]), pub("otherP256", EC("ECDH", "P-256"), [])]).then(([k, other]) => s.deriveBits({ name: "ECDH", public: other }, k, ${bits}))`,
  ),
  `Promise.all([priv("x25519", "X25519", ["deriveBits", "deriveKey"]), pub("otherX25519", "X25519", [])]).then(async ([k, other]) => [await s.deriveBits({ name: "X25519", public: other }, k, 256), await s.deriveKey({ name: "X25519", public: other }, k, { name: "AES-CBC", length: 128 }, false, ["encrypt"])])`,
  // Keys in and out, in every format
  `raw(count(20), HMAC, ["verify", "sign"]).then(async (k) => [k, await s.exportKey("raw", k), await s.exportKey("jwk", k)])`,
  ...each(
    ["AES-CTR", "AES-CBC", "AES-GCM"],
    (name) =>
      `raw(count(24), "${name.toLowerCase()}", ["decrypt", "unwrapKey"]).then(async (k) => [k, await s.exportKey("jwk", k)])`,
  ),
  `raw(count(16), "AES-KW", ["wrapKey", "unwrapKey"], false)`,
  `s.importKey("jwk", { kty: "oct", k: "AQIDBA", alg: "HS256", ext: false, use: "sig", key_ops: ["sign"], more: 1 }, HMAC, false, ["sign"])`,
  ...each(
    ["RSASSA-PKCS1-v1_5", "RSA-PSS"],
    (name) =>
      `priv("rsa", RSA("${name}"), ["sign"]).then(async (k) => { const out = await s.exportKey("pkcs8", k); const again = await s.importKey("pkcs8", out, RSA("${name}"), true, ["sign"]); return [out, again, await s.exportKey("jwk", again)]; })`,
  ),
  `pub("rsa", RSA("RSA-OAEP", "SHA-512"), ["wrapKey", "encrypt"]).then(async (k) => { const out = await s.exportKey("spki", k); const again = await s.importKey("spki", out, RSA("RSA-OAEP", "SHA-512"), true, ["encrypt"]); return [out, again, await s.exportKey("jwk", again)]; })`,
  ...each(
    ["256", "384", "521"],
    (bits) =>
      `priv("p${bits}", EC("ECDSA", "P-${bits}"), ["sign"]).then(async (k) => { const out = await s.exportKey("pkcs8", k); const again = await s.importKey("pkcs8", out, EC("ECDSA", "P-${bits}"), true, ["sign"]); return [out, again, await s.exportKey("jwk", again)]; })`,
  ),
  ...each(
    ["256", "384", "521"],
    (bits) =>
      `pub("p${bits}", EC("ECDH", "P-${bits}"), []).then(async (k) => { const out = await s.exportKey("raw", k); const again = await s.importKey("raw", out, EC("ECDH", "P-${bits}"), true, []); return [out, again, await s.exportKey("spki", again), await s.exportKey("jwk", again)]; })`,
  ),
  `pub("ed25519", "Ed25519", ["verify"]).then(async (k) => { const out = await s.exportKey("raw", k); const again = await s.importKey("raw", out, "Ed25519", false, ["verify"]); return [out, again, await s.exportKey("spki", k), await s.exportKey("jwk", k)]; })`,
  `priv("x25519", "X25519", ["deriveKey", "deriveBits"]).then(async (k) => [k, await s.exportKey("pkcs8", k), await s.exportKey("jwk", k)])`,
  // Keys in keys
  `Promise.all([raw(count(16), "AES-KW", ["wrapKey", "unwrapKey"]), raw(count(32), HMAC, ["sign"])]).then(async ([kek, k]) => { const w = await s.wrapKey("raw", k, kek, "AES-KW"); return [w, await s.unwrapKey("raw", w, kek, { name: "AES-KW" }, HMAC, true, ["verify"])]; })`,
  `Promise.all([raw(count(16), "AES-KW", ["wrapKey", "unwrapKey"]), priv("ed25519", "Ed25519", ["sign"])]).then(async ([kek, k]) => { const w = await s.wrapKey("jwk", k, kek, "AES-KW"); const again = await s.unwrapKey("jwk", w, kek, "AES-KW", "Ed25519", false, ["sign"]); return [again, await s.sign("Ed25519", again, text("data"))]; })`,
  `Promise.all([raw(count(16), "AES-GCM", ["wrapKey", "unwrapKey"]), priv("p256", EC("ECDSA", "P-256"), ["sign"])]).then(async ([kek, k]) => { const a = { name: "AES-GCM", iv: count(12) }; const w = await s.wrapKey("pkcs8", k, kek, a); return [w, await s.unwrapKey("pkcs8", w, kek, a, EC("ECDSA", "P-256"), true, ["sign"])]; })`,
  `Promise.all([priv("rsa", RSA("RSA-OAEP"), ["unwrapKey", "decrypt"]), pub("rsa", RSA("RSA-OAEP"), ["wrapKey", "encrypt"])]).then(async ([k, p]) => { const label = text("label"); const w = await s.wrapKey("raw", await raw(count(16), "AES-CBC", ["encrypt"]), p, { name: "RSA-OAEP", label }); const u = await s.unwrapKey("raw", w, k, { name: "RSA-OAEP", label }, "AES-CBC", true, ["encrypt"]); return [w.byteLength, u, await s.exportKey("raw", u)]; })`,
  // What is generated has the right shape
  `s.generateKey({ name: "ECDSA", namedCurve: "P-384" }, false, ["verify", "sign"]).then((p) => ({ ...p }))`,
  `s.generateKey({ name: "RSA-OAEP", modulusLength: 1024, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-1" }, true, ["decrypt", "unwrapKey", "encrypt"]).then((p) => ({ ...p }))`,
  `s.generateKey("X25519", true, ["deriveBits"]).then((p) => ({ ...p }))`,
  `s.generateKey({ name: "HMAC", hash: { name: "sha-512" } }, true, ["sign"])`,
  `s.generateKey({ name: "HMAC", hash: "SHA-1", length: 160 }, false, ["sign"])`,
  `s.generateKey({ name: "AES-KW", length: 192 }, false, ["wrapKey"])`,
  `s.generateKey({ name: "AES-GCM", length: 128 }, true, ["encrypt"]).then(async (k) => (await s.exportKey("raw", k)).byteLength)`,
];

/** Cases that end in an error: its name is the standard's. */
export const ERRORS: readonly string[] = [
  // Arguments
  `s.digest()`,
  `s.digest("SHA-256")`,
  `s.digest("SHA-256", "text")`,
  `s.digest("SHA-256", [1])`,
  `s.digest("MD5", count(1))`,
  `s.digest(null, count(1))`,
  `s.digest({}, count(1))`,
  `s.digest({ name: Symbol("x") }, count(1))`,
  `s.digest.call({}, "SHA-256", count(1))`,
  `s.digest("HMAC", count(1))`,
  `s.importKey("pem", count(1), HMAC, true, ["sign"])`,
  `s.importKey("raw", count(1), HMAC, true, ["fly"])`,
  `s.importKey("raw", count(1), HMAC, true, "sign")`,
  `s.importKey("raw", count(1), { name: "HMAC" }, true, ["sign"])`,
  `s.importKey("raw", count(1), { name: "HMAC", hash: "MD5" }, true, ["sign"])`,
  `s.importKey("raw", {}, HMAC, true, ["sign"])`,
  `s.importKey("jwk", 5, HMAC, true, ["sign"])`,
  `s.importKey("jwk", { kty: "oct", k: "AA", key_ops: 5 }, HMAC, true, ["sign"])`,
  `s.exportKey("raw", {})`,
  `s.sign("HMAC", {}, count(1))`,
  `s.generateKey("AES-GCM", true, ["encrypt"])`,
  `s.generateKey({ name: "AES-GCM", length: -1 }, true, ["encrypt"])`,
  `s.generateKey({ name: "AES-GCM", length: 70_000 }, true, ["encrypt"])`,
  `s.generateKey({ name: "AES-GCM", length: NaN }, true, ["encrypt"])`,
  `s.generateKey({ name: "RSA-PSS", modulusLength: 1024, publicExponent: [1], hash: "SHA-256" }, true, ["sign"])`,
  `raw(count(16), "AES-GCM", ["encrypt"]).then((k) => s.encrypt("AES-GCM", k, count(1)))`,
  `raw(count(16), "AES-GCM", ["encrypt"]).then((k) => s.encrypt({ name: "AES-GCM", iv: "x" }, k, count(1)))`,
  `raw(count(16), "AES-CTR", ["encrypt"]).then((k) => s.encrypt({ name: "AES-CTR", counter: count(16), length: 256 }, k, count(1)))`,
  `raw(count(9), "PBKDF2", ["deriveBits"], false).then((k) => s.deriveBits({ name: "PBKDF2", hash: "SHA-1", salt: count(1) }, k, 128))`,
  `new CryptoKey()`,
  `new SubtleCrypto()`,
  `Object.getOwnPropertyDescriptor(CryptoKey.prototype, "type").get.call({})`,
  // What there is no operation for
  `raw(count(16), "AES-XYZ", ["encrypt"])`,
  `s.generateKey("PBKDF2", false, ["deriveBits"])`,
  `raw(count(16), HMAC, ["sign"]).then((k) => s.encrypt("HMAC", k, count(1)))`,
  `raw(count(16), "AES-KW", ["wrapKey"]).then((k) => s.encrypt("AES-KW", k, count(16)))`,
  `s.importKey("pkcs8", count(16), "AES-GCM", true, ["encrypt"])`,
  `s.importKey("spki", count(16), "HKDF", false, ["deriveBits"])`,
  `s.importKey("jwk", { kty: "oct", k: "AAAA" }, "PBKDF2", false, ["deriveBits"])`,
  `s.importKey("raw", count(16), RSA("RSA-PSS"), true, ["verify"])`,
  `s.generateKey(EC("ECDSA", "P-999"), true, ["sign"])`,
  // What a key is not for
  `raw(count(16), HMAC, ["verify"]).then((k) => s.sign("HMAC", k, count(1)))`,
  `raw(count(16), HMAC, ["sign"]).then((k) => s.sign("Ed25519", k, count(1)))`,
  `raw(count(16), HMAC, ["sign"]).then((k) => s.sign({ name: "ECDSA", hash: "SHA-256" }, k, count(1)))`,
  `raw(count(16), "AES-GCM", ["decrypt"]).then((k) => s.encrypt({ name: "AES-GCM", iv: count(12) }, k, count(1)))`,
  `raw(count(16), "AES-GCM", ["encrypt"]).then((k) => s.encrypt({ name: "AES-CBC", iv: count(16) }, k, count(1)))`,
  `priv("p256", EC("ECDH", "P-256"), ["deriveKey"]).then(async (k) => s.deriveBits({ name: "ECDH", public: await pub("otherP256", EC("ECDH", "P-256"), []) }, k, 8))`,
  `priv("p256", EC("ECDH", "P-256"), ["deriveBits"]).then((k) => s.deriveBits({ name: "ECDH", public: k }, k, 8))`,
  `priv("p256", EC("ECDH", "P-256"), ["deriveBits"]).then(async (k) => s.deriveBits({ name: "ECDH", public: await pub("p384", EC("ECDH", "P-384"), []) }, k, 8))`,
  `raw(count(8), "HKDF", ["deriveBits"], false).then((k) => s.deriveKey({ name: "HKDF", hash: "SHA-1", salt: count(1), info: count(1) }, k, { name: "AES-GCM", length: 128 }, true, ["encrypt"]))`,
  `priv("rsa", RSA("RSA-PSS"), ["sign"]).then((k) => s.exportKey("spki", k))`,
  `pub("rsa", RSA("RSA-PSS"), ["verify"]).then((k) => s.exportKey("pkcs8", k))`,
  `pub("rsa", RSA("RSA-PSS"), ["verify"]).then((k) => s.exportKey("raw", k))`,
  `priv("p256", EC("ECDSA", "P-256"), ["sign"]).then((k) => s.exportKey("raw", k))`,
  `Promise.all([raw(count(16), "AES-KW", ["unwrapKey"]), raw(count(32), HMAC, ["sign"])]).then(([kek, k]) => s.wrapKey("raw", k, kek, "AES-KW"))`,
  // Usages that a kind of key does not have, or none
  `raw(count(16), HMAC, [])`,
  `raw(count(16), HMAC, ["encrypt"])`,
  `raw(count(16), "AES-KW", ["encrypt"])`,
  `priv("p256", EC("ECDSA", "P-256"), ["verify"])`,
  `pub("p256", EC("ECDH", "P-256"), ["deriveBits"])`,
  `priv("rsa", RSA("RSA-OAEP"), ["sign"])`,
  `raw(count(16), "HKDF", ["deriveBits"], true)`,
  `raw(count(16), "PBKDF2", ["sign"], false)`,
  `s.generateKey(EC("ECDSA", "P-256"), true, ["verify"])`,
  `s.generateKey({ name: "AES-GCM", length: 128 }, true, [])`,
  `s.generateKey("Ed25519", true, ["encrypt"])`,
  // Data that is no such key
  `raw(count(15), "AES-GCM", ["encrypt"])`,
  `raw(count(0), HMAC, ["sign"])`,
  `s.importKey("pkcs8", count(100), RSA("RSA-PSS"), true, ["sign"])`,
  `s.importKey("spki", count(100), "Ed25519", true, ["verify"])`,
  `s.importKey("raw", count(64), EC("ECDSA", "P-256"), true, ["verify"])`,
  `s.importKey("raw", count(31), "Ed25519", true, ["verify"])`,
  `s.importKey("jwk", {}, HMAC, true, ["sign"])`,
  `s.importKey("jwk", { kty: "RSA", k: "AAAA" }, HMAC, true, ["sign"])`,
  `s.importKey("jwk", { kty: "oct", k: "AAAA", alg: "HS512" }, HMAC, true, ["sign"])`,
  `s.importKey("jwk", { kty: "oct", k: "AAAA", ext: false }, HMAC, true, ["sign"])`,
  `s.importKey("jwk", { kty: "oct", k: "AAAA", key_ops: ["verify"] }, HMAC, true, ["sign"])`,
  `s.importKey("jwk", { kty: "oct", k: "AAAA", use: "enc" }, HMAC, true, ["sign"])`,
  `s.importKey("jwk", { ...FIXTURES.p256, crv: "P-384" }, EC("ECDSA", "P-256"), true, ["sign"])`,
  `s.importKey("jwk", { ...FIXTURES.p256, x: "AAAA" }, EC("ECDSA", "P-256"), true, ["sign"])`,
  `priv("x25519", "Ed25519", ["sign"])`,
  `priv("p384", EC("ECDH", "P-256"), ["deriveBits"])`,
  `Promise.all([raw(count(16), "AES-GCM", ["encrypt", "unwrapKey"])]).then(async ([k]) => { const a = { name: "AES-GCM", iv: count(12) }; return s.unwrapKey("jwk", await s.encrypt(a, k, text("no JSON")), k, a, HMAC, true, ["sign"]); })`,
  // What cannot be done
  `s.generateKey({ name: "AES-GCM", length: 100 }, true, ["encrypt"])`,
  `s.generateKey({ name: "HMAC", hash: "SHA-1", length: 0 }, true, ["sign"])`,
  `s.generateKey({ name: "RSA-PSS", modulusLength: 256, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256" }, true, ["sign"])`,
  `raw(count(16), "AES-GCM", ["decrypt"]).then((k) => s.decrypt({ name: "AES-GCM", iv: count(12) }, k, count(40)))`,
  `raw(count(16), "AES-GCM", ["decrypt"]).then((k) => s.decrypt({ name: "AES-GCM", iv: count(12) }, k, count(4)))`,
  `raw(count(16), "AES-GCM", ["encrypt"]).then((k) => s.encrypt({ name: "AES-GCM", iv: count(12), tagLength: 100 }, k, count(4)))`,
  `raw(count(16), "AES-CBC", ["encrypt"]).then((k) => s.encrypt({ name: "AES-CBC", iv: count(12) }, k, count(4)))`,
  `raw(count(16), "AES-CBC", ["decrypt"]).then((k) => s.decrypt({ name: "AES-CBC", iv: count(16) }, k, count(17)))`,
  `raw(count(16), "AES-CTR", ["encrypt"]).then((k) => s.encrypt({ name: "AES-CTR", counter: count(16), length: 0 }, k, count(4)))`,
  `priv("rsa", RSA("RSA-OAEP"), ["decrypt"]).then((k) => s.decrypt("RSA-OAEP", k, count(256)))`,
  `pub("rsa", RSA("RSA-OAEP"), ["encrypt"]).then((k) => s.encrypt("RSA-OAEP", k, count(250)))`,
  `priv("rsa", RSA("RSA-PSS"), ["sign"]).then((k) => s.sign({ name: "RSA-PSS", saltLength: 9999 }, k, count(4)))`,
  `raw(count(9), "PBKDF2", ["deriveBits"], false).then((k) => s.deriveBits({ name: "PBKDF2", hash: "SHA-1", salt: count(1), iterations: 0 }, k, 128))`,
  `raw(count(9), "PBKDF2", ["deriveBits"], false).then((k) => s.deriveBits({ name: "PBKDF2", hash: "SHA-1", salt: count(1), iterations: 1 }, k, null))`,
  `raw(count(9), "HKDF", ["deriveBits"], false).then((k) => s.deriveBits({ name: "HKDF", hash: "SHA-1", salt: count(1), info: count(1) }, k, 9))`,
  `raw(count(9), "HKDF", ["deriveBits"], false).then((k) => s.deriveBits({ name: "HKDF", hash: "SHA-1", salt: count(1), info: count(1) }, k, 100_000))`,
  `Promise.all([priv("p256", EC("ECDH", "P-256"), ["deriveBits"]), pub("otherP256", EC("ECDH", "P-256"), [])]).then(([k, other]) => s.deriveBits({ name: "ECDH", public: other }, k, 264))`,
  `raw(count(8), "HKDF", ["deriveKey"], false).then((k) => s.deriveKey({ name: "HKDF", hash: "SHA-1", salt: count(1), info: count(1) }, k, { name: "AES-GCM", length: 100 }, true, ["encrypt"]))`,
  `Promise.all([raw(count(16), "AES-KW", ["wrapKey"]), raw(count(5), HMAC, ["sign"])]).then(([kek, k]) => s.wrapKey("raw", k, kek, "AES-KW"))`,
  `raw(count(16), "AES-KW", ["unwrapKey"]).then((kek) => s.unwrapKey("raw", count(24), kek, "AES-KW", HMAC, true, ["sign"]))`,
];

/** Cases in which Node 20 is not the standard, and what the standard says. */
export const STANDARD: readonly (readonly [expression: string, result: string])[] = [
  [`raw(count(20), HMAC, ["verify", "sign", "verify"]).then((k) => k.usages.join())`, "verify,sign"],
  [`raw(count(16), HMAC, ["sign"], false).then((k) => s.exportKey("raw", k))`, "throws InvalidAccessError"],
  [`raw(count(16), "HKDF", ["deriveBits"], false).then((k) => s.exportKey("raw", k))`, "throws InvalidAccessError"],
  [`s.importKey("pkcs8", count(16), HMAC, true, ["sign"])`, "throws NotSupportedError"],
  [
    `Promise.all([raw(count(16), "AES-KW", ["wrapKey"]), raw(count(32), HMAC, ["sign"], false)]).then(([kek, k]) => s.wrapKey("raw", k, kek, "AES-KW"))`,
    "throws InvalidAccessError",
  ],
];
