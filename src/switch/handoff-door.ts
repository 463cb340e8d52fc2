/** Where a front's connections go in at one node: at the front's own, or at one that was given some. */

import type { Socket } from "node:net";
import * as v from "valibot";

import type { PassedConnections } from "../abi/pass-on.ts";
import { POLICY_MAX_CHARS } from "../limits.ts";
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

export class Door {
  paper: Paper;
  readonly order: Order;
  /** Connections that were given to others, and that were not, since the front is there. */
  handedOff = 0;
  kept = 0;
  /** Nodes that know of it, or are being told. */
  readonly knownAt = new Map<string, Promise<void>>();
  /** Undefined until one came to the front's own. */
  entrance: Entrance | undefined;
  readonly #self: string;
  /** With whether all that came of it was read here. */
  readonly #inside = new Map<Socket, boolean>();
  /** Of those, the ones that are being given to others. */
  readonly #offered = new Set<Socket>();
  /** At the front's node: those that others have, by name. */
  readonly #elsewhere = new Map<string, number>();
  readonly #left: () => void;

  /**
   * @param self the node's name.
   * @param left told when a connection has gone.
   */
  constructor(about: Paper, order: Order, self: string, left: () => void) {
    this.paper = about;
    this.order = order;
    this.#self = self;
    this.#left = left;
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
      this.#left();
    });
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
    return [...idle].filter((socket) => socket.writableLength === 0 && !this.#offered.has(socket));
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
    return node === this.#self ? this.size : (this.#elsewhere.get(node) ?? 0);
  }

  /** A node has so many more, or fewer. */
  count(node: string, more: number): void {
    if (this.paper.node !== this.#self || node === this.#self) return;
    const count = this.at(node) + more;
    if (count > 0) this.#elsewhere.set(node, count);
    else this.#elsewhere.delete(node);
  }

  /** A node is gone, with what it had. */
  lost(node: string): void {
    this.knownAt.delete(node);
    this.#elsewhere.delete(node);
  }

  get connections(): PassedConnections {
    const at = { ...Object.fromEntries(this.#elsewhere), [this.#self]: this.size };
    return { handedOff: this.handedOff, kept: this.kept, at };
  }
}
