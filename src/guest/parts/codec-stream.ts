/**
 * A codec as a transform stream. As in any, a chunk waits until something is read; then all of it is worked off. But a
 * chunk can be of a few bytes and stand for gigabytes, so beyond a bound the work goes on only as fast as its reader.
 */

import type { ReadableStream, ReadableStreamDefaultController, WritableStream } from "web-streams-polyfill";
import { INFLATE_AHEAD_MAX_BYTES } from "../../limits.ts";
import { part } from "../core.ts";
import { sourceBytes } from "./idl.ts";
import type { Codec } from "./zlib.ts";

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

export class CodecStream {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream;
  readonly #codec: Codec;
  /** A chunk's writer, while the codec has bytes of it. */
  #writer: Waiting | undefined;
  /** A reader that nothing was made for yet. */
  #reader: Waiting | undefined;
  /** What may be made before the next read. */
  #allowedBytes = 0;
  #readableController: ReadableStreamDefaultController<Uint8Array> | undefined;
  #writableController: { error(reason: unknown): void } | undefined;

  constructor(codec: Codec) {
    this.#codec = codec;
    const { ReadableStream, WritableStream } = part("streams");
    this.readable = new ReadableStream<Uint8Array>(
      {
        start: (controller) => void (this.#readableController = controller),
        pull: () => this.#pull(),
        cancel: (reason: unknown) => this.#cancel(reason),
      },
      { highWaterMark: 0 },
    );
    this.writable = new WritableStream({
      start: (controller) => void (this.#writableController = controller),
      write: (chunk) => this.#write(chunk),
      close: () => this.#close(),
      abort: (reason: unknown) => this.#fail(reason),
    });
  }

  #pull(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
      this.#allowedBytes = INFLATE_AHEAD_MAX_BYTES;
      this.#work();
    });
  }

  #write(chunk: unknown): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#writer = { resolve, reject };
      const bytes = sourceBytes(chunk);
      if (bytes === undefined) {
        this.#fail(new TypeError("a chunk must be an ArrayBuffer or a view of one"));
        return;
      }
      this.#codec.take(bytes);
      this.#work();
    });
  }

  /** Makes what may be made of the chunk that is there. */
  #work(): void {
    try {
      while (this.#writer !== undefined && this.#allowedBytes > 0) {
        const piece = this.#codec.next();
        if (piece === undefined) this.#finishChunk();
        else this.#put(piece);
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  #finishChunk(): void {
    // The next chunk waits for the next read, unless nothing has come of this one yet.
    if (this.#reader === undefined) this.#allowedBytes = 0;
    this.#writer?.resolve();
    this.#writer = undefined;
  }

  #put(piece: Uint8Array): void {
    this.#allowedBytes -= piece.length;
    this.#readableController?.enqueue(piece);
    this.#reader?.resolve();
    this.#reader = undefined;
  }

  #close(): void {
    try {
      const last = this.#codec.finish();
      if (last.length > 0) this.#put(last);
    } catch (error) {
      this.#fail(error);
      throw error;
    }
    this.#readableController?.close();
    this.#reader?.resolve();
  }

  /** Both sides end with one error. */
  #fail(reason: unknown): void {
    this.#readableController?.error(reason);
    this.#reader?.resolve();
    this.#reader = undefined;
    this.#writer?.reject(reason);
    this.#writer = undefined;
  }

  #cancel(reason: unknown): void {
    this.#writableController?.error(reason);
    this.#writer?.resolve();
    this.#writer = undefined;
  }
}
