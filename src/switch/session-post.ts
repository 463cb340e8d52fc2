/** Carries what the two ends of sessions say to each other: all for one peer of one turn of the event loop in one message. */

import type { Link, Links } from "../cluster/link.ts";
import { unreachable } from "../assert.ts";
import { failure } from "../errors.ts";
import { SESSION_ID_MAX_CHARS } from "../limits.ts";
import { SERVICE_PROTOCOLS, type ServiceProtocol } from "./endpoint-map.ts";
import { isItemKind, type Item } from "./session.ts";

/** Which end is spoken to: a node may have both of a session. */
export type Side = "front" | "home";

/** `done`: the sender is done with all items up to this one. */
export type SessionMessage =
  | {
      readonly op: "open";
      readonly id: string;
      readonly pid: number;
      readonly service: string;
      readonly protocol: ServiceProtocol;
    }
  | { readonly op: "item"; readonly id: string; readonly number: number; readonly item: Item; readonly done: number }
  | { readonly op: "done"; readonly id: string; readonly done: number }
  /** Out of band: what a client says before all that it has said; and that another may be told. */
  | { readonly op: "ping"; readonly id: string; readonly message: string }
  | { readonly op: "pinged"; readonly id: string }
  /** The sender has less room than the session's window: it is to be told when all is done with that it has sent. */
  | { readonly op: "ask"; readonly id: string }
  /** Of all sessions between the two nodes: the front's has as much for its clients as it may, or not any more. */
  | { readonly op: "full"; readonly id: ""; readonly isSo: boolean }
  | { readonly op: "refused"; readonly id: string; readonly code: string; readonly message: string };

export interface PostHandlers {
  /** What a peer says to the sessions of one side here. */
  heard(side: Side, peer: string, message: SessionMessage): void;
  /** A peer is gone, and with it its ends of sessions. */
  lost(peer: string, error: Error): void;
}

const KINDS: Readonly<Record<Side, string>> = { front: "session/front", home: "session/home" };

/** What waits for one peer until the turn is over, or until it is reached. */
class Outbox {
  link: Link | undefined;
  isDue = false;
  readonly waiting: Record<Side, SessionMessage[]> = { front: [], home: [] };
}

export class SessionPost {
  readonly #self: string;
  /** Absent where the node is alone. */
  readonly #links: Links | undefined;
  readonly #handlers: PostHandlers;
  readonly #outboxes = new Map<string, Outbox>();

  constructor(self: string, links: Links | undefined, handlers: PostHandlers) {
    this.#self = self;
    this.#links = links;
    this.#handlers = handlers;
  }

  /** Sends in order; sessions' windows bound what waits. */
  send(peer: string, side: Side, message: SessionMessage): void {
    let outbox = this.#outboxes.get(peer);
    if (outbox === undefined) this.#outboxes.set(peer, (outbox = new Outbox()));
    outbox.waiting[side].push(message);
    if (outbox.isDue) return;
    outbox.isDue = true;
    setImmediate(() => void this.#flush(peer, outbox));
  }

  async #flush(peer: string, outbox: Outbox): Promise<void> {
    if (peer !== this.#self && outbox.link === undefined) {
      try {
        await this.#reach(peer, outbox);
      } catch (error) {
        return this.#lost(peer, outbox, error instanceof Error ? error : new Error(String(error)));
      }
    }
    outbox.isDue = false;
    for (const side of ["home", "front"] as const) {
      const messages = outbox.waiting[side].splice(0);
      if (messages.length === 0) continue;
      if (outbox.link === undefined) for (const message of messages) this.#handlers.heard(side, peer, message);
      else outbox.link.tell(KINDS[side], messages.map(wireOf));
    }
  }

  async #reach(peer: string, outbox: Outbox): Promise<void> {
    if (this.#links === undefined) throw failure("ENONODE", `node ${this.#self} is alone: there is no node ${peer}`);
    const link = await this.#links.to(peer);
    outbox.link = link;
    void link.lost.then((error) => this.#lost(peer, outbox, error));
  }

  #lost(peer: string, outbox: Outbox, error: Error): void {
    if (this.#outboxes.get(peer) !== outbox) return;
    this.#outboxes.delete(peer);
    this.#handlers.lost(peer, error);
  }

  /** Resolves when what was said to a peer so far is not kept here to be sent. */
  async drained(peer: string): Promise<void> {
    const outbox = this.#outboxes.get(peer);
    await new Promise((resolve) => setImmediate(resolve));
    await outbox?.link?.drained();
  }

  /** A link that others use is over, too: who has an end there is told, whoever sent last. */
  watch(link: Link): void {
    if (this.#outboxes.get(link.peer)?.link === link) return;
    const outbox = this.#outboxes.get(link.peer) ?? new Outbox();
    this.#outboxes.set(link.peer, outbox);
    outbox.link = link;
    void link.lost.then((error) => this.#lost(link.peer, outbox, error));
  }

  /** What came over a link; false for what is not for sessions. @throws GodwitError EPROTO. */
  told(link: Link, kind: string, body: unknown): boolean {
    const side = kind === KINDS.front ? "front" : kind === KINDS.home ? "home" : undefined;
    if (side === undefined) return false;
    if (!Array.isArray(body)) throw malformed();
    this.watch(link);
    for (const one of body) this.#handlers.heard(side, link.peer, messageOf(one));
    return true;
  }
}

const OPEN = 0;
const ITEM = 1;
const DONE = 2;
const REFUSED = 3;
const PING = 4;
const PINGED = 5;
const ASK = 6;
const FULL = 7;

/** Arrays, as short as they can be: there are two for each request. */
function wireOf(message: SessionMessage): unknown[] {
  switch (message.op) {
    case "open":
      return [OPEN, message.id, message.pid, message.service, message.protocol];
    case "item": {
      const { kind, bytes } = message.item;
      // A Buffer would be taken for something else.
      const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
      return [ITEM, message.id, message.number, kind, plain, message.done];
    }
    case "done":
      return [DONE, message.id, message.done];
    case "ping":
      return [PING, message.id, message.message];
    case "pinged":
      return [PINGED, message.id];
    case "ask":
      return [ASK, message.id];
    case "full":
      return [FULL, "", message.isSo];
    case "refused":
      return [REFUSED, message.id, message.code, message.message];
    default:
      return unreachable(message, "message of a session");
  }
}

function messageOf(value: unknown): SessionMessage {
  if (!Array.isArray(value)) throw malformed();
  const [op, id, first, second, third, fourth]: unknown[] = value;
  if (typeof id !== "string" || id.length > SESSION_ID_MAX_CHARS) throw malformed();
  if (op === OPEN && isCount(first) && typeof second === "string" && isProtocol(third))
    return { op: "open", id, pid: first, service: second, protocol: third };
  if (op === ITEM && isCount(first) && isItemKind(second) && third instanceof Uint8Array && isCount(fourth))
    return { op: "item", id, number: first, item: { kind: second, bytes: third }, done: fourth };
  if (op === DONE && isCount(first)) return { op: "done", id, done: first };
  if (op === PING && typeof first === "string") return { op: "ping", id, message: first };
  if (op === PINGED) return { op: "pinged", id };
  if (op === ASK) return { op: "ask", id };
  if (op === FULL && typeof first === "boolean") return { op: "full", id: "", isSo: first };
  if (op === REFUSED && typeof first === "string" && typeof second === "string")
    return { op: "refused", id, code: first, message: second };
  throw malformed();
}

function isProtocol(value: unknown): value is ServiceProtocol {
  return SERVICE_PROTOCOLS.some((protocol) => protocol === value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function malformed() {
  return failure("EPROTO", "a message of a session is malformed");
}
