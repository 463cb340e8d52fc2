/** Locks with many readers or one writer. */

import { coded, currentTid, Mutex } from "../core.ts";
import { Condition } from "./condition.ts";

/**
 * A lock that any number of readers hold together, or one writer alone. Writers that wait go before new readers, so
 * readers cannot starve them; a thread must therefore not take a read lock twice.
 *
 * @example
 * const lock = new RwLock();
 * const get = (key: string) => lock.withRead(() => table.get(key));
 * const set = (key: string, value: string) => lock.withWrite(() => table.set(key, value));
 */
export class RwLock {
  readonly #mutex = new Mutex();
  readonly #changed = new Condition();
  /** Tids of the readers. Empty while there is a writer. */
  readonly #readers = new Set<number>();
  /** Tid of the writer, or 0. */
  #writer = 0;
  #writersWaiting = 0;

  /**
   * Waits until nobody writes, or waits to, and takes the lock for reading.
   * @throws `EDEADLK` when the caller holds the lock already.
   */
  lockRead(): void {
    this.#mutex.withLock(() => {
      this.#refuseHolder();
      this.#changed.waitFor(this.#mutex, () => this.#writer === 0 && this.#writersWaiting === 0);
      this.#readers.add(currentTid());
    });
  }

  /**
   * Waits until nobody reads or writes and takes the lock for writing.
   * @throws `EDEADLK` when the caller holds the lock already.
   */
  lockWrite(): void {
    this.#mutex.withLock(() => {
      this.#refuseHolder();
      this.#writersWaiting += 1;
      try {
        this.#changed.waitFor(this.#mutex, () => this.#writer === 0 && this.#readers.size === 0);
      } finally {
        this.#writersWaiting -= 1;
      }
      this.#writer = currentTid();
    });
  }

  /** Takes the lock for reading if that needs no wait. Returns whether it did. */
  tryLockRead(): boolean {
    return this.#mutex.withLock(() => {
      const free = this.#writer === 0 && this.#writersWaiting === 0 && !this.#readers.has(currentTid());
      if (free) this.#readers.add(currentTid());
      return free;
    });
  }

  /** Takes the lock for writing if that needs no wait. Returns whether it did. */
  tryLockWrite(): boolean {
    return this.#mutex.withLock(() => {
      const free = this.#writer === 0 && this.#readers.size === 0;
      if (free) this.#writer = currentTid();
      return free;
    });
  }

  /**
   * Gives the lock back, whichever way it was taken.
   * @throws `EPERM` when the caller does not hold it.
   */
  unlock(): void {
    this.#mutex.withLock(() => {
      const tid = currentTid();
      if (this.#writer === tid) this.#writer = 0;
      else if (!this.#readers.delete(tid)) throw coded("EPERM", "unlock of a lock that this thread does not hold");
      if (this.#readers.size === 0) this.#changed.notifyAll();
    });
  }

  /** Runs `body` while reading, and gives the lock back even when `body` throws. */
  withRead<T>(body: () => T): T {
    this.lockRead();
    try {
      return body();
    } finally {
      this.unlock();
    }
  }

  /** Runs `body` while writing, and gives the lock back even when `body` throws. */
  withWrite<T>(body: () => T): T {
    this.lockWrite();
    try {
      return body();
    } finally {
      this.unlock();
    }
  }

  get [Symbol.toStringTag](): string {
    return "RwLock";
  }

  #refuseHolder(): void {
    const tid = currentTid();
    if (this.#writer === tid || this.#readers.has(tid)) {
      throw coded("EDEADLK", "this thread holds the lock already; waiting for itself would never end");
    }
  }
}
