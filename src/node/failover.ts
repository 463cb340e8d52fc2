/**
 * What becomes of a dead node's processes. Durable ones are restored from their images by one of the survivors, which is
 * settled by compare-and-set in the directory; those whose home died with it are adopted by the node that runs them.
 */

import { createHash, randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";

import type { Link } from "../cluster/link.ts";
import type { Durable, ProcessDirectory, ProcessEntry } from "../cluster/process-directory.ts";
import { GodwitError } from "../errors.ts";
import { createMemory } from "../kernel/address-space.ts";
import { templateFor } from "../kernel/capture.ts";
import { channelsOfCopy, leftBehind } from "../kernel/channel.ts";
import type { ProcessRecord } from "../kernel/process-record.ts";
import { stateOfImage } from "../kernel/resource-state.ts";
import {
  FAILOVER_AT_ONCE_MAX,
  FAILOVER_ATTEMPTS_MAX,
  FAILOVER_SETTLE_MS,
  FAILOVER_STEP_MS,
  MOVE_RETRY_MS,
  MOVE_SILENCE_MS,
} from "../limits.ts";
import type { Engine } from "../machine/engine.ts";
import { materialise as fillMemory } from "../machine/linear-memory.ts";
import type { ClusterNode } from "./cluster-node.ts";
import type { Durability } from "./durability.ts";
import type { Happening } from "./event-log.ts";
import type { Recovered } from "./image-chain.ts";
import type { LwpThread } from "./lwp-thread.ts";
import { Orphanage } from "./orphanage.ts";
import { hearHome } from "./rehoming.ts";
import type { Entry } from "./process-table.ts";
import { Turnstile } from "./turnstile.ts";

export interface FailoverOptions {
  readonly cluster: ClusterNode;
  readonly durability: Durability;
  readonly engine: Engine;
  readonly directory: ProcessDirectory;
  /** Whether a node is there, as far as has been heard; and as the store has it. */
  readonly isAlive: (node: string) => boolean;
  readonly isMember: (node: string) => Promise<boolean>;
  /** Whether this node stands still, since others may take it for dead: it looks again when that is over. */
  readonly isFenced: () => boolean;
  /** Nodes that could run a process of this engine, this one among them. */
  readonly candidates: () => readonly string[];
  readonly tell: (event: Happening) => void;
}

/** The owner of a process that nobody runs, and who got it last could not. */
const NOBODY = "";

export class Failover {
  readonly #options: FailoverOptions;
  readonly #orphanage: Orphanage;
  /** Processes that are being seen to here. */
  readonly #underWay = new Set<number>();
  /** What the directory had of them when they were looked at again meanwhile. */
  readonly #passedOver = new Map<number, ProcessEntry>();
  /** Who waits in it has won a process, which has it in `#underWay`. */
  readonly #restores = new Turnstile(FAILOVER_AT_ONCE_MAX);
  /** Those that this node could not run. */
  readonly #givenUp = new Set<number>();
  #closed = false;

  constructor(options: FailoverOptions) {
    this.#options = options;
    const { cluster, durability, directory } = options;
    this.#orphanage = new Orphanage(cluster, durability, directory);
    cluster.onStranded = (pid) => void this.#once(pid, () => this.#homeless(pid));
  }

  get #self(): string {
    return this.#options.cluster.node.name;
  }

  close(): void {
    this.#closed = true;
  }

  // ---- Who is to do what

  /** A node died, or left; or this one has just come, and looks for what others left behind. */
  async sweep(): Promise<void> {
    const { directory, isAlive, isFenced } = this.#options;
    if (isFenced()) return;
    this.#givenUp.clear();
    const entries = await this.#insist(() => directory.list());
    if (entries === undefined) return;
    for (const { home, pid } of this.#options.cluster.hosting.all())
      if (!isAlive(home.peer)) void this.#once(pid, () => this.#homeless(pid));
    for (const [pid, entry] of entries) this.#look(pid, entry);
  }

  /** The directory's entry of a process has changed. */
  changed(pid: number, entry: ProcessEntry | undefined): void {
    if (entry === undefined) this.#gone(pid);
    else if (entry.node === NOBODY) this.#look(pid, entry);
  }

  #look(pid: number, entry: ProcessEntry): void {
    this.#passedOver.delete(pid);
    if (this.#underWay.has(pid)) return void this.#passedOver.set(pid, entry);
    if (this.#closed || !this.#isOrphan(pid, entry)) return;
    void this.#once(pid, () => (entry.durable === undefined ? this.#bury(pid, entry) : this.#compete(pid, entry)));
  }

  /** Whether nobody runs a process: its node is not there, or has been started anew. */
  #isOrphan(pid: number, { node }: ProcessEntry): boolean {
    const { cluster, isAlive } = this.#options;
    if (node !== this.#self) return !isAlive(node);
    const own = cluster.node.table.find(pid);
    return cluster.hosting.find(pid) === undefined && (own === undefined || own.exit !== undefined);
  }

  async #once(pid: number, action: () => Promise<void>): Promise<void> {
    if (this.#underWay.has(pid)) return;
    this.#underWay.add(pid);
    try {
      await action();
    } catch (error) {
      // The directory, or a home, did not answer in the end: what comes next begins anew.
      if (!(error instanceof GodwitError)) throw error;
    } finally {
      this.#underWay.delete(pid);
      const next = this.#passedOver.get(pid);
      if (next !== undefined) this.#look(pid, next);
    }
  }

  /** Asks again and again what the store does not answer; nothing once this node stops. */
  async #insist<T>(action: () => Promise<T>): Promise<T | undefined> {
    while (!this.#closed) {
      try {
        return await action();
      } catch (error) {
        if (!(error instanceof GodwitError)) throw error;
        await delay(MOVE_RETRY_MS);
      }
    }
    return undefined;
  }

  /** A durable process whose entry is gone while nobody runs it was given up. */
  #gone(pid: number): void {
    const { cluster, durability, isAlive } = this.#options;
    const entry = cluster.node.table.find(pid);
    if (entry === undefined || entry.exit !== undefined || !durability.has(pid)) return;
    if (entry.held === undefined || isAlive(entry.lwp.nodeName)) return;
    this.#orphanage.end(entry, `node ${entry.lwp.nodeName}, which ran it, is gone, and it could not be restored`);
  }

  /** One that is not durable died with its node. Its home tells of that, if it is there. */
  async #bury(pid: number, { home, node }: ProcessEntry): Promise<void> {
    const { isAlive, directory } = this.#options;
    if (node !== this.#self && isAlive(home) && home !== this.#self) return;
    await this.#decided(pid);
    const present = await directory.find(pid);
    if (present !== undefined && this.#isOrphan(pid, present)) await directory.forget(pid, home);
  }

  /** Each in its turn, so that not all restore what one can; the next after a while, if the one before did not. */
  async #compete(pid: number, entry: ProcessEntry): Promise<void> {
    if (this.#givenUp.has(pid)) return;
    const { candidates, directory } = this.#options;
    const order = candidates().toSorted((a, b) => (weight(a, pid) < weight(b, pid) ? -1 : 1));
    // One that was this node's before it was started anew looks alive to the others.
    const rank = entry.node === this.#self ? 0 : order.indexOf(this.#self);
    if (rank < 0) return;
    await delay(FAILOVER_SETTLE_MS + rank * FAILOVER_STEP_MS);
    await this.#decided(pid);
    const present = await this.#insist(() => directory.find(pid));
    if (present === undefined || this.#closed || !this.#isOrphan(pid, present)) return;
    // A node that has come back claims what is still its own: what was read before it did is not claimed after.
    const { isFenced, isMember } = this.#options;
    const isOthers = present.node !== this.#self && present.node !== NOBODY;
    const isBack = isOthers && (await this.#insist(() => isMember(present.node))) !== false;
    if (!isBack && !isFenced()) await this.#takeOver(pid, present);
  }

  /** Until a move of it from here is over: before that it may still go on here, as it was. */
  async #decided(pid: number): Promise<void> {
    while (this.#options.cluster.isMoving(pid) && !this.#closed) await delay(MOVE_RETRY_MS);
  }

  // ---- A durable process, from its images

  async #takeOver(pid: number, entry: ProcessEntry): Promise<void> {
    const { directory } = this.#options;
    const { durable } = entry;
    if (durable === undefined) return;
    const keeper = await this.#keeper(pid, entry);
    const home = keeper === undefined ? this.#self : entry.home;
    const epoch = entry.epoch + 1;
    const cause = randomUUID();
    const claim = () => directory.claim(pid, entry, { node: this.#self, epoch }, home, cause);
    let outcome = await claim();
    while (outcome === "unknown" && !this.#closed) {
      await delay(MOVE_RETRY_MS);
      outcome = await claim();
    }
    if (outcome !== "won") return;
    const owner = { ...entry, node: this.#self, epoch, home };
    await this.#restores.pass(() => this.#restore(pid, entry.node, owner, durable, keeper));
  }

  /** Goes on with what has been won. */
  async #restore(
    pid: number,
    from: string,
    owner: ProcessEntry,
    durable: Durable,
    keeper: Link | "self" | undefined,
  ): Promise<void> {
    const { durability, tell } = this.#options;
    try {
      const recovered = await this.#recover(pid, durable);
      const saved = reborn(recovered.record, owner.epoch, keeper === undefined ? 0 : recovered.record.parent);
      const handles = saved.handles.map(({ handle, state }) => ({ handle, state: stateOfImage(state) }));
      const record = { ...saved, handles, hosted: keeper !== undefined && keeper !== "self" };
      await this.#place(record, recovered, durable, keeper);
      const { image, savedMs, problems } = recovered;
      durability.goOn(pid, durable, owner.home === this.#self);
      const ageMs = Math.max(0, Date.now() - savedMs);
      tell({ kind: "restored", pid, name: record.program.name, from, image, ageMs, problems });
      void durability.save(pid);
    } catch (error) {
      await this.#failed(pid, owner, keeper, error);
    }
  }

  /** The home of an orphan, if that is there and goes on with it: a link to it, or this node. */
  async #keeper(pid: number, { home, node }: ProcessEntry): Promise<Link | "self" | undefined> {
    const { cluster, isAlive } = this.#options;
    if (home === this.#self) return this.#orphanage.expects(pid) ? "self" : undefined;
    if (!isAlive(home)) return undefined;
    try {
      const link = await cluster.links.to(home);
      const kept = await link.request("failover/home", { pid, from: node }, { timeoutMs: MOVE_SILENCE_MS });
      return kept === true ? link : undefined;
    } catch (error) {
      if (error instanceof GodwitError && !isAlive(home)) return undefined;
      throw error;
    }
  }

  /** The images may be out of reach for a moment, as when the store elects a leader. */
  async #recover(pid: number, { chains }: Durable): Promise<Recovered> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#options.durability.images.recover(pid, chains);
      } catch (error) {
        const isFinal =
          !(error instanceof GodwitError) || error.code === "ECORRUPT" || attempt >= FAILOVER_ATTEMPTS_MAX;
        if (isFinal || this.#closed) throw error;
        await delay(MOVE_RETRY_MS * attempt);
      }
    }
  }

  /** Puts a process in place, has its home know where, and lets it run. */
  async #place(
    record: ProcessRecord,
    image: Recovered,
    durable: Durable,
    keeper: Link | "self" | undefined,
  ): Promise<void> {
    const { cluster, engine } = this.#options;
    const { node, hosting } = cluster;
    const { pid, quotas, program } = record;
    if (keeper === undefined) node.table.checkRoom(undefined);
    const lwp = node.lwps.leastLoaded();
    const memory = createMemory(engine, image.memoryBytes, quotas.memoryBytes);
    fillMemory(memory.buffer, templateFor(engine), image);
    await lwp.prepare({ record, memory, outputInFlight: 0 });
    try {
      const inputClosed = record.input.closed;
      if (keeper === undefined) this.#enter(record, lwp, durable.names);
      else if (keeper === "self") node.table.living(pid);
      else {
        hosting.add({ pid, name: program.name, home: keeper, lwp, memoryQuotaBytes: quotas.memoryBytes, early: [] });
        await keeper.request("failover/restored", { pid, inputClosed }, { timeoutMs: MOVE_SILENCE_MS });
      }
    } catch (error) {
      hosting.remove(pid);
      lwp.tell({ op: "discard", pid });
      throw error;
    }
    lwp.tell({ op: "start", pid, anew: true });
    if (keeper === "self") this.#orphanage.back(node.table.living(pid), lwp, record.input.closed);
    hosting.started(pid);
  }

  /** It is at home here from now on. */
  #enter(record: ProcessRecord, lwp: LwpThread, names: readonly string[]): Entry {
    const { node } = this.#options.cluster;
    const { pid, program, quotas, capabilities, workingDirectory } = record;
    const past = node.table.find(pid);
    if (past?.exit !== undefined) node.table.remove(past, past.exit);
    const parent = record.parent === 0 ? undefined : node.table.find(record.parent);
    const entry = node.enter({ pid, parent, name: program.name, lwp, quotas, capabilities, workingDirectory });
    if (record.input.closed) entry.input.close();
    for (const name of names) if (node.table.named(name) === undefined) node.table.register(entry, name);
    return entry;
  }

  /** What was won could not be put in place: where that is this node's fault, another may. */
  async #failed(pid: number, owner: ProcessEntry, keeper: Link | "self" | undefined, error: unknown): Promise<void> {
    const { directory, durability, tell } = this.#options;
    const reason = error instanceof Error ? error.message : String(error);
    const isLost = error instanceof GodwitError && error.code === "ECORRUPT";
    if (!isLost && this.#othersCould()) {
      this.#givenUp.add(pid);
      const { epoch } = owner;
      await this.#insist(() =>
        directory.claim(pid, owner, { node: NOBODY, epoch: epoch + 1 }, owner.home, randomUUID()),
      );
      return;
    }
    tell({ kind: "lost", pid, from: owner.node, reason });
    await this.#insist(() => directory.forget(pid));
    await durability.images.dropAll(pid);
    if (keeper === "self") this.#orphanage.end(this.#options.cluster.node.table.living(pid), reason);
    else if (keeper !== undefined) await keeper.request("failover/lost", { pid, reason });
  }

  #othersCould(): boolean {
    return this.#options.candidates().some((name) => name !== this.#self);
  }

  // ---- A process that runs here and whose home died

  /** The home of a process here is gone, or cannot be reached. It may just have been another's: the directory says whose it is. */
  async #homeless(pid: number): Promise<void> {
    const { cluster, directory, isAlive } = this.#options;
    for (let hosted = cluster.hosting.find(pid); hosted?.isStill === true; hosted = cluster.hosting.find(pid)) {
      const found = await this.#insist(() => directory.find(pid));
      if (this.#closed) return;
      if (found === undefined || !isAlive(found.home)) break;
      // That lives, and says what is to be.
      if (found.home === hosted.home.peer) return;
      try {
        await cluster.links.to(found.home);
        return await hearHome(cluster, pid, found.home, found.epoch);
      } catch (error) {
        if (!(error instanceof GodwitError)) throw error;
      }
      await delay(MOVE_RETRY_MS);
    }
    await this.#adopt(pid);
  }

  async #adopt(pid: number): Promise<void> {
    const { cluster, directory, durability } = this.#options;
    const { node, hosting } = cluster;
    const hosted = hosting.find(pid);
    if (hosted === undefined || cluster.isMoving(pid)) return;
    const { lwp, name, home } = hosted;
    const { record, memory } = await lwp.ask(pid, { kind: "freeze" });
    const from = { node: this.#self, epoch: record.epoch };
    const to = { node: this.#self, epoch: record.epoch + 1 };
    const cause = randomUUID();
    let outcome = await directory.claim(pid, from, to, this.#self, cause);
    while (outcome === "unknown" && !this.#closed) {
      await delay(MOVE_RETRY_MS);
      outcome = await directory.claim(pid, from, to, this.#self, cause);
    }
    lwp.tell({ op: "depart", pid });
    hosting.remove(pid);
    durability.left(pid);
    if (outcome !== "won") return;
    const parent = node.table.find(record.parent)?.exit === undefined ? record.parent : 0;
    const next = reborn(record, to.epoch, node.table.find(parent) === undefined ? 0 : parent);
    const found = await this.#insist(() => directory.find(pid));
    await lwp.prepare({ record: next, memory, outputInFlight: 0 });
    this.#enter(next, lwp, found?.durable?.names ?? []);
    lwp.tell({ op: "start", pid, anew: true });
    if (found?.durable !== undefined) durability.goOn(pid, found.durable, true);
    this.#options.tell({ kind: "adopted", pid, name, from: home.peer });
  }
}

/**
 * A record as it goes on from: its connections are gone, and so is all that was on its way to it. Who was to be its successor
 * cannot be any more: its entry has changed.
 */
function reborn(record: ProcessRecord, epoch: number, parent: number): ProcessRecord {
  const kept = { ...record.kept, given: false };
  return { ...record, kept, epoch, parent, hosted: false, channels: channelsOfCopy(record.channels, leftBehind()) };
}

/** Each process has an order of nodes of its own, so that a dead node's are spread over the others. */
function weight(node: string, pid: number): string {
  return createHash("sha256").update(`${pid} ${node}`).digest("hex");
}
