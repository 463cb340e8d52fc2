/**
 * Web Cryptography for guests, by the host's own implementation. Operations are pure: what they need comes with them, and
 * nothing is left behind but a few keys in the host's form. What they may cost is bounded before they begin.
 */

import type { webcrypto } from "node:crypto";
import type { AlgorithmRecord, CryptoKeyRequest, CryptoRequest, JsonWebKeyRecord, KeyRecord } from "../abi/crypto.ts";
import { unreachable } from "../assert.ts";
import { GodwitError } from "../errors.ts";
import {
  CRYPTO_PARAMETER_MAX_BYTES,
  DERIVED_MAX_BYTES,
  IO_MAX_BYTES,
  PBKDF2_MAX_ROUNDS,
  RSA_GENERATE_MAX_BITS,
} from "../limits.ts";
import type { Crypto, PendingOperation } from "../kernel/host.ts";
import { Digests } from "./crypto-digest.ts";
import { instantKey, instantResult } from "./crypto-instant.ts";
import { hostAlgorithm, HostKeys, isPassword, keyRecord } from "./crypto-key.ts";
import { checkData, cryptoKeyRequest, cryptoRequest, refusal } from "./crypto-request.ts";
import type { Gate } from "./gate.ts";

type CryptoKey = webcrypto.CryptoKey;
const { subtle } = globalThis.crypto;

const HASH_BYTES = { "SHA-1": 20, "SHA-256": 32, "SHA-384": 48, "SHA-512": 64 };
/** More iterations than this take longer than a few milliseconds. */
const SHORT_ROUNDS = 10_000;
/** An RSA key of more than 4096 bits is longer than this as PKCS #8, in base64. */
const SHORT_KEY_CHARS = 3300;
const RSA_EXPONENTS = [3, 65_537];

/** @param gate what long operations wait at; none where nobody else is. */
export function hostCrypto(gate?: Gate): Crypto {
  const keys = new HostKeys();
  const digests = new Digests();
  const pending = <T>(isLong: boolean, run: () => Promise<T>): PendingOperation<T> => ({
    isLong,
    run: () => (isLong && gate !== undefined ? gate.pass(() => refusing(run)) : refusing(run)),
  });
  return {
    operation: (value, data) => {
      const request = cryptoRequest(value);
      checkData(data);
      checkCost(request);
      if (request.op === "digestPiece") return { result: digests.take(request, data) };
      const result = instantResult(request, data);
      if (result !== undefined) return { result };
      return pending(isLong(request, data), () => perform(keys, request, data));
    },
    keyOperation: (value, data) => {
      const request = cryptoKeyRequest(value);
      checkData(data);
      if (request.op === "generateKey") checkGenerateCost(request.algorithm);
      const key = instantKey(request, data);
      if (key !== undefined) return { result: [key] };
      const isLong = request.op === "generateKey" && request.algorithm.modulusLength !== undefined;
      return pending(isLong, () => performOnKeys(keys, request, data));
    },
  };
}

const STANDARD_NAMES = ["OperationError", "DataError", "NotSupportedError", "InvalidAccessError", "SyntaxError"];
/** Names of Node 20's own; it forgets that of HMAC keys in formats that they do not have. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  InvalidAccessException: "InvalidAccessError",
  Error: "NotSupportedError",
};

/** The host's library says no by exceptions of the standard, and by some of its own that the standard has no name for. */
async function refusing<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof GodwitError) throw error;
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    const known = error instanceof DOMException ? (OTHER_NAMES[name] ?? name) : "";
    throw refusal(STANDARD_NAMES.includes(known) ? known : "OperationError", message);
  }
}

type Operation = Exclude<CryptoRequest, { op: "digestPiece" }>;

async function perform(keys: HostKeys, request: Operation, data: Uint8Array): Promise<Uint8Array> {
  if (request.op === "digest") return bytesOf(await subtle.digest(request.algorithm.name, data));
  const key = await keys.get(request.key);
  if (request.op === "exportKey") return bytesOf(await subtle.exportKey(request.format, key));
  const algorithm = await hostAlgorithm(keys, request.algorithm);
  switch (request.op) {
    case "sign":
      return bytesOf(await subtle.sign(algorithm, key, data));
    case "verify":
      return Uint8Array.of(Number(await subtle.verify(algorithm, key, Buffer.from(request.signature, "base64"), data)));
    case "encrypt":
      return algorithm.name === "AES-KW" ? wrap(key, data) : bytesOf(await subtle.encrypt(algorithm, key, data));
    case "decrypt":
      return algorithm.name === "AES-KW" ? unwrap(key, data) : bytesOf(await subtle.decrypt(algorithm, key, data));
    case "deriveBits":
      return bytesOf(await subtle.deriveBits(algorithm, key, request.length as number));
    default:
      return unreachable(request, "operation");
  }
}

function bytesOf(buffer: ArrayBuffer): Uint8Array {
  return new Uint8Array(buffer);
}

/** AES-KW works on keys alone: the bytes are given to it as one. */
const WRAPPED = { name: "HMAC", hash: "SHA-256" };

async function wrap(key: CryptoKey, data: Uint8Array): Promise<Uint8Array> {
  if (data.length > CRYPTO_PARAMETER_MAX_BYTES || data.length < 16 || data.length % 8 !== 0)
    throw refusal(
      "OperationError",
      `AES-KW wraps keys whose length is a multiple of 8 bytes, not ${data.length} bytes`,
    );
  const wrapped = await subtle.importKey("raw", data, WRAPPED, true, ["sign"]);
  return bytesOf(await subtle.wrapKey("raw", wrapped, key, "AES-KW"));
}

async function unwrap(key: CryptoKey, data: Uint8Array): Promise<Uint8Array> {
  if (data.length > CRYPTO_PARAMETER_MAX_BYTES + 8)
    throw refusal("OperationError", `AES-KW unwraps keys, not ${data.length} bytes`);
  const unwrapped = await subtle.unwrapKey("raw", data, key, "AES-KW", WRAPPED, true, ["sign"]);
  return bytesOf(await subtle.exportKey("raw", unwrapped));
}

async function performOnKeys(
  keys: HostKeys,
  request: CryptoKeyRequest,
  data: Uint8Array,
): Promise<readonly KeyRecord[] | JsonWebKeyRecord> {
  if (request.op === "exportJwk") {
    const jwk = await subtle.exportKey("jwk", await keys.get(request.key));
    return { ...jwk, key_ops: request.key.usages };
  }
  const algorithm = await hostAlgorithm(keys, request.algorithm);
  if (request.op === "importKey") return [await importedRecord(request, algorithm, data)];
  const made: CryptoKey | webcrypto.CryptoKeyPair = await subtle.generateKey(algorithm, true, [...request.usages]);
  if (!("privateKey" in made)) return [await keyRecord(made)];
  return [await keyRecord(made.publicKey), await keyRecord(made.privateKey)];
}

type ImportRequest = Extract<CryptoKeyRequest, { op: "importKey" }>;

/** The guest's key may be unextractable: ours is read once, for the guest to hold it. */
async function importedRecord(
  { format, jwk = {}, extractable, usages }: ImportRequest,
  algorithm: { readonly name: string },
  data: Uint8Array,
): Promise<KeyRecord> {
  if (isPassword(algorithm.name)) {
    // These never leave, not even here: what the guest keeps is what it gave.
    if (format === "jwk") throw refusal("NotSupportedError", `${algorithm.name} takes no key as jwk`);
    return keyRecord(await subtle.importKey(format, data, algorithm, extractable, [...usages]), data);
  }
  if (format !== "jwk") return keyRecord(await subtle.importKey(format, data, algorithm, true, [...usages]));
  const { ext, ...rest } = jwk;
  const given = ext === undefined || (!ext && !extractable) ? rest : { ...rest, ext };
  return keyRecord(await subtle.importKey("jwk", given as webcrypto.JsonWebKey, algorithm, true, [...usages]));
}

/** Refuses what would keep one of the host's threads for more than a few seconds. */
function checkCost(request: CryptoRequest): void {
  if (request.op !== "deriveBits") return;
  const { algorithm, length } = request;
  const lengthBytes = Math.ceil((length ?? 0) / 8);
  if (lengthBytes > DERIVED_MAX_BYTES)
    throw refusal("OperationError", `${length} bits to derive at once; at most ${DERIVED_MAX_BYTES * 8} are given`);
  if (algorithm.name === "PBKDF2" && rounds(algorithm, lengthBytes) > PBKDF2_MAX_ROUNDS)
    throw refusal(
      "OperationError",
      `${algorithm.iterations} iterations for ${lengthBytes} bytes; at most ${PBKDF2_MAX_ROUNDS} are made for all blocks together`,
    );
}

function rounds({ iterations = 0, hash = "SHA-1" }: AlgorithmRecord, lengthBytes: number): number {
  return iterations * Math.ceil(lengthBytes / HASH_BYTES[hash]);
}

function checkGenerateCost({ length = 0, modulusLength, publicExponent = "" }: AlgorithmRecord): void {
  if (length > CRYPTO_PARAMETER_MAX_BYTES * 8)
    throw refusal("OperationError", `a key of ${length} bits; at most ${CRYPTO_PARAMETER_MAX_BYTES * 8} are made`);
  if (modulusLength === undefined) return;
  if (modulusLength > RSA_GENERATE_MAX_BITS)
    throw refusal("OperationError", `an RSA key of ${modulusLength} bits; at most ${RSA_GENERATE_MAX_BITS} are made`);
  // With others the search for primes may take long, or for ever.
  const exponent = BigInt(`0x0${Buffer.from(publicExponent, "base64").subarray(-1024).toString("hex")}`);
  if (!RSA_EXPONENTS.includes(Number(exponent)))
    throw refusal("OperationError", `an RSA key with public exponent ${exponent}: give ${RSA_EXPONENTS.join(" or ")}`);
}

function isLong(request: Operation, data: Uint8Array): boolean {
  if (data.length > IO_MAX_BYTES) return true;
  if (request.op === "digest") return false;
  if (request.key.material.length > SHORT_KEY_CHARS) return true;
  return request.op === "deriveBits" && rounds(request.algorithm, Math.ceil((request.length ?? 0) / 8)) > SHORT_ROUNDS;
}
