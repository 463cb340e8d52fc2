/** Condition variables, on futexes. */

import { type Cell, Deadline, type Mutex, newCell, timeoutOf, waitOn, type WaitOptions, wake } from "../core.ts";

const EVERYONE = 2 ** 31 - 1;

/**
 * A condition variable: threads wait until another says that what they wait for may have come about. Waits may end
 * for no reason, so the condition is tested in a loop, or with {@link waitFor}.
 *
 * @example
 * const mutex = new Mutex();
 * const notEmpty = new Condition();
 * const queue: string[] = [];
 * const put = (item: string) => mutex.withLock(() => (queue.push(item), notEmpty.notify()));
 * const take = () =>
 *   mutex.withLock(() => {
 *     while (queue.length === 0) notEmpty.wait(mutex);
 *     return queue.shift();
 *   });
 */
export class Condition {
  /** Counts notifications: a waiter sleeps only while the count is the one it saw before it let go of the mutex. */
  readonly #cell: Cell = newCell(0);
  /** Threads in `wait`; a notification for nobody needs no system call. */
  #waiters = 0;

  /**
   * Lets go of the mutex, waits for a notification, takes the mutex again. Returns false when the time ran out first.
   * @throws `EPERM` when the caller does not hold the mutex.
   */
  wait(mutex: Mutex, options?: WaitOptions): boolean {
    const timeoutMs = timeoutOf(options);
    const seen = this.#cell[0];
    this.#waiters += 1;
    try {
      mutex.unlock();
      try {
        return waitOn(this.#cell, seen, timeoutMs);
      } finally {
        mutex.lock();
      }
    } finally {
      this.#waiters -= 1;
    }
  }

  /** Waits until `test` (called while holding the mutex) is true. Returns false when the time ran out first. */
  waitFor(mutex: Mutex, test: () => boolean, options?: WaitOptions): boolean {
    const deadline = new Deadline(timeoutOf(options));
    while (!test()) {
      const remainingMs = deadline.remainingMs();
      if (remainingMs === 0) return false;
      this.wait(mutex, { timeoutMs: remainingMs < 0 ? undefined : remainingMs });
    }
    return true;
  }

  /** Ends the wait of one thread, if any waits. */
  notify(): void {
    this.#cell[0] += 1;
    if (this.#waiters > 0) wake(this.#cell, 1);
  }

  /** Ends the wait of every thread that waits now. */
  notifyAll(): void {
    this.#cell[0] += 1;
    if (this.#waiters > 0) wake(this.#cell, EVERYONE);
  }

  get [Symbol.toStringTag](): string {
    return "Condition";
  }
}
