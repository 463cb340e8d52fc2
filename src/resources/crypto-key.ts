/** Keys between the guest's form, which travels, and the host's. */

import { createHash, KeyObject, type webcrypto } from "node:crypto";
import type { AlgorithmRecord, Hash, KeyAlgorithmRecord, KeyRecord, KeyUsage } from "../abi/crypto.ts";
import { present } from "../assert.ts";
import {
  CRYPTO_KEY_MAX_BYTES,
  CRYPTO_KEYS_CACHED_MAX,
  CRYPTO_PARAMETER_MAX_BYTES,
  RSA_IMPORT_MAX_BITS,
} from "../limits.ts";
import { type KeyName, refusal } from "./crypto-request.ts";

type CryptoKey = webcrypto.CryptoKey;
const { subtle } = globalThis.crypto;

const SIGN = { private: ["sign"], public: ["verify"] } as const;
const AGREE = { private: ["deriveKey", "deriveBits"], public: [] } as const;
const CIPHER = { secret: ["encrypt", "decrypt", "wrapKey", "unwrapKey"] } as const;
const PASSWORD = { secret: ["deriveKey", "deriveBits"] } as const;
type KeyUsages = Partial<Readonly<Record<KeyRecord["type"], readonly KeyUsage[]>>>;
const USAGES: Readonly<Record<KeyName, KeyUsages>> = {
  "RSASSA-PKCS1-v1_5": SIGN,
  "RSA-PSS": SIGN,
  "RSA-OAEP": { private: ["decrypt", "unwrapKey"], public: ["encrypt", "wrapKey"] },
  ECDSA: SIGN,
  Ed25519: SIGN,
  ECDH: AGREE,
  X25519: AGREE,
  HMAC: { secret: ["sign", "verify"] },
  "AES-CTR": CIPHER,
  "AES-CBC": CIPHER,
  "AES-GCM": CIPHER,
  "AES-KW": { secret: ["wrapKey", "unwrapKey"] },
  HKDF: PASSWORD,
  PBKDF2: PASSWORD,
};
/** What the kinds of keys for an algorithm may be for; there are no others. */
export function usagesOf(name: string): KeyUsages {
  return Object.hasOwn(USAGES, name) ? USAGES[name as KeyName] : {};
}

/** Keys of HKDF and PBKDF2 only go in. */
export function isPassword(name: string): boolean {
  return name === "HKDF" || name === "PBKDF2";
}

const FORMATS = { secret: "raw", private: "pkcs8", public: "spki" } as const;

/** The keys used last, in the host's form. A key is found by a hash of all that it is, so whose it was does not matter. */
export class HostKeys {
  /** In the order of their last use. */
  readonly #keys = new Map<string, CryptoKey>();

  async get(record: KeyRecord): Promise<CryptoKey> {
    const { type, algorithm, material } = record;
    const { name, hash = "", namedCurve = "" } = algorithm;
    const id = createHash("sha256").update([type, name, hash, namedCurve, material].join("\n")).digest("base64");
    const key = this.#keys.get(id) ?? (await fromRecord(record));
    this.#keys.delete(id);
    this.#keys.set(id, key);
    if (this.#keys.size > CRYPTO_KEYS_CACHED_MAX) this.#keys.delete(present(this.#keys.keys().next().value, "a key"));
    return key;
  }
}

async function fromRecord({ type, algorithm, material }: KeyRecord): Promise<CryptoKey> {
  const { name, hash, namedCurve } = algorithm;
  // Everything that it could be for: what this one is for has been settled in the guest, which holds it.
  const usages = usagesOf(name)[type];
  if (usages === undefined) throw refusal("DataError", `there is no ${type} key for ${name}`);
  const bytes = Buffer.from(material, "base64");
  checkSize(type, bytes);
  const parameters = {
    name,
    ...(hash === undefined ? {} : { hash }),
    ...(namedCurve === undefined ? {} : { namedCurve }),
  };
  const key = await subtle.importKey(FORMATS[type], bytes, parameters, !isPassword(name), [...usages]);
  checkModulus(key);
  return key;
}

/** Takes a key out of the host. `material` is that of keys that the host would not give back. */
export async function keyRecord(key: CryptoKey, material?: Uint8Array): Promise<KeyRecord> {
  checkModulus(key);
  const bytes = material ?? new Uint8Array(await subtle.exportKey(FORMATS[key.type], key));
  checkSize(key.type, bytes);
  return {
    type: key.type,
    algorithm: algorithmRecord(key),
    usages: key.usages,
    material: Buffer.from(bytes).toString("base64"),
  };
}

/** Throws DataError for a key that is too large. */
export function checkSize(type: KeyRecord["type"], material: Uint8Array): void {
  const maxBytes = type === "secret" ? CRYPTO_PARAMETER_MAX_BYTES : CRYPTO_KEY_MAX_BYTES;
  if (material.length > maxBytes)
    throw refusal("DataError", `a ${type} key of ${material.length} bytes; at most ${maxBytes} are taken`);
}

const RSA_PARTS = ["d", "p", "q", "dp", "dq", "qi"] as const;

/** The time of an operation grows with the third power of what a key's numbers are long, whatever its modulus says. */
function checkModulus(key: CryptoKey): void {
  const { modulusLength } = key.algorithm as KeyAlgorithm;
  if (modulusLength === undefined) return;
  if (modulusLength > RSA_IMPORT_MAX_BITS)
    throw refusal("DataError", `an RSA key of ${modulusLength} bits; at most ${RSA_IMPORT_MAX_BITS} are taken`);
  if (key.type !== "private") return;
  const parts = KeyObject.from(key).export({ format: "jwk" });
  for (const part of RSA_PARTS) {
    const bytes = Buffer.from(parts[part] ?? "", "base64url");
    if (bytes.length * 8 > Math.ceil(modulusLength / 8) * 8)
      throw refusal(
        "DataError",
        `an RSA key whose ${part} is longer than its modulus; at most ${modulusLength} bits are taken`,
      );
  }
}

/** The members that kinds of keys have, as Node gives them. */
interface KeyAlgorithm {
  readonly name: string;
  readonly hash?: { readonly name: string };
  readonly length?: number;
  readonly namedCurve?: string;
  readonly modulusLength?: number;
  readonly publicExponent?: Uint8Array;
}

function algorithmRecord(key: CryptoKey): KeyAlgorithmRecord {
  const { hash, publicExponent, ...rest } = key.algorithm as KeyAlgorithm;
  return {
    ...rest,
    ...(hash === undefined ? {} : { hash: hash.name as Hash }),
    ...(publicExponent === undefined ? {} : { publicExponent: Buffer.from(publicExponent).toString("base64") }),
  };
}

const BYTES = ["publicExponent", "label", "iv", "counter", "additionalData", "salt", "info"] as const;

/** An algorithm as the host's library takes it. */
export async function hostAlgorithm(keys: HostKeys, record: AlgorithmRecord): Promise<{ readonly name: string }> {
  const bytes: Partial<Record<(typeof BYTES)[number], Uint8Array>> = {};
  for (const name of BYTES) {
    const text = record[name];
    if (text !== undefined) bytes[name] = new Uint8Array(Buffer.from(text, "base64"));
  }
  const other = record.public === undefined ? {} : { public: await keys.get(record.public) };
  return { ...record, ...bytes, ...other };
}
