/** Bytes in and out of cryptographic operations. */

import { sourceBytes } from "./idl.ts";

/** The engine has these ahead of the language's library as it is typed. */
const { toBase64 } = Uint8Array.prototype as unknown as { toBase64: (this: Uint8Array) => string };
const { fromBase64 } = Uint8Array as unknown as { fromBase64: (text: string) => Uint8Array<ArrayBuffer> };

export function base64Of(bytes: Uint8Array): string {
  return toBase64.call(bytes);
}

export function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  return fromBase64.call(Uint8Array, base64);
}

/** A copy of a `BufferSource`'s bytes as they are now. Throws TypeError for what is none. */
export function copyOf(source: unknown, what: string): Uint8Array<ArrayBuffer> {
  const buffer: unknown = ArrayBuffer.isView(source) ? source.buffer : source;
  if (buffer instanceof ArrayBuffer && buffer.detached) return new Uint8Array(0);
  const bytes = sourceBytes(source);
  if (bytes === undefined) throw new TypeError(`${what} must be an ArrayBuffer or a view of one`);
  return new Uint8Array(bytes);
}
