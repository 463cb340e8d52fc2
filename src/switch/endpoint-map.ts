/**
 * Which processes serve which services, and where they are at home: entries `services/NAME/PID` of the cluster's directory,
 * each written by the home of its process. Who looks on knows them all, and never waits for the directory.
 */

import { decode, encode } from "cborg";
import * as v from "valibot";

import type { Change, Directory, Entry, Subscription } from "../cluster/engine.ts";
import type { Membership } from "../cluster/membership.ts";
import { GodwitError } from "../errors.ts";

/** What comes to a process for each client: requests, connections or datagrams. */
export type ServiceProtocol = "http" | "tcp" | "udp";

/** A process that serves a service. */
export interface Endpoint {
  readonly service: string;
  readonly pid: number;
  /** Name of its home. */
  readonly home: string;
  readonly protocol: ServiceProtocol;
}

/** What the map needs of a cluster; a node that is alone has none. */
export interface EndpointCluster {
  readonly directory: Directory;
  readonly membership: Membership;
}

const PREFIX = "services/";
/** `token`: of the lease that the home has as a member. An entry of an earlier run of a node counts for nothing. */
const VALUE = v.object({ home: v.string(), protocol: v.picklist(["http", "tcp", "udp"]), token: v.number() });
type Value = v.InferOutput<typeof VALUE>;

interface Known extends Endpoint {
  readonly token: number;
  readonly revision: number;
}

export class EndpointMap {
  readonly #self: string;
  readonly #cluster: EndpointCluster | undefined;
  readonly #known = new Map<string, Known>();
  /** What `of` has said since the last change. */
  readonly #living = new Map<string, readonly Endpoint[]>();
  /** Writes that are under way, by key: each waits for the one before. */
  readonly #writes = new Map<string, Promise<void>>();
  readonly #listeners = new Set<() => void>();
  #watch: Subscription | undefined;
  #endMembers: () => void = () => {};

  private constructor(self: string, cluster: EndpointCluster | undefined) {
    this.#self = self;
    this.#cluster = cluster;
  }

  /** Resolves when the present entries are known. */
  static async open(self: string, cluster?: EndpointCluster): Promise<EndpointMap> {
    const map = new EndpointMap(self, cluster);
    if (cluster === undefined) return map;
    await new Promise<void>((resolve) => {
      map.#watch = cluster.directory.watch(PREFIX, (change) => {
        if (change.kind === "current") resolve();
        else map.#changed(change);
      });
    });
    map.#endMembers = cluster.membership.watch(({ kind, member }) => {
      map.#tell();
      if (kind !== "joined") void map.#sweep(member.name);
    });
    return map;
  }

  /** The processes of a service whose homes live; by pid. */
  of(service: string): readonly Endpoint[] {
    let living = this.#living.get(service);
    if (living === undefined) {
      living = this.all().filter((one) => one.service === service);
      if (living.length > 0) this.#living.set(service, living);
    }
    return living;
  }

  /** Those of all services. */
  all(): Endpoint[] {
    return [...this.#known.values()].filter((one) => this.#isAlive(one)).sort((one, other) => one.pid - other.pid);
  }

  #isAlive({ home, token }: Known): boolean {
    return this.#cluster === undefined || this.#cluster.membership.find(home)?.token === token;
  }

  /** Tells of every change from now on. Returns the way to end that. */
  watch(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #tell(): void {
    this.#living.clear();
    for (const listener of this.#listeners) listener();
  }

  /**
   * A process that is at home here serves a service.
   * @param isSo asked before each write: once the process has gone to another home, that one has the entry.
   * @throws GodwitError as the directory.
   */
  publish(service: string, pid: number, protocol: ServiceProtocol, isSo: () => boolean): Promise<void> {
    const key = keyOf(service, pid);
    return this.#inTurn(key, async () => {
      const token = this.#cluster?.membership.find(this.#self)?.token ?? 0;
      const revision = await this.#put(key, { home: this.#self, protocol, token }, isSo);
      // Who has it by now may have been heard already.
      if (revision === undefined || (this.#known.get(key)?.revision ?? 0) > revision) return;
      this.#known.set(key, { service, pid, home: this.#self, protocol, token, revision });
      this.#tell();
    });
  }

  /** It does no more; nothing is done when it is at home elsewhere by now. */
  withdraw(service: string, pid: number): Promise<void> {
    const key = keyOf(service, pid);
    return this.#inTurn(key, async () => {
      if (this.#known.get(key)?.home === this.#self) {
        this.#known.delete(key);
        this.#tell();
      }
      await this.#remove(key, (value) => value.home === this.#self);
    });
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
  async #put(key: string, value: Value, isSo: () => boolean): Promise<number | undefined> {
    const directory = this.#cluster?.directory;
    if (directory === undefined) return isSo() ? 0 : undefined;
    for (;;) {
      const present = await directory.get(key);
      if (!isSo()) return undefined;
      try {
        if (present === undefined) return await directory.create(key, encode(value));
        return await directory.replace(key, encode(value), present.revision);
      } catch (error) {
        if (!isRace(error)) throw error;
      }
    }
  }

  async #remove(key: string, isMeant: (value: Value) => boolean): Promise<void> {
    const directory = this.#cluster?.directory;
    for (;;) {
      const present = await directory?.get(key);
      const value = present === undefined ? undefined : valueOf(present);
      if (present === undefined || (value !== undefined && !isMeant(value))) return;
      try {
        return await directory?.delete(key, present.revision);
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
      await this.#remove(key, (value) => value.home === home && value.token === one.token).catch(() => {});
    }
  }

  #changed(change: Exclude<Change, { kind: "current" }>): void {
    const key = change.kind === "put" ? change.entry.key : change.key;
    const revision = change.kind === "put" ? change.entry.revision : change.revision;
    // What was written here is known before it is told.
    if ((this.#known.get(key)?.revision ?? 0) > revision) return;
    const endpoint = change.kind === "put" ? knownOf(change.entry) : undefined;
    if (endpoint === undefined) this.#known.delete(key);
    else this.#known.set(key, endpoint);
    this.#tell();
  }

  close(): void {
    this.#watch?.stop();
    this.#endMembers();
    this.#listeners.clear();
  }
}

function keyOf(service: string, pid: number): string {
  return `${PREFIX}${service}/${pid}`;
}

function knownOf(entry: Entry): Known | undefined {
  const [service = "", pid = ""] = entry.key.slice(PREFIX.length).split("/");
  const value = valueOf(entry);
  if (value === undefined || !/^[1-9]\d*$/.test(pid)) return undefined;
  return { service, pid: Number(pid), ...value, revision: entry.revision };
}

function valueOf({ value }: Entry): Value | undefined {
  try {
    const checked = v.safeParse(VALUE, decode(value));
    return checked.success ? checked.output : undefined;
  } catch {
    return undefined;
  }
}

/** Somebody else wrote the key meanwhile. */
function isRace(error: unknown): boolean {
  return error instanceof GodwitError && (error.code === "ESTALE" || error.code === "EEXIST");
}
