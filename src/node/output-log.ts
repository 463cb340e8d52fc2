/** A process's output: kept within a bound for `logs`, handed to subscribers as it comes, held back by the slowest. */

import type { Replay, Stream } from "../abi/control.ts";
import { LOG_MAX_BYTES, OUTPUT_PIECE_BYTES } from "../limits.ts";

/** Takes output; a promise holds back more of it. Anything else that it returns says nothing. */
export type Subscriber = (stream: Stream, bytes: Uint8Array) => unknown;

export class OutputLog {
  /** Invariant: together at most LOG_MAX_BYTES, each with OUTPUT_PIECE_BYTES more, or one chunk. */
  readonly #chunks: { readonly stream: Stream; readonly bytes: Uint8Array; readonly isHere: boolean }[] = [];
  #sizeBytes = 0;
  readonly #subscribers = new Set<Subscriber>();
  readonly #taken: (sizeBytes: number) => void;
  /** Everything that came so far has been handed over. */
  #drained: Promise<void> = Promise.resolve();
  /** Bytes that wait for the first reader, while all is held for it; bounded, as their writer waits for them to be taken. */
  #heldBytes: number | undefined;

  constructor(taken: (sizeBytes: number) => void) {
    this.#taken = taken;
  }

  /** What is kept, the oldest first. */
  kept(): { readonly stream: Stream; readonly bytes: Uint8Array }[] {
    return [...this.#chunks];
  }

  /** From now on all is kept, and counts as on its way, until somebody reads it from its beginning. */
  hold(): void {
    this.#heldBytes = 0;
  }

  push(stream: Stream, bytes: Uint8Array): void {
    this.keep(stream, bytes, true);
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
    for (const subscriber of this.#subscribers) {
      const taking = subscriber(stream, bytes);
      if (taking instanceof Promise) pending.push(taking);
    }
    return pending.length === 0 ? undefined : Promise.allSettled(pending).then(() => {});
  }

  drained(): Promise<void> {
    return this.#drained;
  }

  subscribe(replay: Replay, subscriber: Subscriber): () => void {
    const given = this.#chunks
      .filter(({ isHere }) => replay === true || (replay === "here" && isHere))
      .map(({ stream, bytes }) => subscriber(stream, bytes));
    this.#subscribers.add(subscriber);
    if (replay === true) this.#release(given);
    return () => this.#subscribers.delete(subscriber);
  }

  /** The first reader has been given what was held. */
  #release(given: readonly unknown[]): void {
    const sizeBytes = this.#heldBytes ?? 0;
    this.#heldBytes = undefined;
    if (sizeBytes === 0) return;
    this.#drained = Promise.allSettled([this.#drained, ...given]).then(() => this.#taken(sizeBytes));
    this.#trim();
  }

  /** Keeps output that was handed over already. `isHere`: it came at this home, and not at one before. */
  keep(stream: Stream, bytes: Uint8Array, isHere = false): void {
    this.#chunks.push({ stream, bytes, isHere });
    this.#sizeBytes += bytes.length + OUTPUT_PIECE_BYTES;
    if (this.#heldBytes === undefined) this.#trim();
  }

  #trim(): void {
    while (this.#sizeBytes > LOG_MAX_BYTES && this.#chunks.length > 1) {
      this.#sizeBytes -= (this.#chunks.shift()?.bytes.length ?? 0) + OUTPUT_PIECE_BYTES;
    }
  }
}
