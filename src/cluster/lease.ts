/**
 * Leases, of a store and messages. A lease is a record in the directory. Who holds one sends beats; whoever takes part hears
 * them, and deletes the records of a holder of whom nothing was heard for too long. The deletion is the end of the lease,
 * for all. A holder knows from others' beats who hears its own (`electorate.ts`), and where they stay away it stops to hold
 * its leases (`held-lease.ts`) before others take it for dead.
 */

import { randomUUID } from "node:crypto";
import { decode, encode } from "cborg";
import { GodwitError, failure } from "../errors.ts";
import { LEASE_DEFAULT_MS, LEASE_MIN_MS, LEASE_UNCONFIRMED_MAX_MS } from "../limits.ts";
import { Electorate } from "./electorate.ts";
import type {
  Change,
  Directory,
  Entry,
  Lease,
  LeaseChange,
  LeaseOptions,
  Leases,
  Messages,
  Subscription,
} from "./engine.ts";
import { HeldLease } from "./held-lease.ts";
import { type LeaseRecord, beatOf, encodeBeat, encodeRecord, recordOf } from "./lease-record.ts";
import { checkPath } from "./path.ts";
import { Silence } from "./silence.ts";

/**
 * How long nothing was heard of a holder that may be taken for dead, in times to live. It holds its lease for one after it
 * was last heard. Where all are heard through one server, the rest is a margin; else what the others say of whom they hear
 * is up to FRESH_TTLS old, and one beat more.
 */
const SILENT_TTLS = { hub: 1.5, parted: 2 } as const;
const FRESH_TTLS = 0.75;
/** Beats, and the observers' probes, are sent this often in a time to live. */
const BEATS_PER_TTL = 6;

export interface LeaseGround {
  readonly directory: Directory;
  readonly messages: Messages;
  /** Whether messages and the store go through one server: who hears its own messages reaches the store then. */
  readonly isHub: () => boolean;
}

export class LeaseTable implements Leases {
  readonly #ground: LeaseGround;
  readonly #listeners = new Set<(change: LeaseChange) => void>();
  /** All leases there are, by name. */
  readonly #records = new Map<string, LeaseRecord>();
  /** Those that are held here, by token. */
  readonly #held = new Map<number, HeldLease>();
  /** Names this connection among the holders. */
  readonly #self = randomUUID();
  readonly #electorate = new Electorate(this.#self);
  /** Of holders. */
  readonly #silence = new Silence();
  /** Tokens whose records are being deleted. */
  readonly #ending = new Set<number>();
  readonly #probeSubject = `probe/${randomUUID()}`;
  #subscriptions: Subscription[] = [];
  #started: Promise<void> | undefined;
  #probeTimer: NodeJS.Timeout | undefined;
  #isCurrent = false;
  #closed = false;

  constructor(ground: LeaseGround) {
    this.#ground = ground;
  }

  async acquire(name: string, value: Uint8Array, { ttlMs = LEASE_DEFAULT_MS }: LeaseOptions = {}): Promise<Lease> {
    checkPath(name, "the lease's name");
    if (!(ttlMs >= LEASE_MIN_MS && ttlMs <= 2 ** 31)) {
      throw failure("EINVAL", `a lease's time to live is at least ${LEASE_MIN_MS} ms, not ${String(ttlMs)}`);
    }
    await this.#start();
    const content = { ttlMs, value, holder: this.#self };
    const begunMs = performance.now();
    const token = await this.#create(name, encodeRecord(content));
    const { directory, isHub } = this.#ground;
    const lease = new HeldLease({ name, token, value }, ttlMs, begunMs, {
      write: (revision, timeoutMs) => directory.replace(name, encodeRecord(content, token), revision, { timeoutMs }),
      read: async (timeoutMs) => {
        const record = await this.#read(name, timeoutMs);
        return record?.token === token ? record.revision : undefined;
      },
      remove: (revision) => directory.delete(name, revision),
      ended: () => this.#held.delete(token),
      get isHub() {
        return isHub();
      },
    });
    this.#held.set(token, lease);
    if (this.#closed) lease.abandon();
    else this.#beat();
    await lease.begun();
    return lease;
  }

  async #create(name: string, value: Uint8Array): Promise<number> {
    try {
      return await this.#ground.directory.create(name, value);
    } catch (error) {
      if (!(error instanceof GodwitError) || error.code !== "EEXIST") throw error;
      // It may have been written by an earlier call, whose answer was lost.
      const present = await this.#read(name);
      if (present?.holder === this.#self && !this.#held.has(present.token)) return present.token;
      throw failure("EEXIST", `the lease ${name} is held by another: wait until it ends`, error);
    }
  }

  async #read(name: string, timeoutMs?: number): Promise<LeaseRecord | undefined> {
    const entry = await this.#ground.directory.get(name, timeoutMs === undefined ? {} : { timeoutMs });
    return entry === undefined ? undefined : recordOf(entry);
  }

  async isHeld(name: string): Promise<boolean> {
    checkPath(name, "the lease's name");
    return (await this.#read(name)) !== undefined;
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
    const { directory, messages } = this.#ground;
    const beats = await messages.subscribe("beat/", (body) => this.#hear(body));
    const probes = await messages.subscribe(this.#probeSubject, (body) => this.#probed(body));
    const records = directory.watch("", (change) => this.#change(change));
    this.#subscriptions = [beats, probes, records];
    if (this.#closed) this.close();
    else this.#probe();
  }

  // ---- Records

  #change(change: Change): void {
    if (change.kind === "put") this.#put(change.entry);
    else if (change.kind === "delete") this.#end(change.key);
    else {
      this.#isCurrent = true;
      this.#tell({ kind: "current" });
    }
  }

  #put(entry: Entry): void {
    const record = recordOf(entry);
    const known = this.#records.get(entry.key);
    if (known !== undefined && known.token === record?.token) {
      this.#records.set(entry.key, record);
      return this.#silence.heard(record.holder);
    }
    this.#end(entry.key); // Where a deletion and a new holder come as one change.
    if (record === undefined) return;
    const { name, token, value } = record;
    this.#records.set(name, record);
    this.#electorate.update(this.#records.values());
    this.#silence.expect(record.holder);
    this.#silence.heard(record.holder);
    this.#tell({ kind: "held", holding: { name, token, value } });
  }

  #end(name: string): void {
    const record = this.#records.get(name);
    if (record === undefined) return;
    const { token, holder } = record;
    this.#records.delete(name);
    this.#electorate.update(this.#records.values());
    if (![...this.#records.values()].some((other) => other.holder === holder)) this.#silence.forget(holder);
    this.#held.get(token)?.lose("others heard nothing of its holder and ended it");
    this.#tell({ kind: "ended", name, token });
  }

  #tell(change: LeaseChange): void {
    for (const listener of this.#listeners) listener(change);
  }

  // ---- Beats

  #beat(): void {
    if (this.#held.size > 0)
      this.#ground.messages.publish(`beat/${this.#self}`, encodeBeat(this.#electorate.beat(performance.now())));
  }

  #hear(body: Uint8Array): void {
    const beat = beatOf(body);
    if (beat === undefined) return;
    for (const holder of this.#electorate.hear(beat, performance.now())) this.#silence.heard(holder);
    const isHub = this.#ground.isHub();
    if (isHub && beat.holder !== this.#self) return;
    const atMs = isHub ? beat.sentMs : this.#electorate.supportedMs;
    for (const lease of this.#held.values()) lease.supported(atMs);
  }

  /** The shortest-lived lease says how often. */
  #intervalMs(): number {
    let ttlMs = LEASE_DEFAULT_MS;
    for (const record of this.#records.values()) ttlMs = Math.min(ttlMs, record.ttlMs);
    for (const lease of this.#held.values()) ttlMs = Math.min(ttlMs, lease.ttlMs);
    return ttlMs / BEATS_PER_TTL;
  }

  #probe(): void {
    const intervalMs = this.#intervalMs();
    this.#beat();
    this.#ground.messages.publish(this.#probeSubject, encode([performance.now(), intervalMs]));
    this.#probeTimer = setTimeout(() => this.#probe(), intervalMs);
  }

  #probed(body: Uint8Array): void {
    const [sentMs, intervalMs] = numbersOf(body);
    if (sentMs === undefined || intervalMs === undefined) return;
    this.#silence.probed(sentMs, intervalMs);
    for (const record of this.#records.values()) if (this.#isDead(record)) void this.#bury(record);
  }

  /** Whether a holder holds its lease no more, as far as can be known here. */
  #isDead({ holder, ttlMs }: LeaseRecord): boolean {
    const silentMs = this.#silence.of(holder);
    if (this.#ground.isHub()) return silentMs > SILENT_TTLS.hub * ttlMs;
    if (silentMs > LEASE_UNCONFIRMED_MAX_MS + SILENT_TTLS.parted * ttlMs) return true;
    const freshMs = performance.now() - FRESH_TTLS * ttlMs;
    return silentMs > SILENT_TTLS.parted * ttlMs && this.#electorate.isAbandoned(holder, freshMs);
  }

  /** Deletes the record of a holder that is dead. Where that fails it is tried again while the holder stays silent. */
  async #bury({ name, token, revision, ttlMs }: LeaseRecord): Promise<void> {
    if (this.#ending.has(token)) return;
    this.#ending.add(token);
    try {
      await this.#ground.directory.delete(name, revision, { timeoutMs: Math.max(ttlMs, LEASE_DEFAULT_MS) });
    } catch {
      // Another did it, its holder has written it meanwhile, or the store cannot be reached.
    } finally {
      this.#ending.delete(token);
    }
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
