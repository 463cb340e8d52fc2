/** What a process is told while it is between two LWPs, or is being forked: kept in order until it is there. */

import type { ToLwp } from "../kernel/protocol.ts";

export class Held {
  readonly messages: ToLwp[] = [];
  /** Resolves when the process is there, or has ended. */
  readonly over: Promise<void>;
  #end: () => void = () => {};

  constructor() {
    this.over = new Promise((resolve) => (this.#end = resolve));
  }

  end(): void {
    this.#end();
  }
}
