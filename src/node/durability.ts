/**
 * Durable processes that run here: an image of each, every so often, in the cluster's blobs. The process goes on while its
 * pages are looked at, and is stopped only for the last of them. The directory's entry points to an image once it is whole; who
 * cannot write that entry any more has lost the process to another node, and ends it here.
 */

import { randomUUID } from "node:crypto";

import type { Blobs } from "../cluster/engine.ts";
import type { Durable, ProcessDirectory } from "../cluster/process-directory.ts";
import { GodwitError } from "../errors.ts";
import { templateFor } from "../kernel/capture.ts";
import type { Released } from "../kernel/protocol.ts";
import { DURABLE_AT_ONCE_MAX, DURABLE_DELTAS_MAX, DURABLE_IDLE_MS, MIGRATION_FEW_PAGES } from "../limits.ts";
import type { Engine } from "../machine/engine.ts";
import { isZero } from "../machine/page.ts";
import { PageRounds, type Round } from "../machine/page-rounds.ts";
import type { ClusterNode } from "./cluster-node.ts";
import type { Happening } from "./event-log.ts";
import { type Saved, ImageStore } from "./image-chain.ts";
import { LwpThread } from "./lwp-thread.ts";
import type { Entry } from "./process-table.ts";

export interface DurabilityOptions {
  readonly cluster: ClusterNode;
  readonly engine: Engine;
  readonly blobs: Blobs;
  readonly directory: ProcessDirectory;
  /** With which images are sealed. */
  readonly secret: Uint8Array | undefined;
  /** Whether others take this node for alive, as far as it can know. */
  readonly isAlive: () => boolean;
  readonly tell: (event: Happening) => void;
}

/** What taking images of a process has cost so far. */
export interface SavedCount {
  images: number;
  bytes: number;
  /** How long it was stopped for the last one. */
  pauseMs: number;
}

/** Rounds before the process is stopped, at most. */
const ROUNDS_MAX = 3;

/** A durable process that runs here. */
interface Kept {
  readonly pid: number;
  durable: Durable;
  /** What its images have; absent until there is a base made here. */
  rounds: PageRounds | undefined;
  /** Pages that differ from the template, or did; and those among them that are in no image yet as they are now. */
  readonly all: Set<number>;
  readonly changed: Set<number>;
  baseBytes: number;
  deltaBytes: number;
  count: number;
  /** As of the last image: a process that has not run since needs none. */
  cpuMs: number;
  mailbox: number;
  ranMs: number;
  timer: NodeJS.Timeout | undefined;
  saving: Promise<void> | undefined;
  /** The fault that was told last. */
  fault: string;
  over: boolean;
  readonly saved: SavedCount;
}

/** A process where it runs, here. */
interface Place {
  readonly name: string;
  /** Absent when its home is elsewhere. */
  readonly entry: Entry | undefined;
  readonly lwp: LwpThread;
}

export class Durability {
  readonly images: ImageStore;
  readonly #options: DurabilityOptions;
  readonly #kept = new Map<number, Kept>();
  /** Durable processes whose home is here, wherever they run. */
  readonly #homed = new Set<number>();
  /** Those that have come, of whose images the directory is still being asked. */
  readonly #arriving = new Set<number>();
  #writing = 0;
  /** Who waits to be written: each process at most once. */
  readonly #turns: (() => void)[] = [];
  #leaving = false;

  constructor(options: DurabilityOptions) {
    const { cluster, engine, blobs, secret } = options;
    this.#options = options;
    this.images = new ImageStore(blobs, engine.manifest.hash, secret);
    cluster.durability = this;
  }

  get #self(): string {
    return this.#options.cluster.node.name;
  }

  /** Whether a process that is at home here is durable. */
  has(pid: number): boolean {
    return this.#homed.has(pid);
  }

  /** Whether a process that runs here is durable: from the moment that it came, for it may leave again at once. */
  keeps(pid: number): boolean {
    return this.#kept.has(pid) || this.#arriving.has(pid);
  }

  /** A process that runs here: what its images have cost. */
  savedCount(pid: number): SavedCount | undefined {
    return this.#kept.get(pid)?.saved;
  }

  /**
   * Makes a process durable that was just started here. Resolves when its first image is stored, or could not be.
   * @throws GodwitError as the directory: then it is not durable.
   */
  async begin(pid: number, intervalMs: number): Promise<void> {
    const durable = { intervalMs, chains: [], savedMs: Date.now(), names: [] };
    await this.#options.directory.begin(pid, this.#self, randomUUID(), durable);
    this.#homed.add(pid);
    this.goOn(pid, durable);
    await this.save(pid);
  }

  /** A durable process has come, by a move or from its images: its chain goes on here. `isHome`: it is at home here. */
  goOn(pid: number, durable: Durable, isHome = false): void {
    if (isHome) this.#homed.add(pid);
    this.left(pid);
    const kept: Kept = {
      pid,
      durable,
      rounds: undefined,
      all: new Set(),
      changed: new Set(),
      baseBytes: 0,
      deltaBytes: 0,
      count: 0,
      cpuMs: -1,
      mailbox: -1,
      ranMs: performance.now(),
      timer: undefined,
      saving: undefined,
      fault: "",
      over: false,
      saved: { images: 0, bytes: 0, pauseMs: 0 },
    };
    this.#kept.set(pid, kept);
    this.#schedule(kept);
  }

  /** A durable process has come by a move. */
  async arrived(pid: number): Promise<void> {
    this.#arriving.add(pid);
    try {
      const found = await this.#options.directory.find(pid);
      if (!this.#arriving.delete(pid)) return;
      if (found?.durable !== undefined && found.node === this.#self) this.goOn(pid, found.durable);
    } catch (error) {
      if (!(error instanceof GodwitError)) throw error;
      this.#tellUnsaved(pid, error.message);
      setTimeout(() => (this.#arriving.has(pid) ? void this.arrived(pid) : undefined), 1000).unref();
    }
  }

  /** It runs here no more. */
  left(pid: number): void {
    this.#arriving.delete(pid);
    const kept = this.#kept.get(pid);
    if (kept === undefined) return;
    kept.over = true;
    clearTimeout(kept.timer);
    this.#kept.delete(pid);
  }

  /** It has ended, and was at home here. */
  async ended(pid: number): Promise<void> {
    const saving = this.#kept.get(pid)?.saving;
    this.left(pid);
    if (!this.#homed.delete(pid)) return;
    await saving;
    // By then it may be somebody else's, whose images these are.
    try {
      const found = await this.#options.directory.find(pid);
      if (found === undefined || found.home === this.#self) await this.images.keepOnly(pid, []);
    } catch (error) {
      // Not known: images that nobody needs stay where they are.
      if (!(error instanceof GodwitError)) throw error;
    }
  }

  /**
   * The node stops. A last image of each durable process that runs here, which stands still from then on: others restore it,
   * or this node when it is started again.
   */
  async leave(): Promise<void> {
    this.#leaving = true;
    const pids = [...this.#kept.keys()];
    await Promise.all(pids.map((pid) => this.save(pid)));
    for (const pid of pids) {
      this.left(pid);
      this.#options.cluster.hosting.remove(pid);
    }
  }

  // ---- Images

  #schedule(kept: Kept): void {
    clearTimeout(kept.timer);
    if (kept.over) return;
    kept.timer = setTimeout(() => void this.save(kept.pid), kept.durable.intervalMs);
  }

  /** Takes an image, if the process has run since the last; resolves when that is stored, or could not be. */
  save(pid: number): Promise<void> {
    const kept = this.#kept.get(pid);
    if (kept === undefined) return Promise.resolve();
    kept.saving ??= this.#save(kept).finally(() => {
      kept.saving = undefined;
      this.#schedule(kept);
    });
    return kept.saving;
  }

  async #save(kept: Kept): Promise<void> {
    if (!this.#options.isAlive() || this.#options.cluster.isMoving(kept.pid)) return;
    if (this.#writing < DURABLE_AT_ONCE_MAX) this.#writing++;
    else await new Promise<void>((resolve) => this.#turns.push(resolve));
    try {
      if (await this.#hasRun(kept)) await this.#write(kept, await this.#take(kept));
    } catch (error) {
      if (!(error instanceof GodwitError)) throw error;
      // It has ended, moved on, or is between two LWPs.
      if (error.code !== "ESRCH") this.#failed(kept, error);
    } finally {
      const next = this.#turns.shift();
      if (next === undefined) this.#writing--;
      else next();
    }
  }

  #failed(kept: Kept, error: GodwitError): void {
    if (kept.over || kept.fault === error.code) return;
    kept.fault = error.code;
    this.#tellUnsaved(kept.pid, `${error.message} (${error.code})`);
  }

  #tellUnsaved(pid: number, reason: string): void {
    this.#options.tell({ kind: "unsaved", pid, name: this.#place(pid)?.name ?? "", reason });
  }

  /** Where a process runs here, if it does. */
  #place(pid: number): Place | undefined {
    const { node, hosting } = this.#options.cluster;
    const hosted = hosting.find(pid);
    if (hosted !== undefined) return { name: hosted.name, entry: undefined, lwp: hosted.lwp };
    const entry = node.table.find(pid);
    if (entry === undefined || entry.exit !== undefined || !(entry.lwp instanceof LwpThread)) return undefined;
    return { name: entry.name, entry, lwp: entry.lwp };
  }

  async #hasRun(kept: Kept): Promise<boolean> {
    const place = this.#place(kept.pid);
    if (place === undefined) {
      this.left(kept.pid);
      return false;
    }
    const { summary } = await place.lwp.ask(kept.pid, { kind: "summary" });
    const isSame = summary.cpuMs === kept.cpuMs && summary.mailbox === kept.mailbox && summary.state !== "running";
    const isNoted = kept.changed.size === 0 && kept.fault === "";
    if (!isSame || !isNoted) {
      kept.ranMs = performance.now();
      return true;
    }
    if (performance.now() - kept.ranMs > DURABLE_IDLE_MS) kept.rounds = undefined;
    return false;
  }

  /** Looks at its pages while it runs, and stops it for the last of them. */
  async #take(kept: Kept): Promise<Saved> {
    const { pid } = kept;
    const template = templateFor(this.#options.engine);
    if (kept.rounds === undefined) {
      kept.rounds = new PageRounds(template);
      kept.all.clear();
      kept.changed.clear();
      kept.count = 0;
    }
    const { rounds } = kept;
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const place = this.#placeNow(pid);
      const { memory } = await place.lwp.ask(pid, { kind: "memory" });
      if (this.#note(kept, rounds.next(memory.buffer)) <= MIGRATION_FEW_PAGES) break;
    }
    return this.#still(pid, ({ record, memory }) => {
      this.#note(kept, rounds.next(memory.buffer));
      const { buffer } = memory;
      return { record, memoryBytes: buffer.byteLength, savedMs: Date.now(), ...this.#pages(kept, rounds) };
    });
  }

  #placeNow(pid: number): Place {
    const place = this.#place(pid);
    if (place === undefined) throw new GodwitError("ESRCH", `process ${pid} is not on node ${this.#self}`);
    return place;
  }

  #note(kept: Kept, { pages, zeroed }: Round): number {
    for (const number of [...pages.map((page) => page.number), ...zeroed]) {
      kept.all.add(number);
      kept.changed.add(number);
    }
    return pages.length + zeroed.length;
  }

  /** What the next image has. Views of what the rounds know, which stays as it is until the next of them. */
  #pages(kept: Kept, rounds: PageRounds): Pick<Saved, "pages" | "zeroed"> {
    const numbers = [...(this.#isBaseNext(kept) ? kept.all : kept.changed)].sort((a, b) => a - b);
    const all = numbers.map((number) => ({ number, bytes: rounds.at(number) }));
    return {
      pages: all.filter(({ bytes }) => !isZero(bytes)),
      zeroed: all.flatMap(({ number, bytes }) => (isZero(bytes) ? [number] : [])),
    };
  }

  #isBaseNext(kept: Kept): boolean {
    return kept.count === 0 || kept.count > DURABLE_DELTAS_MAX || kept.deltaBytes > kept.baseBytes;
  }

  /** Stops a process, and lets it go on as soon as `look` has returned. */
  async #still<T>(pid: number, look: (released: Released) => T): Promise<T> {
    const { lwp } = this.#placeNow(pid);
    const fromMs = performance.now();
    try {
      return look(await lwp.ask(pid, { kind: "save" }));
    } finally {
      if (!this.#leaving) lwp.tell({ op: "saved", pid });
      const kept = this.#kept.get(pid);
      if (kept !== undefined) kept.saved.pauseMs = performance.now() - fromMs;
    }
  }

  /** Stores an image, and then says so in the directory. */
  async #write(kept: Kept, saved: Saved): Promise<void> {
    const { pid } = kept;
    const { directory } = this.#options;
    const { record } = saved;
    const isBase = this.#isBaseNext(kept);
    const image = `${record.epoch}-${randomUUID()}`;
    const sizeBytes = await this.images.put(pid, image, saved);
    const [newest = [], ...older] = kept.durable.chains;
    const chains = isBase ? [[image], newest].filter(({ length }) => length > 0) : [[...newest, image], ...older];
    const entry = this.#place(pid)?.entry;
    const names = entry === undefined ? kept.durable.names : [...entry.names];
    const durable = { ...kept.durable, chains, names, savedMs: saved.savedMs };
    const outcome = await directory.note(pid, { node: this.#self, epoch: record.epoch }, durable);
    if (outcome === "superseded") {
      await this.images.drop(pid, image);
      return this.#lost(kept);
    }
    const isFirst = kept.count === 0;
    kept.durable = durable;
    kept.changed.clear();
    kept.fault = "";
    kept.cpuMs = record.cpuMs;
    kept.mailbox = record.mailbox.length;
    kept.count = isBase ? 1 : kept.count + 1;
    kept.deltaBytes = isBase ? 0 : kept.deltaBytes + sizeBytes;
    if (isBase) kept.baseBytes = sizeBytes;
    kept.saved.images++;
    kept.saved.bytes += sizeBytes;
    if (isBase || isFirst) await this.images.keepOnly(pid, chains.flat());
  }

  /** The directory has another owner, or none: unless it is just being moved away, it is not ours to run. */
  #lost(kept: Kept): void {
    if (kept.over || this.#options.cluster.isMoving(kept.pid)) return;
    this.#supersede(kept.pid);
  }

  #supersede(pid: number): void {
    const { cluster, tell } = this.#options;
    const place = this.#place(pid);
    this.left(pid);
    if (place === undefined) return;
    this.#homed.delete(pid);
    tell({ kind: "superseded", pid, name: place.name });
    const reason = `superseded: node ${this.#self} was taken for dead, and the process goes on elsewhere from its last image`;
    // The home of one that is hosted hears of it from where it goes on.
    if (place.entry === undefined) cluster.hosting.remove(pid);
    place.lwp.tell({ op: "end", pid, code: 137, reason });
  }
}
