/** What a process is told while it is between two LWPs, or is being forked: kept in order until it is there. */

import type { ToLwp } from "../kernel/protocol.ts";

export class Held {
  readonly messages: ToLwp[] = [];
  /**
   * `leaving`: another home takes it over, and what is told from now on would not come along. `arriving`: this home has taken it
   * over, and waits for its host to go on.
   */
  readonly why: "leaving" | "arriving" | undefined;
  /** Resolves when the process is there, or has ended. */
  readonly over: Promise<void>;
  #end: () => void = () => {};

  constructor(why?: "leaving" | "arriving") {
    this.why = why;
    this.over = new Promise((resolve) => (this.#end = resolve));
  }

  end(): void {
    this.#end();
  }
}
