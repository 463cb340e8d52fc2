/** Bytes as text, piece by piece. */

import { IO_MAX_BYTES } from "../../limits.ts";
import { joined, syscall } from "../core.ts";

/** So much ASCII is made text sooner here than by a system call. */
const SHORT_BYTES = 128;

/** Text of UTF-8 bytes, malformed ones as U+FFFD, a byte order mark kept. */
export function utf8Text(bytes: Uint8Array): string {
  if (bytes.length <= SHORT_BYTES) {
    const text = Reflect.apply(String.fromCharCode, undefined, bytes) as string;
    if (!/[^\0-\x7f]/.test(text)) return text;
  }
  return new Decoding("utf-8", false, true).decode(bytes, false);
}

const NOTHING = new Uint8Array(0);

/** Decodes a text that comes in pieces; the host keeps nothing, so an unfinished character waits here. */
export class Decoding {
  readonly #encoding: string;
  readonly #fatal: boolean;
  readonly #ignoreBOM: boolean;
  /** What goes before the next piece: the bytes of a character that the pieces so far have not finished. */
  #unfinished: Uint8Array = NOTHING;
  /** How many characters of the next piece's text stand for what was decoded before. */
  #known = 0;
  /** Whether something of the text was decoded: a byte order mark counts at its beginning only. */
  #begun = false;

  constructor(encoding: string, fatal: boolean, ignoreBOM: boolean) {
    this.#encoding = encoding;
    this.#fatal = fatal;
    this.#ignoreBOM = ignoreBOM;
  }

  decode(bytes: Uint8Array, stream: boolean): string {
    let rest = bytes;
    let text = "";
    try {
      do {
        const taken = IO_MAX_BYTES - this.#unfinished.length;
        const piece = rest.subarray(0, taken);
        rest = rest.subarray(taken);
        text += this.#piece(piece, stream || rest.length > 0);
      } while (rest.length > 0);
    } catch (error) {
      this.#reset();
      throw error;
    }
    if (!stream) this.#reset();
    return text;
  }

  #piece(added: Uint8Array, stream: boolean): string {
    const bytes = this.#unfinished.length === 0 ? added : joined([this.#unfinished, added]);
    const options = { encoding: this.#encoding, fatal: this.#fatal, ignoreBOM: this.#ignoreBOM || this.#begun, stream };
    const decoded = syscall("utf8Decode", bytes, options);
    const left = stream ? decoded.charCodeAt(0) : 0;
    const text = decoded.slice((stream ? 1 : 0) + this.#known);
    const end = bytes.length - left;
    if (end > 0) this.#begun = true;
    this.#unfinished = left === 0 ? NOTHING : bytes.slice(end);
    if (this.#encoding === "iso-2022-jp") this.#keepMode(bytes.subarray(0, end));
    return text;
  }

  /**
   * ISO-2022-JP has modes, and it matters whether anything followed the escape sequence that chose one. The host keeps
   * neither, so the sequence is repeated before the next piece, with a character after it if there was one.
   */
  #keepMode(decoded: Uint8Array): void {
    const at = lastEscape(decoded);
    const escape = at < 0 ? NOTHING : decoded.slice(at, at + 3);
    const isFollowed = at >= 0 && at + 3 < decoded.length;
    this.#known = isFollowed ? 1 : 0;
    const character = escape[1] === 0x24 ? [0x21, 0x21] : [0x21];
    this.#unfinished = joined([escape, new Uint8Array(isFollowed ? character : []), this.#unfinished]);
  }

  #reset(): void {
    this.#unfinished = NOTHING;
    this.#known = 0;
    this.#begun = false;
  }
}

/** Where the last escape sequence of ISO-2022-JP begins: `ESC ( B`, `( J`, `( I`, `$ @` or `$ B`; -1 without one. */
function lastEscape(bytes: Uint8Array): number {
  for (let at = bytes.lastIndexOf(0x1b); at >= 0; at = at === 0 ? -1 : bytes.lastIndexOf(0x1b, at - 1)) {
    const [, second = 0, third = 0] = bytes.subarray(at, at + 3);
    if (second === 0x28 && [0x42, 0x49, 0x4a].includes(third)) return at;
    if (second === 0x24 && [0x40, 0x42].includes(third)) return at;
  }
  return -1;
}

/** Cuts UTF-8 that comes in pieces into lines. */
export class LineSplitter {
  readonly #decoding = new Decoding("utf-8", false, false);
  /** Whole lines that nobody has taken yet, as they came but for the line feed, the first one last. */
  #lines: string[] = [];
  #partial = "";

  add(bytes: Uint8Array): void {
    this.#split(this.#decoding.decode(bytes, true));
  }

  /** What stands after the last line break is a line too, unless it is empty. */
  finish(): void {
    this.#flush();
    if (this.#partial !== "") this.#lines.unshift(this.#partial);
    this.#partial = "";
  }

  take(): string | undefined {
    const line = this.#lines.pop();
    return line?.endsWith("\r") === true ? line.slice(0, -1) : line;
  }

  /** Everything that was not taken, as it came, now that the end has come. */
  takeRest(): string {
    this.#flush();
    const rest =
      this.#lines
        .reverse()
        .map((line) => `${line}\n`)
        .join("") + this.#partial;
    this.#lines = [];
    this.#partial = "";
    return rest;
  }

  #flush(): void {
    this.#split(this.#decoding.decode(new Uint8Array(0), false));
  }

  #split(text: string): void {
    const lines = (this.#partial + text).split("\n");
    this.#partial = lines.pop() ?? "";
    this.#lines = [...lines.reverse(), ...this.#lines];
  }
}
