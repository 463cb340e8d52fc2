/**
 * Which nodes there are. A node holds the lease `node/NAME` with a record of what it is; how much it has to do goes by
 * events, which nobody waits for. Whoever watches learns who joined, who left and who died.
 */

import { decode, encode } from "cborg";
import * as v from "valibot";

import type { NodeLoad, NodeState } from "../abi/control.ts";
import { GodwitError, failure } from "../errors.ts";
import { LOAD_INTERVAL_MS, MEMBERS_LEAVING_MAX, NAME_FREED_MAX_MS } from "../limits.ts";
import type { Engine, Holding, Lease, LeaseChange, Subscription } from "./engine.ts";

const MEMBER = v.object({
  name: v.string(),
  /** Where links to it are opened: `unix:PATH`, `tls:HOST:PORT`; none when only through the engine. */
  addresses: v.array(v.string()),
  /** Its control socket, on its own machine. */
  socket: v.string(),
  /** Hash of the engine that its processes run on: they move only between nodes of one. */
  engine: v.string(),
  version: v.string(),
  hostname: v.string(),
  hostPid: v.number(),
  lwps: v.number(),
  startedMs: v.number(),
});

/** What a node says of itself when it joins. */
export type MemberRecord = v.InferOutput<typeof MEMBER>;

const LOAD = v.object({
  processes: v.number(),
  cpuPercent: v.number(),
  memoryBytes: v.number(),
  state: v.picklist(["up", "draining"] as const satisfies readonly NodeState[]),
});

export interface Member extends MemberRecord {
  /** Of two nodes that had one name, the later has the greater. */
  readonly token: number;
  /** As it was last heard. */
  readonly load: NodeLoad;
}

export interface MemberChange {
  readonly kind: "joined" | "left" | "died";
  readonly member: Member;
}

const IDLE: NodeLoad = { processes: 0, cpuPercent: 0, memoryBytes: 0, state: "up" };
const PREFIX = "node/";

function leaseOf(name: string): string {
  return PREFIX + name;
}

export class Membership {
  readonly #engine: Engine;
  readonly #members = new Map<string, Member>();
  readonly #listeners = new Set<(change: MemberChange) => void>();
  /** Tokens of those that said that they leave; the last MEMBERS_LEAVING_MAX. */
  readonly #leaving = new Set<number>();
  #subscriptions: Subscription[] = [];
  #loads: NodeJS.Timeout | undefined;
  #lease: Lease | undefined;

  private constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Begins to watch; resolves when the present members are known. */
  static async open(engine: Engine): Promise<Membership> {
    const membership = new Membership(engine);
    const { messages, leases } = engine;
    const loads = await messages.subscribe("load/", (body, subject) => membership.#heardLoad(subject, body));
    const leaving = await messages.subscribe("leaving/", (body) => membership.#heardLeaving(body));
    await new Promise<void>((resolve) => {
      const watch = leases.watch((change) => (change.kind === "current" ? resolve() : membership.#changed(change)));
      membership.#subscriptions = [loads, leaving, watch];
    });
    return membership;
  }

  /** By name. */
  all(): Member[] {
    return [...this.#members.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  find(name: string): Member | undefined {
    return this.#members.get(name);
  }

  /** @throws GodwitError ENONODE. */
  get(name: string): Member {
    const member = this.#members.get(name);
    if (member !== undefined) return member;
    const names = this.all().map((one) => one.name);
    throw failure("ENONODE", `there is no node ${name} in this cluster, which has ${names.join(", ") || "none"}`);
  }

  /** Tells of every change from now on. Returns the way to end that. */
  watch(listener: (change: MemberChange) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Whether a node is a member, as the store has it now: others may have heard of its return already. @throws GodwitError. */
  isMember(name: string): Promise<boolean> {
    return this.#engine.leases.isHeld(leaseOf(name));
  }

  /**
   * Becomes a member. A name whose holder has died is waited for; `load` is asked every LOAD_INTERVAL_MS.
   * @returns the lease: when it is lost, others take this node for dead, and may have its processes.
   * @throws GodwitError EEXIST when a living node has the name.
   */
  async join(record: MemberRecord, load: () => NodeLoad): Promise<Lease> {
    const lease = await this.rejoin(record);
    const alive = await this.#engine.messages.serve(`alive/${record.name}`, (body) => body);
    this.#subscriptions.push(alive);
    const tell = () => this.#engine.messages.publish(`load/${record.name}`, encode(load()));
    this.#loads = setInterval(tell, LOAD_INTERVAL_MS).unref();
    tell();
    return lease;
  }

  /** Becomes a member again, whose lease others have ended. @returns and @throws as {@link join}. */
  async rejoin(record: MemberRecord): Promise<Lease> {
    this.#lease = await this.#acquire(record);
    return this.#lease;
  }

  async #acquire(record: MemberRecord): Promise<Lease> {
    const untilMs = performance.now() + NAME_FREED_MAX_MS;
    for (;;) {
      try {
        return await this.#engine.leases.acquire(leaseOf(record.name), encode(record));
      } catch (error) {
        if (!(error instanceof GodwitError) || error.code !== "EEXIST") throw error;
        const isAlive = await this.#answers(record.name);
        if (isAlive || performance.now() > untilMs) {
          throw failure("EEXIST", `the cluster has a node ${record.name} already: give this one another --name`, error);
        }
        await new Promise((resolve) => setTimeout(resolve, LOAD_INTERVAL_MS / 4));
      }
    }
  }

  async #answers(name: string): Promise<boolean> {
    try {
      await this.#engine.messages.request(`alive/${name}`, new Uint8Array(), { timeoutMs: LOAD_INTERVAL_MS });
      return true;
    } catch (error) {
      return !(error instanceof GodwitError && error.code === "ENONODE");
    }
  }

  /** Leaves, and says so: nobody takes this node for dead. */
  async leave(): Promise<void> {
    clearInterval(this.#loads);
    const lease = this.#lease;
    this.#lease = undefined;
    if (lease === undefined) return;
    this.#engine.messages.publish(`leaving/${lease.name.slice(PREFIX.length)}`, encode(lease.token));
    await lease.release();
  }

  close(): void {
    clearInterval(this.#loads);
    for (const subscription of this.#subscriptions.splice(0)) subscription.stop();
    this.#listeners.clear();
  }

  #changed(change: Exclude<LeaseChange, { kind: "current" }>): void {
    if (change.kind === "held") {
      const member = memberOf(change.holding);
      if (member === undefined) return;
      this.#members.set(member.name, member);
      return this.#tell({ kind: "joined", member });
    }
    const name = change.name.slice(PREFIX.length);
    const member = change.name.startsWith(PREFIX) ? this.#members.get(name) : undefined;
    if (member?.token !== change.token) return;
    this.#members.delete(name);
    this.#tell({ kind: this.#leaving.delete(change.token) ? "left" : "died", member });
  }

  #tell(change: MemberChange): void {
    for (const listener of this.#listeners) listener(change);
  }

  #heardLoad(subject: string, body: Uint8Array): void {
    const member = this.#members.get(subject.slice("load/".length));
    const load = v.safeParse(LOAD, decoded(body));
    if (member !== undefined && load.success) this.#members.set(member.name, { ...member, load: load.output });
  }

  #heardLeaving(body: Uint8Array): void {
    const token = decoded(body);
    if (typeof token !== "number") return;
    this.#leaving.add(token);
    for (const oldest of this.#leaving) {
      if (this.#leaving.size <= MEMBERS_LEAVING_MAX) break;
      this.#leaving.delete(oldest);
    }
  }
}

function memberOf({ name, token, value }: Holding): Member | undefined {
  if (!name.startsWith(PREFIX)) return undefined;
  const record = v.safeParse(MEMBER, decoded(value));
  if (!record.success || leaseOf(record.output.name) !== name) return undefined;
  return { ...record.output, token, load: IDLE };
}

function decoded(bytes: Uint8Array): unknown {
  try {
    return decode(bytes);
  } catch {
    return undefined;
  }
}
