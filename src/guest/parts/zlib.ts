/** Compression of the formats of the Compression standard, a piece at a time. Its state is the process's own memory. */

import {
  Z_BUF_ERROR,
  Z_FINISH,
  Z_NO_FLUSH,
  Z_OK,
  Z_STREAM_END,
  zlibDeflate,
  zlibDeflateInit2,
  zlibInflate,
  zlibInflateInit2,
  ZStream,
} from "pako";

export const FORMATS = ["deflate", "deflate-raw", "gzip"] as const;
export type Format = (typeof FORMATS)[number];

/** Takes bytes, and makes others of them in its own time. */
export interface Codec {
  /** Gives it bytes, once it has made what it could of those before. */
  take(bytes: Uint8Array): void;
  /** The next piece of what it makes of what it has; `undefined` when it needs more. @throws `TypeError` for bad bytes. */
  next(): Uint8Array | undefined;
  /** The last pieces, when nothing more will come. @throws `TypeError` when there should be more. */
  finish(): Uint8Array[];
}

/** Room for one piece of output. */
const PIECE_BYTES = 64 * 1024;
/** zlib's own defaults. */
const METHOD_DEFLATE = 8;
const MEMORY_LEVEL = 8;
const STRATEGY = 0;
const LEVEL = -1;
/** zlib's notation of a window of 32 KiB in each format. */
const WINDOW: Readonly<Record<Format, number>> = { deflate: 15, "deflate-raw": -15, gzip: 31 };

const NOTHING = new Uint8Array(0);

function newStream(): ZStream {
  const stream = new ZStream();
  stream.input = NOTHING;
  stream.output = new Uint8Array(PIECE_BYTES);
  return stream;
}

function give(stream: ZStream, bytes: Uint8Array): void {
  stream.input = bytes;
  stream.next_in = 0;
  stream.avail_in = bytes.length;
}

/** Lets `step` fill the room for output; returns what it wrote. */
function written(stream: ZStream, step: () => void): Uint8Array {
  stream.next_out = 0;
  stream.avail_out = PIECE_BYTES;
  step();
  return stream.output.slice(0, stream.next_out);
}

export class Compressor implements Codec {
  readonly #stream = newStream();

  constructor(format: Format) {
    zlibDeflateInit2(this.#stream, LEVEL, METHOD_DEFLATE, WINDOW[format], MEMORY_LEVEL, STRATEGY);
  }

  take(bytes: Uint8Array): void {
    give(this.#stream, bytes);
  }

  next(): Uint8Array | undefined {
    const piece = written(this.#stream, () => zlibDeflate(this.#stream, Z_NO_FLUSH));
    return piece.length === 0 ? undefined : piece;
  }

  finish(): Uint8Array[] {
    const pieces: Uint8Array[] = [];
    let status: number = Z_OK;
    while (status !== Z_STREAM_END) {
      pieces.push(written(this.#stream, () => (status = zlibDeflate(this.#stream, Z_FINISH))));
    }
    return pieces;
  }
}

export class Decompressor implements Codec {
  readonly #stream = newStream();
  #ended = false;

  constructor(format: Format) {
    zlibInflateInit2(this.#stream, WINDOW[format]);
  }

  take(bytes: Uint8Array): void {
    give(this.#stream, bytes);
  }

  next(): Uint8Array | undefined {
    const stream = this.#stream;
    if (this.#ended) {
      if (stream.avail_in > 0) throw new TypeError("there are bytes behind the end of the compressed data");
      return undefined;
    }
    const piece = written(stream, () => {
      const status = zlibInflate(stream, Z_NO_FLUSH);
      this.#ended = status === Z_STREAM_END;
      // No progress is no error: it needs more.
      if (!this.#ended && status !== Z_OK && status !== Z_BUF_ERROR)
        throw new TypeError(`the compressed data is damaged: ${stream.msg || "it cannot be read"}`);
    });
    if (piece.length > 0) return piece;
    // What stands behind the end is an error of its own.
    return this.#ended && stream.avail_in > 0 ? this.next() : undefined;
  }

  finish(): Uint8Array[] {
    if (!this.#ended) throw new TypeError("the compressed data is cut short");
    return [];
  }
}
