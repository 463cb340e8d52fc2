/** The globals `TextEncoder` and `TextDecoder` (WHATWG Encoding). */

import { hasCode, syscall, utf8Bytes } from "../core.ts";
import { Decoding } from "./decoding.ts";

/** The global `TextEncoder`. */
export class TextEncoder {
  get encoding(): string {
    return "utf-8";
  }

  encode(input: unknown = ""): Uint8Array {
    return utf8Bytes(String(input));
  }

  /** Writes as many whole characters as fit; tells how many UTF-16 units were read and how many bytes written. */
  encodeInto(source: unknown, destination: Uint8Array): { read: number; written: number } {
    if (!(destination instanceof Uint8Array)) throw new TypeError("the destination of encodeInto must be a Uint8Array");
    const text = String(source).slice(0, destination.length + 1);
    const bytes = utf8Bytes(text);
    let written = Math.min(bytes.length, destination.length);
    while (written < bytes.length && ((bytes[written] ?? 0) & 0xc0) === 0x80) written -= 1;
    destination.set(bytes.subarray(0, written));
    return {
      read: bytes.length === written ? Math.min(text.length, String(source).length) : unitsIn(bytes, written),
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

  constructor(label: unknown = "utf-8", options: { fatal?: unknown; ignoreBOM?: unknown } | null = {}) {
    this.#encoding = encodingOf(String(label));
    this.#fatal = Boolean(options?.fatal);
    this.#ignoreBOM = Boolean(options?.ignoreBOM);
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

  decode(input?: unknown, options: { stream?: unknown } | null = {}): string {
    try {
      return this.#decoding.decode(bytesOf(input), Boolean(options?.stream));
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
  if (input instanceof ArrayBuffer || input instanceof SharedArrayBuffer) return new Uint8Array(input);
  if (ArrayBuffer.isView(input)) return new Uint8Array(input.buffer, input.byteOffset, input.byteLength);
  throw new TypeError("the input of decode must be an ArrayBuffer or a view of one");
}
