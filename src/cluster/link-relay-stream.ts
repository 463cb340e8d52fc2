/** One connection through the engine, as a stream of bytes. */

import { Duplex } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { GodwitError, failure } from "../errors.ts";
import {
  LINK_RELAY_BUFFER_BYTES,
  LINK_RELAY_PIECE_BYTES,
  LINK_RELAY_POLL_MS,
  LINK_RELAY_PATIENCE_MS,
} from "../limits.ts";
import type { RelayRequest, Taken } from "./link-relay.ts";

type WithoutId<T> = T extends unknown ? Omit<T, "id"> : never;
/** Asks the other end. */
export type AskOther = (subject: string, message: WithoutId<Exclude<RelayRequest, { op: "open" }>>) => Promise<Taken>;

/** What befalls a request while the engine is down, or busy. */
const PASSING: ReadonlySet<string> = new Set(["EAGAIN", "ETIMEDOUT", "ECONNRESET", "ECLUSTER"]);

export class RelayStream extends Duplex {
  readonly #ask: AskOther;
  #other: string | undefined;
  /** Bytes that came, and bytes that the other end has taken. */
  #arrived = 0;
  #taken = 0;
  #hasRoom = true;
  /** Whether the other end has been told that there is no room, and waits. */
  #owesRoom = false;
  #isEnded = false;
  #wake: () => void = () => {};
  #wakeConnected: () => void = () => {};
  readonly #connected = new Promise<void>((resolve) => (this.#wakeConnected = resolve));

  constructor(ask: AskOther) {
    super({
      allowHalfOpen: false,
      readableHighWaterMark: LINK_RELAY_BUFFER_BYTES,
      writableHighWaterMark: LINK_RELAY_BUFFER_BYTES,
    });
    this.#ask = ask;
  }

  /** `other`: the subject of the other end. */
  connected(other: string): void {
    this.#other = other;
    this.#wakeConnected();
  }

  /** The other end says something. @throws GodwitError EPROTO. */
  asked(message: Exclude<RelayRequest, { op: "open" }>): Taken {
    if (message.op === "break") this.destroy();
    else if (message.op === "room") this.#wake();
    else this.#take(message.at, message.bytes);
    return { at: this.#arrived, room: this.#hasRoom };
  }

  #take(at: number, bytes: Uint8Array): void {
    if (at !== this.#arrived || this.#isEnded) return; // It has come before, and is confirmed again.
    if (bytes.length === 0) {
      this.#isEnded = true;
      this.push(null);
      return;
    }
    if (!this.#hasRoom) {
      this.#owesRoom = true;
      return;
    }
    this.#arrived += bytes.length;
    this.#hasRoom = this.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
    this.#owesRoom = !this.#hasRoom;
  }

  override _read(): void {
    this.#hasRoom = true;
    if (!this.#owesRoom || this.#other === undefined) return;
    this.#owesRoom = false;
    // If it does not hear it, it asks again by itself.
    this.#ask(this.#other, { op: "room" }).catch(() => {});
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    const [first] = chunks;
    const bytes =
      chunks.length === 1 && first !== undefined ? first.chunk : Buffer.concat(chunks.map(({ chunk }) => chunk));
    this.#deliver(bytes).then(() => done(), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#say(new Uint8Array()).then(() => done(), done);
  }

  async #deliver(bytes: Buffer): Promise<void> {
    for (let start = 0; start < bytes.length; start += LINK_RELAY_PIECE_BYTES) {
      const piece = bytes.subarray(start, start + LINK_RELAY_PIECE_BYTES);
      const end = this.#taken + piece.length;
      for (;;) {
        const { at, room } = await this.#say(piece);
        if (at !== end && at !== this.#taken) throw failure("EPROTO", "the other node counts its bytes wrongly");
        this.#taken = at;
        if (!room) await this.#room();
        if (at === end) break;
      }
    }
  }

  /** Says the next bytes until there is an answer: what the other end took already, it does not take again. */
  async #say(bytes: Uint8Array): Promise<Taken> {
    await this.#connected;
    const endMs = performance.now() + LINK_RELAY_PATIENCE_MS;
    for (;;) {
      if (this.destroyed || this.#other === undefined)
        throw failure("ECONNRESET", "the connection through the engine broke");
      try {
        return await this.#ask(this.#other, { op: "piece", at: this.#taken, bytes });
      } catch (error) {
        const isPassing = error instanceof GodwitError && PASSING.has(error.code);
        if (!isPassing || performance.now() > endMs) throw error;
        await delay(LINK_RELAY_POLL_MS);
      }
    }
  }

  /** Until the other end says that there is room; or for a while, in case that was lost. */
  async #room(): Promise<void> {
    if (this.destroyed) return;
    const stop = new AbortController();
    const told = new Promise<void>((resolve) => (this.#wake = resolve));
    await Promise.race([told, delay(LINK_RELAY_POLL_MS, undefined, { signal: stop.signal }).catch(() => {})]);
    stop.abort();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#wake();
    this.#wakeConnected();
    if (this.#other !== undefined) void this.#hangUp(this.#other);
    done(error);
  }

  /** Best effort: an other end that does not hear it finds out when it says something. */
  async #hangUp(other: string): Promise<void> {
    try {
      await this.#ask(other, { op: "break" });
    } catch {
      // It has hung up itself, or the engine is closed.
    }
  }
}
