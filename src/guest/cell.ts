/**
 * A word that threads synchronise on, and the indivisible operations on it. Each is one straight line without a branch,
 * a call or a plain element store, which is what makes it indivisible (see machine.ts).
 */

import { nowMs } from "./clock.ts";
import { syscall } from "./machine.ts";

export type Cell = Int32Array & { 0: number };

export function newCell(value: number): Cell {
  return new Int32Array([value]) as Cell;
}

/** Puts `value` there; returns what was there. */
export function exchange(cell: Cell, value: number): number {
  const old = cell[0];
  cell[0] ^= old ^ value;
  return old;
}

/** Puts `value` there if `expected` is there; returns what was there. */
export function compareExchange(cell: Cell, expected: number, value: number): number {
  const old = cell[0];
  cell[0] ^= (old ^ value) & -+(old === expected);
  return old;
}

/** Takes one away unless that would leave less than nothing; returns what was there. */
export function takeOne(cell: Cell): number {
  const old = cell[0];
  cell[0] -= +(old > 0);
  return old;
}

const NO_TIMEOUT = -1;

/** Blocks while the cell holds `value`, until woken. Returns false at the timeout. May return early for no reason. */
export function waitOn(cell: Cell, value: number, timeoutMs: number = NO_TIMEOUT): boolean {
  return syscall("futexWait", cell, value, timeoutMs) !== 1;
}

/** Wakes up to `count` of those who wait on the cell. */
export function wake(cell: Cell, count: number): void {
  syscall("futexWake", cell, count);
}

/** What is left of a timeout, for waits that are made of several. */
export class Deadline {
  readonly #endMs: number;

  constructor(timeoutMs: number) {
    this.#endMs = timeoutMs < 0 ? Infinity : nowMs() + timeoutMs;
  }

  /** In ms, never below 0; -1 when there is no deadline. */
  remainingMs(): number {
    return this.#endMs === Infinity ? NO_TIMEOUT : Math.max(0, this.#endMs - nowMs());
  }
}
