/** Where a front's connections go in at one node: at the front's own, or at one that was given some. */

import type { Socket } from "node:net";
import * as v from "valibot";

import type { PassedConnections } from "../abi/pass-on.ts";
import { HANDOFF_PAPERS_MAX, POLICY_MAX_CHARS } from "../limits.ts";
import type { Entrance } from "../resources/entrance.ts";
import type { Order } from "./front-session.ts";

/** What a node needs to serve connections of another's front as that would. */
export const paper = v.object({
  id: v.string(),
  /** The node that has the front. */
  node: v.string(),
  service: v.string(),
  scheme: v.picklist(["http", "https", "tcp", "tls"]),
  isNear: v.boolean(),
  policy: v.pipe(v.string(), v.maxLength(POLICY_MAX_CHARS)),
  certificate: v.exactOptional(v.string()),
  key: v.exactOptional(v.string()),
});
export type Paper = v.InferOutput<typeof paper>;

/** What is told of a door. */
export interface DoorEvents {
  /** A connection has come in. */
  came(): void;
  /** One has gone. */
  left(): void;
}

export class Door {
  paper: Paper;
  readonly order: Order;
  /** Connections that were given to others, and that were not, since the front is there. */
  handedOff = 0;
  kept = 0;
  /** Nodes that know of it, or are being told. */
  readonly knownAt = new Map<string, Promise<void>>();
  /** No client comes by it any more. */
  isClosed = false;
  /** Undefined until one came to the front's own. */
  entrance: Entrance | undefined;
  readonly #self: string;
  /** With whether all that came of it was read here. */
  readonly #inside = new Map<Socket, boolean>();
  /** Of those, the ones that are being given to others. */
  readonly #offered = new Set<Socket>();
  /** At the front's node: how many others have, or this one has got back, by the paper with which they came, and by name. */
  readonly #elsewhere = new Map<string, Map<string, number>>();
  readonly #told: DoorEvents;

  /** @param self the node's name. */
  constructor(about: Paper, order: Order, self: string, told: DoorEvents) {
    this.paper = about;
    this.order = order;
    this.#self = self;
    this.#told = told;
    this.#elsewhere.set(about.id, new Map());
  }

  /**
   * It has another paper for the connections that come from now on. Returns the ids of those with which no connection is anywhere,
   * and of the oldest of very many: what is told of these counts for nothing any more.
   */
  revise(about: Paper): string[] {
    const former = [...this.#elsewhere];
    const tooMany = former.length - HANDOFF_PAPERS_MAX;
    const forgotten = former.filter(([, at], index) => at.size === 0 || index < tooMany).map(([id]) => id);
    for (const id of forgotten) this.#elsewhere.delete(id);
    this.paper = about;
    this.knownAt.clear();
    this.#elsewhere.set(about.id, new Map());
    return forgotten;
  }

  // ---- Here

  get size(): number {
    return this.#inside.size;
  }

  /** One that is not given to anybody. `bytes` were read of it already. */
  keep(socket: Socket, bytes: Uint8Array): void {
    this.kept++;
    this.enter(socket, bytes);
  }

  enter(socket: Socket, bytes: Uint8Array): void {
    if (socket.destroyed) return;
    this.#inside.set(socket, bytes.length === 0);
    socket.once("close", () => {
      this.#inside.delete(socket);
      this.#offered.delete(socket);
      this.#told.left();
    });
    this.#told.came();
    if (bytes.length > 0) socket.unshift(bytes);
    this.entrance?.enter(socket);
    socket.resume();
  }

  /** Connections on which nothing is under way, and that are not offered to anybody. */
  idle(): Socket[] {
    if (this.entrance?.idleOf === undefined) return [];
    const idle = new Set(this.entrance.idleOf([...this.#inside.keys()]));
    // One on which nothing has come is a request that is late, to the parser.
    for (const [socket, isWhole] of this.#inside) if (isWhole && socket.bytesRead === 0) idle.add(socket);
    return [...idle].filter((socket) => isOpen(socket) && socket.writableLength === 0 && !this.#offered.has(socket));
  }

  /** It is being given to somebody, or is not any more. */
  offered(socket: Socket, isSo: boolean): void {
    if (isSo) this.#offered.add(socket);
    else this.#offered.delete(socket);
  }

  breakAll(): void {
    for (const socket of this.#inside.keys()) socket.destroy();
  }

  // ---- Everywhere, as the front's node knows it

  /** How many connections of the front a node has. */
  at(node: string): number {
    let count = node === this.#self ? this.size : 0;
    for (const at of this.#elsewhere.values()) count += at.get(node) ?? 0;
    return count;
  }

  /** A node has so many more of those that came with a paper, or fewer. */
  count(id: string, node: string, more: number): void {
    const at = this.#elsewhere.get(id);
    if (at === undefined) return;
    const count = (at.get(node) ?? 0) + more;
    if (count > 0) at.set(node, count);
    else at.delete(node);
  }

  /** A node is gone, with what it had. */
  lost(node: string): void {
    this.knownAt.delete(node);
    for (const at of this.#elsewhere.values()) at.delete(node);
  }

  get connections(): PassedConnections {
    const nodes = new Set([...this.#elsewhere.values()].flatMap((at) => [...at.keys()]).concat(this.#self));
    const at = Object.fromEntries([...nodes].map((node) => [node, this.at(node)]));
    return { handedOff: this.handedOff, kept: this.kept, at };
  }
}

/** Neither side has said, as far as is known here, that it says no more: such a one is about to end. */
function isOpen(socket: Socket): boolean {
  return socket.writable && !socket.readableEnded;
}
