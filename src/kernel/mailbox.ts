/** A process's mailbox: messages wait in order, within bounds, until a thread receives them. */

import { MAILBOX_MAX_BYTES, MAILBOX_MAX_MESSAGES } from "../limits.ts";

export interface Message {
  readonly from: number;
  readonly payload: Uint8Array;
}

export class Mailbox {
  /** Invariant: `#messages.length <= MAILBOX_MAX_MESSAGES` and `#bytes` is the sum of their sizes, at most MAILBOX_MAX_BYTES. */
  readonly #messages: Message[] = [];
  #bytes = 0;

  /** Whether there is room for a message of so many bytes. */
  accepts(sizeBytes: number): boolean {
    return this.#messages.length < MAILBOX_MAX_MESSAGES && this.#bytes + sizeBytes <= MAILBOX_MAX_BYTES;
  }

  /** Adds a message; false when it does not fit. */
  put(message: Message): boolean {
    if (!this.accepts(message.payload.length)) return false;
    this.#messages.push(message);
    this.#bytes += message.payload.length;
    return true;
  }

  take(): Message | undefined {
    const message = this.#messages.shift();
    if (message !== undefined) this.#bytes -= message.payload.length;
    return message;
  }

  get length(): number {
    return this.#messages.length;
  }

  get sizeBytes(): number {
    return this.#bytes;
  }

  save(): Message[] {
    return [...this.#messages];
  }
}
