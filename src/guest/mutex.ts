/// <reference lib="esnext.disposable" preserve="true" />
/** Mutual exclusion and condition variables, on futexes. */

import { type Cell, compareExchange, Deadline, exchange, newCell, waitOn, wake } from "./cell.ts";
import { coded, currentTid, timeoutOf, type WaitOptions } from "./machine.ts";

const FREE = 0;
const HELD = 1;
/** Held, and someone may wait for it. */
const CONTENDED = 2;
const EVERYONE = 2 ** 31 - 1;

/**
 * A lock that one thread holds at a time. It is not recursive, and only its holder may unlock it.
 *
 * @example
 * const mutex = new Mutex();
 * let balance = 0;
 * const deposit = (amount: number) => mutex.withLock(() => (balance += amount));
 *
 * @example
 * function deposit(amount: number) {
 *   using held = mutex.lock(); // unlocked at the end of the block
 *   balance += amount;
 * }
 */
export class Mutex {
  readonly #cell: Cell = newCell(FREE);
  /** Tid of the holder, 0 when free. Written by the holder only, so `=== mine` is exact and all else is history. */
  #holder = 0;

  /**
   * Waits until the mutex is free and takes it. Returns itself, for `using`.
   * @throws `EDEADLK` when the caller holds it already.
   */
  lock(): this {
    this.#acquire(-1);
    return this;
  }

  /** Takes the mutex if it is free, or becomes free within `timeoutMs` (by default, does not wait). Returns whether it did. */
  tryLock(options: WaitOptions = { timeoutMs: 0 }): boolean {
    return this.#acquire(timeoutOf(options));
  }

  /** @throws `EPERM` when the caller does not hold the mutex. */
  unlock(): void {
    if (this.#holder !== currentTid()) {
      throw coded("EPERM", "unlock of a mutex that this thread does not hold: each unlock needs a lock by the same thread");
    }
    this.#holder = 0;
    if (exchange(this.#cell, FREE) === CONTENDED) wake(this.#cell, 1);
  }

  /** Runs `body` while holding the mutex, and gives it back even when `body` throws. Do not `await` inside. */
  withLock<T>(body: () => T): T {
    this.lock();
    try {
      return body();
    } finally {
      this.unlock();
    }
  }

  /** Whether the calling thread holds it. */
  get isHeld(): boolean {
    return this.#holder === currentTid();
  }

  [Symbol.dispose](): void {
    this.unlock();
  }

  get [Symbol.toStringTag](): string {
    return "Mutex";
  }

  #acquire(timeoutMs: number): boolean {
    const tid = currentTid();
    if (this.#holder === tid) {
      if (timeoutMs === 0) return false;
      throw coded("EDEADLK", "lock of a mutex that this thread holds already, which would never end");
    }
    if (compareExchange(this.#cell, FREE, HELD) !== FREE && !this.#contend(timeoutMs)) return false;
    this.#holder = tid;
    return true;
  }

  /** Whoever has waited takes the mutex as contended: others may still wait, and a wake too many is harmless. */
  #contend(timeoutMs: number): boolean {
    if (timeoutMs === 0) return false;
    const deadline = new Deadline(timeoutMs);
    while (exchange(this.#cell, CONTENDED) !== FREE) {
      const remainingMs = deadline.remainingMs();
      if (remainingMs === 0) return false;
      waitOn(this.#cell, CONTENDED, remainingMs);
    }
    return true;
  }
}

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
