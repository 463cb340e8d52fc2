/**
 * Leases, of a store and messages. A lease is a record in the directory, and its revision the token. The holder sends beats;
 * whoever takes part hears them, and deletes the record of a holder that it has not heard for too long. The deletion is
 * the end of the lease, for all. The holder hears its own beats as well: when they stay away it gives itself up, before
 * others take it for dead.
 */

import { randomUUID } from "node:crypto";
import { decode, encode } from "cborg";
import { GodwitError, failure } from "../errors.ts";
import { LEASE_DEFAULT_MS, LEASE_MIN_MS } from "../limits.ts";
import type {
  Change,
  Directory,
  Entry,
  Holding,
  Lease,
  LeaseChange,
  LeaseOptions,
  Leases,
  Messages,
  Subscription,
} from "./engine.ts";
import { HeldLease } from "./held-lease.ts";
import { checkPath } from "./path.ts";
import { Silence } from "./silence.ts";

interface LeaseRecord extends Holding {
  readonly ttlMs: number;
}

/** A holder is dead to others when they did not hear it for its time to live, and half as long again: it knows before them. */
const SILENT_TTLS = 1.5;
/** Beats, and the observers' probes, are sent this often in a time to live. */
const BEATS_PER_TTL = 4;

export class LeaseTable implements Leases {
  readonly #directory: Directory;
  readonly #messages: Messages;
  readonly #listeners = new Set<(change: LeaseChange) => void>();
  /** All leases there are, by name. */
  readonly #records = new Map<string, LeaseRecord>();
  /** Those that are held here, by token. */
  readonly #held = new Map<number, HeldLease>();
  readonly #silence = new Silence();
  /** Tokens whose records are being deleted. */
  readonly #ending = new Set<number>();
  readonly #probeSubject = `probe/${randomUUID()}`;
  #subscriptions: Subscription[] = [];
  #started: Promise<void> | undefined;
  #probeTimer: NodeJS.Timeout | undefined;
  #isCurrent = false;
  #closed = false;

  constructor(directory: Directory, messages: Messages) {
    this.#directory = directory;
    this.#messages = messages;
  }

  async acquire(name: string, value: Uint8Array, { ttlMs = LEASE_DEFAULT_MS }: LeaseOptions = {}): Promise<Lease> {
    checkPath(name, "the lease's name");
    if (!(ttlMs >= LEASE_MIN_MS && ttlMs <= 2 ** 31)) {
      throw failure("EINVAL", `a lease's time to live is at least ${LEASE_MIN_MS} ms, not ${String(ttlMs)}`);
    }
    await this.#start();
    let token: number;
    try {
      token = await this.#directory.create(name, encode({ ttlMs, value }));
    } catch (error) {
      if (!(error instanceof GodwitError) || error.code !== "EEXIST") throw error;
      throw failure("EEXIST", `the lease ${name} is held by another: wait until it ends`, error);
    }
    const lease = new HeldLease({ name, token, value }, ttlMs, ttlMs / BEATS_PER_TTL, {
      beat: (sentMs) => this.#messages.publish(`beat/${name}`, encode([token, sentMs])),
      isRecorded: async (timeoutMs) => (await this.#directory.get(name, { timeoutMs }))?.revision === token,
      release: () => this.#directory.delete(name, token),
      ended: () => this.#held.delete(token),
    });
    this.#held.set(token, lease);
    if (this.#closed) lease.abandon();
    return lease;
  }

  watch(onChange: (change: LeaseChange) => void): Subscription {
    // Each listener is a function of its own, so that one that is given twice is told twice.
    const listener = (change: LeaseChange) => onChange(change);
    this.#listeners.add(listener);
    if (this.#isCurrent) {
      for (const { name, token, value } of this.#records.values()) {
        listener({ kind: "held", holding: { name, token, value } });
      }
      listener({ kind: "current" });
    }
    this.#start().catch(() => {}); // It fails only when the engine is closed, and then there is nothing to tell.
    return { stop: () => this.#listeners.delete(listener) };
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#probeTimer);
    this.#listeners.clear();
    for (const lease of this.#held.values()) lease.abandon();
    for (const subscription of this.#subscriptions.splice(0)) subscription.stop();
  }

  /** Begins to take part: to hear beats, to send probes and to watch the records. */
  #start(): Promise<void> {
    this.#started ??= this.#listen();
    return this.#started;
  }

  async #listen(): Promise<void> {
    const beats = await this.#messages.subscribe("beat/", (body) => this.#hear(body));
    const probes = await this.#messages.subscribe(this.#probeSubject, (body) => this.#probed(body));
    const records = this.#directory.watch("", (change) => this.#change(change));
    this.#subscriptions = [beats, probes, records];
    if (this.#closed) this.close();
    else this.#probe();
  }

  #change(change: Change): void {
    if (change.kind === "put") this.#put(change.entry);
    else if (change.kind === "delete") this.#end(change.key);
    else {
      this.#isCurrent = true;
      this.#tell({ kind: "current" });
    }
  }

  #put(entry: Entry): void {
    this.#end(entry.key); // Where a deletion and a new holder come as one change.
    const record = recordOf(entry);
    if (record === undefined) return;
    const { name, token, value } = record;
    this.#records.set(name, record);
    this.#silence.expect(String(token));
    this.#tell({ kind: "held", holding: { name, token, value } });
  }

  #end(name: string): void {
    const record = this.#records.get(name);
    if (record === undefined) return;
    this.#records.delete(name);
    this.#silence.forget(String(record.token));
    this.#held.get(record.token)?.lose("others heard nothing of its holder and ended it");
    this.#tell({ kind: "ended", name, token: record.token });
  }

  #tell(change: LeaseChange): void {
    for (const listener of this.#listeners) listener(change);
  }

  #hear(body: Uint8Array): void {
    const [token, sentMs] = numbersOf(body);
    if (token === undefined || sentMs === undefined) return;
    this.#silence.heard(String(token));
    this.#held.get(token)?.heard(sentMs);
  }

  /** The shortest-lived lease says how often. */
  #intervalMs(): number {
    let ttlMs = LEASE_DEFAULT_MS;
    for (const record of this.#records.values()) ttlMs = Math.min(ttlMs, record.ttlMs);
    return ttlMs / BEATS_PER_TTL;
  }

  #probe(): void {
    const intervalMs = this.#intervalMs();
    this.#messages.publish(this.#probeSubject, encode([performance.now(), intervalMs]));
    this.#probeTimer = setTimeout(() => this.#probe(), intervalMs);
  }

  #probed(body: Uint8Array): void {
    const [sentMs, intervalMs] = numbersOf(body);
    if (sentMs === undefined || intervalMs === undefined) return;
    this.#silence.probed(sentMs, intervalMs);
    for (const record of this.#records.values()) {
      if (this.#silence.of(String(record.token)) > SILENT_TTLS * record.ttlMs) void this.#bury(record);
    }
  }

  /** Deletes the record of a holder that is dead. Where that fails it is tried again while the holder stays silent. */
  async #bury({ name, token, ttlMs }: LeaseRecord): Promise<void> {
    if (this.#ending.has(token)) return;
    this.#ending.add(token);
    try {
      await this.#directory.delete(name, token, { timeoutMs: Math.max(ttlMs, LEASE_DEFAULT_MS) });
    } catch {
      // Another did it, or the store cannot be reached.
    } finally {
      this.#ending.delete(token);
    }
  }
}

/** A record as it was written; nothing for what is none. */
function recordOf({ key, value, revision }: Entry): LeaseRecord | undefined {
  try {
    const record: unknown = decode(value);
    if (typeof record !== "object" || record === null || !("ttlMs" in record) || !("value" in record)) return undefined;
    if (typeof record.ttlMs !== "number" || !(record.ttlMs >= LEASE_MIN_MS)) return undefined;
    if (!(record.value instanceof Uint8Array)) return undefined;
    return { name: key, token: revision, value: record.value, ttlMs: record.ttlMs };
  } catch {
    return undefined;
  }
}

function numbersOf(body: Uint8Array): readonly number[] {
  try {
    const list: unknown = decode(body);
    return Array.isArray(list) && list.every((item) => typeof item === "number") ? list : [];
  } catch {
    return [];
  }
}
