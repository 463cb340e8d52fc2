/**
 * The codecs of the Compression standard, a piece at a time. Their state is the process's own memory: the host
 * compresses block by block and keeps nothing; to go on in the middle of a block, which decompression must, it could not.
 */

import { Z_BUF_ERROR, Z_NO_FLUSH, Z_OK, Z_STREAM_END, zlibInflate, zlibInflateInit2, ZStream } from "pako";
import { DEFLATE_BLOCK_BYTES, DEFLATE_WINDOW_BYTES } from "../../limits.ts";
import { joined, syscall } from "../core.ts";

export const FORMATS = ["deflate", "deflate-raw", "gzip"] as const;
export type Format = (typeof FORMATS)[number];

/** Takes bytes, and makes others of them in its own time. */
export interface Codec {
  /** Gives it bytes, once it has made what it could of those before. */
  take(bytes: Uint8Array): void;
  /** The next piece of what it makes of what it has; `undefined` when it needs more. @throws `TypeError` for bad bytes. */
  next(): Uint8Array | undefined;
  /** The last piece, when nothing more will come. @throws `TypeError` when there should be more. */
  finish(): Uint8Array;
}

const NOTHING = new Uint8Array(0);

interface Wrapping {
  readonly head: readonly number[];
  readonly check?: { readonly kind: "crc32" | "adler32"; readonly initial: number };
}
/** What stands before the compressed bytes (RFC 1952: no name, no date, Unix; RFC 1950), and which sum behind. */
const WRAPPINGS: Readonly<Record<Format, Wrapping>> = {
  deflate: { head: [0x78, 0x9c], check: { kind: "adler32", initial: 1 } },
  "deflate-raw": { head: [] },
  gzip: { head: [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3], check: { kind: "crc32", initial: 0 } },
};

export class Compressor implements Codec {
  readonly #format: Format;
  #input: Uint8Array = NOTHING;
  /** The bytes before the block, at the end of their room, and the block. */
  readonly #buffer = new Uint8Array(DEFLATE_WINDOW_BYTES + DEFLATE_BLOCK_BYTES);
  #windowBytes = 0;
  #blockBytes = 0;
  #totalBytes = 0;
  #sum: number;

  constructor(format: Format) {
    this.#format = format;
    this.#sum = WRAPPINGS[format].check?.initial ?? 0;
  }

  take(bytes: Uint8Array): void {
    this.#input = bytes;
  }

  next(): Uint8Array | undefined {
    const piece = this.#input.subarray(0, DEFLATE_BLOCK_BYTES - this.#blockBytes);
    this.#buffer.set(piece, DEFLATE_WINDOW_BYTES + this.#blockBytes);
    this.#blockBytes += piece.length;
    this.#input = this.#input.subarray(piece.length);
    return this.#blockBytes < DEFLATE_BLOCK_BYTES ? undefined : this.#compress(false);
  }

  finish(): Uint8Array {
    const last = this.#compress(true);
    const tail = new DataView(new ArrayBuffer(8));
    if (this.#format === "deflate-raw") return last;
    tail.setUint32(0, this.#sum, this.#format === "gzip");
    tail.setUint32(4, this.#totalBytes, true);
    return joined([last, new Uint8Array(tail.buffer, 0, this.#format === "gzip" ? 8 : 4)]);
  }

  #compress(last: boolean): Uint8Array {
    const end = DEFLATE_WINDOW_BYTES + this.#blockBytes;
    const block = this.#buffer.subarray(DEFLATE_WINDOW_BYTES, end);
    const window = this.#buffer.subarray(DEFLATE_WINDOW_BYTES - this.#windowBytes, DEFLATE_WINDOW_BYTES);
    const { head, check } = WRAPPINGS[this.#format];
    if (check !== undefined) this.#sum = syscall("checksum", block, check.kind, this.#sum);
    const packed = syscall("deflate", block, window, Number(last));
    const whole = this.#totalBytes === 0 ? joined([Uint8Array.from(head), packed]) : packed;
    this.#totalBytes += this.#blockBytes;
    this.#windowBytes = Math.min(this.#totalBytes, DEFLATE_WINDOW_BYTES);
    this.#buffer.copyWithin(0, this.#blockBytes, end);
    this.#blockBytes = 0;
    return whole;
  }
}

/** Room for one piece of output. */
const PIECE_BYTES = 64 * 1024;
/** zlib's notation of a window of 32 KiB in each format. */
const WINDOW_BITS: Readonly<Record<Format, number>> = { deflate: 15, "deflate-raw": -15, gzip: 31 };

export class Decompressor implements Codec {
  readonly #stream = new ZStream();
  #ended = false;

  constructor(format: Format) {
    this.#stream.output = new Uint8Array(PIECE_BYTES);
    this.take(NOTHING);
    zlibInflateInit2(this.#stream, WINDOW_BITS[format]);
  }

  take(bytes: Uint8Array): void {
    this.#stream.input = bytes;
    this.#stream.next_in = 0;
    this.#stream.avail_in = bytes.length;
  }

  next(): Uint8Array | undefined {
    const stream = this.#stream;
    stream.next_out = 0;
    stream.avail_out = PIECE_BYTES;
    if (!this.#ended) this.#inflate();
    if (stream.next_out > 0) return stream.output.slice(0, stream.next_out);
    // What was good before the end is handed out first.
    if (this.#ended && stream.avail_in > 0)
      throw new TypeError("there are bytes behind the end of the compressed data");
    return undefined;
  }

  finish(): Uint8Array {
    if (!this.#ended) throw new TypeError("the compressed data is cut short");
    return NOTHING;
  }

  #inflate(): void {
    const status = zlibInflate(this.#stream, Z_NO_FLUSH);
    this.#ended = status === Z_STREAM_END;
    // No progress is no error: it needs more.
    if (this.#ended || status === Z_OK || status === Z_BUF_ERROR) return;
    throw new TypeError(`the compressed data is damaged: ${this.#stream.msg || "it cannot be read"}`);
  }
}
