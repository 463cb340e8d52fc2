/**
 * Digests of data that comes in pieces. The host's hashes can be neither saved nor moved, so none is promised: of a digest
 * that the host does not know, or knows to be elsewhere in its data, the guest is told so, and begins again. It has all of
 * the data, and names each attempt by a number that nobody guesses.
 */

import { createHash, type Hash as HostHash } from "node:crypto";
import type { CryptoRequest } from "../abi/crypto.ts";
import { present } from "../assert.ts";
import { failure } from "../errors.ts";
import { DIGESTS_KEPT_MAX, IO_MAX_BYTES } from "../limits.ts";

type Piece = Extract<CryptoRequest, { op: "digestPiece" }>;

const TAKEN = Uint8Array.of(1);
const UNKNOWN = new Uint8Array(0);

export class Digests {
  /** In the order of their last pieces. */
  readonly #begun = new Map<string, { readonly hash: HostHash; sizeBytes: number }>();

  /** The digest after the last piece; a byte after others; nothing of a digest that must begin again. */
  take({ algorithm, id, at, isLast }: Piece, data: Uint8Array): Uint8Array {
    if (data.length > IO_MAX_BYTES)
      throw failure("EINVAL", `a piece of ${data.length} bytes to digest; give at most ${IO_MAX_BYTES}`);
    const digest = at === 0 ? { hash: createHash(algorithm.name), sizeBytes: 0 } : this.#begun.get(id);
    if (digest?.sizeBytes !== at) return UNKNOWN;
    digest.hash.update(data);
    digest.sizeBytes += data.length;
    this.#begun.delete(id);
    if (isLast) return digest.hash.digest();
    this.#begun.set(id, digest);
    if (this.#begun.size > DIGESTS_KEPT_MAX) this.#begun.delete(present(this.#begun.keys().next().value, "a digest"));
    return TAKEN;
  }
}
