/** A node's side of the embedded engine: calls, watches, served subjects and subscriptions, kept up over reconnections. */

import { randomUUID } from "node:crypto";
import { assert, present } from "../../../assert.ts";
import { type GodwitError, failure } from "../../../errors.ts";
import {
  CLUSTER_CALLS_MAX,
  CLUSTER_CONNECT_TIMEOUT_MS,
  CLUSTER_OUT_MAX_BYTES,
  CLUSTER_REQUEST_TIMEOUT_MS,
  CLUSTER_STORE_TIMEOUT_MS,
} from "../../../limits.ts";
import type { Ground } from "../../assembly.ts";
import type { CallOptions, Change, Directory, Entry, Handler, Messages, Subscription } from "../../engine.ts";
import { Service, lateReply, replyError } from "../../service.ts";
import { Waits, closedError, listByWatch } from "../../wait.ts";
import { WatchState } from "../../watch-state.ts";
import { BlobFolder } from "./blob-folder.ts";
import { Link } from "./link.ts";
import type { ClientMessage, ServerMessage } from "./protocol.ts";

export interface EmbeddedOptions {
  /** The path of the engine's socket. */
  readonly socket: string;
  /** How long to try for the first connection, ms; later ones are tried for ever. */
  readonly timeoutMs?: number;
}

type Outcome = Extract<ServerMessage, { type: "done" | "entry" | "written" | "reply" }>;

interface Call {
  readonly message: ClientMessage;
  /** Whether it can be made again when the connection broke before its outcome came. */
  readonly again: boolean;
  sent: boolean;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: GodwitError) => void;
  readonly timer: NodeJS.Timeout;
}

/** What is begun anew on every connection. */
interface Standing {
  readonly message: ClientMessage;
  receive(message: ServerMessage): void;
}

/** @throws GodwitError ECLUSTER when there is no engine at the socket within the time. */
export async function connectEmbeddedGround(options: EmbeddedOptions): Promise<Ground> {
  const client = new EmbeddedClient(options.socket);
  return client.connected(options.timeoutMs ?? CLUSTER_CONNECT_TIMEOUT_MS);
}

class EmbeddedClient implements Directory, Messages {
  readonly #link: Link;
  readonly #calls = new Map<number, Call>();
  readonly #standing = new Map<number, Standing>();
  readonly #waits = new Waits();
  #lastId = 0;
  #blobs: string | undefined;
  #closed = false;
  #reason: GodwitError;
  #onUp: () => void = () => {};

  constructor(socket: string) {
    this.#reason = failure("ECLUSTER", `no connection to the cluster's engine at ${socket} yet: is it running?`);
    this.#link = new Link(socket, {
      up: (blobs) => this.#up(blobs),
      down: (reason) => this.#down(reason),
      message: (message) => this.#receive(message),
    });
  }

  /** Waits for the first connection. */
  async connected(timeoutMs: number): Promise<Ground> {
    try {
      await this.#waits.until("connecting", timeoutMs, (resolve) => (this.#onUp = resolve));
    } catch {
      await this.close();
      throw this.#reason;
    }
    const blobs = new BlobFolder(present(this.#blobs, "the blobs' folder"));
    return { directory: this, messages: this, blobs, isHub: () => true, close: () => this.close() };
  }

  async get(key: string, options?: CallOptions): Promise<Entry | undefined> {
    const outcome = await this.#call((id) => ({ type: "get", id, key }), storeTime(options), true);
    assert(outcome.type === "entry", "a get ends with an entry or none");
    return outcome.value === null ? undefined : { key, value: outcome.value, revision: outcome.revision };
  }

  async create(key: string, value: Uint8Array, options?: CallOptions): Promise<number> {
    return this.#write(key, value, 0, options);
  }

  async replace(key: string, value: Uint8Array, revision: number, options?: CallOptions): Promise<number> {
    return this.#write(key, value, revision, options);
  }

  async delete(key: string, revision: number, options?: CallOptions): Promise<void> {
    await this.#write(key, null, revision, options);
  }

  async #write(key: string, value: Uint8Array | null, revision: number, options?: CallOptions): Promise<number> {
    const mark = randomUUID(); // It is known by that when it is made again.
    const message = (id: number) => ({ type: "write", id, key, value, revision, mark }) as const;
    const outcome = await this.#call(message, storeTime(options), true);
    assert(outcome.type === "written", "a write ends with a revision");
    return outcome.revision;
  }

  async list(prefix: string, options?: CallOptions): Promise<Entry[]> {
    return listByWatch(this.#waits, prefix, storeTime(options), (...args) => this.watch(...args));
  }

  watch(prefix: string, onChange: (change: Change) => void): Subscription {
    const state = new WatchState(onChange);
    return this.#stand((id) => ({
      message: { type: "watch", id, prefix },
      receive: (message) => {
        if (message.type === "begin") state.begin();
        else if (message.type === "put")
          state.put({ key: message.key, value: message.value, revision: message.revision });
        else if (message.type === "gone") state.delete(message.key, message.revision);
        else if (message.type === "current") state.current();
      },
    }));
  }

  async request(subject: string, body: Uint8Array, options: CallOptions = {}): Promise<Uint8Array> {
    const { timeoutMs = CLUSTER_REQUEST_TIMEOUT_MS } = options;
    const outcome = await this.#call((id) => ({ type: "request", id, subject, body }), timeoutMs, false);
    assert(outcome.type === "reply", "a request ends with a reply");
    return outcome.body;
  }

  async serve(subject: string, handler: Handler): Promise<Subscription> {
    const service = new Service(handler);
    return this.#standWhenDone((id) => ({
      message: { type: "serve", id, subject },
      receive: (message) => {
        if (message.type === "ask") void this.#answer(service, message.id, message.subject, message.body);
      },
    }));
  }

  publish(subject: string, body: Uint8Array): void {
    if (this.#link.waitingBytes < CLUSTER_OUT_MAX_BYTES) this.#link.send({ type: "publish", subject, body });
  }

  async subscribe(pattern: string, onEvent: (body: Uint8Array, subject: string) => void): Promise<Subscription> {
    return this.#standWhenDone((id) => ({
      message: { type: "subscribe", id, pattern },
      receive: (message) => {
        if (message.type === "event") onEvent(message.body, message.subject);
      },
    }));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#standing.clear();
    for (const id of this.#calls.keys()) this.#take(id)?.reject(closedError());
    this.#waits.close();
    await this.#link.close();
  }

  async #answer(service: Service, id: number, subject: string, body: Uint8Array): Promise<void> {
    const reply = await service.answer(body, subject);
    if (reply.ok) this.#link.send({ type: "reply", id, body: reply.body });
    else this.#link.send({ type: "refuse", id, code: reply.code, message: reply.message.slice(0, 8192) });
  }

  #stand(make: (id: number) => Standing): Subscription {
    const id = ++this.#lastId;
    if (this.#closed) return { stop: () => {} };
    const standing = make(id);
    this.#standing.set(id, standing);
    this.#link.send(standing.message);
    return {
      stop: () => {
        if (this.#standing.delete(id)) this.#link.send({ type: "stop", id });
      },
    };
  }

  /** Resolves once the engine knows of it. */
  async #standWhenDone(make: (id: number) => Standing): Promise<Subscription> {
    let subscription: Subscription | undefined;
    const begin = (resolve: () => void) => {
      subscription = this.#stand((id) => {
        const standing = make(id);
        const receive = (told: ServerMessage) => (told.type === "done" ? resolve() : standing.receive(told));
        return { message: standing.message, receive };
      });
    };
    try {
      await this.#waits.until("subscribing", CLUSTER_STORE_TIMEOUT_MS, begin);
    } catch (error) {
      subscription?.stop();
      throw error;
    }
    return present(subscription, "the subscription");
  }

  #call(make: (id: number) => ClientMessage, timeoutMs: number, again: boolean): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      if (this.#closed) throw closedError();
      if (this.#calls.size >= CLUSTER_CALLS_MAX) {
        throw failure("EAGAIN", `${CLUSTER_CALLS_MAX} calls are under way: wait for some of them`);
      }
      const id = ++this.#lastId;
      const message = make(id);
      const expire = () => {
        this.#take(id);
        this.#link.send({ type: "stop", id });
        reject(
          message.type === "request" ? lateReply(message.subject, timeoutMs) : this.#timeout(message.type, timeoutMs),
        );
      };
      const call: Call = { message, again, sent: false, resolve, reject, timer: setTimeout(expire, timeoutMs) };
      this.#calls.set(id, call);
      this.#send(call);
    });
  }

  #send(call: Call): void {
    if (!this.#link.isUp) return;
    call.sent = true;
    this.#link.send(call.message);
  }

  #take(id: number): Call | undefined {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    clearTimeout(call?.timer);
    return call;
  }

  #timeout(what: string, timeoutMs: number): GodwitError {
    const why = this.#link.isUp ? "" : `: ${this.#reason.message}`;
    const unknown = what === "write" ? "; whether it took place is not known" : "";
    return failure("ETIMEDOUT", `a ${what} was not answered within ${timeoutMs} ms${unknown}${why}`);
  }

  #up(blobs: string): void {
    this.#blobs = blobs;
    for (const { message } of this.#standing.values()) this.#link.send(message);
    for (const call of this.#calls.values()) this.#send(call);
    this.#onUp();
  }

  #down(reason: GodwitError): void {
    this.#reason = reason;
    for (const [id, call] of this.#calls) {
      if (!call.sent || call.again) continue;
      const message = `${reason.message}; the request may have been carried out`;
      this.#take(id)?.reject(failure("ECONNRESET", message, reason));
    }
  }

  #receive(message: ServerMessage): void {
    switch (message.type) {
      case "welcome":
      case "refused":
        return;
      case "ask":
        return this.#standing.get(message.service)?.receive(message);
      case "begin":
      case "put":
      case "gone":
      case "current":
      case "event":
        return this.#standing.get(message.id)?.receive(message);
      case "done":
        return this.#standing.get(message.id)?.receive(message);
      case "failed":
        return this.#take(message.id)?.reject(replyError(message.code, message.message));
      case "entry":
      case "written":
      case "reply":
        return this.#take(message.id)?.resolve(message);
    }
  }
}

function storeTime(options: CallOptions | undefined): number {
  return options?.timeoutMs ?? CLUSTER_STORE_TIMEOUT_MS;
}
