/**
 * Gives connections to other nodes. The node keeps its own copy of a descriptor, unread, until the taker has one and has said so;
 * then it closes its own, and only then says "go". What is not taken stays here, and the launcher tells that to who may have the
 * descriptor before this node goes on with it: else the taker would go on as well when this node ends.
 */

import type { Socket } from "node:net";

import { assert } from "../assert.ts";
import { HANDOFF_REST_MS, HANDOFF_TIMEOUT_MS, HANDOFFS_MAX } from "../limits.ts";
import { descriptorOf } from "../resources/descriptor.ts";
import type { Siblings } from "./handoff.ts";
import type { Door, Paper } from "./handoff-door.ts";
import type { HandoffPost } from "./handoff-post.ts";

/** A connection that is being given away. */
interface Offer {
  readonly door: Door;
  /** The door's, when it was offered. */
  readonly paper: Paper;
  readonly to: string;
  readonly socket: Socket;
  readonly timer: NodeJS.Timeout;
  /** Goes on with it here. */
  readonly stay: () => void;
  /** `passed`: the other may have its descriptor. `kept`: it is being told that it stays here. */
  state: "new" | "passed" | "kept";
}

export interface GiverSurroundings {
  newId(): string;
  /** A node has so many more of the connections that come with a paper, or fewer. */
  count(paper: string, node: string, more: number): void;
  /** One is not here any more. */
  gone(): void;
}

export class HandoffGiver {
  readonly #siblings: Siblings;
  readonly #post: HandoffPost;
  readonly #around: GiverSurroundings;
  /** At most HANDOFFS_MAX. */
  readonly #offers = new Map<string, Offer>();
  /** How many of them are being kept. */
  #keeping = 0;
  /** Nodes that did not take one: they are given none until then (ms of `performance.now`). */
  readonly #resting = new Map<string, number>();
  /** Nodes that were told "go" over a link that is not known to be lost. */
  readonly #told = new Set<string>();

  constructor(siblings: Siblings, post: HandoffPost, around: GiverSurroundings) {
    this.#siblings = siblings;
    this.#post = post;
    this.#around = around;
  }

  /** Connections that are being given away. */
  get size(): number {
    return this.#offers.size;
  }

  get isFull(): boolean {
    return this.#offers.size >= HANDOFFS_MAX;
  }

  /** Whether a node can be given connections, as far as is known. While the launcher hears nothing, none can. */
  mayTake(node: string): boolean {
    const isResting = (this.#resting.get(node) ?? 0) > performance.now();
    return this.#siblings.names.includes(node) && !isResting && this.#keeping === 0;
  }

  /**
   * Offers a connection, that stands still, to a node.
   * @param bytes what was read of it already.
   * @param stay goes on with it here, if that does not take it.
   */
  async offer(door: Door, to: string, socket: Socket, bytes: Uint8Array, stay: () => void): Promise<void> {
    const descriptor = descriptorOf(socket);
    assert(descriptor !== undefined, "what is offered can be passed on");
    const id = this.#around.newId();
    const { paper } = door;
    const timer = setTimeout(() => this.#late(id), HANDOFF_TIMEOUT_MS);
    const offer: Offer = { door, paper, to, socket, timer, stay, state: "new" };
    this.#offers.set(id, offer);
    door.offered(socket, true);
    this.#around.count(paper.id, to, 1);
    try {
      await this.#introduce(door, to);
    } catch {
      return this.refused(to, id);
    }
    if (this.#offers.get(id) !== offer) return;
    if (socket.destroyed) return this.withdraw(id);
    offer.state = "passed";
    this.#siblings.pass(to, { id, front: paper.id, bytes }, descriptor);
  }

  /** A node knows a front before it gets its connections. */
  #introduce(door: Door, to: string): Promise<void> {
    const known = door.knownAt.get(to);
    if (known !== undefined) return known;
    const telling = this.#post.ask(to, "handoff/front", door.paper, HANDOFF_TIMEOUT_MS);
    door.knownAt.set(to, telling);
    telling.catch(() => door.knownAt.get(to) === telling && door.knownAt.delete(to)); // whoever waits for it hears it too
    return telling;
  }

  /** A node has a descriptor of it. One that does not get it any more is told so by the launcher. */
  taken(peer: string, id: string): void {
    const offer = this.#offers.get(id);
    if (offer?.to !== peer || offer.state !== "passed") return;
    // Its time was up meanwhile, and it has been told so.
    if (offer.socket.destroyed || !offer.socket.writable) return this.withdraw(id);
    this.#forget(id, offer);
    offer.door.handedOff++;
    // From here on it is the other's alone: that this copy is closed tells the client nothing.
    offer.socket.destroy();
    this.#post.say(peer, ["go", id]);
    this.#told.add(peer);
    this.#around.gone();
  }

  /** A node has not taken it, and is left alone for a while. */
  refused(peer: string, id: string): void {
    if (this.#offers.get(id)?.to !== peer) return;
    this.#resting.set(peer, performance.now() + HANDOFF_REST_MS);
    this.returned(id);
  }

  /** It has forgotten the front, since none of its connections were there for long. */
  unknown(peer: string, id: string): void {
    const offer = this.#offers.get(id);
    if (offer?.to !== peer) return;
    offer.door.knownAt.delete(peer);
    this.returned(id);
  }

  #late(id: string): void {
    const offer = this.#offers.get(id);
    if (offer === undefined) return;
    this.#resting.set(offer.to, performance.now() + HANDOFF_REST_MS);
    this.withdraw(id);
  }

  /** Nobody else has it. */
  returned(id: string): void {
    const offer = this.#offers.get(id);
    if (offer !== undefined && offer.state !== "kept") this.#stay(id, offer);
  }

  /** It stays here, when who may have its descriptor is bound to hear that. */
  withdraw(id: string): void {
    const offer = this.#offers.get(id);
    if (offer === undefined || offer.state === "kept") return;
    if (offer.state === "new") return this.#stay(id, offer);
    offer.state = "kept";
    this.#keeping++;
    this.#siblings.keep(offer.to, id, () => {
      this.#keeping--;
      if (this.#offers.get(id) === offer) this.#stay(id, offer);
    });
  }

  #stay(id: string, offer: Offer): void {
    this.#forget(id, offer);
    this.#around.count(offer.paper.id, offer.to, -1);
    if (offer.socket.destroyed) this.#around.gone();
    else offer.stay();
  }

  #forget(id: string, { timer, door, socket }: Offer): void {
    clearTimeout(timer);
    this.#offers.delete(id);
    door.offered(socket, false);
  }

  /** The link to a node is lost. It may not have heard of some that are its own by now. */
  lost(peer: string): void {
    for (const [id, { to }] of this.#offers) if (to === peer) this.withdraw(id);
    if (this.#told.delete(peer)) this.#siblings.settle(peer);
  }

  stop(): void {
    for (const { timer, socket } of this.#offers.values()) {
      clearTimeout(timer);
      socket.destroy();
    }
    this.#offers.clear();
  }
}
