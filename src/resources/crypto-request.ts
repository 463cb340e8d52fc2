/** Requests for cryptographic operations as a guest may send them: checked field by field, and within bounds. */

import * as v from "valibot";

import { type CryptoKeyRequest, type CryptoRequest, HASHES, KEY_FORMATS, KEY_USAGES } from "../abi/crypto.ts";
import { failure, type GodwitError } from "../errors.ts";
import { CRYPTO_DATA_MAX_BYTES, CRYPTO_PARAMETER_MAX_BYTES } from "../limits.ts";

const CURVES = ["P-256", "P-384", "P-521"] as const;
const RSA = ["RSASSA-PKCS1-v1_5", "RSA-PSS", "RSA-OAEP"] as const;
const AES = ["AES-CTR", "AES-CBC", "AES-GCM", "AES-KW"] as const;
const CURVE25519 = ["Ed25519", "X25519"] as const;
const KEY_NAMES = [...RSA, ...AES, ...CURVE25519, "ECDSA", "ECDH", "HMAC", "HKDF", "PBKDF2"] as const;
export type KeyName = (typeof KEY_NAMES)[number];

/** An error of the standard, as a coded one. */
export function refusal(name: string, message: string): GodwitError {
  return failure("ECRYPTO", `${name}: ${message}`);
}

const PARAMETER_MAX_CHARS = Math.ceil(CRYPTO_PARAMETER_MAX_BYTES / 3) * 4;
const text = v.pipe(v.string(), v.maxLength(PARAMETER_MAX_CHARS));
const bits = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 32 - 1));
const usages = v.pipe(v.array(v.picklist(KEY_USAGES)), v.maxLength(KEY_USAGES.length));

const key = v.object({
  type: v.picklist(["secret", "private", "public"]),
  algorithm: v.object({
    name: v.picklist(KEY_NAMES),
    hash: v.exactOptional(v.picklist(HASHES)),
    length: v.exactOptional(bits),
    namedCurve: v.exactOptional(v.picklist(CURVES)),
    modulusLength: v.exactOptional(bits),
    publicExponent: v.exactOptional(text),
  }),
  usages,
  material: text,
});

const algorithm = v.object({
  name: v.picklist([...HASHES, ...KEY_NAMES]),
  hash: v.exactOptional(v.picklist(HASHES)),
  // Any name: which curves there are is for the host's library to say.
  namedCurve: v.exactOptional(text),
  length: v.exactOptional(bits),
  modulusLength: v.exactOptional(bits),
  publicExponent: v.exactOptional(text),
  saltLength: v.exactOptional(bits),
  label: v.exactOptional(text),
  iv: v.exactOptional(text),
  counter: v.exactOptional(text),
  additionalData: v.exactOptional(text),
  tagLength: v.exactOptional(bits),
  salt: v.exactOptional(text),
  info: v.exactOptional(text),
  iterations: v.exactOptional(bits),
  public: v.exactOptional(key),
});

const jwk = v.object({
  kty: v.exactOptional(text),
  use: v.exactOptional(text),
  key_ops: v.exactOptional(v.pipe(v.array(text), v.maxLength(100))),
  alg: v.exactOptional(text),
  ext: v.exactOptional(v.boolean()),
  crv: v.exactOptional(text),
  x: v.exactOptional(text),
  y: v.exactOptional(text),
  d: v.exactOptional(text),
  n: v.exactOptional(text),
  e: v.exactOptional(text),
  p: v.exactOptional(text),
  q: v.exactOptional(text),
  dp: v.exactOptional(text),
  dq: v.exactOptional(text),
  qi: v.exactOptional(text),
  k: v.exactOptional(text),
});

const request = v.variant("op", [
  v.object({ op: v.literal("digest"), algorithm }),
  v.object({
    op: v.literal("digestPiece"),
    algorithm: v.object({ name: v.picklist(HASHES) }),
    id: v.pipe(v.string(), v.maxLength(64)),
    at: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
    isLast: v.boolean(),
  }),
  v.object({ op: v.picklist(["sign", "encrypt", "decrypt"]), algorithm, key }),
  v.object({ op: v.literal("verify"), algorithm, key, signature: text }),
  v.object({ op: v.literal("deriveBits"), algorithm, key, length: v.nullable(bits) }),
  v.object({ op: v.literal("exportKey"), format: v.picklist(["raw", "pkcs8", "spki"]), key }),
]);

const extractable = v.boolean();
const keyRequest = v.variant("op", [
  v.object({
    op: v.literal("importKey"),
    format: v.picklist(KEY_FORMATS),
    algorithm,
    extractable,
    usages,
    jwk: v.exactOptional(jwk),
  }),
  v.object({ op: v.literal("generateKey"), algorithm, extractable, usages }),
  v.object({ op: v.literal("exportJwk"), key }),
]);

/** Throws EINVAL for what is none. */
export function cryptoRequest(value: unknown): CryptoRequest {
  return checked(request, value);
}

/** Throws EINVAL for what is none. */
export function cryptoKeyRequest(value: unknown): CryptoKeyRequest {
  return checked(keyRequest, value);
}

function checked<S extends v.GenericSchema>(schema: S, value: unknown): v.InferOutput<S> {
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  const issue = result.issues[0];
  throw failure(
    "EINVAL",
    `a cryptographic operation with a wrong ${v.getDotPath(issue) ?? "description"}: ${issue.message.slice(0, 200)}`,
  );
}

/** Throws EINVAL for more data than an operation takes. */
export function checkData(data: Uint8Array): void {
  if (data.length > CRYPTO_DATA_MAX_BYTES)
    throw failure(
      "EINVAL",
      `${data.length} bytes for one cryptographic operation; give at most ${CRYPTO_DATA_MAX_BYTES}`,
    );
}
