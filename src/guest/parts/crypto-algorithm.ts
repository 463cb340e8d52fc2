/**
 * Algorithms as programs name them, normalised as the standard says: which an operation knows, and what each takes
 * (Web Cryptography, "Algorithm normalization").
 */

import type { AlgorithmRecord } from "../../abi/crypto.ts";
import { base64Of, copyOf } from "./crypto-bytes.ts";
import { recordOf } from "./crypto-key.ts";
import { domString } from "./idl.ts";

type Kind = "hash" | "octet" | "short" | "long" | "bytes" | "integer" | "string" | "key";
/** A member, with "?" behind its name when it may be left out, and what it is. In the order in which they are read. */
type Members = Readonly<Record<string, Kind>>;

const NONE: Members = {};
const HASHED: Members = { hash: "hash" };
const CURVE: Members = { namedCurve: "string" };
const KEY_BITS: Members = { length: "short" };
const HMAC: Members = { hash: "hash", "length?": "long" };
const RSA_MAKE: Members = { hash: "hash", modulusLength: "long", publicExponent: "integer" };
const AGREEMENT: Members = { public: "key" };

const AES = ["AES-CTR", "AES-CBC", "AES-GCM", "AES-KW"];
const RSA = ["RSASSA-PKCS1-v1_5", "RSA-PSS", "RSA-OAEP"];
const all = (names: readonly string[], members: Members) => Object.fromEntries(names.map((name) => [name, members]));

const SIGNING = {
  "RSASSA-PKCS1-v1_5": NONE,
  "RSA-PSS": { saltLength: "long" },
  ECDSA: HASHED,
  HMAC: NONE,
  Ed25519: NONE,
} satisfies Record<string, Members>;
const CIPHER = {
  "RSA-OAEP": { "label?": "bytes" },
  "AES-CBC": { iv: "bytes" },
  "AES-GCM": { "additionalData?": "bytes", iv: "bytes", "tagLength?": "octet" },
  "AES-CTR": { counter: "bytes", length: "octet" },
} satisfies Record<string, Members>;
const CURVES = { ECDSA: CURVE, ECDH: CURVE, Ed25519: NONE, X25519: NONE };
const PASSWORDS = { HKDF: NONE, PBKDF2: NONE };

const REGISTERED = {
  digest: all(["SHA-1", "SHA-256", "SHA-384", "SHA-512"], NONE),
  sign: SIGNING,
  verify: SIGNING,
  encrypt: CIPHER,
  decrypt: CIPHER,
  wrapKey: { "AES-KW": NONE },
  unwrapKey: { "AES-KW": NONE },
  generateKey: { ...all(RSA, RSA_MAKE), ...all(AES, KEY_BITS), ...CURVES, HMAC },
  importKey: { ...all(RSA, HASHED), ...all(AES, NONE), ...CURVES, ...PASSWORDS, HMAC },
  deriveBits: {
    HKDF: { hash: "hash", info: "bytes", salt: "bytes" },
    PBKDF2: { hash: "hash", iterations: "long", salt: "bytes" },
    ECDH: AGREEMENT,
    X25519: AGREEMENT,
  },
  getKeyLength: { ...all(AES, KEY_BITS), ...PASSWORDS, HMAC },
} satisfies Record<string, Readonly<Record<string, Members>>>;
export type Operation = keyof typeof REGISTERED;

const INTEGERS = { octet: 2 ** 8, short: 2 ** 16, long: 2 ** 32 };

/** An `AlgorithmIdentifier`: an object stays one, all else is a name. */
export function identifier(value: unknown): object {
  if ((typeof value === "object" && value !== null) || typeof value === "function") return value;
  return { name: domString(value) };
}

/** @throws NotSupportedError for what the operation does not know, TypeError for members that are missing or of a wrong kind. */
export function normalised(operation: Operation, algorithm: object): AlgorithmRecord {
  const given = (algorithm as { readonly name?: unknown }).name;
  if (given === undefined) throw new TypeError("an algorithm needs a name");
  const wanted = domString(given).toUpperCase();
  const registered = Object.entries<Members>(REGISTERED[operation]).find(([name]) => name.toUpperCase() === wanted);
  if (registered === undefined) throw new DOMException("Unrecognized algorithm name", "NotSupportedError");
  const [name, members] = registered;
  const result: Record<string, unknown> = { name };
  for (const [notation, kind] of Object.entries(members)) {
    const key = notation.replace("?", "");
    const value = (algorithm as Readonly<Record<string, unknown>>)[key];
    if (value !== undefined) result[key] = converted(kind, value, key);
    else if (key === notation) throw new TypeError(`${name} needs a member ${key}`);
  }
  return result as unknown as AlgorithmRecord;
}

function converted(kind: Kind, value: unknown, what: string): unknown {
  switch (kind) {
    case "hash":
      return normalised("digest", identifier(value)).name;
    case "string":
      return domString(value);
    case "bytes":
      return base64Of(copyOf(value, what));
    case "integer":
      if (!(value instanceof Uint8Array)) throw new TypeError(`${what} must be a Uint8Array`);
      return base64Of(copyOf(value, what));
    case "key":
      return recordOf(value);
    default:
      return enforced(Number(value), INTEGERS[kind], what);
  }
}

/** WebIDL's `[EnforceRange]`. */
function enforced(value: number, bound: number, what: string): number {
  const whole = Math.trunc(value) + 0;
  if (whole >= 0 && whole < bound) return whole;
  throw new TypeError(`${what} must be a whole number from 0 to ${bound - 1}, not ${value}`);
}
