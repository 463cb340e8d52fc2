/**
 * A lease from its holder's side. It is held for its time to live from the last moment of which the holder knows that nobody
 * could take it for dead: that it was heard by a majority, or has written its record. When that moment is past, only a
 * write of the record tells whether the lease still is the holder's: others delete it by compare-and-set.
 */

import { GodwitError, failure } from "../errors.ts";
import { LEASE_CONFIRM_MS, LEASE_UNCONFIRMED_MAX_MS } from "../limits.ts";
import type { Holding, Lease } from "./engine.ts";

export interface LeaseActions {
  /** Writes the record anew, if it has `revision`; answers with the next. @throws GodwitError as the directory. */
  write(revision: number, timeoutMs: number): Promise<number>;
  /** The revision of the record, if it still is this holding's. @throws GodwitError as the directory. */
  read(timeoutMs: number): Promise<number | undefined>;
  remove(revision: number): Promise<void>;
  ended(): void;
  /** Whether who hears its own beats reaches the store, too. */
  readonly isHub: boolean;
}

/** How often a holder looks after its lease, in its time to live. */
const LOOKS_PER_TTL = 6;

export class HeldLease implements Lease {
  readonly name: string;
  readonly token: number;
  readonly value: Uint8Array;
  readonly ttlMs: number;
  readonly lost: Promise<Error>;
  readonly #actions: LeaseActions;
  readonly #timer: NodeJS.Timeout;
  #resolveLost: (reason: Error) => void = () => {};
  #over = false;
  /** Of the record; nothing after a write whose outcome is not known. */
  #revision: number | undefined;
  /** When the last write of the record was begun that took place, and until when it is held; the holder's own clock, ms. */
  #writtenMs: number;
  #heldUntilMs: number;
  #writing: Promise<void> | undefined;

  /** @param begunMs when the record's first write was begun. */
  constructor(holding: Holding, ttlMs: number, begunMs: number, actions: LeaseActions) {
    this.name = holding.name;
    this.token = holding.token;
    this.value = holding.value;
    this.ttlMs = ttlMs;
    this.#actions = actions;
    this.#revision = holding.token;
    this.#writtenMs = begunMs;
    this.#heldUntilMs = begunMs + ttlMs;
    this.lost = new Promise((resolve) => (this.#resolveLost = resolve));
    this.#timer = setInterval(() => this.#look(), ttlMs / LOOKS_PER_TTL);
  }

  get held(): boolean {
    return !this.#over && performance.now() < this.#heldUntilMs;
  }

  /** Resolves when it is held, where its first write took longer than its time; or is over. */
  async begun(): Promise<void> {
    while (!this.#over && !this.held) {
      this.#writing ??= this.#write().finally(() => (this.#writing = undefined));
      await this.#writing;
      if (!this.held) await new Promise((resolve) => setTimeout(resolve, this.ttlMs / LOOKS_PER_TTL));
    }
  }

  /** The holder was heard by so many, at `atMs`, that nobody could have taken it for dead then. */
  supported(atMs: number): void {
    // Where that comes too late it proves nothing: the lease may have ended in between.
    if (!this.held || atMs > performance.now()) return;
    const latestMs = this.#actions.isHub ? Infinity : this.#writtenMs + LEASE_UNCONFIRMED_MAX_MS;
    this.#heldUntilMs = Math.max(this.#heldUntilMs, Math.min(atMs + this.ttlMs, latestMs));
  }

  lose(reason: string): void {
    if (this.#over) return;
    this.abandon();
    this.#resolveLost(failure("ESTALE", `the lease ${this.name} was lost: ${reason}`));
  }

  /** Stops to hold it, and says nothing to anyone. */
  abandon(): void {
    this.#over = true;
    clearInterval(this.#timer);
    this.#actions.ended();
  }

  async release(): Promise<void> {
    if (this.#over) return;
    this.abandon();
    await this.#writing;
    try {
      const revision = this.#revision ?? (await this.#actions.read(LEASE_CONFIRM_MS));
      if (revision !== undefined) await this.#actions.remove(revision);
    } catch (error) {
      // It had ended already.
      if (!(error instanceof GodwitError) || error.code !== "ESTALE") throw error;
    }
  }

  /** Writes the record now and then, and when it is not known for long that others hear of its holder. */
  #look(): void {
    const nowMs = performance.now();
    const isDue = !this.#actions.isHub && nowMs - this.#writtenMs > LEASE_CONFIRM_MS;
    if (isDue || this.#heldUntilMs - nowMs < this.ttlMs / 2)
      this.#writing ??= this.#write().finally(() => (this.#writing = undefined));
  }

  async #write(): Promise<void> {
    try {
      const revision = this.#revision ?? (await this.#actions.read(LEASE_CONFIRM_MS));
      if (revision === undefined) return this.lose("others heard nothing of its holder and ended it");
      const begunMs = performance.now();
      this.#revision = undefined;
      this.#revision = await this.#actions.write(revision, LEASE_CONFIRM_MS);
      this.#writtenMs = begunMs;
      this.#heldUntilMs = Math.max(this.#heldUntilMs, begunMs + this.ttlMs);
    } catch (error) {
      // Whether it was written is not known, or it was by an earlier try: the next look reads it.
      if (!(error instanceof GodwitError)) throw error;
    }
  }
}
