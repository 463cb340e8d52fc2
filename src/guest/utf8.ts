/** Text as UTF-8. */

import { IO_MAX_BYTES } from "../limits.ts";
import { coded, syscall } from "./machine.ts";

/** A UTF-16 unit takes at most this many bytes of UTF-8. */
const UNIT_MAX_BYTES = 3;
const CHUNK_CHARS = Math.floor(IO_MAX_BYTES / UNIT_MAX_BYTES);

/** UTF-8 of `text`; lone surrogates become U+FFFD. */
export function utf8Bytes(text: string): Uint8Array {
  const whole = text.toWellFormed();
  if (whole.length <= CHUNK_CHARS) return syscall("utf8Encode", whole);
  const parts: Uint8Array[] = [];
  for (let at = 0; at < whole.length;) {
    const end = at + CHUNK_CHARS - (isLeadSurrogate(whole.charCodeAt(at + CHUNK_CHARS - 1)) ? 1 : 0);
    parts.push(syscall("utf8Encode", whole.slice(at, end)));
    at = end;
  }
  return joined(parts);
}

function isLeadSurrogate(unit: number): boolean {
  return (unit & 0xfc00) === 0xd800;
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** `data` as bytes: text as UTF-8. */
export function dataBytes(data: string | Uint8Array): Uint8Array {
  if (typeof data === "string") return utf8Bytes(data);
  if (data instanceof Uint8Array) return data;
  throw coded("EINVAL", "only strings and Uint8Arrays can be written");
}

/** Writes all of it to a handle, in as many calls as it takes. */
export function writeWhole(handle: number, data: string | Uint8Array): void {
  const bytes = dataBytes(data);
  for (let at = 0; at < bytes.length;) at += syscall("write", handle, bytes.subarray(at, at + IO_MAX_BYTES));
}
