/// <reference lib="esnext.disposable" preserve="true" />
/** Mutual exclusion, on futexes. */

import { type Cell, compareExchange, Deadline, exchange, newCell, waitOn, wake } from "./cell.ts";
import { coded, currentTid, timeoutOf, type WaitOptions } from "./machine.ts";

const FREE = 0;
const HELD = 1;
/** Held, and someone may wait for it. */
const CONTENDED = 2;

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
      throw coded(
        "EPERM",
        "unlock of a mutex that this thread does not hold: each unlock needs a lock by the same thread",
      );
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
