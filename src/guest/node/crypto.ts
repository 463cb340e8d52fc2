/**
 * `node:crypto`: chance and the web's cryptography by the host; digests, which Node computes on the spot, in the guest
 * itself, by `@noble/hashes`: a digest half done is in the process's memory and moves with it.
 */

import { hkdf } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { md5, ripemd160, sha1 } from "@noble/hashes/legacy.js";
import { pbkdf2 as derive } from "@noble/hashes/pbkdf2.js";
import { scrypt as deriveSlowly } from "@noble/hashes/scrypt.js";
import { sha224, sha256, sha384, sha512, sha512_256 } from "@noble/hashes/sha2.js";
import { sha3_224, sha3_256, sha3_384, sha3_512 } from "@noble/hashes/sha3.js";
import { randomBytes as chance } from "godwit";
import { Buffer } from "./buffer.ts";

const HASHES = {
  md5,
  ripemd160,
  rmd160: ripemd160,
  sha1,
  sha224,
  sha256,
  sha384,
  sha512,
  "sha512-256": sha512_256,
  "sha3-224": sha3_224,
  "sha3-256": sha3_256,
  "sha3-384": sha3_384,
  "sha3-512": sha3_512,
};
type HashFunction = (typeof HASHES)["sha256"];
type Data = string | ArrayBuffer | ArrayBufferView;
interface Bytes extends Uint8Array {
  toString(encoding?: string): string;
  copy(target: Uint8Array): number;
}
const buffers = Buffer as unknown as { from(value: unknown, encoding?: string | number, length?: number): Bytes };

function coded<E extends Error>(error: E, code: string): E {
  return Object.assign(error, { code });
}

function hashNamed(name: string): HashFunction {
  const found = (HASHES as unknown as Record<string, HashFunction | undefined>)[
    String(name)
      .toLowerCase()
      .replace(/^(rsa-)?sha-?(?=\d{3}$|1$)/, "sha")
  ];
  if (found === undefined) throw new Error("Digest method not supported");
  return found;
}

function bytesOf(data: Data, encoding?: string): Uint8Array {
  if (typeof data === "string") return buffers.from(data, encoding === "buffer" ? "utf8" : (encoding ?? "utf8"));
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return new Uint8Array(data);
}

function shown(bytes: Uint8Array, encoding?: string): Bytes | string {
  const buffer = buffers.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return encoding === undefined || encoding === "buffer" ? buffer : buffer.toString(encoding);
}

interface State {
  update(bytes: Uint8Array): unknown;
  digest(): Uint8Array;
  clone(): State;
}

/** A digest being made; `Hash` and `Hmac` differ in how it begins. */
class Digest {
  readonly #state: State;
  #isDone = false;

  constructor(state: State) {
    this.#state = state;
  }

  update(data: Data, encoding?: string): this {
    if (this.#isDone) throw coded(new Error("Digest already called"), "ERR_CRYPTO_HASH_FINALIZED");
    this.#state.update(bytesOf(data, encoding));
    return this;
  }

  digest(encoding?: string): Bytes | string {
    if (this.#isDone) throw coded(new Error("Digest already called"), "ERR_CRYPTO_HASH_FINALIZED");
    this.#isDone = true;
    return shown(this.#state.digest(), encoding);
  }

  protected copied(): State {
    if (this.#isDone) throw coded(new Error("Digest already called"), "ERR_CRYPTO_HASH_FINALIZED");
    return this.#state.clone();
  }
}
export class Hash extends Digest {
  copy(): Hash {
    return new Hash(this.copied());
  }
}
export class Hmac extends Digest {}

export function createHash(algorithm: string): Hash {
  return new Hash(hashNamed(algorithm).create());
}
export function createHmac(algorithm: string, key: Data): Hmac {
  return new Hmac(hmac.create(hashNamed(algorithm), bytesOf(key)));
}
export function hash(algorithm: string, data: Data, encoding = "hex"): Bytes | string {
  return shown(hashNamed(algorithm)(bytesOf(data)), encoding);
}
export function getHashes(): string[] {
  return Object.keys(HASHES);
}

type Done<T> = (error: Error | null, value?: T) => void;
function called<T>(done: Done<T>, make: () => T): void {
  let value: T;
  try {
    value = make();
  } catch (error) {
    return queueMicrotask(() => done(error as Error));
  }
  return queueMicrotask(() => done(null, value));
}
declare function queueMicrotask(callback: () => void): void;

export function randomBytes(size: number, done?: Done<Bytes>): Bytes | undefined {
  const make = () => shown(chance(size)) as Bytes;
  if (done === undefined) return make();
  called(done, make);
  return undefined;
}
export function randomFillSync<T extends ArrayBufferView>(view: T, offset = 0, size = view.byteLength - offset): T {
  new Uint8Array(view.buffer, view.byteOffset + offset, size).set(chance(size));
  return view;
}
/** A whole number from `min` up to, but not including, `max`; each as likely. */
export function randomInt(min: number, max?: number | Done<number>, done?: Done<number>): number | undefined {
  const [low, high] = typeof max === "number" ? [min, max] : [0, min];
  const callback = typeof max === "function" ? max : done;
  const range = high - low;
  if (!Number.isSafeInteger(low) || !Number.isSafeInteger(high) || range <= 0 || range > 2 ** 48 - 1)
    throw coded(new RangeError(`there is no number from ${low} up to ${high}`), "ERR_OUT_OF_RANGE");
  const make = (): number => {
    const limit = 2 ** 48 - (2 ** 48 % range);
    while (true) {
      const number = chance(6).reduce((sum, byte) => sum * 256 + byte, 0);
      if (number < limit) return low + (number % range);
    }
  };
  if (callback === undefined) return make();
  called(callback, make);
  return undefined;
}

/** Takes as long whatever the bytes are. */
export function timingSafeEqual(a: ArrayBufferView | ArrayBuffer, b: ArrayBufferView | ArrayBuffer): boolean {
  const [left, right] = [bytesOf(a), bytesOf(b)];
  if (left.length !== right.length)
    throw coded(new RangeError("Input buffers must have the same byte length"), "ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH");
  let difference = 0;
  for (const [index, byte] of left.entries()) difference |= byte ^ (right[index] ?? 0);
  return difference === 0;
}

export function pbkdf2Sync(password: Data, salt: Data, iterations: number, size: number, digest: string): Bytes {
  return shown(derive(hashNamed(digest), bytesOf(password), bytesOf(salt), { c: iterations, dkLen: size })) as Bytes;
}
export function pbkdf2(
  password: Data,
  salt: Data,
  iterations: number,
  size: number,
  digest: string,
  done: Done<Bytes>,
): void {
  called(done, () => pbkdf2Sync(password, salt, iterations, size, digest));
}
export function hkdfSync(digest: string, key: Data, salt: Data, info: Data, size: number): ArrayBuffer {
  return hkdf(hashNamed(digest), bytesOf(key), bytesOf(salt), bytesOf(info), size).slice().buffer;
}
interface ScryptOptions {
  readonly N?: number;
  readonly r?: number;
  readonly p?: number;
  readonly cost?: number;
  readonly blockSize?: number;
  readonly parallelization?: number;
}
export function scryptSync(password: Data, salt: Data, size: number, options: ScryptOptions = {}): Bytes {
  const N = options.N ?? options.cost ?? 16_384;
  const r = options.r ?? options.blockSize ?? 8;
  const p = options.p ?? options.parallelization ?? 1;
  return shown(deriveSlowly(bytesOf(password), bytesOf(salt), { N, r, p, dkLen: size })) as Bytes;
}

interface WebCrypto {
  readonly subtle: unknown;
  getRandomValues<T>(view: T): T;
  randomUUID(): string;
}
const web = globalThis as unknown as { readonly crypto: WebCrypto };
export function randomUUID(): string {
  return web.crypto.randomUUID();
}
export function getRandomValues<T>(view: T): T {
  return web.crypto.getRandomValues(view);
}
const webCrypto = (): WebCrypto => web.crypto;
const webSubtle = (): unknown => web.crypto.subtle;
export const webcrypto = /* @__PURE__ */ webCrypto();
export const subtle = /* @__PURE__ */ webSubtle();

export default {
  createHash,
  createHmac,
  getHashes,
  getRandomValues,
  Hash,
  hash,
  hkdfSync,
  Hmac,
  pbkdf2,
  pbkdf2Sync,
  randomBytes,
  randomFillSync,
  randomInt,
  randomUUID,
  scryptSync,
  timingSafeEqual,
  get subtle() {
    return webSubtle();
  },
  get webcrypto() {
    return webCrypto();
  },
};
