/** Pages of guest memory: what is compared, hashed and moved. */

import { hash } from "node:crypto";
import { PAGE_BYTES } from "../limits.ts";

/** A page's content, named: its SHA-256, a character for each byte. */
export type PageDigest = string;
export const PAGE_DIGEST_BYTES = 32;

/** The first {@link PAGE_HASH_BYTES} of it, as images have it. */
export type PageHash = string;
export const PAGE_HASH_BYTES = 16;

const ZERO_PAGE = Buffer.alloc(PAGE_BYTES);

/** Two pages that differ do not share one, by accident nor by design. */
export function pageDigest(page: Uint8Array): PageDigest {
  return hash("sha256", page, "binary");
}

/** The hash in an image of a page with this digest. */
export function pageHash(digest: PageDigest): PageHash {
  return digest.slice(0, PAGE_HASH_BYTES);
}

/** Whether a page holds nothing but zeros. */
export function isZero(page: Uint8Array): boolean {
  return ZERO_PAGE.equals(page);
}

/** Whether page `number` of `memory` holds nothing but zeros. Makes no view: this runs over whole memories. */
export function isZeroAt(memory: Buffer, number: number): boolean {
  const start = number * PAGE_BYTES;
  return memory.compare(ZERO_PAGE, 0, PAGE_BYTES, start, start + PAGE_BYTES) === 0;
}

/** Whether page `number`, or `count` pages from it on, are the same in both memories. */
export function isSameAt(memory: Buffer, other: Buffer, number: number, count = 1): boolean {
  const start = number * PAGE_BYTES;
  const end = start + count * PAGE_BYTES;
  return memory.compare(other, start, end, start, end) === 0;
}

/** A view of page `number`; it shares `memory`'s bytes. */
export function pageAt(memory: Buffer, number: number): Buffer {
  return memory.subarray(number * PAGE_BYTES, (number + 1) * PAGE_BYTES);
}
