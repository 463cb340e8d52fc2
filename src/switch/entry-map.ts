/**
 * What nodes tell each other of services, in entries of the cluster's directory: each is its node's, and counts as long as that
 * lives. Who looks on knows them all, and never waits for the directory.
 */

import { decode, encode } from "cborg";
import * as v from "valibot";

import type { Change, Directory, Entry, Subscription } from "../cluster/engine.ts";
import type { Membership } from "../cluster/membership.ts";
import { GodwitError } from "../errors.ts";

/** What the map needs of a cluster; a node that is alone has none. */
export interface EntryCluster {
  readonly directory: Directory;
  readonly membership: Membership;
}

/** An entry, as it is known here. */
export interface Known<V> {
  /** Without the map's prefix. */
  readonly key: string;
  /** Name of its node. */
  readonly home: string;
  readonly value: V;
  readonly revision: number;
  /** Since when it is known here as it is; ms of `Date.now`. */
  readonly sinceMs: number;
  readonly token: number;
}

/** `token`: of the lease that the node has as a member. An entry of an earlier run of a node counts for nothing. */
const OWNER = v.object({ home: v.string(), token: v.number() });
type Owner = v.InferOutput<typeof OWNER>;

interface Own<V> {
  readonly value: V;
  readonly isSo: () => boolean;
}

export class EntryMap<V extends object> {
  readonly #self: string;
  readonly #prefix: string;
  readonly #valueOf: (value: unknown) => V | undefined;
  readonly #cluster: EntryCluster | undefined;
  readonly #known = new Map<string, Known<V>>();
  /** What this node has published. */
  readonly #own = new Map<string, Own<V>>();
  /** Writes that are under way, by key: each waits for the one before. */
  readonly #writes = new Map<string, Promise<void>>();
  readonly #listeners = new Set<() => void>();
  #watch: Subscription | undefined;
  #endMembers: () => void = () => {};

  private constructor(
    self: string,
    prefix: string,
    valueOf: (value: unknown) => V | undefined,
    cluster: EntryCluster | undefined,
  ) {
    this.#self = self;
    this.#prefix = prefix;
    this.#valueOf = valueOf;
    this.#cluster = cluster;
  }

  /**
   * Resolves when the present entries are known.
   * @param prefix of their keys in the directory. @param valueOf checks what an entry says; undefined when it is malformed.
   */
  static async open<V extends object>(
    self: string,
    prefix: string,
    valueOf: (value: unknown) => V | undefined,
    cluster?: EntryCluster,
  ): Promise<EntryMap<V>> {
    const map = new EntryMap<V>(self, prefix, valueOf, cluster);
    if (cluster === undefined) return map;
    await new Promise<void>((resolve) => {
      map.#watch = cluster.directory.watch(prefix, (change) => {
        if (change.kind === "current") resolve();
        else map.#changed(change);
      });
    });
    map.#endMembers = cluster.membership.watch(({ kind, member }) => {
      map.#tell();
      if (kind !== "joined") void map.#sweep(member.name);
      else if (member.name === self) map.#renew();
    });
    return map;
  }

  /** Those whose nodes live. */
  all(): Known<V>[] {
    return [...this.#known.values()].filter((one) => this.#isAlive(one));
  }

  #isAlive({ home, token }: Owner): boolean {
    return this.#cluster === undefined || this.#cluster.membership.find(home)?.token === token;
  }

  /** Tells of every change from now on. Returns the way to end that. */
  watch(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }

  /**
   * This node tells something; what was said by that key before, by whomever, counts no more.
   * @param isSo asked before each write: once it is another node's, that one has the entry.
   * @throws GodwitError as the directory.
   */
  publish(key: string, value: V, isSo: () => boolean): Promise<void> {
    return this.#inTurn(key, () => this.#write(key, value, isSo));
  }

  async #write(key: string, value: V, isSo: () => boolean): Promise<void> {
    const token = this.#token;
    // Nobody would believe it: it is said when this node is a member.
    if (token === undefined) return void this.#own.set(key, { value, isSo });
    const owner = { home: this.#self, token };
    const revision = await this.#put(key, { ...value, ...owner }, isSo);
    if (revision === undefined) return;
    this.#own.set(key, { value, isSo });
    // Others took it for dead and it came back meanwhile.
    if (this.#token !== token) return this.#write(key, value, isSo);
    // Who has it by now may have been heard already.
    if ((this.#known.get(key)?.revision ?? 0) > revision) return;
    this.#known.set(key, { key, value, ...owner, revision, sinceMs: Date.now() });
    this.#tell();
  }

  /** Of this node as a member; undefined while it is none. */
  get #token(): number | undefined {
    return this.#cluster === undefined ? 0 : this.#cluster.membership.find(this.#self)?.token;
  }

  /** It is so no more; nothing is done when it is another node's by now. */
  withdraw(key: string): Promise<void> {
    return this.#inTurn(key, async () => {
      this.#own.delete(key);
      if (this.#known.get(key)?.home === this.#self) {
        this.#known.delete(key);
        this.#tell();
      }
      await this.#remove(key, (owner) => owner.home === this.#self);
    });
  }

  /** This node is a member, or again after others took it for dead: what it said before counts for nothing, and is said again. */
  #renew(): void {
    // What cannot be written is tried the next time that it is a member again.
    for (const [key, { value, isSo }] of this.#own)
      if (this.#known.get(key)?.token !== this.#token) this.publish(key, value, isSo).catch(() => {});
  }

  #inTurn(key: string, write: () => Promise<void>): Promise<void> {
    const before = this.#writes.get(key) ?? Promise.resolve();
    const own = before.catch(() => {}).then(write);
    this.#writes.set(key, own);
    const forget = () => {
      if (this.#writes.get(key) === own) this.#writes.delete(key);
    };
    own.then(forget, forget);
    return own;
  }

  /** Writes an entry, whoever's there was, and returns its revision; nothing when it is not to be any more. */
  async #put(key: string, value: object, isSo: () => boolean): Promise<number | undefined> {
    const directory = this.#cluster?.directory;
    if (directory === undefined) return isSo() ? 0 : undefined;
    const path = this.#prefix + key;
    for (;;) {
      const present = await directory.get(path);
      if (!isSo()) return undefined;
      try {
        if (present === undefined) return await directory.create(path, encode(value));
        return await directory.replace(path, encode(value), present.revision);
      } catch (error) {
        if (!isRace(error)) throw error;
      }
    }
  }

  async #remove(key: string, isMeant: (owner: Owner) => boolean): Promise<void> {
    const directory = this.#cluster?.directory;
    const path = this.#prefix + key;
    for (;;) {
      const present = await directory?.get(path);
      if (present === undefined) return;
      const owner = v.safeParse(OWNER, decoded(present));
      if (owner.success && !isMeant(owner.output)) return;
      try {
        return await directory?.delete(path, present.revision);
      } catch (error) {
        if (!isRace(error)) throw error;
      }
    }
  }

  /** A node is gone: one of those that are left takes its entries out. */
  async #sweep(home: string): Promise<void> {
    if (this.#cluster?.membership.all()[0]?.name !== this.#self) return;
    for (const [key, one] of this.#known) {
      if (one.home !== home || this.#isAlive(one)) continue;
      // What cannot be taken out counts for nothing all the same.
      await this.#remove(key, (owner) => owner.home === home && owner.token === one.token).catch(() => {});
    }
  }

  #changed(change: Exclude<Change, { kind: "current" }>): void {
    const path = change.kind === "put" ? change.entry.key : change.key;
    const revision = change.kind === "put" ? change.entry.revision : change.revision;
    const key = path.slice(this.#prefix.length);
    // What was written here is known before it is told.
    if ((this.#known.get(key)?.revision ?? 0) > revision) return;
    const known = change.kind === "put" ? this.#read(key, change.entry) : undefined;
    if (known === undefined) this.#known.delete(key);
    else if (known.revision !== this.#known.get(key)?.revision) this.#known.set(key, known);
    if (known !== undefined && known.home !== this.#self) this.#own.delete(key);
    this.#tell();
  }

  #read(key: string, entry: Entry): Known<V> | undefined {
    const said = decoded(entry);
    const owner = v.safeParse(OWNER, said);
    const value = owner.success ? this.#valueOf(said) : undefined;
    if (!owner.success || value === undefined) return undefined;
    return { key, value, ...owner.output, revision: entry.revision, sinceMs: Date.now() };
  }

  close(): void {
    this.#watch?.stop();
    this.#endMembers();
    this.#listeners.clear();
  }
}

function decoded({ value }: Entry): unknown {
  try {
    return decode(value);
  } catch {
    return undefined;
  }
}

/** Somebody else wrote the key meanwhile. */
function isRace(error: unknown): boolean {
  return error instanceof GodwitError && (error.code === "ESTALE" || error.code === "EEXIST");
}
