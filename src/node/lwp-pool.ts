/** The LWPs of a node: who gets the next process, and who has too many. */

import { failure } from "../errors.ts";
import { present } from "../assert.ts";
import type { Lwp } from "./lwp.ts";
import type { LwpThread } from "./lwp-thread.ts";

export class LwpPool {
  /** Those that have not failed. */
  readonly #lwps: LwpThread[];
  /** Index of the one that is asked first to take a process. */
  #turn = 0;

  constructor(count: number, make: (index: number) => LwpThread) {
    this.#lwps = Array.from({ length: count }, (_, index) => make(index));
  }

  get count(): number {
    return this.#lwps.length;
  }

  all(): readonly LwpThread[] {
    return this.#lwps;
  }

  /** Living processes that run here. */
  get processes(): number {
    return this.#lwps.reduce((sum, lwp) => sum + lwp.processes, 0);
  }

  /**
   * The one with the fewest processes. Of several, each in turn: while one takes a process in, the other gets ready for
   * the next. Throws ENODE when all have failed.
   */
  leastLoaded(): LwpThread {
    let least: LwpThread | undefined;
    this.#turn = (this.#turn + 1) % this.#lwps.length;
    for (const lwp of [...this.#lwps.slice(this.#turn), ...this.#lwps.slice(0, this.#turn)]) {
      if (least === undefined || lwp.processes < least.processes) least = lwp;
    }
    if (least === undefined) throw failure("ENODE", "every LWP of this node has failed: start it again");
    return least;
  }

  /** One that has nothing to run, and expects nothing, beside one that has more than it can run at once. */
  unbalanced(): { readonly idle: LwpThread; readonly busy: LwpThread } | undefined {
    const idle = this.#lwps.find((lwp) => lwp.ready.length === 0 && lwp.expects === undefined);
    const busy = this.#lwps.find((lwp) => lwp.ready.length >= 2);
    return idle === undefined || busy === undefined ? undefined : { idle, busy };
  }

  /** Another LWP than this one; itself when it is alone. */
  otherThan(lwp: Lwp): LwpThread {
    return present(this.#lwps.find((other) => other !== lwp) ?? this.#lwps[0], "an LWP of a node that runs");
  }

  remove(lwp: LwpThread): void {
    this.#lwps.splice(this.#lwps.indexOf(lwp), 1);
  }

  /** Resolves when all have ended. */
  async stop(): Promise<void> {
    await Promise.all(this.#lwps.map((lwp) => lwp.stop()));
  }
}
