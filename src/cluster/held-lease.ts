/** A lease from its holder's side: it beats, and gives itself up when it cannot know whether others hear it. */

import { GodwitError, failure } from "../errors.ts";
import { LEASE_CONFIRM_MS, LEASE_UNCONFIRMED_MAX_MS } from "../limits.ts";
import type { Holding, Lease } from "./engine.ts";

export interface LeaseActions {
  /** Tells that the holder lives, with its own time, ms. */
  beat(sentMs: number): void;
  /** Whether the directory has the record still. */
  isRecorded(timeoutMs: number): Promise<boolean>;
  release(): Promise<void>;
  ended(): void;
}

export class HeldLease implements Lease {
  readonly name: string;
  readonly token: number;
  readonly value: Uint8Array;
  readonly lost: Promise<Error>;
  readonly #ttlMs: number;
  readonly #actions: LeaseActions;
  readonly #beats: NodeJS.Timeout;
  readonly #confirmations: NodeJS.Timeout;
  #resolveLost: (reason: Error) => void = () => {};
  #over = false;
  /** When the last beat was sent that came back, and when the record was last seen; the holder's own clock, ms. */
  #heardMs = performance.now();
  #confirmedMs = performance.now();

  constructor(holding: Holding, ttlMs: number, beatMs: number, actions: LeaseActions) {
    this.name = holding.name;
    this.token = holding.token;
    this.value = holding.value;
    this.#ttlMs = ttlMs;
    this.#actions = actions;
    this.lost = new Promise((resolve) => (this.#resolveLost = resolve));
    this.#beats = setInterval(() => this.#beat(), beatMs);
    this.#confirmations = setInterval(() => void this.#confirm(), LEASE_CONFIRM_MS);
    actions.beat(performance.now());
  }

  get held(): boolean {
    return !this.#over && performance.now() - this.#heardMs < this.#ttlMs;
  }

  /** A beat came back that was sent at `sentMs`. */
  heard(sentMs: number): void {
    // One that comes back late proves nothing: the lease may have ended in between.
    if (this.held && sentMs <= performance.now()) this.#heardMs = Math.max(this.#heardMs, sentMs);
  }

  lose(reason: string): void {
    if (this.#over) return;
    this.abandon();
    this.#resolveLost(failure("ESTALE", `the lease ${this.name} was lost: ${reason}`));
  }

  /** Stops to hold it, and says nothing to anyone. */
  abandon(): void {
    this.#over = true;
    clearInterval(this.#beats);
    clearInterval(this.#confirmations);
    this.#actions.ended();
  }

  async release(): Promise<void> {
    if (this.#over) return;
    this.abandon();
    try {
      await this.#actions.release();
    } catch (error) {
      // It had ended already.
      if (!(error instanceof GodwitError) || error.code !== "ESTALE") throw error;
    }
  }

  #beat(): void {
    if (!this.held) return this.lose(`for ${this.#ttlMs} ms its holder did not hear its own beats`);
    this.#actions.beat(performance.now());
  }

  /** Beats go round in a part of the cluster that is cut off from the rest, too; the store answers only where most of it is. */
  async #confirm(): Promise<void> {
    const askedMs = performance.now();
    let isRecorded: boolean | undefined;
    try {
      isRecorded = await this.#actions.isRecorded(LEASE_CONFIRM_MS);
    } catch {
      // Not known: the store elects a leader, or cannot be reached.
    }
    if (isRecorded === true) this.#confirmedMs = Math.max(this.#confirmedMs, askedMs);
    if (isRecorded === false) this.lose("its record is gone");
    else if (performance.now() - this.#confirmedMs > LEASE_UNCONFIRMED_MAX_MS) {
      this.lose(`the store has not answered for ${LEASE_UNCONFIRMED_MAX_MS} ms`);
    }
  }
}
