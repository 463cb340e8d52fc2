/** The quota of processes: who counts towards whose. */

import { failure } from "../errors.ts";

/**
 * Living processes that count towards one quota: those that descend from one process, itself included, whether it
 * still lives or not. A process has an account of its own only if its quota is narrower than its parent's, so a chain
 * of accounts is never longer than the first one's quota, however many generations there were.
 */
export class Account {
  readonly #pid: number;
  readonly #processesMax: number;
  readonly #above: Account | undefined;
  #living = 0;

  private constructor(pid: number, processesMax: number, above: Account | undefined) {
    this.#pid = pid;
    this.#processesMax = processesMax;
    this.#above = above;
  }

  /** The account that a process counts towards. */
  static of(pid: number, processesMax: number, parent: Account | undefined): Account {
    return parent !== undefined && processesMax >= parent.#processesMax
      ? parent
      : new Account(pid, processesMax, parent);
  }

  /** Throws EPROCLIM when one more process would be more than any quota allows. */
  checkRoom(): void {
    if (this.#living >= this.#processesMax) {
      throw failure(
        "EPROCLIM",
        `process ${this.#pid} may have ${this.#processesMax} processes, itself and those below it: end some, or raise --processes`,
      );
    }
    this.#above?.checkRoom();
  }

  add(count: 1 | -1): void {
    this.#living += count;
    this.#above?.add(count);
  }
}
