/** Bytes as text, piece by piece. */

import { IO_MAX_BYTES } from "../../limits.ts";
import { joined, syscall } from "../core.ts";

/** Text of UTF-8 bytes, malformed ones as U+FFFD, a byte order mark kept. */
export function utf8Text(bytes: Uint8Array): string {
  return new Decoding("utf-8", false, true).decode(bytes, false);
}

/** Decodes a text that comes in pieces; the host keeps nothing, so an unfinished character waits here. */
export class Decoding {
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
    const rest =
      this.#lines
        .reverse()
        .map((line) => `${line}\n`)
        .join("") + this.#partial;
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
