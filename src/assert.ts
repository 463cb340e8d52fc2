/**
 * Assertions for our own bugs. They stay on in production: a kernel that goes on after a broken invariant
 * loses more than one that stops. For the world's faults (a bad file, a hostile peer) throw a `GodwitError`.
 */
export class AssertionError extends Error {
  override readonly name = "AssertionError";
}

/** Throws an {@link AssertionError} unless `condition` holds. `message` states the invariant that was broken. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(`broken invariant: ${message}`);
}

/** Returns `value`, asserting that it is neither `undefined` nor `null`. */
export function present<T>(value: T | undefined | null, what: string): T {
  assert(value !== undefined && value !== null, `${what} must be present`);
  return value;
}

/** For the end of an exhaustive switch: the compiler proves that it is not reached, this asserts it. */
export function unreachable(value: never, what: string): never {
  throw new AssertionError(`broken invariant: unexpected ${what}: ${String(value)}`);
}
