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
    const { latest } = await this.#state(key, new Timer(timeOf(options)));
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

  /** Forgets what was deleted or replaced longer than `ageMs` ago. Answers with how many keys that were. */
  async sweep(ageMs: number = TOMBSTONE_MS): Promise<number> {
    const { manager, name } = this.#stream;
    const old = await this.#old(ageMs);
    for (const [subject, revision] of old) await manager.streams.purge(name, { filter: subject, seq: revision });
    return old.size;
  }

  /** The subjects that have such messages, and up to where: what stays begins with a message that took place. */
  async #old(ageMs: number): Promise<Map<string, number>> {
    const keys = new Map<string, { chain: Chain<Link>; first: number; kept: number }>();
    let feed: Feed | undefined;
    try {
      await this.#waits.until("looking for old messages", CLUSTER_STORE_TIMEOUT_MS, (resolve) => {
        const message = (each: JsMsg) => {
          const key = keys.get(each.subject) ?? { chain: new Chain(), first: each.seq, kept: 0 };
          keys.set(each.subject, key);
          const link = linkOf(each.seq, each.headers);
          const isOld = Date.now() - each.time.getTime() >= ageMs;
          if (!key.chain.add(link)) return;
          // All before the last that is old has been replaced for as long; a deletion has had its time itself.
          if (isOld) key.kept = link.isDeletion ? link.revision + 1 : link.revision;
        };
        const handlers = { begin: () => keys.clear(), message, current: resolve };
        feed = new Feed(this.#stream, `${this.#root}>`, handlers, { headersOnly: true });
      });
    } finally {
      feed?.stop();
    }
    const old = new Map<string, number>();
    for (const [subject, { chain, first, kept }] of keys) {
      // After a deletion that is forgotten, a void message would be taken for the first that took place.
      const isDeletionLast = chain.latest?.isDeletion === true && chain.latest.revision === chain.lastRevision;
      const isForgotten = chain.latest !== undefined && kept > chain.latest.revision;
      if (kept > first && (!isForgotten || isDeletionLast)) old.set(subject, kept);
    }
    return old;
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
      const winner = await this.#winner(key, previous, timer);
      if (winner?.mark === mark) return winner.revision;
      // What was acknowledged is not there: this was answered by a server that does not know yet that it leads no more.
      if (winner === undefined && sent > 0) continue;
      const { latest, lastRevision } = await this.#state(key, timer);
      const present = latest === undefined || latest.isDeletion ? 0 : latest.revision;
      if (present !== revision) throw conflict(key, revision, present);
      [previous, last] = [latest?.revision ?? 0, lastRevision];
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

  /** The write that took place of those that replace `previous`, if there is one. */
  async #winner(key: string, previous: number, timer: Timer): Promise<Version | undefined> {
    for (let next = previous + 1; ;) {
      const version = await this.#next(key, next, timer);
      // One that replaces what is older is void, and only in the way.
      if (version === undefined || version.previous >= previous) return version;
      next = version.revision + 1;
    }
  }

  /** The key's last message that took place, and its last message. */
  async #state(key: string, timer: Timer): Promise<{ latest: Version | undefined; lastRevision: number }> {
    const last = await this.#last(key, timer);
    if (last === undefined) return { latest: undefined, lastRevision: 0 };
    // What it replaces took place: whoever wrote it had looked.
    let latest = await this.#winner(key, last.previous, timer);
    while (latest !== undefined && latest.revision !== last.revision) {
      const next = await this.#winner(key, latest.revision, timer);
      if (next === undefined) break;
      latest = next;
    }
    return { latest, lastRevision: last.revision };
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

function linkOf(revision: number, facts: MsgHdrs | undefined): Link {
  const isDeletion = (facts?.get(OPERATION) ?? "") !== "";
  return { revision, previous: Number(facts?.get(PREVIOUS) ?? ""), isDeletion };
}

function versionOf(revision: number, facts: MsgHdrs | undefined, data: Uint8Array): Version {
  return {
    ...linkOf(revision, facts),
    mark: facts?.get(PubHeaders.MsgIdHdr) ?? "",
    value: data.slice(), // A copy: the message is a part of what the socket received.
  };
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
