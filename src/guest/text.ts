/** Text as bytes and back: `TextEncoder`, `TextDecoder`, and what streams need of them. */

import { IO_MAX_BYTES } from "../limits.ts";
import { coded, hasCode, syscall } from "./machine.ts";

/** A UTF-16 unit takes at most this many bytes of UTF-8. */
const UNIT_MAX_BYTES = 3;
const CHUNK_CHARS = Math.floor(IO_MAX_BYTES / UNIT_MAX_BYTES);

/** UTF-8 of `text`; lone surrogates become U+FFFD. */
export function utf8Bytes(text: string): Uint8Array {
  const whole = text.toWellFormed();
  if (whole.length <= CHUNK_CHARS) return syscall("utf8Encode", whole);
  const parts: Uint8Array[] = [];
  for (let at = 0; at < whole.length;) {
    const end = at + CHUNK_CHARS - (isLeadSurrogate(whole.charCodeAt(at + CHUNK_CHARS - 1)) ? 1 : 0);
    parts.push(syscall("utf8Encode", whole.slice(at, end)));
    at = end;
  }
  return joined(parts);
}

function isLeadSurrogate(unit: number): boolean {
  return (unit & 0xfc00) === 0xd800;
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Text of UTF-8 bytes, malformed ones as U+FFFD, a byte order mark kept. */
export function utf8Text(bytes: Uint8Array): string {
  return new Decoding("utf-8", false, true).decode(bytes, false);
}

/** Decodes a text that comes in pieces; the host keeps nothing, so an unfinished character waits here. */
class Decoding {
  readonly #encoding: string;
  readonly #fatal: boolean;
  readonly #ignoreBOM: boolean;
  /** The bytes of a character that the pieces so far have not finished. */
  #unfinished = new Uint8Array(0);
  /** Whether something of the text was decoded: a byte order mark counts at its beginning only. */
  #begun = false;

  constructor(encoding: string, fatal: boolean, ignoreBOM: boolean) {
    this.#encoding = encoding;
    this.#fatal = fatal;
    this.#ignoreBOM = ignoreBOM;
  }

  decode(bytes: Uint8Array, stream: boolean): string {
    let rest = this.#unfinished.length === 0 ? bytes : joined([this.#unfinished, bytes]);
    this.#unfinished = new Uint8Array(0);
    let text = "";
    try {
      // An encoding with modes cannot be cut anywhere: its text is decoded when it is whole.
      if (stream && this.#encoding === "iso-2022-jp") {
        this.#unfinished = rest.slice();
        return "";
      }
      while (rest.length > IO_MAX_BYTES) {
        text += this.#piece(rest.subarray(0, IO_MAX_BYTES), true);
        rest = rest.subarray(IO_MAX_BYTES - this.#unfinished.length);
      }
      this.#unfinished = new Uint8Array(0);
      text += this.#piece(rest, stream);
    } catch (error) {
      this.#reset();
      throw error;
    }
    if (!stream) this.#reset();
    return text;
  }

  #piece(bytes: Uint8Array, stream: boolean): string {
    const options = { encoding: this.#encoding, fatal: this.#fatal, ignoreBOM: this.#ignoreBOM || this.#begun, stream };
    const decoded = syscall("utf8Decode", bytes, options);
    const left = stream ? decoded.charCodeAt(0) : 0;
    this.#unfinished = left === 0 ? new Uint8Array(0) : bytes.slice(bytes.length - left);
    if (bytes.length > left) this.#begun = true;
    return stream ? decoded.slice(1) : decoded;
  }

  #reset(): void {
    this.#unfinished = new Uint8Array(0);
    this.#begun = false;
  }
}

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
    return { read: bytes.length === written ? Math.min(text.length, String(source).length) : unitsIn(bytes, written), written };
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

/** Cuts UTF-8 that comes in pieces into lines. */
export class LineSplitter {
  readonly #decoding = new Decoding("utf-8", false, false);
  /** Whole lines that nobody has taken yet, the first one last. */
  #lines: string[] = [];
  #partial = "";

  add(bytes: Uint8Array): void {
    this.#split(this.#decoding.decode(bytes, true));
  }

  /** What stands after the last line break is a line too, unless it is empty. */
  finish(): void {
    this.#split(this.#decoding.decode(new Uint8Array(0), false));
    if (this.#partial !== "") this.#lines.unshift(this.#partial);
    this.#partial = "";
  }

  take(): string | undefined {
    return this.#lines.pop();
  }

  /** Everything that was not taken, as it came. */
  takeRest(): string {
    const rest = this.#lines.reverse().map((line) => `${line}\n`).join("") + this.#partial;
    this.#lines = [];
    this.#partial = "";
    return rest;
  }

  #split(text: string): void {
    const lines = (this.#partial + text).split("\n");
    this.#partial = lines.pop() ?? "";
    this.#lines = [...lines.map((line) => (line.endsWith("\r") ? line.slice(0, -1) : line)).reverse(), ...this.#lines];
  }
}

/** `data` as bytes: text as UTF-8. */
export function dataBytes(data: string | Uint8Array): Uint8Array {
  if (typeof data === "string") return utf8Bytes(data);
  if (data instanceof Uint8Array) return data;
  throw coded("EINVAL", "only strings and Uint8Arrays can be written");
}
