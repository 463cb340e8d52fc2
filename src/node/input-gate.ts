/** Input on its way to a process: who writes waits while more than the bound is unread. */

import { failure } from "../errors.ts";
import { INPUT_BUFFER_MAX_BYTES } from "../limits.ts";

export class InputGate {
  #unreadBytes = 0;
  #closed = false;
  readonly #waiters: (() => void)[] = [];

  get unreadBytes(): number {
    return this.#unreadBytes;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Counts bytes in; resolves when there is room for more. Throws EPIPE after the end. */
  put(sizeBytes: number): Promise<void> {
    if (this.#closed) return Promise.reject(failure("EPIPE", "the process's standard input is closed"));
    this.#unreadBytes += sizeBytes;
    if (this.#unreadBytes <= INPUT_BUFFER_MAX_BYTES) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** Bytes were read: of what came this way, or of what a restored process had in its image. */
  taken(sizeBytes: number): void {
    this.#unreadBytes = Math.max(0, this.#unreadBytes - sizeBytes);
    if (this.#unreadBytes <= INPUT_BUFFER_MAX_BYTES) for (const resolve of this.#waiters.splice(0)) resolve();
  }

  /** No more input: whoever waits for room goes on. */
  close(): void {
    this.#closed = true;
    for (const resolve of this.#waiters.splice(0)) resolve();
  }
}
