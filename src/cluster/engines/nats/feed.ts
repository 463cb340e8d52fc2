/**
 * What a stream holds for some subjects, and then what comes, all in order. Where anything
 * was missed (a gap, a server's death, a new connection) it begins anew with the whole state.
 */

import { setTimeout as delay } from "node:timers/promises";
import {
  AckPolicy,
  DeliverPolicy,
  type JetStreamClient,
  type JetStreamManager,
  type JsMsg,
  type PushConsumer,
} from "@nats-io/jetstream";
import { type NatsConnection, createInbox, nanos, nuid } from "@nats-io/transport-node";
import type { Subscription } from "../../engine.ts";

export interface Stream {
  readonly connection: NatsConnection;
  readonly client: JetStreamClient;
  readonly manager: JetStreamManager;
  readonly name: string;
}

export interface FeedHandlers {
  /** The state is about to be told, for the first time or again. */
  begin(): void;
  message(message: JsMsg): void;
  /** The state has been told. */
  current(): void;
}

/** The server says so often that there is nothing to say; when it misses two, it is gone. */
const HEARTBEAT_MS = 1_000;
/** A consumer that nobody listens to is removed by the server after this long. */
const INACTIVE_MS = 30_000;
const RETRY_MIN_MS = 50;
const RETRY_MAX_MS = 1_000;

type Messages = Awaited<ReturnType<PushConsumer["consume"]>>;

export class Feed implements Subscription {
  readonly #stream: Stream;
  readonly #filter: string;
  readonly #handlers: FeedHandlers;
  readonly #headersOnly: boolean;
  #messages: Messages | undefined;
  /** Of this consumer: its messages that have come, and whether the state has been told. */
  #received = 0;
  #lastSequence = 0;
  #isCurrent = false;
  /** What the stream's leader had last when the consumer had delivered all that its own replica had. */
  #target: number | undefined;
  #stopped = false;

  constructor(stream: Stream, filter: string, handlers: FeedHandlers, { headersOnly = false } = {}) {
    this.#stream = stream;
    this.#filter = filter;
    this.#handlers = handlers;
    this.#headersOnly = headersOnly;
    void this.#run();
  }

  stop(): void {
    this.#stopped = true;
    this.#messages?.stop();
  }

  /** Begins anew: what comes from the present consumer may have gaps. */
  restart(): void {
    this.#messages?.stop();
  }

  async #run(): Promise<void> {
    let retryMs = RETRY_MIN_MS;
    while (!this.#stopped && !this.#stream.connection.isClosed()) {
      try {
        await this.#consume();
        retryMs = RETRY_MIN_MS;
      } catch {
        retryMs = Math.min(RETRY_MAX_MS, 2 * retryMs); // No leader now, or no connection.
      }
      if (!this.#stopped) await delay(retryMs);
    }
  }

  /** From the making of a consumer until there was a gap. */
  async #consume(): Promise<void> {
    const { client, manager, name: stream } = this.#stream;
    const deliver = createInbox();
    const name = `godwit_${nuid.next()}`;
    const info = await manager.consumers.add(stream, {
      name,
      deliver_subject: deliver,
      deliver_policy: DeliverPolicy.All,
      filter_subject: this.#filter,
      headers_only: this.#headersOnly,
      ack_policy: AckPolicy.None,
      max_deliver: 1,
      mem_storage: true,
      num_replicas: 1,
      flow_control: true,
      idle_heartbeat: nanos(HEARTBEAT_MS),
      inactive_threshold: nanos(INACTIVE_MS),
    });
    try {
      if (this.#stopped) return;
      const bound = { deliver_subject: deliver, idle_heartbeat: nanos(HEARTBEAT_MS) };
      const consumer = await client.consumers.getBoundPushConsumer(bound);
      await this.#listen(consumer, info.num_pending);
    } finally {
      manager.consumers.delete(stream, name).catch(() => {}); // The server removes it in time.
    }
  }

  async #listen(consumer: PushConsumer, pending: number): Promise<void> {
    this.#received = 0;
    this.#lastSequence = 0;
    this.#isCurrent = false;
    this.#target = undefined;
    this.#handlers.begin();
    const messages = await consumer.consume({ callback: (message) => this.#receive(message) });
    this.#messages = messages;
    if (this.#stopped) messages.stop();
    if (pending === 0) this.#drained(messages);
    void this.#observe(messages);
    await messages.closed();
  }

  #receive(message: JsMsg): void {
    if (this.#stopped) return;
    this.#received++;
    if (message.info.deliverySequence !== this.#received) return this.restart();
    this.#lastSequence = message.seq;
    this.#handlers.message(message);
    if (this.#isCurrent) return;
    if (this.#target !== undefined) this.#compare();
    else if (message.info.pending === 0) this.#drained(this.#messages);
  }

  /**
   * The consumer has delivered all that its replica of the stream has. That may lag behind what was acknowledged: the state
   * has been told when it has come as far as the leader is.
   */
  #drained(messages: Messages | undefined): void {
    if (this.#isCurrent || this.#stopped) return;
    const { manager, name } = this.#stream;
    const take = (last: { readonly seq: number } | null) => {
      if (messages !== this.#messages) return;
      this.#target = last?.seq ?? 0;
      this.#compare();
    };
    // Where there is no answer, the next heartbeat asks again.
    manager.streams.getMessage(name, { last_by_subj: this.#filter }).then(take, () => {});
  }

  #compare(): void {
    if (this.#isCurrent || this.#stopped || this.#lastSequence < (this.#target ?? Infinity)) return;
    this.#isCurrent = true;
    this.#handlers.current();
  }

  async #observe(messages: Messages): Promise<void> {
    for await (const notice of messages.status()) {
      if (messages !== this.#messages) return;
      if (notice.type === "heartbeats_missed" || notice.type === "consumer_deleted") this.restart();
      if (notice.type !== "heartbeat") continue;
      // With nothing left to deliver, all that was delivered must have come.
      if (notice.lastConsumerSequence === this.#received) this.#drained(messages);
      else this.restart();
    }
  }
}
