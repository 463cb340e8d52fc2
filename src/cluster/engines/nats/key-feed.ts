/** A watch's feed, key by key: passes on which writes took place; of the state at the start, only what it came to. */

import { TOMBSTONE_MS } from "../../../limits.ts";
import type { WatchState } from "../../watch-state.ts";
import { Chain } from "./chain.ts";
import type { Version } from "./directory.ts";

interface Key {
  readonly chain: Chain<Version>;
  /** When its last message was stored, by the server's clock. */
  storedMs: number;
}

/** Fewer keys than this are not worth a sweep. */
const SWEEP_MIN = 1024;

export class KeyFeed {
  readonly #state: WatchState;
  readonly #keys = new Map<string, Key>();
  #isCurrent = false;
  /** Invariant: after the last sweep there were at most half as many keys, or it is SWEEP_MIN. */
  #sweepAt = SWEEP_MIN;

  constructor(state: WatchState) {
    this.#state = state;
  }

  begin(): void {
    this.#isCurrent = false;
    this.#keys.clear();
    this.#state.begin();
  }

  add(name: string, version: Version, storedMs: number): void {
    let key = this.#keys.get(name);
    if (key === undefined) {
      if (this.#keys.size >= this.#sweepAt) this.#sweep(storedMs);
      key = { chain: new Chain(), storedMs };
      this.#keys.set(name, key);
    }
    key.storedMs = storedMs;
    if (key.chain.add(version) && this.#isCurrent) this.#tell(name, version);
  }

  current(): void {
    this.#isCurrent = true;
    for (const [name, { chain }] of this.#keys) if (chain.latest !== undefined) this.#tell(name, chain.latest);
    this.#state.current();
  }

  #tell(key: string, { isDeletion, revision, value }: Version): void {
    if (isDeletion) this.#state.delete(key, revision);
    else this.#state.put({ key, value, revision });
  }

  /** Forgets keys that were deleted so long ago that no void write of them can come any more. */
  #sweep(nowMs: number): void {
    for (const [name, { chain, storedMs }] of this.#keys) {
      if (chain.latest?.isDeletion === true && nowMs - storedMs > TOMBSTONE_MS) this.#keys.delete(name);
    }
    this.#sweepAt = Math.max(SWEEP_MIN, 2 * this.#keys.size);
  }
}
