/**
 * Gives connections to other nodes. The node keeps its own copy of a descriptor, unread, until the taker has one and has said so;
 * then it closes its own, and only then says "go". What is not taken stays here.
 */

import type { Socket } from "node:net";

import { assert } from "../assert.ts";
import { HANDOFF_REST_MS, HANDOFF_TIMEOUT_MS, HANDOFFS_MAX } from "../limits.ts";
import { descriptorOf } from "../resources/descriptor.ts";
import type { Siblings } from "./handoff.ts";
import type { Door } from "./handoff-door.ts";
import type { HandoffPost } from "./handoff-post.ts";

/** A connection that is being given away. */
interface Offer {
  readonly door: Door;
  readonly to: string;
  readonly socket: Socket;
  readonly timer: NodeJS.Timeout;
  /** Goes on with it here. */
  readonly stay: () => void;
}

export class HandoffGiver {
  readonly #siblings: Siblings;
  readonly #post: HandoffPost;
  readonly #newId: () => string;
  /** Told when one more has been taken. */
  readonly #given: () => void;
  /** At most HANDOFFS_MAX. */
  readonly #offers = new Map<string, Offer>();
  /** Nodes that did not take one: they are given none until then (ms of `performance.now`). */
  readonly #resting = new Map<string, number>();

  constructor(siblings: Siblings, post: HandoffPost, newId: () => string, given: () => void) {
    this.#siblings = siblings;
    this.#post = post;
    this.#newId = newId;
    this.#given = given;
  }

  /** Connections that are being given away. */
  get size(): number {
    return this.#offers.size;
  }

  get isFull(): boolean {
    return this.#offers.size >= HANDOFFS_MAX;
  }

  /** Whether a node can be given connections, as far as is known. */
  mayTake(node: string): boolean {
    return this.#siblings.names.includes(node) && (this.#resting.get(node) ?? 0) <= performance.now();
  }

  /**
   * Offers a connection, that stands still, to a node.
   * @param bytes what was read of it already.
   * @param stay goes on with it here, if that does not take it.
   */
  async offer(door: Door, to: string, socket: Socket, bytes: Uint8Array, stay: () => void): Promise<void> {
    const descriptor = descriptorOf(socket);
    assert(descriptor !== undefined, "what is offered can be passed on");
    const id = this.#newId();
    const timer = setTimeout(() => this.refused(to, id), HANDOFF_TIMEOUT_MS);
    const offer = { door, to, socket, timer, stay };
    this.#offers.set(id, offer);
    door.offered(socket, true);
    door.count(to, 1);
    try {
      await this.#introduce(door, to);
    } catch {
      return this.refused(to, id);
    }
    if (this.#offers.get(id) !== offer) return;
    if (socket.destroyed) this.withdraw(id);
    else this.#siblings.pass(to, { id, front: door.paper.id, bytes }, descriptor);
  }

  /** A node knows a front before it gets its connections. */
  #introduce(door: Door, to: string): Promise<void> {
    const known = door.knownAt.get(to);
    if (known !== undefined) return known;
    const telling = this.#post.ask(to, "handoff/front", door.paper, HANDOFF_TIMEOUT_MS);
    door.knownAt.set(to, telling);
    telling.catch(() => door.knownAt.delete(to)); // whoever waits for it hears it too
    return telling;
  }

  /** A node has a descriptor of it. */
  taken(peer: string, id: string): void {
    const offer = this.#offers.get(id);
    if (offer?.to !== peer || offer.socket.destroyed) return this.#post.say(peer, ["no", id]);
    this.#forget(id, offer);
    offer.door.handedOff++;
    // From here on it is the other's alone: that this copy is closed tells the client nothing.
    offer.socket.destroy();
    this.#post.say(peer, ["go", id]);
    this.#given();
  }

  /** A node has not taken it, and is left alone for a while. */
  refused(peer: string, id: string): void {
    if (this.#offers.get(id)?.to !== peer) return;
    this.#resting.set(peer, performance.now() + HANDOFF_REST_MS);
    this.withdraw(id);
  }

  /** It has forgotten the front, since none of its connections were there for long. */
  unknown(peer: string, id: string): void {
    const offer = this.#offers.get(id);
    if (offer?.to !== peer) return;
    offer.door.knownAt.delete(peer);
    this.withdraw(id);
  }

  /** It stays here. */
  withdraw(id: string): void {
    const offer = this.#offers.get(id);
    if (offer === undefined) return;
    this.#forget(id, offer);
    offer.door.count(offer.to, -1);
    if (!offer.socket.destroyed) offer.stay();
  }

  #forget(id: string, { timer, door, socket }: Offer): void {
    clearTimeout(timer);
    this.#offers.delete(id);
    door.offered(socket, false);
  }

  lost(peer: string): void {
    for (const [id, { to }] of this.#offers) if (to === peer) this.withdraw(id);
  }

  stop(): void {
    for (const { timer, socket } of this.#offers.values()) {
      clearTimeout(timer);
      socket.destroy();
    }
    this.#offers.clear();
  }
}
