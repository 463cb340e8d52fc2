/** Randomness from the node's source. Nothing is kept in the process, so a forked child draws its own. */

import { IO_MAX_BYTES } from "../limits.ts";
import { syscall } from "./machine.ts";

/** So many cryptographically strong random bytes. */
export function randomBytes(count: number): Uint8Array {
  if (!Number.isInteger(count) || count < 0)
    throw new RangeError(`randomBytes(${String(count)}): give a whole number from 0 on`);
  const bytes = new Uint8Array(count);
  for (let at = 0; at < count; at += IO_MAX_BYTES) {
    bytes.set(syscall("randomBytes", Math.min(IO_MAX_BYTES, count - at)), at);
  }
  return bytes;
}
