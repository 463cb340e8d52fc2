/** What a process is told while it is between two LWPs, or is being forked: kept in order until it is there. */

import type { ToLwp } from "../kernel/protocol.ts";

export class Held {
  readonly messages: ToLwp[] = [];
  /** Another home takes it over: what is told from now on would not come along. */
  readonly isLeaving: boolean;
  /** Resolves when the process is there, or has ended. */
  readonly over: Promise<void>;
  #end: () => void = () => {};

  constructor(isLeaving = false) {
    this.isLeaving = isLeaving;
    this.over = new Promise((resolve) => (this.#end = resolve));
  }

  end(): void {
    this.#end();
  }
}
