/**
 * Clients' connections go from a front's node to that of their process, where one launcher has started both on one machine. The
 * descriptor goes by the launcher, whose children they all are, and so does what must be known of it whoever dies; the rest of
 * what is said about it goes over links. Each connection has one owner at any moment (`handoff-giver.ts`, `handoff-taker.ts`).
 */

import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";

import type { Link, Links } from "../cluster/link.ts";
import { assert } from "../assert.ts";
import { failure } from "../errors.ts";
import { HANDOFF_SWEEP_MS } from "../limits.ts";
import { addressText } from "../resources/address.ts";
import { type Descriptor, descriptorOf, goOnReading, holdStill } from "../resources/descriptor.ts";
import type { Entrance, Gate } from "../resources/entrance.ts";
import { firstBytes, mayPass, needsHead } from "./first-bytes.ts";
import type { Order, Place } from "./front-session.ts";
import { Door, type Paper } from "./handoff-door.ts";
import { HandoffGiver } from "./handoff-giver.ts";
import { type HandoffMessage, HandoffPost } from "./handoff-post.ts";
import { HandoffTaker } from "./handoff-taker.ts";
import { type Inquiry, policyText } from "./policy.ts";

/** What goes with a descriptor. */
export interface Parcel {
  readonly id: string;
  /** Id of the front's paper. */
  readonly front: string;
  /** Read of the connection already. */
  readonly bytes: Uint8Array;
}

/** The way to the nodes that have the same launcher. */
export interface Siblings {
  /** All but this one, whether they live or not. */
  readonly names: readonly string[];
  /** Passes a descriptor on; it stays open here. */
  pass(to: string, parcel: Parcel, descriptor: Descriptor): void;
  /**
   * What was passed to a node stays here: it hears that after the descriptor, and before that this node has ended.
   * @param told when it is bound to hear it, whatever becomes of this node.
   */
  keep(to: string, id: string, told: () => void): void;
  /** All that was passed to a node so far, and is not kept, is its own: it hears that as it hears of what is kept. */
  settle(to: string): void;
  /** Told what was passed to here. */
  onPassed: (from: string, parcel: Parcel, descriptor: Descriptor | undefined) => void;
  /** Told of what was passed to here, and stays where it was. */
  onKept: (from: string, id: string) => void;
  /** Told that all else that was passed to here is this node's. */
  onSettled: (from: string) => void;
  /** Told of what could not be passed on. */
  onReturned: (id: string) => void;
  /** Told of a node whose OS process has ended. */
  onDead: (name: string) => void;
}

export interface HandoffOptions {
  readonly self: string;
  readonly siblings: Siblings;
  readonly links: Links;
  /** Chooses a process for a connection. */
  glance(order: Order, inquiry: Inquiry, connections: (home: string) => number): Place | undefined;
  /** Serves connections of another node's front. @throws GodwitError EINVAL. */
  adopt(order: Order, about: Paper): Entrance & { close(): void };
  /** A connection that kept the node in use has gone. */
  unused(): void;
}

const NOTHING = new Uint8Array(0);

export class Handoff {
  readonly #options: HandoffOptions;
  readonly #post: HandoffPost;
  readonly #giver: HandoffGiver;
  readonly #taker: HandoffTaker;
  /** Tells what is of this run of the node from what is of others. */
  readonly #run = randomBytes(6).toString("hex");
  #last = 0;
  /** Of this node's fronts, by ids of their papers, of former ones as well. */
  readonly #own = new Map<string, Door>();
  /** Of those that it had, while they have connections. */
  readonly #former = new Set<Door>();
  /** Connections of which the first bytes are waited for. */
  #awaited = 0;
  #sweep: NodeJS.Timeout | undefined;
  /** Doors whose answers are listened for. */
  readonly #listened = new WeakSet<Door>();
  #isGiving = false;
  #isOver = false;

  constructor(options: HandoffOptions) {
    this.#options = options;
    const { self, siblings, links } = options;
    this.#post = new HandoffPost(
      links,
      (peer, message) => this.#heard(peer, message),
      (peer) => this.#lost(peer),
    );
    const count = (paper: string, node: string, more: number) => this.#own.get(paper)?.count(paper, node, more);
    this.#giver = new HandoffGiver(siblings, this.#post, {
      newId: () => this.#newId(),
      count,
      gone: () => options.unused(),
    });
    this.#taker = new HandoffTaker(
      {
        self,
        adopt: (order, about) => options.adopt(order, about),
        count,
        left: () => options.unused(),
      },
      this.#post,
    );
    siblings.onPassed = (from, parcel, descriptor) => this.#taker.passed(from, parcel, descriptor);
    siblings.onKept = (from, id) => this.#taker.kept(from, id);
    siblings.onSettled = (from) => this.#taker.settled(from);
    siblings.onReturned = (id) => this.#giver.returned(id);
    siblings.onDead = (name) => this.#taker.settled(name);
  }

  #newId(): string {
    return `${this.#options.self}.${this.#run}.${++this.#last}`;
  }

  /** Whether connections are here, or on their way from here, that keep the node from going away. */
  get isInUse(): boolean {
    return this.#awaited + this.#giver.size + this.#taker.size + this.#former.size > 0;
  }

  // ---- This node's fronts

  /** A front of this node from now on: what its connections come by. */
  open(order: Order, secrets: Pick<Paper, "certificate" | "key">): { readonly door: Door; readonly gate: Gate } {
    const { self } = this.#options;
    const { service, policy, scheme, isNear } = order;
    assert(scheme !== "udp", "datagrams come by no connection");
    const own = { ...secrets, scheme, isNear, id: this.#newId(), node: self, service, policy: policyText(policy) };
    const door: Door = new Door(own, order, self, {
      came: () => door.isClosed && this.#outlives(door),
      left: () => door.size === 0 && this.#former.delete(door) && this.#options.unused(),
    });
    this.#own.set(own.id, door);
    const gate: Gate = (socket, entrance) => {
      door.entrance = entrance;
      void this.#admit(door, socket);
    };
    return { door, gate };
  }

  /** Its policy has changed: others get to know it anew, for the connections that come from now on. */
  revise(door: Door): void {
    const forgotten = door.revise({ ...door.paper, id: this.#newId(), policy: policyText(door.order.policy) });
    for (const id of forgotten) this.#own.delete(id);
    this.#own.set(door.paper.id, door);
  }

  /** No client comes in there any more; what came by it stays where it is. */
  close(door: Door): void {
    for (const [id, one] of this.#own) if (one === door) this.#own.delete(id);
    door.isClosed = true;
    if (door.size > 0) this.#outlives(door);
  }

  /** It is closed, and has connections: perhaps of those only that were being let in, or given away, when it was. */
  #outlives(door: Door): void {
    this.#former.add(door);
    this.#listen(door);
  }

  async #admit(door: Door, socket: Socket): Promise<void> {
    const descriptor = descriptorOf(socket);
    if (descriptor === undefined || !mayPass(door.order)) return door.keep(socket, NOTHING);
    holdStill(socket);
    socket.on("error", () => {}); // its `close` tells
    const { remoteAddress = "", remotePort = 0 } = socket;
    let inquiry: Inquiry | undefined = { remote: addressText({ address: remoteAddress, port: remotePort }) };
    let bytes: Uint8Array = NOTHING;
    if (needsHead(door.order)) {
      this.#awaited++;
      ({ bytes, inquiry } = await firstBytes(socket, inquiry.remote));
      this.#awaited--;
    }
    if (socket.destroyed) return this.#options.unused();
    const stay = () => {
      goOnReading(socket);
      door.keep(socket, bytes);
    };
    const to = inquiry === undefined ? undefined : this.#choose(door, inquiry);
    if (to === undefined) stay();
    else void this.#giver.offer(door, to, socket, bytes, stay);
  }

  /** The node to which a connection is to go; undefined when it stays here. */
  #choose(door: Door, inquiry: Inquiry): string | undefined {
    if (this.#giver.isFull) return undefined;
    const home = this.#options.glance(door.order, inquiry, (node) => door.at(node))?.home;
    return home !== undefined && this.#giver.mayTake(home) ? home : undefined;
  }

  // ---- From other nodes

  /** What is said over a link. @throws GodwitError EPROTO. */
  told(link: Link, body: unknown): void {
    this.#check(link.peer);
    this.#post.told(link, body);
  }

  /** What a node asks of this one. @throws GodwitError EPROTO, EPERM, EAGAIN, EINVAL. */
  asked(peer: string, body: unknown): void {
    this.#check(peer);
    this.#taker.introduced(body);
  }

  #check(peer: string): void {
    if (this.#options.siblings.names.includes(peer)) return;
    throw failure(
      "EPERM",
      `node ${peer} has another launcher than ${this.#options.self}: it can give no connections here`,
    );
  }

  #heard(peer: string, [op, id, more]: HandoffMessage): void {
    switch (op) {
      case "taken":
        return this.#giver.taken(peer, id);
      case "refused":
        return this.#giver.refused(peer, id);
      case "unknown":
        return this.#giver.unknown(peer, id);
      case "go":
        return this.#taker.go(peer, id);
      default:
        return this.#own.get(id)?.count(id, peer, more);
    }
  }

  #lost(peer: string): void {
    for (const door of new Set([...this.#own.values(), ...this.#former, ...this.#taker.doors()])) door.lost(peer);
    this.#giver.lost(peer);
  }

  // ---- Leaving

  /**
   * Takes no more, and gives the connections that are here to other nodes whenever nothing is under way on them: those of others'
   * fronts, and of its own when they are closed.
   */
  leave(): void {
    if (this.#sweep !== undefined) return;
    this.#taker.isLeaving = true;
    this.#sweep = setInterval(() => this.#giveAway(), HANDOFF_SWEEP_MS).unref();
    for (const door of [...this.#taker.doors(), ...this.#former]) this.#listen(door);
    this.#giveAway();
  }

  /** Between two requests is when a connection can go. */
  #listen(door: Door): void {
    if (this.#sweep === undefined || door.entrance === undefined || this.#listened.has(door)) return;
    this.#listened.add(door);
    door.entrance.answered?.(() => this.#giveSoon());
  }

  /** Once for all that are answered in one turn of the event loop. */
  #giveSoon(): void {
    if (this.#isGiving) return;
    this.#isGiving = true;
    setImmediate(() => {
      this.#isGiving = false;
      if (!this.#isOver) this.#giveAway();
    });
  }

  #giveAway(): void {
    for (const door of [...this.#taker.doors(), ...this.#former]) {
      const to = door.size > 0 ? this.#elsewhere(door) : undefined;
      if (to === undefined) continue;
      for (const socket of door.idle()) {
        const descriptor = descriptorOf(socket);
        if (descriptor === undefined || this.#giver.isFull) continue;
        holdStill(socket);
        // How long it may be idle is whose it is to say when it is decided who that is.
        const { timeout = 0 } = socket;
        socket.setTimeout(0);
        const stay = () => {
          goOnReading(socket);
          socket.setTimeout(timeout);
        };
        void this.#giver.offer(door, to, socket, NOTHING, stay);
      }
    }
  }

  /** A node that can go on with connections of a front: one that has processes; or the front's own; or any. */
  #elsewhere(door: Door): string | undefined {
    const home = this.#choose(door, { remote: "" });
    if (home !== undefined) return home;
    return [door.paper.node, ...this.#options.siblings.names].find((node) => this.#giver.mayTake(node));
  }

  stop(): void {
    this.#isOver = true;
    clearInterval(this.#sweep);
    this.#giver.stop();
    this.#taker.stop();
  }
}
