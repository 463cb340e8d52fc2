/** Requests and events as plain NATS messages: nothing of it waits for JetStream. */

import {
  type Msg,
  type NatsConnection,
  type Subscription as Subscribed,
  errors,
  headers,
} from "@nats-io/transport-node";
import { GodwitError } from "../../../errors.ts";
import { CLUSTER_REQUEST_TIMEOUT_MS, CLUSTER_STORE_TIMEOUT_MS } from "../../../limits.ts";
import type { CallOptions, Handler, Messages, Subscription } from "../../engine.ts";
import { decodePath, encodePath } from "../../path.ts";
import { Service, lateReply, noResponder, replyError } from "../../service.ts";
import { attempt, natsError } from "./attempt.ts";

/** A reply that is an error has its code here, and its message as the body. */
const ERROR_HEADER = "Godwit-Error";
/** Of those who serve a subject one is asked. */
const QUEUE = "godwit";

export class NatsMessages implements Messages {
  readonly #connection: NatsConnection;
  readonly #root: string;
  isUp = true;

  constructor(connection: NatsConnection, cluster: string) {
    this.#connection = connection;
    this.#root = `godwit.${cluster}.`;
  }

  async request(subject: string, body: Uint8Array, options: CallOptions = {}): Promise<Uint8Array> {
    const { timeoutMs: timeout = CLUSTER_REQUEST_TIMEOUT_MS } = options;
    let reply: Msg;
    try {
      reply = await this.#connection.request(this.#subject(subject), body, { timeout });
    } catch (error) {
      throw requestError(subject, timeout, error);
    }
    const code = reply.headers?.get(ERROR_HEADER) ?? "";
    if (code !== "") throw replyError(code, reply.string());
    return reply.data;
  }

  async serve(subject: string, handler: Handler): Promise<Subscription> {
    const service = new Service(handler);
    const answer = async (message: Msg) => {
      const reply = await service.answer(message.data, subject);
      if (this.#connection.isClosed()) return;
      const about = headers();
      if (!reply.ok) about.set(ERROR_HEADER, reply.code);
      const body = reply.ok ? reply.body : reply.message.slice(0, 8192);
      message.respond(body, reply.ok ? {} : { headers: about });
    };
    return this.#listen(this.#subject(subject), (message) => void answer(message), QUEUE);
  }

  publish(subject: string, body: Uint8Array): void {
    // What is published while the connection is down would be sent when it is up again: too late to be true.
    if (this.isUp && !this.#connection.isClosed()) this.#connection.publish(this.#subject(subject), body);
  }

  async subscribe(pattern: string, onEvent: (body: Uint8Array, subject: string) => void): Promise<Subscription> {
    const filter = pattern.endsWith("/") ? `${this.#subject(pattern.slice(0, -1))}.>` : this.#subject(pattern);
    return this.#listen(filter, (message) => {
      const subject = decodePath(message.subject.slice(this.#root.length), ".");
      if (subject !== undefined) onEvent(message.data, subject);
    });
  }

  async #listen(filter: string, onMessage: (message: Msg) => void, queue?: string): Promise<Subscription> {
    let subscription: Subscribed | undefined;
    try {
      subscription = this.#connection.subscribe(filter, {
        ...(queue === undefined ? {} : { queue }),
        callback: (error, message) => {
          if (error === null) onMessage(message);
        },
      });
      // The server knows of it then. It is told again on a new connection.
      await attempt(`listening to ${filter}`, CLUSTER_STORE_TIMEOUT_MS, () => this.#connection.flush());
    } catch (error) {
      subscription?.unsubscribe();
      throw error instanceof GodwitError ? error : natsError(`listening to ${filter}`, error);
    }
    return { stop: () => subscription.unsubscribe() };
  }

  #subject(path: string): string {
    return this.#root + encodePath(path, ".");
  }
}

function requestError(subject: string, timeoutMs: number, error: unknown): GodwitError {
  const isUnserved = error instanceof errors.NoRespondersError;
  if (isUnserved || (error instanceof errors.RequestError && error.isNoResponders())) return noResponder(subject);
  if (error instanceof errors.TimeoutError) return lateReply(subject, timeoutMs);
  return natsError(`the request to ${subject}`, error);
}
