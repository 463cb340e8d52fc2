/** Requests for cryptographic operations as a hostile guest may make them: whole ones, bent ones, and nonsense. */

import fc from "fast-check";
import { HASHES, KEY_FORMATS, KEY_USAGES, type KeyRecord } from "../../src/abi/crypto.ts";

export interface Attempt {
  readonly keys: boolean;
  readonly request: object;
  readonly data: Uint8Array;
}

const NAMES = [
  "RSASSA-PKCS1-v1_5",
  "RSA-PSS",
  "RSA-OAEP",
  "ECDSA",
  "ECDH",
  "Ed25519",
  "X25519",
  "HMAC",
  "AES-CTR",
  "AES-CBC",
  "AES-GCM",
  "AES-KW",
  "HKDF",
  "PBKDF2",
];

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 80 }),
  fc.constantFrom(0, 8, 12, 16, 24, 32, 64, 5000).map((length) => new Uint8Array(length).fill(length)),
);
const base64 = bytes.map((value) => Buffer.from(value).toString("base64"));
const number = fc.oneof(
  fc.constantFrom(
    0,
    1,
    7,
    8,
    12,
    16,
    64,
    96,
    100,
    120,
    128,
    192,
    256,
    512,
    521,
    1024,
    131_072,
    2 ** 31,
    2 ** 32 - 1,
    -1,
    0.5,
  ),
  fc.nat(300),
);
const hash = fc.constantFrom(...HASHES);
const curve = fc.constantFrom("P-256", "P-384", "P-521");
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 2 });

/** Members that are mostly of their kinds; which of them belong together is left to chance. */
const parameters = {
  hash: maybe(hash),
  namedCurve: maybe(fc.oneof(curve, fc.string({ maxLength: 9 }))),
  length: maybe(number),
  // What takes long to make is refused; what is made takes a moment.
  modulusLength: maybe(fc.constantFrom(0, 1, 256, 511, 512, 5000, 2 ** 32 - 1)),
  publicExponent: maybe(fc.oneof(fc.constantFrom("AQAB", "Aw==", "AAAAAw==", "AQ==", "AA==", "", "////"), base64)),
  saltLength: maybe(number),
  label: maybe(base64),
  iv: maybe(base64),
  counter: maybe(base64),
  additionalData: maybe(base64),
  tagLength: maybe(number),
  salt: maybe(base64),
  info: maybe(base64),
  iterations: maybe(fc.constantFrom(0, 1, 2, 1000, 2 ** 31, 2 ** 32 - 1)),
};

/** A key with some of its bytes changed, or taken for another kind of key. */
function bent(keys: readonly KeyRecord[]): fc.Arbitrary<object> {
  return fc.constantFrom(...keys).chain((key) =>
    fc.oneof(
      { weight: 3, arbitrary: fc.constant(key) },
      {
        weight: 2,
        arbitrary: fc
          .array(fc.tuple(fc.nat(2000), fc.nat(255)), { minLength: 1, maxLength: 4 })
          .map((changes) => ({ ...key, material: changed(key.material, changes) })),
      },
      fc.record({ name: fc.constantFrom(...NAMES), hash: maybe(hash), namedCurve: maybe(curve) }).map((algorithm) => ({
        ...key,
        algorithm,
      })),
      fc.constantFrom("secret", "private", "public").map((type) => ({ ...key, type })),
      base64.map((material) => ({ ...key, material })),
    ),
  );
}

function changed(material: string, changes: readonly (readonly [number, number])[]): string {
  const buffer = Buffer.from(material, "base64");
  for (const [at, value] of changes) if (buffer.length > 0) buffer[at % buffer.length] = value;
  return buffer.toString("base64");
}

const usages = fc.subarray([...KEY_USAGES]);
const jwkText = fc.oneof(
  base64.map((text) => Buffer.from(text, "base64").toString("base64url")),
  fc.string({ maxLength: 20 }),
);

function jsonWebKey(jwks: readonly object[]): fc.Arbitrary<object> {
  const members = ["kty", "crv", "x", "y", "d", "n", "e", "p", "q", "dp", "dq", "qi", "k", "alg", "use"];
  const change = fc.tuple(
    fc.constantFrom(...members),
    fc.oneof(jwkText, fc.constantFrom(undefined, "", "RSA", "EC", "OKP", "oct", "AA", "AQAB", "P-384", "sig", "enc")),
  );
  return fc
    .tuple(fc.constantFrom({}, ...jwks), fc.array(change, { maxLength: 3 }), maybe(fc.boolean()), maybe(usages))
    .map(([jwk, changes, ext, key_ops]) => ({
      ...jwk,
      ...Object.fromEntries(changes),
      ...(ext === undefined ? {} : { ext }),
      ...(key_ops === undefined ? {} : { key_ops }),
    }));
}

/** @param keys whole keys of every kind, to be used and bent. @param jwks some of them as JSON Web Keys. */
export function attempts(keys: readonly KeyRecord[], jwks: readonly object[]): fc.Arbitrary<Attempt> {
  const key = bent(keys);
  const algorithm = (name: fc.Arbitrary<string>) => fc.record({ name, ...parameters, public: maybe(key) });
  const named = algorithm(fc.constantFrom(...NAMES, ...HASHES, "Ed448", "__proto__", ""));
  /** The algorithm is most often the key's own: only then is there an operation. */
  const keyed = key.chain((key) => {
    const { name } = (key as KeyRecord).algorithm;
    return fc.record({
      key: fc.constant(key),
      algorithm: fc.oneof({ weight: 5, arbitrary: algorithm(fc.constant(name)) }, named),
    });
  });
  const onData = fc.oneof(
    named.map((algorithm) => ({ op: "digest", algorithm })),
    fc.record({
      op: fc.constant("digestPiece"),
      algorithm: fc.record({ name: fc.oneof(hash, fc.constant("MD5")) }),
      id: fc.constantFrom("", "a", "b", "x".repeat(100)),
      at: fc.oneof(fc.constantFrom(0, 8, 64, 72), number),
      isLast: fc.boolean(),
    }),
    fc.tuple(fc.constantFrom("sign", "encrypt", "decrypt"), keyed).map(([op, rest]) => ({ op, ...rest })),
    fc.tuple(base64, keyed).map(([signature, rest]) => ({ op: "verify", signature, ...rest })),
    fc.tuple(fc.option(number), keyed).map(([length, rest]) => ({ op: "deriveBits", length, ...rest })),
    fc.tuple(fc.constantFrom("raw", "pkcs8", "spki"), key).map(([format, key]) => ({ op: "exportKey", format, key })),
  );
  const onKeys = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({
        op: fc.constant("importKey"),
        format: fc.constantFrom(...KEY_FORMATS),
        algorithm: named,
        extractable: fc.boolean(),
        usages,
        jwk: maybe(jsonWebKey(jwks)),
      }),
    },
    fc.record({ op: fc.constant("generateKey"), algorithm: named, extractable: fc.boolean(), usages }),
    key.map((key) => ({ op: "exportJwk", key })),
  );
  const data = fc.oneof(
    bytes,
    key.map((key) => Buffer.from((key as KeyRecord).material, "base64")),
  );
  const nonsense = fc.oneof(
    fc.jsonValue().filter((value) => typeof value === "object" && value !== null),
    fc.record({
      op: fc.constantFrom("digest", "sign", "importKey", "generateKey"),
      algorithm: fc.jsonValue(),
      key: fc.jsonValue(),
    }),
  ) as fc.Arbitrary<object>;
  return fc
    .record({
      keys: fc.constant(false),
      request: fc.oneof({ weight: 6, arbitrary: onData }, { weight: 1, arbitrary: nonsense }),
      data,
    })
    .chain((attempt) =>
      fc.oneof(
        fc.constant(attempt),
        fc.record({
          keys: fc.constant(true),
          request: fc.oneof({ weight: 6, arbitrary: onKeys }, { weight: 1, arbitrary: nonsense }),
          data,
        }),
      ),
    );
}
