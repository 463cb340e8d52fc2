/**
 * A session with one peer: messages have numbers, what is not confirmed is sent again over the next connection, and what
 * arrived before is not taken twice. It is over when either side no longer has it.
 */

import type { Duplex } from "node:stream";
import { AssertionError, assert } from "../assert.ts";
import { GodwitError, failure } from "../errors.ts";
import {
  HOST_TIMER_MAX_MS,
  LINK_BUFFER_BYTES,
  LINK_BUFFER_MAX_BYTES,
  LINK_CONFIRM_BYTES,
  LINK_CONFIRM_MESSAGES,
  LINK_CONFIRM_MS,
  LINK_REQUESTS_MAX,
  LINK_REQUEST_TIMEOUT_MS,
} from "../limits.ts";
import type { Link } from "./link.ts";
import { Connection } from "./link-connection.ts";
import { type Frame, encodeBeat, encodeMessage } from "./link-frame.ts";
import { type LinkMessage, contentOf, messageOf, refusal } from "./link-message.ts";
import { LinkQueue } from "./link-queue.ts";

export interface SessionHandlers {
  told(link: Link, kind: string, body: unknown): void;
  asked(link: Link, kind: string, body: unknown): Promise<unknown>;
  /** The connection broke, and the session is not over. `wasOfUse`: something came over it. */
  detached(reason: Error | undefined, wasOfUse: boolean): void;
  /** Something went wrong that is not the caller's to know. */
  fault(what: string, error: unknown): void;
}

interface Pending {
  readonly resolve: (body: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout | undefined;
}

export class Session implements Link {
  readonly peer: string;
  /** Unique among all sessions of all nodes. */
  readonly id: string;
  readonly lost: Promise<Error>;
  /** Resolves when there was a connection. */
  readonly opened: Promise<void>;
  /** The peer's session that this one is with, once they have met; that never changes. */
  peerId: string | undefined;
  /** Of the connection in use; that with a greater one takes its place. */
  generation = 0;
  readonly #handlers: SessionHandlers;
  readonly #queue = new LinkQueue();
  readonly #pending = new Map<number, Pending>();
  #drains: (() => void)[] = [];
  #connection: Connection | undefined;
  #sent = 0;
  #received = 0;
  /** The part of it that the peer was not told of. */
  #owedMessages = 0;
  #owedBytes = 0;
  #confirmation: NodeJS.Timeout | undefined;
  #lastRequest = 0;
  /** Requests of the peer that are being answered. */
  #answering = 0;
  #over: Error | undefined;
  #lose: (error: Error) => void = () => {};
  #open: () => void = () => {};

  constructor(peer: string, id: string, handlers: SessionHandlers) {
    this.peer = peer;
    this.id = id;
    this.#handlers = handlers;
    this.lost = new Promise((resolve) => (this.#lose = resolve));
    this.opened = new Promise((resolve) => (this.#open = resolve));
  }

  get isOver(): boolean {
    return this.#over !== undefined;
  }

  get isAttached(): boolean {
    return this.#connection !== undefined;
  }

  /** The number of the last message that arrived. */
  get received(): number {
    return this.#received;
  }

  // ---- Link

  tell(kind: string, body: unknown): void {
    this.#send({ op: "tell", kind, body });
  }

  async request(kind: string, body: unknown, options: { readonly timeoutMs?: number } = {}): Promise<unknown> {
    if (this.#over !== undefined) throw this.#over;
    if (this.#pending.size >= LINK_REQUESTS_MAX)
      throw failure(
        "EAGAIN",
        `${LINK_REQUESTS_MAX} requests to node ${this.peer} are under way: wait for some of them`,
      );
    const { timeoutMs = LINK_REQUEST_TIMEOUT_MS } = options;
    const id = ++this.#lastRequest;
    return new Promise((resolve, reject) => {
      const expire = () => {
        this.#pending.delete(id);
        const advice = "it may have been carried out all the same";
        reject(failure("ETIMEDOUT", `node ${this.peer} did not answer "${kind}" within ${timeoutMs} ms: ${advice}`));
      };
      this.#send({ op: "request", id, kind, body });
      const timer = timeoutMs > HOST_TIMER_MAX_MS ? undefined : setTimeout(expire, timeoutMs);
      if (this.#over === undefined) this.#pending.set(id, { resolve, reject, timer });
      else reject(this.#over);
    });
  }

  drained(): Promise<void> {
    if (this.#over !== undefined || this.#queue.sizeBytes < LINK_BUFFER_BYTES) return Promise.resolve();
    return new Promise((resolve) => this.#drains.push(resolve));
  }

  // ---- Connections

  /** Goes on over this connection, of which the peer says up to which message it has received. */
  attach(stream: Duplex, generation: number, peerReceived: number): void {
    assert(this.#over === undefined && generation > this.generation, "a live session takes newer connections alone");
    if (peerReceived > this.#sent) {
      stream.destroy();
      const why = `it has received message ${peerReceived}, and ${this.#sent} were sent`;
      return this.end(failure("EPROTO", `node ${this.peer} does not keep to the protocol: ${why}`));
    }
    this.#connection?.close();
    this.generation = generation;
    let wasOfUse = false;
    const connection = new Connection(stream, {
      frame: (frame) => {
        this.#arrived(frame);
        wasOfUse = true;
      },
      beat: () => this.#confirm(),
      closed: (reason) => {
        if (this.#connection !== connection) return;
        this.#connection = undefined;
        this.#handlers.detached(reason, wasOfUse);
      },
    });
    this.#connection = connection;
    this.#confirmed(peerReceived);
    for (const frame of this.#queue.frames()) connection.send(frame);
    this.#open();
  }

  /** The session is over. `how`: whether what was sent before should still go out. */
  end(error: Error, how: "now" | "after what was sent" = "now"): void {
    if (this.#over !== undefined) return;
    this.#over = error;
    clearTimeout(this.#confirmation);
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.close(how);
    this.#queue.clear();
    this.#drain();
    for (const { reject, timer } of this.#pending.values()) {
      clearTimeout(timer);
      reject(error);
    }
    this.#pending.clear();
    this.#lose(error);
  }

  // ---- Out

  #send(message: LinkMessage): void {
    if (this.#over !== undefined) return;
    const frame = encodeMessage(this.#sent + 1, this.#received, contentOf(message));
    if (this.#queue.sizeBytes + frame.length > LINK_BUFFER_MAX_BYTES) {
      const size = `more than ${LINK_BUFFER_MAX_BYTES} bytes wait for it`;
      return this.end(failure("ECONNRESET", `the session with node ${this.peer} was ended: ${size}`));
    }
    this.#queue.add(++this.#sent, frame);
    if (this.#connection === undefined) return;
    this.#connection.send(frame);
    this.#settled();
  }

  /** Tells the peer what has arrived. */
  #confirm(): void {
    this.#connection?.send(encodeBeat(this.#received));
    this.#settled();
  }

  #settled(): void {
    this.#owedMessages = 0;
    this.#owedBytes = 0;
    clearTimeout(this.#confirmation);
    this.#confirmation = undefined;
  }

  // ---- In

  #arrived({ received, message }: Frame): void {
    if (received > this.#sent)
      throw failure("EPROTO", `it has received message ${received}, and ${this.#sent} were sent`);
    this.#confirmed(received);
    if (message === undefined) return;
    const { sequence, content, sizeBytes } = message;
    if (sequence <= this.#received) return; // It was on its way twice.
    if (sequence !== this.#received + 1)
      throw failure("EPROTO", `message ${sequence} came after message ${this.#received}`);
    const meant = messageOf(content);
    this.#received = sequence;
    this.#owedMessages++;
    this.#owedBytes += sizeBytes;
    if (this.#owedMessages >= LINK_CONFIRM_MESSAGES || this.#owedBytes >= LINK_CONFIRM_BYTES) this.#confirm();
    else this.#confirmation ??= setTimeout(() => this.#confirm(), LINK_CONFIRM_MS);
    this.#take(meant);
  }

  #confirmed(sequence: number): void {
    this.#queue.confirm(sequence);
    if (this.#queue.sizeBytes < LINK_BUFFER_BYTES) this.#drain();
  }

  #drain(): void {
    if (this.#drains.length === 0) return;
    for (const resolve of this.#drains.splice(0)) resolve();
  }

  #take(message: LinkMessage): void {
    if (message.op === "tell") return this.#tellOn(message.kind, message.body);
    if (message.op === "request") return void this.#answer(message.id, message.kind, message.body);
    const pending = this.#pending.get(message.id);
    if (pending === undefined) return; // Its time was over.
    this.#pending.delete(message.id);
    clearTimeout(pending.timer);
    if (message.op === "reply") pending.resolve(message.body);
    else pending.reject(refusal(message.code, message.message));
  }

  #tellOn(kind: string, body: unknown): void {
    try {
      this.#handlers.told(this, kind, body);
    } catch (error) {
      this.#failed(`"${kind}" of node ${this.peer}`, error);
    }
  }

  async #answer(id: number, kind: string, body: unknown): Promise<void> {
    if (this.#answering >= LINK_REQUESTS_MAX) {
      const message = `${LINK_REQUESTS_MAX} requests are being answered: try again`;
      return this.#send({ op: "refuse", id, code: "EAGAIN", message });
    }
    this.#answering++;
    try {
      this.#send({ op: "reply", id, body: await this.#handlers.asked(this, kind, body) });
    } catch (error) {
      if (error instanceof GodwitError)
        return this.#send({ op: "refuse", id, code: error.code, message: error.message });
      const message = `the node failed while answering "${kind}": ${String(error)}`;
      this.#send({ op: "refuse", id, code: "ENODE", message });
      this.#failed(`"${kind}" of node ${this.peer}`, error);
    } finally {
      this.#answering--;
    }
  }

  /** A peer's message must not end us; a broken invariant of our own does, outside of the connection it came over. */
  #failed(what: string, error: unknown): void {
    if (!(error instanceof AssertionError)) return this.#handlers.fault(what, error);
    process.nextTick(() => {
      throw error;
    });
  }
}
