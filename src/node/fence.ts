/**
 * Keeps a node's guests from running while nobody knows whether others take the node for dead: each LWP may run them for a
 * moment only, which is extended for as long as the node's lease is held. An OS process that was stopped, or whose first
 * thread is stuck, finds that moment over before anything else runs.
 */

import type { Lease } from "../cluster/engine.ts";
import { FENCE_INTERVAL_MS, FENCE_MS } from "../limits.ts";
import type { Node } from "./node.ts";

export class Fence {
  readonly #node: Node;
  readonly #lease: Lease;
  readonly #timer: NodeJS.Timeout;
  #isUp = false;

  constructor(node: Node, lease: Lease) {
    this.#node = node;
    this.#lease = lease;
    this.#timer = setInterval(() => this.#extend(), FENCE_INTERVAL_MS);
    this.#timer.unref();
    void lease.lost.then(() => this.raise());
    this.#extend();
  }

  /** Whether guests stand still, or are about to. */
  get isUp(): boolean {
    return this.#isUp || !this.#lease.held;
  }

  #extend(): void {
    if (!this.isUp) for (const lwp of this.#node.lwps.all()) lwp.mayRunFor(FENCE_MS);
  }

  /** No guest runs here any more. */
  raise(): void {
    this.#isUp = true;
    for (const lwp of this.#node.lwps.all()) lwp.mayRunFor(0);
  }

  /** The node stops, with its lease. */
  remove(): void {
    clearInterval(this.#timer);
    for (const lwp of this.#node.lwps.all()) lwp.mayRunFor(Infinity);
  }
}
