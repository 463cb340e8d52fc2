/** The global `crypto`: randomness; its `subtle` is a part by itself. */

import { part, randomBytes } from "../core.ts";
import { requireArguments } from "./idl.ts";
import type { SubtleCrypto } from "./subtle.ts";

const QUOTA_BYTES = 65_536;
const INTEGER_ARRAYS = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  BigInt64Array,
  BigUint64Array,
] as const;

export class Crypto {
  constructor(key: unknown = undefined) {
    if (key !== KEY) throw new TypeError("Illegal constructor");
  }

  get subtle(): SubtleCrypto {
    if (this !== crypto) throw new TypeError("Illegal invocation");
    return part("subtle").subtle;
  }

  /** Fills an integer array of at most 65,536 bytes with random values. */
  getRandomValues<T>(array: T): T {
    if (this !== crypto) throw new TypeError("Illegal invocation");
    requireArguments(arguments.length, 1, "getRandomValues");
    if (!INTEGER_ARRAYS.some((constructor) => array instanceof constructor)) {
      throw new DOMException("The data argument must be an integer-type TypedArray", "TypeMismatchError");
    }
    const { buffer, byteOffset, byteLength } = array as ArrayBufferView;
    if (byteLength > QUOTA_BYTES) {
      throw new DOMException(`The requested length exceeds ${QUOTA_BYTES} bytes`, "QuotaExceededError");
    }
    new Uint8Array(buffer, byteOffset, byteLength).set(randomBytes(byteLength));
    return array;
  }

  /** A random UUID (version 4). */
  randomUUID(): string {
    if (this !== crypto) throw new TypeError("Illegal invocation");
    const bytes = randomBytes(16);
    bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
    bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
  }
}

const KEY = Symbol("internal");
export const crypto = new Crypto(KEY);
