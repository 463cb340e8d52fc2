/// <reference lib="esnext.disposable" preserve="true" />
/** A connection that came in, as bytes both ways. */

import { FRAME_KINDS, type StreamHead } from "../../abi/channel.ts";
import {
  blocking,
  coded,
  dataBytes,
  hasCode,
  part,
  promised,
  step,
  type Steps,
  syscall,
  timeoutOf,
  type WaitOptions,
} from "../core.ts";
import type { ReceivedFrame } from "./frame.ts";

const READ_BYTES = 64 * 1024;
/** Data goes out in pieces of at most this: many at once are within `CALLS_IN_FLIGHT_MAX_BYTES`. */
const PIECE_MAX_BYTES = 32 * 1024;
/** What a connection that is lost says. */
const LOSSES = ["ECONNRESET", "ETIMEDOUT", "EHOSTUNREACH", "EPROTO", "EIO"] as const;
const NO_BYTES = new Uint8Array(0);

/** The web's own streams, where the program's compiler knows them. */
type Readable = typeof globalThis extends { ReadableStream: { prototype: infer T } } ? T : object;
type Writable = typeof globalThis extends { WritableStream: { prototype: infer T } } ? T : object;

/**
 * A connection, both sides of which end on their own. It moves with its process; in a fork's child, and in what is restored
 * from an image, it is lost.
 *
 * Writing waits while the client takes nothing, and while nothing is read the client has to wait.
 *
 * @example
 * using connection = listener.accept();
 * for (const bytes of connection) connection.write(bytes); // echo
 */
export class Connection {
  /** The client's address, `HOST:PORT`. */
  readonly remote: string;
  /** The address that it connected to. */
  readonly local: string;
  /** Whether what is read and written goes over TLS, which is taken off outside. */
  readonly protocol: "tcp" | "tls";
  /** The name that a client of TLS asked for, if it did. */
  readonly serverName: string | undefined;
  readonly #handle: number;
  /** What came and was not read, in order. */
  readonly #unread: Uint8Array[] = [];
  /** Calls that threads have made with the handle: it is let go of when there are none. */
  #calls = 0;
  #clientEnded = false;
  #hasEnded = false;
  #fault: Error | undefined;
  #isClosed = false;
  #isLetGo = false;
  #readable: Readable | undefined;
  #writable: Writable | undefined;

  /** @param handle of a stream's channel; use {@link Listener.accept}. */
  constructor(handle: number, head: StreamHead) {
    this.#handle = handle;
    this.remote = head.remote;
    this.local = head.local;
    this.protocol = head.protocol;
    this.serverName = head.serverName;
  }

  /**
   * Waits for bytes and returns them, at most so many. `null` at the client's end, `undefined` at the timeout.
   * @throws `ECONNRESET` when the connection is lost.
   */
  read(maxBytes?: number): Uint8Array | null;
  read(maxBytes: number | undefined, options: WaitOptions): Uint8Array | null | undefined;
  read(maxBytes: number = READ_BYTES, options?: WaitOptions): Uint8Array | null | undefined {
    return blocking(this.#readSteps(maxBytes, options));
  }

  /** Like {@link read}, for `await`. */
  readAsync(maxBytes?: number): Promise<Uint8Array | null>;
  readAsync(maxBytes: number | undefined, options: WaitOptions): Promise<Uint8Array | null | undefined>;
  readAsync(maxBytes: number = READ_BYTES, options?: WaitOptions): Promise<Uint8Array | null | undefined> {
    return promised(this.#readSteps(maxBytes, options));
  }

  /** Sends bytes, or text as UTF-8; waits for room. @throws `ECONNRESET`, `ETIMEDOUT`, and `EPIPE` after {@link end}. */
  write(data: string | Uint8Array): void {
    blocking(this.#writeSteps(dataBytes(data)));
  }

  /** Like {@link write}, for `await`. */
  writeAsync(data: string | Uint8Array): Promise<void> {
    return promised(this.#writeSteps(dataBytes(data)));
  }

  /** Sends no more: the client reads its end. What it sends can be read on. */
  end(): void {
    if (this.#hasEnded || this.#isClosed) return;
    this.#hasEnded = true;
    // Does not wait: an end always has room.
    if (this.#fault === undefined) blocking(this.#use(step("channelSend", this.#handle, FRAME_KINDS.end, NO_BYTES)));
  }

  /** Sends what was written, and an end, and reads no more. */
  close(): void {
    if (this.#isClosed) return;
    try {
      this.end();
    } catch {
      // It was lost already.
    }
    this.#isClosed = true;
    this.#letGo();
  }

  /** Breaks the connection: the client sees that it was not ended. */
  reset(): void {
    this.#isClosed = true;
    this.#letGo();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Chunks of bytes up to the client's end. */
  *[Symbol.iterator](): Generator<Uint8Array, void, undefined> {
    for (let bytes = this.read(); bytes !== null; bytes = this.read()) yield bytes;
  }

  /** Chunks of bytes up to the client's end, for `for await`. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    for (let bytes = await this.readAsync(); bytes !== null; bytes = await this.readAsync()) yield bytes;
  }

  /** What can be read, as a stream of the web's. */
  get readable(): Readable {
    this.#readable ??= new (part("streams").ReadableStream)<Uint8Array>(
      {
        pull: async (controller) => {
          const bytes = await this.readAsync();
          if (bytes === null) controller.close();
          else controller.enqueue(bytes);
        },
      },
      { highWaterMark: 0 },
    ) as unknown as Readable;
    return this.#readable;
  }

  /** What can be written, as a stream of the web's. */
  get writable(): Writable {
    this.#writable ??= new (part("streams").WritableStream)<string | Uint8Array>({
      write: (data) => this.writeAsync(data),
      close: () => this.end(),
      abort: () => this.reset(),
    }) as unknown as Writable;
    return this.#writable;
  }

  // ---- What the calls are made of

  *#readSteps(maxBytes: number, options: WaitOptions | undefined): Steps<Uint8Array | null | undefined> {
    if (!(maxBytes >= 1)) throw new RangeError(`maxBytes is ${String(maxBytes)}: at least one byte is read`);
    for (;;) {
      const bytes = this.#unread.shift();
      if (bytes !== undefined) return this.#cut(bytes, maxBytes);
      if (this.#clientEnded) return null;
      const frame = yield* this.#receive(timeoutOf(options));
      if (frame.length === 0) return undefined;
      if (frame[0] === FRAME_KINDS.data) this.#unread.push(frame.subarray(1));
    }
  }

  #cut(bytes: Uint8Array, maxBytes: number): Uint8Array {
    if (bytes.length <= maxBytes) return bytes;
    this.#unread.unshift(bytes.subarray(maxBytes));
    return bytes.slice(0, maxBytes);
  }

  *#receive(timeoutMs: number): Steps<ReceivedFrame> {
    try {
      const frame = yield* this.#use(step("channelReceive", this.#handle, timeoutMs));
      if (frame[0] === FRAME_KINDS.end) this.#clientEnded = true;
      return frame;
    } catch (error) {
      // Another thread had the end.
      if (!hasCode(error, "EPIPE")) throw error;
      this.#clientEnded = true;
      return Uint8Array.of(FRAME_KINDS.end);
    } finally {
      this.#letGo();
    }
  }

  *#writeSteps(bytes: Uint8Array): Steps<void> {
    if (this.#hasEnded) throw coded("EPIPE", "this side of the connection has ended: nothing more can be written");
    for (let at = 0; at < bytes.length; at += PIECE_MAX_BYTES) {
      const piece = bytes.subarray(at, at + PIECE_MAX_BYTES);
      yield* this.#use(step("channelSend", this.#handle, FRAME_KINDS.data, piece));
    }
  }

  /** A call with the handle, which is this connection's until all such are done. */
  *#use<T>(call: Steps<T>): Steps<T> {
    this.#calls++;
    try {
      if (this.#fault !== undefined) throw this.#fault;
      if (this.#isClosed || this.#isLetGo) throw coded("EPIPE", "the connection was closed here");
      return yield* call;
    } catch (error) {
      if (error instanceof Error && LOSSES.some((code) => hasCode(error, code))) this.#fault ??= error;
      throw error;
    } finally {
      this.#calls--;
      this.#letGo();
    }
  }

  /** The handle is given back when nothing is to be said any more. A reset ends the calls that wait. */
  #letGo(): void {
    const isOver = (this.#clientEnded && this.#hasEnded) || this.#fault !== undefined;
    if (this.#isLetGo || !(this.#isClosed || (isOver && this.#calls === 0))) return;
    this.#isLetGo = true;
    syscall("close", this.#handle);
  }
}
