/** The directory in a key-value bucket of NATS, by its subjects: a key's entry is the last message of its subject. */

import { randomUUID } from "node:crypto";
import type { JsMsg } from "@nats-io/jetstream";
import { headers } from "@nats-io/transport-node";
import { failure } from "../../../errors.ts";
import { CLUSTER_STORE_TIMEOUT_MS, TOMBSTONE_MS } from "../../../limits.ts";
import type { CallOptions, Change, Directory, Entry, Subscription } from "../../engine.ts";
import { decodePath, encodePath } from "../../path.ts";
import { Waits, listByWatch } from "../../wait.ts";
import { WatchState } from "../../watch-state.ts";
import { attempt, isConflict } from "./attempt.ts";
import { Feed, type Stream } from "./feed.ts";

const OPERATION = "KV-Operation";
const DELETED = "DEL";
/** Creating a key that is deleted and created by others all the while. */
const CREATE_TRIES = 10;

export class NatsDirectory implements Directory {
  readonly #stream: Stream;
  readonly #root: string;
  readonly #feeds = new Set<Feed>();
  readonly #waits = new Waits();

  constructor(stream: Stream, bucket: string) {
    this.#stream = stream;
    this.#root = `$KV.${bucket}.`;
  }

  async get(key: string, options?: CallOptions): Promise<Entry | undefined> {
    const last = await this.#last(key, timeOf(options));
    return last === undefined || last.isDeleted ? undefined : { key, value: last.value, revision: last.revision };
  }

  async create(key: string, value: Uint8Array, options?: CallOptions): Promise<number> {
    const endMs = performance.now() + timeOf(options);
    let revision = 0;
    for (let tries = 1; ; tries++) {
      const leftMs = Math.max(1, endMs - performance.now());
      const written = await this.#write(key, value, revision, leftMs);
      if (written !== undefined) return written;
      const last = await this.#last(key, leftMs);
      if (last?.isDeleted === false || tries === CREATE_TRIES)
        throw failure("EEXIST", `the key ${key} is there already`);
      revision = last?.revision ?? 0; // The deletion's, which stands for the absence of an entry.
    }
  }

  async replace(key: string, value: Uint8Array, revision: number, options?: CallOptions): Promise<number> {
    const written = await this.#write(key, value, revision, timeOf(options));
    if (written === undefined) throw stale(key, revision);
    return written;
  }

  async delete(key: string, revision: number, options?: CallOptions): Promise<void> {
    const written = await this.#write(key, undefined, revision, timeOf(options));
    if (written === undefined) throw stale(key, revision);
  }

  async list(prefix: string, options?: CallOptions): Promise<Entry[]> {
    return listByWatch(this.#waits, prefix, timeOf(options), (...args) => this.watch(...args));
  }

  watch(prefix: string, onChange: (change: Change) => void): Subscription {
    const state = new WatchState(onChange);
    const feed = new Feed(this.#stream, this.#filter(prefix), {
      begin: () => state.begin(),
      current: () => state.current(),
      message: (message) => {
        const key = decodePath(message.subject.slice(this.#root.length), ".");
        if (key === undefined) return; // Not of ours.
        if (isDeletion(message)) state.delete(key, message.seq);
        // A copy: the message is a part of what the socket received.
        else state.put({ key, value: message.data.slice(), revision: message.seq });
      },
    });
    this.#feeds.add(feed);
    return {
      stop: () => {
        this.#feeds.delete(feed);
        feed.stop();
      },
    };
  }

  /** The connection is a new one: whatever was sent meanwhile is missing. */
  reconnected(): void {
    for (const feed of this.#feeds) feed.restart();
  }

  close(): void {
    this.#waits.close();
    for (const feed of this.#feeds) feed.stop();
  }

  /** Forgets what was deleted longer than `ageMs` ago. Answers with how many deletions that were. */
  async sweep(ageMs: number = TOMBSTONE_MS): Promise<number> {
    const old = new Map<string, number>();
    let feed: Feed | undefined;
    try {
      await this.#waits.until("looking for old deletions", CLUSTER_STORE_TIMEOUT_MS, (resolve) => {
        const message = (deletion: JsMsg) => {
          const isOld = Date.now() - deletion.time.getTime() >= ageMs;
          if (isDeletion(deletion) && isOld) old.set(deletion.subject, deletion.seq);
        };
        const handlers = { begin: () => old.clear(), message, current: resolve };
        feed = new Feed(this.#stream, `${this.#root}>`, handlers, { headersOnly: true });
      });
    } finally {
      feed?.stop();
    }
    const { manager, name } = this.#stream;
    // Up to the deletion itself: what has come since stays.
    for (const [subject, revision] of old) await manager.streams.purge(name, { filter: subject, seq: revision + 1 });
    return old.size;
  }

  /** Nothing when the key's last message is another than the expected one; 0 for none. */
  async #write(
    key: string,
    value: Uint8Array | undefined,
    revision: number,
    timeoutMs: number,
  ): Promise<number | undefined> {
    const mark = randomUUID(); // By which the server knows a write that is tried again.
    const options = { msgID: mark, expect: { lastSubjectSequence: revision } };
    try {
      return await attempt(`writing ${key}`, timeoutMs, async (timeout) => {
        const operation = headers();
        if (value === undefined) operation.set(OPERATION, DELETED);
        const ack = await this.#stream.client.publish(this.#subject(key), value ?? new Uint8Array(), {
          ...options,
          headers: operation,
          timeout,
        });
        return ack.seq;
      });
    } catch (error) {
      if (isConflict(error)) return undefined;
      throw error;
    }
  }

  async #last(key: string, timeoutMs: number) {
    // Asked of the leader: another replica may not know yet what was acknowledged.
    const query = { last_by_subj: this.#subject(key) };
    const message = await attempt(`reading ${key}`, timeoutMs, () =>
      this.#stream.manager.streams.getMessage(this.#stream.name, query),
    );
    if (message === null) return undefined;
    const isDeleted = message.header.get(OPERATION) !== "";
    return { value: message.data.slice(), revision: message.seq, isDeleted };
  }

  #subject(key: string): string {
    return this.#root + encodePath(key, ".");
  }

  #filter(prefix: string): string {
    return prefix === "" ? `${this.#root}>` : `${this.#subject(prefix.slice(0, -1))}.>`;
  }
}

function isDeletion(message: JsMsg): boolean {
  return (message.headers?.get(OPERATION) ?? "") !== "";
}

function stale(key: string, revision: number) {
  return failure("ESTALE", `the key ${key} does not have revision ${revision} any more: read it again`);
}

function timeOf(options: CallOptions | undefined): number {
  return options?.timeoutMs ?? CLUSTER_STORE_TIMEOUT_MS;
}
