/** Clocks. */

import { step, type Steps, syscall } from "./machine.ts";

/** Milliseconds of the wall clock since 1970, as `Date.now()`. */
export function now(): number {
  return Date.now();
}

/**
 * Milliseconds since this process began, with fractions. Never goes back, and goes on across forks, moves and
 * restores: time in which the process did not exist does not count.
 */
export function monotonic(): number {
  return syscall("clock", 0);
}

export function* sleepSteps(ms: number): Steps<void> {
  yield* step("sleep", ms);
}
