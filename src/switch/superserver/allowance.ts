/** How often a service starts its server, and how many of them there are at once: pure, told the time. */

import { assert } from "../../assert.ts";
import { SUPERSERVER_RATE_INTERVAL_MS } from "../../limits.ts";

export interface Bounds {
  readonly perMinute: number;
  readonly atOnce: number;
}

/** `busy`: ask again when one has ended. `refused`: not before the minute is over; `isFirst` of that minute. */
export type Verdict =
  | { readonly kind: "granted" }
  | { readonly kind: "busy" }
  | { readonly kind: "refused"; readonly isFirst: boolean; readonly untilMs: number };

/** A minute begins with the first start after the one before is over. */
export class Allowance {
  #bounds: Bounds;
  #atOnce = 0;
  #starts = 0;
  #beganMs = Number.NEGATIVE_INFINITY;
  #hasRefused = false;

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  /** New bounds; what runs, and has been started, counts on. */
  rebound(bounds: Bounds): void {
    this.#bounds = bounds;
  }

  /** Asks for one more. What is granted is given back by {@link end}. */
  take(nowMs: number): Verdict {
    if (nowMs - this.#beganMs >= SUPERSERVER_RATE_INTERVAL_MS) this.#begin(nowMs);
    if (this.#starts >= this.#bounds.perMinute) {
      const isFirst = !this.#hasRefused;
      this.#hasRefused = true;
      return { kind: "refused", isFirst, untilMs: this.#beganMs + SUPERSERVER_RATE_INTERVAL_MS };
    }
    if (this.#atOnce >= this.#bounds.atOnce) return { kind: "busy" };
    this.#starts++;
    this.#atOnce++;
    return { kind: "granted" };
  }

  end(): void {
    this.#atOnce--;
    assert(this.#atOnce >= 0, "only what was granted is given back");
  }

  #begin(nowMs: number): void {
    this.#beganMs = nowMs;
    this.#starts = 0;
    this.#hasRefused = false;
  }
}
