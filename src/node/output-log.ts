/** A process's output: kept within a bound for `logs`, handed to subscribers as it comes, held back by the slowest. */

import { randomUUID } from "node:crypto";

import type { Replay, Stream } from "../abi/control.ts";
import { failure } from "../errors.ts";
import { LOG_MAX_BYTES, OUTPUT_PIECE_BYTES } from "../limits.ts";

/** Takes output; a promise holds back more of it. Anything else that it returns says nothing. */
export type Subscriber = (stream: Stream, bytes: Uint8Array) => unknown;
/** Told how far the log is read: once at first, and then before each piece, as of its end. */
export type Marked = (mark: string) => void;

/** What a log hands over to the home that it moves to. */
export interface LogRecord {
  readonly id: string;
  /** Bytes of output that there ever were. */
  readonly endBytes: number;
  /** The last of it. */
  readonly pieces: readonly { readonly stream: Stream; readonly bytes: Uint8Array }[];
}

export class OutputLog {
  /** Goes with the log from home to home. One that is begun anew, after a home died, is another. */
  #name: string | undefined;
  #endBytes = 0;
  /** Invariant: together at most LOG_MAX_BYTES, each with OUTPUT_PIECE_BYTES more, or one chunk. Their ends in the log ascend. */
  readonly #chunks: { readonly stream: Stream; readonly bytes: Uint8Array; readonly endBytes: number }[] = [];
  #sizeBytes = 0;
  readonly #subscribers = new Map<Subscriber, Marked | undefined>();
  readonly #taken: (sizeBytes: number) => void;
  /** Everything that came so far has been handed over. */
  #drained: Promise<void> = Promise.resolve();
  /** Bytes that wait for the first reader, while all is held for it; bounded, as their writer waits for them to be taken. */
  #heldBytes: number | undefined;

  constructor(taken: (sizeBytes: number) => void) {
    this.#taken = taken;
  }

  record(): LogRecord {
    const pieces = this.#chunks.map(({ stream, bytes }) => ({ stream, bytes: new Uint8Array(bytes) }));
    return { id: this.#id(), endBytes: this.#endBytes, pieces };
  }

  /** Goes on with a log that was kept, and told, at another home. Nothing has come here yet. */
  goOn({ id, endBytes, pieces }: LogRecord): void {
    this.#name = id;
    this.#endBytes = Math.max(0, endBytes - pieces.reduce((sum, { bytes }) => sum + bytes.length, 0));
    for (const { stream, bytes } of pieces) this.#keep(stream, bytes);
  }

  /** From now on all is kept, and counts as on its way, until somebody reads it from its beginning. */
  hold(): void {
    this.#heldBytes = 0;
  }

  push(stream: Stream, bytes: Uint8Array): void {
    this.#keep(stream, bytes);
    for (const marked of this.#subscribers.values()) marked?.(this.#markAt(this.#endBytes));
    if (this.#heldBytes !== undefined) {
      this.#heldBytes += bytes.length;
      void this.pass(stream, bytes);
      return;
    }
    const taking = this.pass(stream, bytes);
    if (taking === undefined) {
      this.#taken(bytes.length);
      return;
    }
    this.#drained = Promise.all([this.#drained, taking]).then(() => this.#taken(bytes.length));
  }

  /** Hands output on to subscribers without keeping it: a child's, for those who watch its parent. Resolves when all took it. */
  pass(stream: Stream, bytes: Uint8Array): Promise<void> | undefined {
    const pending: Promise<unknown>[] = [];
    for (const subscriber of this.#subscribers.keys()) {
      const taking = subscriber(stream, bytes);
      if (taking instanceof Promise) pending.push(taking);
    }
    return pending.length === 0 ? undefined : Promise.allSettled(pending).then(() => {});
  }

  drained(): Promise<void> {
    return this.#drained;
  }

  /** @throws GodwitError EINVAL for a mark that is none. */
  subscribe(replay: Replay, subscriber: Subscriber, marked?: Marked): () => void {
    const fromBytes = this.#from(replay);
    marked?.(this.#markAt(Math.min(fromBytes, this.#endBytes)));
    const given: unknown[] = [];
    for (const { stream, bytes, endBytes } of this.#chunks) {
      if (endBytes <= fromBytes) continue;
      marked?.(this.#markAt(endBytes));
      // Of a piece that was read in part, the rest.
      given.push(subscriber(stream, bytes.subarray(Math.max(0, fromBytes - (endBytes - bytes.length)))));
    }
    // Each subscription is one, whoever takes it.
    const own: Subscriber = (stream, bytes) => subscriber(stream, bytes);
    this.#subscribers.set(own, marked);
    if (replay === true) this.#release(given);
    return () => this.#subscribers.delete(own);
  }

  /** The first reader has been given what was held. */
  #release(given: readonly unknown[]): void {
    const sizeBytes = this.#heldBytes ?? 0;
    this.#heldBytes = undefined;
    if (sizeBytes === 0) return;
    this.#drained = Promise.allSettled([this.#drained, ...given]).then(() => this.#taken(sizeBytes));
    this.#trim();
  }

  /** Where a replay begins. A reader of another log has nothing of this one. */
  #from(replay: Replay): number {
    if (typeof replay === "boolean") return replay ? 0 : this.#endBytes;
    const [, id, bytes] = MARK.exec(replay.after) ?? [];
    if (id === undefined) throw failure("EINVAL", `"${replay.after.slice(0, 80)}" is no mark in a process's output`);
    return id === this.#id() ? Number(bytes) : 0;
  }

  #markAt(atBytes: number): string {
    return `${this.#id()}:${atBytes}`;
  }

  /** Given when it is first told: most logs are read by nobody who asks where they are. */
  #id(): string {
    return (this.#name ??= randomUUID());
  }

  #keep(stream: Stream, bytes: Uint8Array): void {
    this.#endBytes += bytes.length;
    this.#chunks.push({ stream, bytes, endBytes: this.#endBytes });
    this.#sizeBytes += bytes.length + OUTPUT_PIECE_BYTES;
    if (this.#heldBytes === undefined) this.#trim();
  }

  #trim(): void {
    while (this.#sizeBytes > LOG_MAX_BYTES && this.#chunks.length > 1) {
      this.#sizeBytes -= (this.#chunks.shift()?.bytes.length ?? 0) + OUTPUT_PIECE_BYTES;
    }
  }
}

const MARK = /^([\da-f-]{36}):(\d{1,15})$/;
