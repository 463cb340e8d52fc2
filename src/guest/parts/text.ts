/** The globals `TextEncoder` and `TextDecoder` (WHATWG Encoding). */

import { hasCode, syscall, utf8Bytes } from "../core.ts";
import { Decoding } from "./decoding.ts";
import { dictionary, domString, usvString } from "./idl.ts";

/** The global `TextEncoder`. */
export class TextEncoder {
  readonly #encoding = "utf-8";

  get encoding(): string {
    return this.#encoding;
  }

  encode(input: unknown = ""): Uint8Array {
    void this.#encoding;
    return utf8Bytes(domString(input));
  }

  /** Writes as many whole characters as fit; tells how many UTF-16 units were read and how many bytes written. */
  encodeInto(source: unknown, destination: Uint8Array): { read: number; written: number } {
    void this.#encoding;
    const whole = usvString(source);
    if (!(destination instanceof Uint8Array)) throw new TypeError("the destination of encodeInto must be a Uint8Array");
    // A unit makes at least a byte; the second one of a pair must not be cut off.
    const text = whole.slice(0, destination.length + 1).toWellFormed();
    const bytes = utf8Bytes(text);
    let written = Math.min(bytes.length, destination.length);
    while (written < bytes.length && ((bytes[written] ?? 0) & 0xc0) === 0x80) written -= 1;
    // One that is detached has no length, and takes nothing.
    if (written > 0) destination.set(bytes.subarray(0, written));
    return {
      read: bytes.length === written ? text.length : unitsIn(bytes, written),
      written,
    };
  }
}

/** How many UTF-16 units the first `end` bytes of UTF-8 make. */
function unitsIn(bytes: Uint8Array, end: number): number {
  let units = 0;
  for (let at = 0; at < end; at++) {
    const byte = bytes[at] ?? 0;
    if ((byte & 0xc0) !== 0x80) units += byte >= 0xf0 ? 2 : 1;
  }
  return units;
}

/** The global `TextDecoder`. */
export class TextDecoder {
  readonly #encoding: string;
  readonly #fatal: boolean;
  readonly #ignoreBOM: boolean;
  readonly #decoding: Decoding;

  constructor(label: unknown = "utf-8", options: unknown = undefined) {
    const name = domString(label);
    const { fatal, ignoreBOM } = dictionary(options, "the options of a TextDecoder");
    this.#encoding = encodingOf(name);
    this.#fatal = Boolean(fatal);
    this.#ignoreBOM = Boolean(ignoreBOM);
    this.#decoding = new Decoding(this.#encoding, this.#fatal, this.#ignoreBOM);
  }

  get encoding(): string {
    return this.#encoding;
  }

  get fatal(): boolean {
    return this.#fatal;
  }

  get ignoreBOM(): boolean {
    return this.#ignoreBOM;
  }

  decode(input: unknown = undefined, options: unknown = undefined): string {
    const decoding = this.#decoding;
    const bytes = bytesOf(input);
    const { stream } = dictionary(options, "the options of decode");
    try {
      return decoding.decode(bytes, Boolean(stream));
    } catch (error) {
      if (!hasCode(error, "EINVAL")) throw error;
      throw Object.assign(new TypeError((error as Error).message), { code: "ERR_ENCODING_INVALID_ENCODED_DATA" });
    }
  }
}

function encodingOf(label: string): string {
  if (label === "utf-8" || label === "utf8") return "utf-8";
  const encoding = syscall("encodingName", label.toWellFormed());
  if (encoding === "") throw new RangeError(`The "${label}" encoding is not supported`);
  return encoding;
}

function bytesOf(input: unknown): Uint8Array {
  if (input === undefined) return new Uint8Array(0);
  const isView = ArrayBuffer.isView(input);
  if (!isView && !(input instanceof ArrayBuffer) && !(input instanceof SharedArrayBuffer))
    throw new TypeError("the input of decode must be an ArrayBuffer or a view of one");
  // One that is detached has no bytes.
  if (input.byteLength === 0) return new Uint8Array(0);
  return isView ? new Uint8Array(input.buffer, input.byteOffset, input.byteLength) : new Uint8Array(input);
}
