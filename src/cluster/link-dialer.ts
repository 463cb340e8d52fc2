/** Tries for a connection until there is one, or none is needed any more. */

import { setTimeout as delay } from "node:timers/promises";
import { LINK_RETRY_MAX_MS, LINK_RETRY_MIN_MS } from "../limits.ts";

export interface DialerOptions {
  /** Whether there is still no connection, and one is needed. */
  readonly isNeeded: () => boolean;
  readonly dial: () => Promise<void>;
  readonly signal: AbortSignal;
}

export class Dialer {
  readonly #options: DialerOptions;
  #isDialing = false;
  #retryMs = LINK_RETRY_MIN_MS;

  constructor(options: DialerOptions) {
    this.#options = options;
  }

  /**
   * `afresh`: the last connection was of use, if there was one. Those that break as soon as they are made are tried for
   * ever more slowly. Never rejects.
   */
  async start(afresh: boolean): Promise<void> {
    if (this.#isDialing) return;
    this.#isDialing = true;
    const { isNeeded, dial, signal } = this.#options;
    if (afresh) this.#retryMs = LINK_RETRY_MIN_MS;
    else await this.#pause(signal);
    while (!signal.aborted && isNeeded()) {
      await dial().catch(() => {}); // told by there being no connection
      if (!signal.aborted && isNeeded()) await this.#pause(signal);
    }
    this.#isDialing = false;
  }

  async #pause(signal: AbortSignal): Promise<void> {
    // Of two that dial each other at once, one is earlier the next time.
    const ms = this.#retryMs * (0.5 + Math.random() / 2);
    this.#retryMs = Math.min(LINK_RETRY_MAX_MS, 2 * this.#retryMs);
    await delay(ms, undefined, { signal }).catch(() => {});
  }
}
