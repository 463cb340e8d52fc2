/** A process's standard input as it arrives: bytes wait here, within the node's bound, until a thread reads them. */

import type { Call } from "./call.ts";

export class InputStream {
  readonly #chunks: Uint8Array[] = [];
  #closed = false;
  /** Reads that wait for bytes, in order. */
  readonly readers: Call[] = [];

  put(bytes: Uint8Array): void {
    if (bytes.length > 0 && !this.#closed) this.#chunks.push(bytes);
  }

  close(): void {
    this.#closed = true;
  }

  /** Up to so many bytes, empty at the end, or undefined when there are none yet. */
  take(maxBytes: number): Uint8Array | undefined {
    const first = this.#chunks[0];
    if (first === undefined) return this.#closed ? new Uint8Array(0) : undefined;
    if (first.length <= maxBytes) {
      this.#chunks.shift();
      return first;
    }
    this.#chunks[0] = first.subarray(maxBytes);
    return first.subarray(0, maxBytes);
  }

  save(): { chunks: Uint8Array[]; closed: boolean } {
    return { chunks: [...this.#chunks], closed: this.#closed };
  }

  restore(record: { readonly chunks: readonly Uint8Array[]; readonly closed: boolean }): void {
    this.#chunks.push(...record.chunks);
    this.#closed = record.closed;
  }
}
