/**
 * Durable processes that run here: an image of each, every so often, in the cluster's blobs. The process goes on while its
 * pages are looked at, and is stopped only for the last of them. The directory's entry points to an image once it is whole; who
 * cannot write that entry any more has lost the process to another node, and ends it here.
 */

import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";

import type { Blobs } from "../cluster/engine.ts";
import type { Durable, ProcessDirectory } from "../cluster/process-directory.ts";
import { GodwitError } from "../errors.ts";
import { templateFor } from "../kernel/capture.ts";
import { DURABLE_AT_ONCE_MAX, MOVE_RETRY_MS } from "../limits.ts";
import type { Engine } from "../machine/engine.ts";
import type { ClusterNode } from "./cluster-node.ts";
import type { Happening } from "./event-log.ts";
import { ImageStore } from "./image-chain.ts";
import { type Keeping, KeptProcess, type Place, type SavedCount } from "./kept-process.ts";
import { LwpThread } from "./lwp-thread.ts";
import { Turnstile } from "./turnstile.ts";

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

export class Durability {
  readonly images: ImageStore;
  readonly #options: DurabilityOptions;
  readonly #keeping: Keeping;
  readonly #kept = new Map<number, KeptProcess>();
  /** Durable processes whose home is here, wherever they run. */
  readonly #homed = new Set<number>();
  /** Those that have come, of whose images the directory is still being asked: until it has answered, or not. */
  readonly #arriving = new Map<number, Promise<void>>();
  #leaving = false;
  #closed = false;

  constructor(options: DurabilityOptions) {
    const { cluster, engine, blobs, directory, secret } = options;
    this.#options = options;
    this.images = new ImageStore(blobs, engine.manifest.hash, secret);
    this.#keeping = {
      self: this.#self,
      template: templateFor(engine),
      images: this.images,
      directory,
      turns: new Turnstile(DURABLE_AT_ONCE_MAX),
      place: (pid) => this.#place(pid),
      mayTake: (pid) => options.isAlive() && !cluster.isMoving(pid),
      goesOn: () => !this.#leaving,
      left: (pid) => this.left(pid),
      lost: (pid) => this.#lost(pid),
      unsaved: (pid, reason) => this.#tellUnsaved(pid, reason),
    };
    cluster.durability = this;
  }

  get #self(): string {
    return this.#options.cluster.node.name;
  }

  /** Whether a process that is at home here is durable. */
  has(pid: number): boolean {
    return this.#homed.has(pid);
  }

  /** A process is at home here from now on and durable, wherever it runs; or it is not. */
  homed(pid: number, isSo: boolean): void {
    if (isSo) this.#homed.add(pid);
    else this.#homed.delete(pid);
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
    if (!this.#closed) this.#kept.set(pid, new KeptProcess(pid, durable, this.#keeping));
  }

  /** A durable process has come by a move. */
  arrived(pid: number): void {
    if (!this.#closed) this.#arriving.set(pid, this.#takeUp(pid));
  }

  async #takeUp(pid: number): Promise<void> {
    try {
      const found = await this.#options.directory.find(pid);
      if (!this.#arriving.delete(pid)) return;
      if (found?.durable !== undefined && found.node === this.#self) this.goOn(pid, found.durable);
    } catch (error) {
      if (!(error instanceof GodwitError)) throw error;
      this.#tellUnsaved(pid, error.message);
      setTimeout(() => (this.#arriving.has(pid) ? this.arrived(pid) : undefined), 1000).unref();
    }
  }

  /** It runs here no more. */
  left(pid: number): void {
    this.#arriving.delete(pid);
    void this.#kept.get(pid)?.close();
    this.#kept.delete(pid);
  }

  /** It has ended, and was at home here. */
  async ended(pid: number): Promise<void> {
    const stored = this.#kept.get(pid)?.close();
    this.left(pid);
    if (!this.#homed.delete(pid)) return;
    await stored;
    // By then it may be somebody else's, whose images these are.
    try {
      const found = await this.#options.directory.find(pid);
      if (found === undefined || found.home === this.#self) await this.images.dropAll(pid);
    } catch (error) {
      // Not known: images that nobody needs stay where they are.
      if (!(error instanceof GodwitError)) throw error;
    }
  }

  /** Takes an image, if the process has run since the last; resolves when what it has done is stored, or could not be. */
  async save(pid: number): Promise<void> {
    await this.#arriving.get(pid);
    await this.#kept.get(pid)?.save();
  }

  /**
   * The node stops. A last image of each durable process that runs here, which stands still from then on: others restore it,
   * or this node when it is started again.
   */
  async leave(): Promise<void> {
    this.#leaving = true;
    const pids = [...this.#kept.keys(), ...this.#arriving.keys()];
    await Promise.all(pids.map((pid) => this.#saveLast(pid)));
    for (const pid of pids) if (this.keeps(pid)) this.#options.cluster.hosting.remove(pid);
    this.close();
  }

  /** One that is on its way elsewhere is taken once it is known whether it stays. */
  async #saveLast(pid: number): Promise<void> {
    const { cluster } = this.#options;
    await cluster.giveUpMove(pid)?.catch(() => {}); // who moves it is told
    while (cluster.isMoving(pid)) await delay(MOVE_RETRY_MS);
    await this.save(pid);
  }

  /** No images are taken here any more. */
  close(): void {
    this.#closed = true;
    for (const pid of [...this.#kept.keys(), ...this.#arriving.keys()]) this.left(pid);
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

  /** The directory has another owner, or none: unless it is just being moved away, it is not ours to run. */
  #lost(pid: number): void {
    if (!this.#options.cluster.isMoving(pid)) this.supersede(pid);
  }

  /** It is another node's, and ends here. */
  supersede(pid: number): void {
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
