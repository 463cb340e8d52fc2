/**
 * The gate before the threads that all LWPs of an OS process share (libuv's pool, which files need too): only so many
 * operations that take long are inside at once, from whichever LWP. An LWP writes down what it holds, so that what a
 * failed one held is given back.
 */

import { setTimeout as delay } from "node:timers/promises";
import { CRYPTO_GATE_RETRY_MS } from "../limits.ts";

/** One word of memory that threads share. */
export interface SharedWord {
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly index: number;
}

export class Gate {
  readonly #free: SharedWord;
  readonly #held: SharedWord;

  /**
   * @param free how many may still enter, of all LWPs.
   * @param held how many of this LWP's are inside.
   */
  constructor(free: SharedWord, held: SharedWord) {
    this.#free = free;
    this.#held = held;
  }

  /** Runs an operation inside, as soon as there is room. */
  async pass<T>(run: () => Promise<T>): Promise<T> {
    // Others leave without a word: asking now and then costs nothing beside what takes long.
    while (!this.#enter()) await delay(CRYPTO_GATE_RETRY_MS);
    try {
      return await run();
    } finally {
      Atomics.sub(this.#held.words, this.#held.index, 1);
      Atomics.add(this.#free.words, this.#free.index, 1);
    }
  }

  #enter(): boolean {
    const { words, index } = this.#free;
    for (;;) {
      const free = Atomics.load(words, index);
      if (free <= 0) return false;
      if (Atomics.compareExchange(words, index, free, free - 1) !== free) continue;
      Atomics.add(this.#held.words, this.#held.index, 1);
      return true;
    }
  }

  /** Gives back what an LWP that is gone held. */
  static release(free: SharedWord, held: SharedWord): void {
    Atomics.add(free.words, free.index, Atomics.exchange(held.words, held.index, 0));
  }
}
