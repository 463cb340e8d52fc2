/** Compression for guests, without state: the window that goes from call to call is the guest's. */

import { constants, crc32, deflateRawSync } from "node:zlib";
import { failure } from "../errors.ts";

/**
 * `bytes` as raw deflate, which may refer back to `window`, the bytes before them. What is not the last ends with whole
 * bytes too, so what calls return makes one compressed stream.
 */
export function deflate(bytes: Uint8Array, window: Uint8Array, last: boolean): Uint8Array {
  const finishFlush = last ? constants.Z_FINISH : constants.Z_SYNC_FLUSH;
  return deflateRawSync(bytes, window.length === 0 ? { finishFlush } : { finishFlush, dictionary: window });
}

const ADLER_BASE = 65_521;
/** So many bytes can be summed up before a 32-bit sum overflows. */
const ADLER_RUN_BYTES = 5552;

/**
 * The checksum of what has the checksum `before`, and then `bytes`.
 * @throws `EINVAL` for a kind that is none.
 */
export function checksum(bytes: Uint8Array, kind: string, before: number): number {
  if (kind === "crc32") return crc32(bytes, before);
  if (kind === "adler32") return adler32(bytes, before);
  throw failure("EINVAL", `there is no checksum ${JSON.stringify(kind.slice(0, 40))}: it is crc32 or adler32`);
}

/** RFC 1950. */
function adler32(bytes: Uint8Array, before: number): number {
  let a = (before & 0xffff) % ADLER_BASE;
  let b = (before >>> 16) % ADLER_BASE;
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(at + ADLER_RUN_BYTES, bytes.length);
    for (; at < end; at++) {
      a += bytes[at] ?? 0;
      b += a;
    }
    a %= ADLER_BASE;
    b %= ADLER_BASE;
  }
  return ((b << 16) | a) >>> 0;
}
