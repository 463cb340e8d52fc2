/** Clocks. */

/** The engine's own: the process's clock, which stands still while the process is an image. */
const engineClock = performance;
const engineNow = engineClock.now;

/** Milliseconds on the process's own clock, with fractions. */
export function nowMs(): number {
  return engineNow.call(engineClock);
}

/** Milliseconds of the wall clock since 1970, as `Date.now()`. */
export function now(): number {
  return Date.now();
}

/**
 * Milliseconds since this process began, with fractions. Never goes back, and goes on across forks, moves and
 * restores: time in which the process did not run on any node does not count.
 */
export function monotonic(): number {
  return nowMs();
}
