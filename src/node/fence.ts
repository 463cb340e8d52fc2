/**
 * Keeps a node's guests from running while nobody knows whether others take the node for dead: each LWP may run them for a
 * moment only, which is extended for as long as the node's lease is held. An OS process that was stopped, or whose first
 * thread is stuck, finds that moment over before anything else runs. Guests stand still then, with all that they have, and
 * go on when the lease is held again, or the node has another.
 */

import type { Lease } from "../cluster/engine.ts";
import { FENCE_INTERVAL_MS, FENCE_MS } from "../limits.ts";
import type { Node } from "./node.ts";

export class Fence {
  readonly #node: Node;
  readonly #timer: NodeJS.Timeout;
  /** Called when guests go on that stood still. */
  readonly #onDown: () => void;
  #lease: Lease;
  #wasUp = false;

  constructor(node: Node, lease: Lease, onDown: () => void) {
    this.#node = node;
    this.#lease = lease;
    this.#onDown = onDown;
    this.#timer = setInterval(() => this.#look(), FENCE_INTERVAL_MS);
    this.#timer.unref();
    this.#look();
  }

  /** Whether guests stand still, or are about to. */
  get isUp(): boolean {
    return !this.#lease.held;
  }

  #look(): void {
    const { isUp } = this;
    const hasTurned = isUp !== this.#wasUp;
    this.#wasUp = isUp;
    if (!isUp || hasTurned) for (const lwp of this.#node.lwps.all()) lwp.mayRunFor(isUp ? 0 : FENCE_MS);
    if (hasTurned && !isUp) this.#onDown();
  }

  /** The node holds another lease, and what others have taken over is settled. */
  renew(lease: Lease): void {
    this.#lease = lease;
    this.#look();
  }

  /** The node stops, with its lease. */
  remove(): void {
    clearInterval(this.#timer);
    for (const lwp of this.#node.lwps.all()) lwp.mayRunFor(Infinity);
  }
}
