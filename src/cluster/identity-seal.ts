/**
 * Bytes that only the cluster's nodes can read, and that nobody else can alter: what is kept where others may look.
 * A sealed text is "GWS", a version (1), 32 bytes of salt, the ciphertext of AES-256-GCM, and its tag of 16 bytes. Each has a
 * key of its own, derived from the cluster's secret and the salt by HKDF-SHA-256, so that no number is used twice with a key.
 */

import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import { failure } from "../errors.ts";
import type { Credentials } from "./link-greeting.ts";

const HEAD = Buffer.from("GWS\u0001", "latin1");
const SALT_BYTES = 32;
const TAG_BYTES = 16;
const NONCE_BYTES = 12;
const CIPHER = "aes-256-gcm";

/** `what`: names the use and the thing, and is needed to open it: a sealed text cannot be passed off as another. */
export function seal({ secret }: Pick<Credentials, "secret">, what: string, bytes: Uint8Array): Uint8Array {
  const salt = randomBytes(SALT_BYTES);
  const { key, nonce } = keyOf(secret, salt);
  const cipher = createCipheriv(CIPHER, key, nonce).setAAD(aboutOf(what));
  return Buffer.concat([HEAD, salt, cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
}

/** @throws GodwitError ECORRUPT for what was not sealed so, under this name, by this cluster. */
export function open({ secret }: Pick<Credentials, "secret">, what: string, sealed: Uint8Array): Uint8Array {
  const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
  const isWhole = bytes.length >= HEAD.length + SALT_BYTES + TAG_BYTES;
  if (!isWhole || !bytes.subarray(0, 3).equals(HEAD.subarray(0, 3))) throw unreadable(what, "it is not sealed");
  if (bytes[3] !== HEAD[3]) throw unreadable(what, `it is of version ${bytes[3]}, this is version ${HEAD[3]}`);
  const { key, nonce } = keyOf(secret, bytes.subarray(HEAD.length, HEAD.length + SALT_BYTES));
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES }).setAAD(aboutOf(what));
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(HEAD.length + SALT_BYTES, -TAG_BYTES)), decipher.final()]);
  } catch (error) {
    throw unreadable(what, "it was altered, or sealed by another cluster", error);
  }
}

/** Whether these bytes are sealed, by whomever. */
export function isSealed(bytes: Uint8Array): boolean {
  return HEAD.subarray(0, 3).equals(bytes.subarray(0, 3));
}

function keyOf(secret: Uint8Array, salt: Uint8Array) {
  const bytes = Buffer.from(hkdfSync("sha256", secret, salt, "godwit seal", 32 + NONCE_BYTES));
  return { key: bytes.subarray(0, 32), nonce: bytes.subarray(32) };
}

function aboutOf(what: string): Buffer {
  return Buffer.concat([HEAD, Buffer.from(what)]);
}

function unreadable(what: string, why: string, cause?: unknown) {
  return failure("ECORRUPT", `${what} cannot be opened: ${why}`, cause);
}
