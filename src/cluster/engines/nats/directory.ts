/**
 * The directory in a key-value bucket of NATS: the messages of a key's subject are its writes, and `chain.ts` says which of
 * them took place.
 */

import { randomUUID } from "node:crypto";
import { type JsMsg, PubHeaders } from "@nats-io/jetstream";
import { type MsgHdrs, headers } from "@nats-io/transport-node";
import { type GodwitError, failure } from "../../../errors.ts";
import { CLUSTER_STORE_TIMEOUT_MS, TOMBSTONE_MS } from "../../../limits.ts";
import type { CallOptions, Change, Directory, Entry, Subscription } from "../../engine.ts";
import { decodePath, encodePath } from "../../path.ts";
import { Waits, listByWatch } from "../../wait.ts";
import { WatchState } from "../../watch-state.ts";
import { attempt, isConflict } from "./attempt.ts";
import { Chain, type Link } from "./chain.ts";
import { Feed, type Stream } from "./feed.ts";
import { KeyFeed } from "./key-feed.ts";

const OPERATION = "KV-Operation";
const DELETED = "DEL";
/** The revision that a write replaces. */
const PREVIOUS = "Godwit-Previous";
/** Of a key's old messages, so many are pruned together, about. */
const PRUNE_EVERY = 8;

/** A message of a key, as it is stored. */
export interface Version extends Link {
  readonly value: Uint8Array;
  /** Tells the write from all others. */
  readonly mark: string;
}

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
    const timer = new Timer(timeOf(options));
    const last = await this.#last(key, timer);
    if (last === undefined) return undefined;
    // With no other message since what it replaces, it took place.
    const first = await this.#next(key, last.previous + 1, timer);
    const latest = first?.revision === last.revision ? last : (await this.#history(key, timer)).chain.latest;
    if (latest === undefined || latest.isDeletion) return undefined;
    return { key, value: latest.value, revision: latest.revision };
  }

  async create(key: string, value: Uint8Array, options?: CallOptions): Promise<number> {
    return this.#write(key, value, 0, options);
  }

  async replace(key: string, value: Uint8Array, revision: number, options?: CallOptions): Promise<number> {
    return this.#write(key, value, revision, options);
  }

  async delete(key: string, revision: number, options?: CallOptions): Promise<void> {
    await this.#write(key, undefined, revision, options);
  }

  async list(prefix: string, options?: CallOptions): Promise<Entry[]> {
    return listByWatch(this.#waits, prefix, timeOf(options), (...args) => this.watch(...args));
  }

  watch(prefix: string, onChange: (change: Change) => void): Subscription {
    const keys = new KeyFeed(new WatchState(onChange));
    const feed = new Feed(this.#stream, this.#filter(prefix), {
      begin: () => keys.begin(),
      current: () => keys.current(),
      message: (message) => {
        const key = decodePath(message.subject.slice(this.#root.length), ".");
        if (key !== undefined)
          keys.add(key, versionOf(message.seq, message.headers, message.data), message.time.getTime());
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

  /** Forgets what was deleted longer than `ageMs` ago. Answers with how many keys that were. */
  async sweep(ageMs: number = TOMBSTONE_MS): Promise<number> {
    const old = await this.#oldDeletions(ageMs);
    const { manager, name } = this.#stream;
    // Up to the deletion itself: what has come since stays.
    for (const [subject, revision] of old) await manager.streams.purge(name, { filter: subject, seq: revision + 1 });
    return old.size;
  }

  /** The subjects whose last message is such a deletion, and its revision. */
  async #oldDeletions(ageMs: number): Promise<Map<string, number>> {
    const last = new Map<string, JsMsg>();
    let feed: Feed | undefined;
    try {
      await this.#waits.until("looking for old deletions", CLUSTER_STORE_TIMEOUT_MS, (resolve) => {
        const message = (each: JsMsg) => {
          if (isDeletion(each.headers)) last.set(each.subject, each);
          else last.delete(each.subject);
        };
        const handlers = { begin: () => last.clear(), message, current: resolve };
        feed = new Feed(this.#stream, `${this.#root}>`, handlers, { headersOnly: true });
      });
    } finally {
      feed?.stop();
    }
    const old = [...last].filter(([, message]) => Date.now() - message.time.getTime() >= ageMs);
    return new Map(old.map(([subject, message]) => [subject, message.seq]));
  }

  /** `value`: nothing to delete. `revision`: what the entry must have, 0 for none. */
  async #write(
    key: string,
    value: Uint8Array | undefined,
    revision: number,
    options: CallOptions | undefined,
  ): Promise<number> {
    const timer = new Timer(timeOf(options));
    const mark = randomUUID();
    // What it replaces, and the key's last message, which is another where void ones came after.
    let [previous, last] = [revision, revision];
    for (;;) {
      const sent = await this.#publish(key, value, { mark, previous, last }, timer);
      if (sent > 0 && (await this.#next(key, previous + 1, timer))?.mark === mark) {
        this.#prune(key, previous, sent);
        return sent;
      }
      const { chain, placed } = await this.#history(key, timer, mark);
      if (placed !== undefined) return placed;
      // Less than what was acknowledged: from a server that does not know yet that it leads no more.
      if (sent > chain.lastRevision) continue;
      const latest = chain.latest;
      const present = latest === undefined || latest.isDeletion ? 0 : latest.revision;
      if (present !== revision) throw conflict(key, revision, present);
      [previous, last] = [latest?.revision ?? 0, chain.lastRevision];
    }
  }

  /** The message's revision; 0 when the server refused it, because the key's last message is another. */
  async #publish(
    key: string,
    value: Uint8Array | undefined,
    { mark, previous, last }: { mark: string; previous: number; last: number },
    timer: Timer,
  ): Promise<number> {
    const facts = headers();
    facts.set(PREVIOUS, String(previous));
    if (value === undefined) facts.set(OPERATION, DELETED);
    const expect = { lastSubjectSequence: last };
    try {
      return await attempt(`writing ${key}`, timer.leftMs, async (timeout) => {
        const data = value ?? new Uint8Array();
        const options = { headers: facts, msgID: mark, expect, timeout };
        return (await this.#stream.client.publish(this.#subject(key), data, options)).seq;
      });
    } catch (error) {
      if (isConflict(error)) return 0;
      throw error;
    }
  }

  /** All that there is of a key; and the revision of the write with `mark`, if it took place. */
  async #history(key: string, timer: Timer, mark?: string) {
    const chain = new Chain<Version>();
    let placed: number | undefined;
    for (let next = 1; ; next = chain.lastRevision + 1) {
      const version = await this.#next(key, next, timer);
      if (version === undefined) return { chain, placed };
      if (chain.add(version) && version.mark === mark) placed = version.revision;
    }
  }

  /** Forgets the key's messages before `previous`, which took place, now and then. */
  #prune(key: string, previous: number, revision: number): void {
    if (previous === 0 || revision % PRUNE_EVERY !== 0) return;
    const { manager, name } = this.#stream;
    // Where it fails the next will do.
    manager.streams.purge(name, { filter: this.#subject(key), seq: previous }).catch(() => {});
  }

  /** The key's last message. */
  #last(key: string, timer: Timer): Promise<Version | undefined> {
    return this.#read(key, { last_by_subj: this.#subject(key) }, timer);
  }

  /** The key's first message from `revision` on. */
  #next(key: string, revision: number, timer: Timer): Promise<Version | undefined> {
    return this.#read(key, { next_by_subj: this.#subject(key), seq: revision }, timer);
  }

  /** Asked of the leader: another replica may not know yet what was acknowledged. */
  async #read(
    key: string,
    query: { last_by_subj: string } | { next_by_subj: string; seq: number },
    timer: Timer,
  ): Promise<Version | undefined> {
    const message = await attempt(`reading ${key}`, timer.leftMs, () =>
      this.#stream.manager.streams.getMessage(this.#stream.name, query),
    );
    return message === null ? undefined : versionOf(message.seq, message.header, message.data);
  }

  #subject(key: string): string {
    return this.#root + encodePath(key, ".");
  }

  #filter(prefix: string): string {
    return prefix === "" ? `${this.#root}>` : `${this.#subject(prefix.slice(0, -1))}.>`;
  }
}

/** A call's time, over all that it asks. */
class Timer {
  readonly #endMs: number;

  constructor(timeoutMs: number) {
    this.#endMs = performance.now() + timeoutMs;
  }

  get leftMs(): number {
    return Math.max(1, this.#endMs - performance.now());
  }
}

function versionOf(revision: number, facts: MsgHdrs | undefined, data: Uint8Array): Version {
  return {
    revision,
    previous: Number(facts?.get(PREVIOUS) ?? ""),
    isDeletion: isDeletion(facts),
    mark: facts?.get(PubHeaders.MsgIdHdr) ?? "",
    value: data.slice(), // A copy: the message is a part of what the socket received.
  };
}

function isDeletion(facts: MsgHdrs | undefined): boolean {
  return (facts?.get(OPERATION) ?? "") !== "";
}

/** The error of a compare-and-set that expected another revision, 0 being none, than is present. */
function conflict(key: string, expected: number, present: number): GodwitError {
  if (expected === 0) return failure("EEXIST", `the key ${key} is there already, with revision ${present}`);
  const now = present === 0 ? "it is gone" : `it has revision ${present}`;
  return failure("ESTALE", `the key ${key} does not have revision ${expected} any more: ${now}`);
}

function timeOf(options: CallOptions | undefined): number {
  return options?.timeoutMs ?? CLUSTER_STORE_TIMEOUT_MS;
}
