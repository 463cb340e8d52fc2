/**
 * `crypto.subtle` (Web Cryptography): arguments are converted and keys are judged here, and the host computes. A key that
 * is not extractable is kept from the program by this interface; who may read the memory of the process may read it.
 */

import {
  type AlgorithmRecord,
  type JsonWebKeyRecord,
  KEY_FORMATS,
  KEY_USAGES,
  type KeyFormat,
  type KeyRecord,
  type KeyUsage,
} from "../../abi/crypto.ts";
import { utf8Bytes } from "../core.ts";
import { identifier, normalised, type Operation } from "./crypto-algorithm.ts";
import { base64Of, bytesOf, copyOf } from "./crypto-bytes.ts";
import { digest, exportedJwk, keyOperation, operation } from "./crypto-calls.ts";
import { jsonWebKey, sequence } from "./crypto-jwk.ts";
import { CryptoKey, makeKey, readableRecord, recordOf } from "./crypto-key.ts";
import { Decoding } from "./decoding.ts";
import { displayAs } from "./display.ts";
import { domString, requireArguments } from "./idl.ts";

export { CryptoKey };
export { keyOfText, keyText } from "./crypto-key.ts";
displayAs(CryptoKey.prototype, "CryptoKey", ({ type, extractable, algorithm, usages }) => ({
  type,
  extractable,
  algorithm,
  usages,
}));

interface KeyPair {
  readonly publicKey: CryptoKey;
  readonly privateKey: CryptoKey;
}
const NO_DATA = new Uint8Array(0);
const INTERNAL = Symbol("internal");

/** The global `SubtleCrypto`. */
export class SubtleCrypto {
  #real = true;

  constructor(token: unknown = undefined) {
    if (token !== INTERNAL) throw new TypeError("Illegal constructor");
  }

  #begin(args: { readonly length: number }, needed: number, method: string): void {
    if (!this.#real) throw new TypeError("Illegal invocation");
    requireArguments(args.length, needed, method);
  }

  async digest(algorithm: unknown, data: unknown): Promise<ArrayBuffer> {
    this.#begin(arguments, 2, "digest");
    const named = identifier(algorithm);
    const bytes = copyOf(data, "data");
    return digest(normalised("digest", named), bytes);
  }

  async sign(algorithm: unknown, key: unknown, data: unknown): Promise<ArrayBuffer> {
    this.#begin(arguments, 3, "sign");
    const named = identifier(algorithm);
    const record = recordOf(key);
    const bytes = copyOf(data, "data");
    return operation({ op: "sign", algorithm: permitted("sign", named, record), key: record }, bytes);
  }

  async verify(algorithm: unknown, key: unknown, signature: unknown, data: unknown): Promise<boolean> {
    this.#begin(arguments, 4, "verify");
    const named = identifier(algorithm);
    const record = recordOf(key);
    const given = base64Of(copyOf(signature, "signature"));
    const bytes = copyOf(data, "data");
    const normal = permitted("verify", named, record);
    const answer = await operation({ op: "verify", algorithm: normal, key: record, signature: given }, bytes);
    return new Uint8Array(answer)[0] === 1;
  }

  async encrypt(algorithm: unknown, key: unknown, data: unknown): Promise<ArrayBuffer> {
    this.#begin(arguments, 3, "encrypt");
    return cipher("encrypt", identifier(algorithm), recordOf(key), copyOf(data, "data"));
  }

  async decrypt(algorithm: unknown, key: unknown, data: unknown): Promise<ArrayBuffer> {
    this.#begin(arguments, 3, "decrypt");
    return cipher("decrypt", identifier(algorithm), recordOf(key), copyOf(data, "data"));
  }

  async generateKey(algorithm: unknown, extractable: unknown, keyUsages: unknown): Promise<CryptoKey | KeyPair> {
    this.#begin(arguments, 3, "generateKey");
    const named = identifier(algorithm);
    const usages = usagesOf(keyUsages);
    const request = { algorithm: normalised("generateKey", named), extractable: Boolean(extractable), usages };
    const made = await keyOperation({ op: "generateKey", ...request }, NO_DATA);
    const [publicKey, privateKey] = made.map((record) =>
      makeKey(record, record.type === "public" || request.extractable),
    ) as [CryptoKey, CryptoKey?];
    return privateKey === undefined ? publicKey : { publicKey, privateKey };
  }

  async importKey(
    format: unknown,
    keyData: unknown,
    algorithm: unknown,
    extractable: unknown,
    keyUsages: unknown,
  ): Promise<CryptoKey> {
    this.#begin(arguments, 5, "importKey");
    const known = formatOf(format);
    const data = known === "jwk" ? jsonWebKey(keyData) : copyOf(keyData, "keyData");
    return importedKey(known, data, identifier(algorithm), Boolean(extractable), usagesOf(keyUsages));
  }

  async exportKey(format: unknown, key: unknown): Promise<ArrayBuffer | JsonWebKeyRecord> {
    this.#begin(arguments, 2, "exportKey");
    const known = formatOf(format);
    const record = readableRecord(key);
    return known === "jwk" ? exportedJwk(record) : exportedBytes(known, record);
  }

  async deriveBits(algorithm: unknown, baseKey: unknown, length: unknown = null): Promise<ArrayBuffer> {
    this.#begin(arguments, 2, "deriveBits");
    const named = identifier(algorithm);
    const record = recordOf(baseKey);
    const bits = length === null ? null : Number(length) >>> 0;
    return derived("deriveBits", normalised("deriveBits", named), record, bits);
  }

  async deriveKey(
    algorithm: unknown,
    baseKey: unknown,
    derivedKeyType: unknown,
    extractable: unknown,
    keyUsages: unknown,
  ): Promise<CryptoKey> {
    this.#begin(arguments, 5, "deriveKey");
    const named = identifier(algorithm);
    const record = recordOf(baseKey);
    const type = identifier(derivedKeyType);
    const usages = usagesOf(keyUsages);
    const normal = normalised("deriveBits", named);
    normalised("importKey", type);
    const { name, length, hash } = normalised("getKeyLength", type);
    requireUsage(record, normal.name, "deriveKey");
    const bits = await derived("deriveKey", normal, record, keyLength(name, length, hash));
    return importedKey("raw", new Uint8Array(bits), type, Boolean(extractable), usages);
  }

  async wrapKey(format: unknown, key: unknown, wrappingKey: unknown, algorithm: unknown): Promise<ArrayBuffer> {
    this.#begin(arguments, 4, "wrapKey");
    const known = formatOf(format);
    recordOf(key);
    const record = recordOf(wrappingKey);
    const normal = normalisedEither("wrapKey", "encrypt", identifier(algorithm));
    requireUsage(record, normal.name, "wrapKey");
    const readable = readableRecord(key);
    const bytes =
      known === "jwk"
        ? jwkBytes(await exportedJwk(readable), normal.name)
        : new Uint8Array(await exportedBytes(known, readable));
    return operation({ op: "encrypt", algorithm: normal, key: record }, bytes);
  }

  async unwrapKey(
    format: unknown,
    wrappedKey: unknown,
    unwrappingKey: unknown,
    unwrapAlgorithm: unknown,
    unwrappedKeyAlgorithm: unknown,
    extractable: unknown,
    keyUsages: unknown,
  ): Promise<CryptoKey> {
    this.#begin(arguments, 7, "unwrapKey");
    const known = formatOf(format);
    const wrapped = copyOf(wrappedKey, "wrappedKey");
    const record = recordOf(unwrappingKey);
    const named = identifier(unwrapAlgorithm);
    const type = identifier(unwrappedKeyAlgorithm);
    const usages = usagesOf(keyUsages);
    const normal = normalisedEither("unwrapKey", "decrypt", named);
    normalised("importKey", type);
    requireUsage(record, normal.name, "unwrapKey");
    const bytes = new Uint8Array(await operation({ op: "decrypt", algorithm: normal, key: record }, wrapped));
    return importedKey(known, known === "jwk" ? parsedJwk(bytes) : bytes, type, Boolean(extractable), usages);
  }
}

/** The object `crypto.subtle`. */
export const subtle = new SubtleCrypto(INTERNAL);

function formatOf(value: unknown): KeyFormat {
  return member(KEY_FORMATS, value, "KeyFormat");
}

/** Each once, in the order given. */
function usagesOf(value: unknown): KeyUsage[] {
  return [...new Set(Array.from(sequence(value, "keyUsages"), (usage) => member(KEY_USAGES, usage, "KeyUsage")))];
}

function member<T extends string>(known: readonly T[], value: unknown, type: string): T {
  const text = domString(value);
  const found = known.find((each) => each === text);
  if (found === undefined) throw new TypeError(`"${text}" is not a ${type}: ${known.join(", ")}`);
  return found;
}

/** @throws InvalidAccessError when the key is not for this. */
function requireUsage({ algorithm, usages }: KeyRecord, name: string, usage: KeyUsage): void {
  if (algorithm.name !== name)
    throw new DOMException(`a key for ${algorithm.name} cannot be used with ${name}`, "InvalidAccessError");
  if (!usages.includes(usage)) throw new DOMException(`the key is not for ${usage}`, "InvalidAccessError");
}

function permitted(operation: Operation & KeyUsage, algorithm: object, key: KeyRecord): AlgorithmRecord {
  const normal = normalised(operation, algorithm);
  requireUsage(key, normal.name, operation);
  return normal;
}

/** Any cipher wraps keys; some do nothing else. */
function normalisedEither(first: Operation, second: Operation, algorithm: object): AlgorithmRecord {
  try {
    return normalised(first, algorithm);
  } catch {
    return normalised(second, algorithm);
  }
}

function cipher(op: "encrypt" | "decrypt", algorithm: object, key: KeyRecord, data: Uint8Array): Promise<ArrayBuffer> {
  return operation({ op, algorithm: permitted(op, algorithm, key), key }, data);
}

function derived(
  usage: KeyUsage,
  algorithm: AlgorithmRecord,
  key: KeyRecord,
  length: number | null,
): Promise<ArrayBuffer> {
  requireUsage(key, algorithm.name, usage);
  return operation({ op: "deriveBits", algorithm, key, length }, NO_DATA);
}

/** Bits of a key of this kind; null for as many as there are. */
function keyLength(name: string, length: number | undefined, hash: string | undefined): number | null {
  if (name === "HKDF" || name === "PBKDF2") return null;
  if (name === "HMAC" && length === undefined) return hash === "SHA-384" || hash === "SHA-512" ? 1024 : 512;
  if (name === "HMAC" ? length !== 0 : [128, 192, 256].includes(length ?? 0)) return length ?? 0;
  throw new DOMException(`${length ?? 0} bits are no key for ${name}`, "OperationError");
}

async function importedKey(
  format: KeyFormat,
  data: Uint8Array | JsonWebKeyRecord,
  type: object,
  extractable: boolean,
  usages: readonly KeyUsage[],
): Promise<CryptoKey> {
  const request = { op: "importKey", format, algorithm: normalised("importKey", type), extractable, usages } as const;
  const [record] =
    data instanceof Uint8Array
      ? await keyOperation(request, data)
      : await keyOperation({ ...request, jwk: data }, NO_DATA);
  return makeKey(record as KeyRecord, extractable);
}

async function exportedBytes(format: "raw" | "pkcs8" | "spki", record: KeyRecord): Promise<ArrayBuffer> {
  const { type, material } = record;
  if (format === (type === "secret" ? "raw" : type === "private" ? "pkcs8" : "spki")) return bytesOf(material).buffer;
  return operation({ op: "exportKey", format, key: record }, NO_DATA);
}

/** A JSON Web Key as text, with spaces behind it where the cipher needs whole blocks. */
function jwkBytes(jwk: JsonWebKeyRecord, cipherName: string): Uint8Array {
  const text = JSON.stringify(jwk);
  return utf8Bytes(cipherName === "AES-KW" ? text.padEnd(Math.ceil(text.length / 8) * 8) : text);
}

function parsedJwk(bytes: Uint8Array): JsonWebKeyRecord {
  try {
    return jsonWebKey(JSON.parse(new Decoding("utf-8", true, true).decode(bytes, false)));
  } catch (error) {
    throw error instanceof DOMException ? error : new DOMException("the unwrapped key is no JSON Web Key", "DataError");
  }
}
