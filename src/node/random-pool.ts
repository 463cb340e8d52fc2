/** Randomness for an LWP's processes. Asking the operating system costs more than the few bytes that are wanted: it is asked for many. */

import { getRandomValues } from "node:crypto";

const POOL_BYTES = 4096;
/** More at once is asked for by itself. */
const SHARE_MAX_BYTES = 256;

export class RandomPool {
  readonly #pool = new Uint8Array(POOL_BYTES);
  #usedBytes = POOL_BYTES;

  /** Fills `into`, of at most 65,536 bytes, with bytes that nobody else is given, and that are not kept. */
  draw(into: Uint8Array): void {
    if (into.length > SHARE_MAX_BYTES) return void getRandomValues(into);
    if (this.#usedBytes + into.length > POOL_BYTES) {
      getRandomValues(this.#pool);
      this.#usedBytes = 0;
    }
    const share = this.#pool.subarray(this.#usedBytes, this.#usedBytes + into.length);
    this.#usedBytes += into.length;
    into.set(share);
    share.fill(0);
  }
}
