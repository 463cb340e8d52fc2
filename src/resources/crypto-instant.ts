/**
 * Operations so small that a trip to another thread would cost many times what they do: hashes and HMACs of little data,
 * and reading a secret key. They are done at once, in the time of the process that asks for them.
 */

import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { AlgorithmRecord, CryptoKeyRequest, CryptoRequest, Hash, KeyRecord } from "../abi/crypto.ts";
import { CRYPTO_INSTANT_MAX_BYTES } from "../limits.ts";
import { checkSize, isPassword, usagesOf } from "./crypto-key.ts";
import { refusal } from "./crypto-request.ts";

const HASH_NAMES: Readonly<Record<Hash, string>> = {
  "SHA-1": "sha1",
  "SHA-256": "sha256",
  "SHA-384": "sha384",
  "SHA-512": "sha512",
};

/** The result, or undefined of an operation that is not done at once. */
export function instantResult(
  request: Exclude<CryptoRequest, { op: "digestPiece" }>,
  data: Uint8Array,
): Uint8Array | undefined {
  if (data.length > CRYPTO_INSTANT_MAX_BYTES) return undefined;
  if (request.op === "digest") return digest(request.algorithm, data);
  if (request.op !== "sign" && request.op !== "verify") return undefined;
  const { name, hash } = request.key.algorithm;
  if (name !== "HMAC" || request.algorithm.name !== name || hash === undefined) return undefined;
  const hmac = createHmac(HASH_NAMES[hash], Buffer.from(request.key.material, "base64")).update(data).digest();
  if (request.op !== "verify") return hmac;
  const signature = Buffer.from(request.signature, "base64");
  return Uint8Array.of(Number(signature.length === hmac.length && timingSafeEqual(signature, hmac)));
}

function digest({ name }: AlgorithmRecord, data: Uint8Array): Uint8Array | undefined {
  return Object.hasOwn(HASH_NAMES, name)
    ? createHash(HASH_NAMES[name as Hash])
        .update(data)
        .digest()
    : undefined;
}

/** The key of raw bytes, or undefined for what is read otherwise. */
export function instantKey(request: CryptoKeyRequest, data: Uint8Array): KeyRecord | undefined {
  if (request.op !== "importKey" || request.format !== "raw") return undefined;
  const { algorithm, extractable, usages } = request;
  const { name, hash, length } = algorithm;
  const known = usagesOf(name).secret;
  if (known === undefined || (name === "HMAC" && hash === undefined)) return undefined;
  if (isPassword(name) && extractable) throw refusal("SyntaxError", `keys for ${name} are not extractable`);
  const stray = usages.find((usage) => !known.includes(usage));
  if (stray !== undefined) throw refusal("SyntaxError", `a key for ${name} is not for ${stray}`);
  const bits = data.length * 8;
  if (name === "HMAC" && (bits === 0 || (length !== undefined && length !== bits)))
    throw refusal("DataError", `${bits} bits are no key for HMAC of ${length ?? "any"} bits`);
  if (name.startsWith("AES-") && ![128, 192, 256].includes(bits))
    throw refusal("DataError", `${bits} bits are no key for AES: give 128, 192 or 256`);
  checkSize("secret", data);
  if (usages.length === 0) throw refusal("SyntaxError", `the key for ${name} would be for nothing: give it usages`);
  return {
    type: "secret",
    algorithm: { name, ...(isPassword(name) ? {} : { length: bits }), ...(name === "HMAC" && hash ? { hash } : {}) },
    usages,
    material: Buffer.from(data).toString("base64"),
  };
}
