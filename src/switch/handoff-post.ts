/** What nodes that hand connections over say to each other: all of one turn of the event loop in one message. */

import * as v from "valibot";

import type { Link, Links } from "../cluster/link.ts";
import { failure } from "../errors.ts";

/**
 * Of a connection (`id`): `taken`, its descriptor is there; `go`, it is the other's now; `refused`, it was not taken; `unknown`,
 * nor is its front known. Of a front's paper (`id`): `held`, so many more or fewer connections that came with it are there.
 */
export type HandoffMessage =
  readonly [op: "taken" | "go" | "refused" | "unknown", id: string] | readonly [op: "held", id: string, more: number];

const messages = v.array(
  v.union([
    v.tuple([v.picklist(["taken", "go", "refused", "unknown"]), v.string()]),
    v.tuple([v.literal("held"), v.string(), v.pipe(v.number(), v.safeInteger())]),
  ]),
);

interface Peer {
  link: Link | undefined;
  readonly waiting: HandoffMessage[];
  isDue: boolean;
}

export class HandoffPost {
  readonly #links: Links;
  readonly #peers = new Map<string, Peer>();
  readonly #heard: (peer: string, message: HandoffMessage) => void;
  /** A peer is gone: what was under way with it is over. */
  readonly #lost: (peer: string) => void;

  constructor(links: Links, heard: (peer: string, message: HandoffMessage) => void, lost: (peer: string) => void) {
    this.#links = links;
    this.#heard = heard;
    this.#lost = lost;
  }

  say(to: string, message: HandoffMessage): void {
    const peer = this.#peer(to);
    peer.waiting.push(message);
    if (peer.isDue) return;
    peer.isDue = true;
    setImmediate(() => void this.#flush(to, peer));
  }

  async ask(to: string, kind: string, body: unknown, timeoutMs: number): Promise<void> {
    const link = await this.#reach(to, this.#peer(to));
    await link.request(kind, body, { timeoutMs });
  }

  #peer(name: string): Peer {
    let peer = this.#peers.get(name);
    if (peer === undefined) this.#peers.set(name, (peer = { link: undefined, waiting: [], isDue: false }));
    return peer;
  }

  async #flush(name: string, peer: Peer): Promise<void> {
    try {
      const link = await this.#reach(name, peer);
      peer.isDue = false;
      link.tell("handoff", peer.waiting.splice(0));
    } catch {
      this.#over(name, peer);
    }
  }

  async #reach(name: string, peer: Peer): Promise<Link> {
    const link = peer.link ?? (await this.#links.to(name));
    this.#watch(name, peer, link);
    return link;
  }

  #watch(name: string, peer: Peer, link: Link): void {
    if (peer.link === link) return;
    peer.link = link;
    void link.lost.then(() => this.#over(name, peer));
  }

  #over(name: string, peer: Peer): void {
    if (this.#peers.get(name) !== peer) return;
    this.#peers.delete(name);
    this.#lost(name);
  }

  /** What came over a link. @throws GodwitError EPROTO. */
  told(link: Link, body: unknown): void {
    const checked = v.safeParse(messages, body);
    if (!checked.success)
      throw failure("EPROTO", `what a node says of connections is malformed: ${checked.issues[0].message}`);
    this.#watch(link.peer, this.#peer(link.peer), link);
    for (const message of checked.output) this.#heard(link.peer, message);
  }
}
