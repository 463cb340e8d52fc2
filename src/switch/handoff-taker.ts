/**
 * Takes connections that other nodes give to this one. Nothing is read of one before its giver has said "go", or has ended and not
 * said that it kept it: then nobody else has it. Which of these it is the launcher knows, behind the descriptor, so nothing is
 * given up before.
 */

import * as v from "valibot";

import { failure } from "../errors.ts";
import {
  HANDOFF_DOOR_IDLE_MS,
  HANDOFF_FRONTS_MAX,
  HANDOFF_REPORT_MS,
  HANDOFFS_MAX,
  LISTENER_CONNECTIONS_MAX,
} from "../limits.ts";
import { type Descriptor, socketOf } from "../resources/descriptor.ts";
import type { Entrance } from "../resources/entrance.ts";
import { PROTOCOLS } from "./front-address.ts";
import type { Order } from "./front-session.ts";
import type { Parcel } from "./handoff.ts";
import { Door, type Paper, paper } from "./handoff-door.ts";
import type { HandoffPost } from "./handoff-post.ts";
import { policyOf } from "./policy.ts";

/** A connection that is being given to here. */
interface Arrival {
  readonly from: string;
  readonly door: Door;
  readonly bytes: Uint8Array;
  readonly descriptor: Descriptor;
}

/** A front of another node's, whose connections come here. */
interface Adopted {
  readonly door: Door;
  readonly close: () => void;
  /** Runs while none of its connections is here. */
  idle: NodeJS.Timeout | undefined;
}

export interface TakerSurroundings {
  readonly self: string;
  /** Serves connections of another node's front. @throws GodwitError EINVAL. */
  adopt(order: Order, about: Paper): Entrance & { close(): void };
  /** A node has so many more of the connections that come with a paper of this node's, or fewer. */
  count(paper: string, node: string, more: number): void;
  /** A connection has gone, or does not come. */
  left(): void;
}

export class HandoffTaker {
  readonly #around: TakerSurroundings;
  readonly #post: HandoffPost;
  /** By the ids of their papers. */
  readonly #adopted = new Map<string, Adopted>();
  /** At most HANDOFFS_MAX. */
  readonly #arrivals = new Map<string, Arrival>();
  /** What fronts' nodes are to learn: how many more of their connections are here, or fewer. */
  readonly #untold = new Map<Door, number>();
  #telling: NodeJS.Timeout | undefined;
  /** Whether it takes no more. */
  isLeaving = false;

  constructor(around: TakerSurroundings, post: HandoffPost) {
    this.#around = around;
    this.#post = post;
  }

  /** Connections of others' fronts. */
  get size(): number {
    return this.doors().reduce((sum, { size }) => sum + size, this.#arrivals.size);
  }

  doors(): Door[] {
    return [...this.#adopted.values()].map(({ door }) => door);
  }

  /** A node is about to give connections of a front. @throws GodwitError EPROTO, EAGAIN, EINVAL. */
  introduced(body: unknown): void {
    const checked = v.safeParse(paper, body);
    if (!checked.success) throw failure("EPROTO", `a front's paper is malformed: ${checked.issues[0].message}`);
    const about = checked.output;
    const { self } = this.#around;
    // Those of this node's own fronts that come back are served as they were elsewhere, whatever becomes of the front.
    if (this.#adopted.has(about.id)) return;
    if (this.isLeaving) throw failure("EAGAIN", `node ${self} is being drained`);
    if (this.#adopted.size >= HANDOFF_FRONTS_MAX)
      throw failure("EAGAIN", `node ${self} takes connections of ${HANDOFF_FRONTS_MAX} fronts already`);
    const { service, scheme, isNear } = about;
    const protocol = PROTOCOLS[scheme];
    const order = {
      service,
      protocol,
      scheme,
      isNear,
      isCareOf: false,
      isSpread: true,
      policy: policyOf(about.policy),
    };
    const door: Door = new Door(about, order, self, { came: () => {}, left: () => this.#left(door) });
    const server = this.#around.adopt(order, about);
    door.entrance = server;
    const adopted = { door, close: () => server.close(), idle: undefined };
    this.#adopted.set(about.id, adopted);
    this.#watch(adopted);
  }

  /** A descriptor has come. */
  passed(from: string, { id, front, bytes }: Parcel, descriptor: Descriptor | undefined): void {
    if (descriptor === undefined) return this.#post.say(from, ["refused", id]);
    const door = this.#adopted.get(front)?.door;
    const isFull = this.#arrivals.size >= HANDOFFS_MAX || (door?.size ?? 0) >= LISTENER_CONNECTIONS_MAX;
    if (door === undefined || this.isLeaving || isFull) {
      descriptor.close();
      return this.#post.say(from, [door === undefined ? "unknown" : "refused", id]);
    }
    this.#arrivals.set(id, { from, door, bytes, descriptor });
    this.#post.say(from, ["taken", id]);
  }

  /** The giver has let go of it. */
  go(from: string, id: string): void {
    const arrival = this.#take(from, id);
    if (arrival === undefined) return;
    const { door, bytes, descriptor } = arrival;
    // The front's node counts what it gives itself; of what others give on, and back, it is told.
    if (door.paper.node !== from) this.#report(door, 1);
    clearTimeout(this.#adopted.get(door.paper.id)?.idle);
    door.enter(socketOf(descriptor), bytes);
  }

  /** The giver goes on with it itself. */
  kept(from: string, id: string): void {
    const arrival = this.#take(from, id);
    if (arrival === undefined) return;
    arrival.descriptor.close();
    this.#around.left();
  }

  /** The giver has let go of all that it has not kept; or its OS process has ended, and its copies of descriptors with it. */
  settled(peer: string): void {
    for (const [id, { from }] of this.#arrivals) if (from === peer) this.go(peer, id);
  }

  #take(from: string, id: string): Arrival | undefined {
    const arrival = this.#arrivals.get(id);
    if (arrival?.from !== from) return undefined;
    this.#arrivals.delete(id);
    return arrival;
  }

  #left(door: Door): void {
    this.#report(door, -1);
    const adopted = this.#adopted.get(door.paper.id);
    if (adopted !== undefined && door.size === 0) this.#watch(adopted);
    this.#around.left();
  }

  /** The front's node learns how many of its connections are here; many that come and go make one message. */
  #report(door: Door, more: number): void {
    if (door.paper.node === this.#around.self) return this.#around.count(door.paper.id, this.#around.self, more);
    this.#untold.set(door, (this.#untold.get(door) ?? 0) + more);
    this.#telling ??= setTimeout(() => {
      this.#telling = undefined;
      for (const [{ paper: about }, count] of this.#untold)
        if (count !== 0) this.#post.say(about.node, ["held", about.id, count]);
      this.#untold.clear();
    }, HANDOFF_REPORT_MS).unref();
  }

  /** A front of which there was nothing for long is forgotten; who gives more of it is told. */
  #watch(adopted: Adopted): void {
    const { door, close } = adopted;
    clearTimeout(adopted.idle);
    adopted.idle = setTimeout(() => {
      if (door.size > 0) return;
      if ([...this.#arrivals.values()].some((arrival) => arrival.door === door)) return this.#watch(adopted);
      this.#adopted.delete(door.paper.id);
      close();
    }, HANDOFF_DOOR_IDLE_MS).unref();
  }

  stop(): void {
    clearTimeout(this.#telling);
    for (const { descriptor } of this.#arrivals.values()) descriptor.close();
    this.#arrivals.clear();
    for (const { door, close, idle } of this.#adopted.values()) {
      clearTimeout(idle);
      close();
      door.breakAll();
    }
    this.#adopted.clear();
  }
}
