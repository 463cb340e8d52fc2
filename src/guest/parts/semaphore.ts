/** Counting semaphores, on futexes. */

import { type Cell, coded, Deadline, newCell, takeOne, timeoutOf, waitOn, type WaitOptions, wake } from "../core.ts";

const PERMITS_MAX = 2 ** 31 - 1;

/**
 * A number of permits that threads take and give back. Unlike a mutex, any thread may give one back.
 *
 * @example
 * const connections = new Semaphore(4);
 * connections.withPermit(() => query());
 */
export class Semaphore {
  readonly #cell: Cell;
  /** Threads in `acquire`; a release that nobody waits for needs no system call. */
  #waiters = 0;

  /** @param permits how many there are to begin with. */
  constructor(permits: number) {
    if (!Number.isInteger(permits) || permits < 0 || permits > PERMITS_MAX) {
      throw new RangeError(
        `new Semaphore(${String(permits)}): give a whole number of permits from 0 to ${PERMITS_MAX}`,
      );
    }
    this.#cell = newCell(permits);
  }

  /** How many permits are left at this moment. */
  get permits(): number {
    return this.#cell[0];
  }

  /** Takes a permit, waiting for one as long as it must. */
  acquire(): void {
    this.#take(-1);
  }

  /** Takes a permit if there is one, or comes to be one within `timeoutMs` (by default, does not wait). Returns whether it did. */
  tryAcquire(options: WaitOptions = { timeoutMs: 0 }): boolean {
    return this.#take(timeoutOf(options));
  }

  /** Gives back so many permits. */
  release(permits = 1): void {
    if (!Number.isInteger(permits) || permits < 1 || permits > PERMITS_MAX - this.#cell[0]) {
      throw coded("EINVAL", `release(${String(permits)}): a semaphore holds at most ${PERMITS_MAX} permits`);
    }
    this.#cell[0] += permits;
    if (this.#waiters > 0) wake(this.#cell, permits);
  }

  /** Runs `body` with a permit, and gives it back even when `body` throws. */
  withPermit<T>(body: () => T): T {
    this.acquire();
    try {
      return body();
    } finally {
      this.release();
    }
  }

  get [Symbol.toStringTag](): string {
    return "Semaphore";
  }

  #take(timeoutMs: number): boolean {
    if (takeOne(this.#cell) > 0) return true;
    if (timeoutMs === 0) return false;
    const deadline = new Deadline(timeoutMs);
    this.#waiters += 1;
    try {
      while (takeOne(this.#cell) <= 0) {
        const remainingMs = deadline.remainingMs();
        if (remainingMs === 0) return false;
        waitOn(this.#cell, 0, remainingMs);
      }
      return true;
    } finally {
      this.#waiters -= 1;
    }
  }
}
