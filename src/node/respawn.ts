/** How long it is waited until a node that has died is started again: the longer, the oftener it died young. */

import { RESPAWN_PAUSE_MAX_MS, RESPAWN_PAUSE_MS, RESPAWN_STEADY_MS } from "../limits.ts";

export class Respawns {
  /** How often each has died young since it last did not. */
  readonly #young = new Map<string, number>();

  /** @param livedMs how long it was there, this time. */
  pauseMs(name: string, livedMs: number): number {
    const count = livedMs >= RESPAWN_STEADY_MS ? 0 : (this.#young.get(name) ?? 0);
    this.#young.set(name, count + 1);
    return Math.min(RESPAWN_PAUSE_MS * 2 ** count, RESPAWN_PAUSE_MAX_MS);
  }
}
