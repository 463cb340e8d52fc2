/** Blobs, whichever engine keeps them. */

import { failure } from "../errors.ts";
import { BLOB_MAX_BYTES } from "../limits.ts";
import type { BlobFacts, Blobs } from "./engine.ts";

/**
 * A blob's content, whole and checked.
 * @throws GodwitError as {@link Blobs.get}; EMSGSIZE when it has more than `maxBytes`.
 */
export async function readBlob(blobs: Blobs, name: string, maxBytes: number): Promise<Uint8Array> {
  const blob = await blobs.get(name);
  if (blob.sizeBytes > maxBytes) {
    throw failure(
      "EMSGSIZE",
      `the blob ${name} has ${blob.sizeBytes} bytes, more than the ${maxBytes} that are expected`,
    );
  }
  const whole = new Uint8Array(blob.sizeBytes);
  let filled = 0;
  for await (const piece of blob.content) {
    if (filled + piece.length > whole.length) throw corruptBlob(name, "it is longer than it says");
    whole.set(piece, filled);
    filled += piece.length;
  }
  if (filled < whole.length) throw corruptBlob(name, "it is shorter than it says");
  return whole;
}

/** Deletes all blobs below `prefix` but the `count` that are last by name, and says which it kept. */
export async function keepLast(blobs: Blobs, prefix: string, count: number): Promise<BlobFacts[]> {
  const found = await blobs.list(prefix);
  const kept = count === 0 ? [] : found.slice(-count);
  for (const { name } of found.slice(0, found.length - kept.length)) await blobs.delete(name);
  return kept;
}

export function corruptBlob(name: string, why: string, cause?: unknown) {
  return failure("ECORRUPT", `the blob ${name} is not what was stored: ${why}; use an earlier one`, cause);
}

export function noBlob(name: string) {
  return failure("ENOENT", `there is no blob ${name}`);
}

/** The content as it comes, cut off with an error where it is longer than a blob may be. */
export async function* boundedContent(
  name: string,
  content: Uint8Array | AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  let sizeBytes = 0;
  for await (const piece of content instanceof Uint8Array ? [content] : content) {
    sizeBytes += piece.length;
    if (sizeBytes > BLOB_MAX_BYTES)
      throw failure("EMSGSIZE", `the blob ${name} is longer than ${BLOB_MAX_BYTES} bytes`);
    if (piece.length > 0) yield piece;
  }
}
