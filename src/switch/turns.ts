/**
 * Whose turn it is among processes that are alike. Each front counts for itself, what it chooses for each service: were one
 * count common to choices that come in a regular order, some of them would fall on the same process every time.
 */

import type { Policy } from "./policy.ts";

export class Turns {
  /** By a front's policy, and as long as that has it; of a policy, by service: at most as many as it names. */
  readonly #next = new WeakMap<Policy, Map<string, number>>();

  /** Counts up from 0. */
  take(policy: Policy, service: string): number {
    let next = this.#next.get(policy);
    if (next === undefined) this.#next.set(policy, (next = new Map<string, number>()));
    const turn = next.get(service) ?? 0;
    next.set(service, turn + 1);
    return turn;
  }
}
