/** The ways to a service: care-of addresses, which are its processes' own, and the stable ones, which are good wherever those are. Pure. */

import { ROUTE_REST_MS, ROUTES_MAX } from "../limits.ts";

export interface CareOf {
  /** `SCHEME://HOST:PORT`. */
  readonly address: string;
  /** How many of the service's processes are there. */
  readonly weight: number;
  /** Until when it may be gone to; ms of `performance.now`. */
  readonly untilMs: number;
}

export class Routes {
  #stable: readonly string[] = [];
  #careOf: readonly CareOf[] = [];
  /** Addresses that did not answer, and until when they are left alone. */
  readonly #resting = new Map<string, number>();
  readonly #random: () => number;

  /** @param random as `Math.random`. */
  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** What is known from now on; at most ROUTES_MAX of each. */
  set(stable: readonly string[], careOf: readonly CareOf[]): void {
    this.#stable = stable.slice(0, ROUTES_MAX);
    this.setCareOf(careOf);
  }

  setCareOf(careOf: readonly CareOf[]): void {
    this.#careOf = careOf.slice(0, ROUTES_MAX);
    for (const address of this.#resting.keys()) if (!this.has(address)) this.#resting.delete(address);
  }

  has(address: string): boolean {
    return this.#stable.includes(address) || this.#careOf.some((one) => one.address === address);
  }

  get stable(): readonly string[] {
    return this.#stable;
  }

  get careOf(): readonly string[] {
    return this.#careOf.map(({ address }) => address);
  }

  /** It did not answer: for a while others come first. */
  rest(address: string, nowMs: number): void {
    if (this.has(address)) this.#resting.set(address, nowMs + ROUTE_REST_MS);
  }

  /**
   * In which order to try: care-of addresses by chance and weight, then the stable ones; those that did not answer lately come
   * last. At least one, when there is any.
   */
  inOrder(nowMs: number): string[] {
    const good = this.#careOf.filter(({ untilMs }) => untilMs > nowMs);
    // By weight without replacement: the largest of random numbers to the power of 1 / weight.
    const drawn = good.map(({ address, weight }) => ({ address, key: this.#random() ** (1 / Math.max(1, weight)) }));
    const direct = drawn.sort((one, other) => other.key - one.key).map(({ address }) => address);
    const all = [...new Set([...direct, ...this.#stable])];
    const isResting = (address: string) => (this.#resting.get(address) ?? 0) > nowMs;
    return [...all.filter((one) => !isResting(one)), ...this.#stable.filter(isResting), ...direct.filter(isResting)];
  }
}
