/**
 * Operations that a host carries out a few at a time: the processes that wait take turns, each with its oldest call, so
 * that none keeps the others waiting for more than one operation each. What may wait is bounded by the calls a process
 * may have in flight.
 */

import { assert } from "../assert.ts";
import { CRYPTO_LONG_AT_ONCE, CRYPTO_SHORT_AT_ONCE } from "../limits.ts";
import type { Call } from "./call.ts";
import type { Process } from "./process.ts";

interface Job {
  readonly call: Call;
  /** Settles when the next may begin. Rejects never. */
  readonly run: () => Promise<void>;
}

/** What takes milliseconds need not wait for what takes seconds. */
export class Lanes {
  readonly short = new Lane(CRYPTO_SHORT_AT_ONCE);
  readonly long = new Lane(CRYPTO_LONG_AT_ONCE);
}

export class Lane {
  readonly #width: number;
  #running = 0;
  /** In the order of their turns; no list is empty. */
  readonly #waiting = new Map<Process, Job[]>();

  constructor(width: number) {
    this.#width = width;
  }

  /** Carries the call out by `run` when it is its turn, unless it has ended by then. */
  enter(call: Call, run: () => Promise<void>): void {
    const job = { call, run };
    const jobs = this.#waiting.get(call.process);
    if (jobs === undefined) this.#waiting.set(call.process, [job]);
    else jobs.push(job);
    call.abandon = () => this.#leave(job);
    this.#advance();
  }

  #leave(job: Job): void {
    const { process } = job.call;
    const left = (this.#waiting.get(process) ?? []).filter((other) => other !== job);
    if (left.length > 0) this.#waiting.set(process, left);
    else this.#waiting.delete(process);
  }

  #advance(): void {
    while (this.#running < this.#width) {
      const job = this.#next();
      if (job === undefined) return;
      job.call.abandon = () => {};
      this.#running++;
      void job.run().finally(() => {
        this.#running--;
        this.#advance();
      });
    }
  }

  /** Takes the next job; its process goes to the end. */
  #next(): Job | undefined {
    for (const [process, jobs] of this.#waiting) {
      const job = jobs.shift();
      assert(job !== undefined, "a process among those that wait has a job");
      this.#waiting.delete(process);
      if (jobs.length > 0) this.#waiting.set(process, jobs);
      return job;
    }
    return undefined;
  }
}
