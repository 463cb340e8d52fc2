/**
 * A durable process that runs here, and its images: one every so often. The process goes on while its pages are looked at, and
 * is stopped only for the last of them; the node goes on meanwhile, since it looks at a part at a time.
 */

import { randomUUID } from "node:crypto";

import type { Durable, ProcessDirectory } from "../cluster/process-directory.ts";
import { GodwitError } from "../errors.ts";
import type { Released } from "../kernel/protocol.ts";
import { DURABLE_DELTAS_MAX, DURABLE_IDLE_MS, MIGRATION_FEW_PAGES } from "../limits.ts";
import type { Template } from "../machine/linear-memory.ts";
import { PageRounds, type Round } from "../machine/page-rounds.ts";
import type { ImageStore, Saved } from "./image-chain.ts";
import type { LwpThread } from "./lwp-thread.ts";
import type { Entry } from "./process-table.ts";
import type { Turnstile } from "./turnstile.ts";

/** What taking images of a process has cost so far. */
export interface SavedCount {
  images: number;
  bytes: number;
  /** How long it was stopped for the last one. */
  pauseMs: number;
}

/** A process where it runs, here. */
export interface Place {
  readonly name: string;
  /** Absent when its home is elsewhere. */
  readonly entry: Entry | undefined;
  readonly lwp: LwpThread;
}

/** What a kept process needs of its node. */
export interface Keeping {
  readonly self: string;
  readonly template: Template;
  readonly images: ImageStore;
  readonly directory: ProcessDirectory;
  /** Images of a node that are written at once, each of one process. */
  readonly turns: Turnstile;
  /** Where a process runs here, if it does. */
  place(pid: number): Place | undefined;
  /** Whether an image may be taken now: others take the node for alive, and the process is not on its way elsewhere. */
  mayTake(pid: number): boolean;
  /** Whether a process goes on after its image: not when the node leaves. */
  goesOn(): boolean;
  /** It runs here no more. */
  left(pid: number): void;
  /** The directory has it as another node's, or not at all. */
  lost(pid: number): void;
  /** No image could be stored, and why. */
  unsaved(pid: number, reason: string): void;
}

/** Rounds before the process is stopped, at most. */
const ROUNDS_MAX = 3;

export class KeptProcess {
  readonly pid: number;
  readonly saved: SavedCount = { images: 0, bytes: 0, pauseMs: 0 };
  readonly #keeping: Keeping;
  #durable: Durable;
  /** What its images have; absent until there is a base made here. */
  #rounds: PageRounds | undefined;
  /** Pages that differ from the template, or did, and whether they are zero now; those that are in no image yet as they are. */
  readonly #all = new Map<number, "zero" | "content">();
  readonly #changed = new Set<number>();
  #baseBytes = 0;
  #deltaBytes = 0;
  /** Images since the last base, it included. */
  #count = 0;
  /** As of the last image: a process that has not run since needs none. */
  #cpuMs = -1;
  #mailbox = -1;
  #ranMs = performance.now();
  #timer: NodeJS.Timeout | undefined;
  #saving: Promise<void> | undefined;
  /** What begins when that is over. */
  #next: Promise<void> | undefined;
  /** The fault that was told last. */
  #fault = "";
  #over = false;

  constructor(pid: number, durable: Durable, keeping: Keeping) {
    this.pid = pid;
    this.#durable = durable;
    this.#keeping = keeping;
    this.#schedule();
  }

  /** It runs here no more, or this node does not. Resolves when nothing is being stored of it. */
  async close(): Promise<void> {
    this.#over = true;
    clearTimeout(this.#timer);
    await this.#saving;
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#over) return;
    // What keeps an OS process up is its node, and not that an image of it will be taken.
    this.#timer = setTimeout(() => void this.save(), this.#durable.intervalMs).unref();
  }

  /**
   * Takes an image, if the process has run since the last. Resolves when all that it has done before now is stored, or could
   * not be: what is just being stored may lack the end of that.
   */
  save(): Promise<void> {
    if (this.#saving === undefined) return this.#begin();
    this.#next ??= this.#saving.then(() => this.#begin());
    return this.#next;
  }

  #begin(): Promise<void> {
    this.#next = undefined;
    this.#saving ??= this.#save().finally(() => {
      this.#saving = undefined;
      this.#schedule();
    });
    return this.#saving;
  }

  async #save(): Promise<void> {
    if (this.#over || !this.#keeping.mayTake(this.pid)) return;
    try {
      await this.#keeping.turns.pass(async () => {
        if (await this.#hasRun()) await this.#write(await this.#take());
      });
    } catch (error) {
      if (!(error instanceof GodwitError)) throw error;
      // It has ended, moved on, or is between two LWPs.
      if (error.code !== "ESRCH") this.#failed(error);
    }
  }

  #failed(error: GodwitError): void {
    if (this.#over || this.#fault === error.code) return;
    this.#fault = error.code;
    this.#keeping.unsaved(this.pid, `${error.message} (${error.code})`);
  }

  async #hasRun(): Promise<boolean> {
    const place = this.#keeping.place(this.pid);
    if (place === undefined) {
      this.#keeping.left(this.pid);
      return false;
    }
    const { progress } = await place.lwp.ask(this.pid, { kind: "progress" });
    const isSame = progress.cpuMs === this.#cpuMs && progress.mailbox === this.#mailbox && !progress.isReady;
    const isNoted = this.#changed.size === 0 && this.#fault === "";
    if (!isSame || !isNoted) {
      this.#ranMs = performance.now();
      return true;
    }
    if (performance.now() - this.#ranMs > DURABLE_IDLE_MS) this.#rounds = undefined;
    return false;
  }

  // ---- Its pages

  /** Looks at its pages while it runs, and stops it for the last of them. */
  async #take(): Promise<Saved> {
    if (this.#rounds === undefined) {
      this.#rounds = new PageRounds(this.#keeping.template);
      this.#all.clear();
      this.#changed.clear();
      this.#count = 0;
    }
    const rounds = this.#rounds;
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const { memory } = await this.#place().lwp.ask(this.pid, { kind: "memory" });
      if (this.#note(await rounds.next(memory.buffer)) <= MIGRATION_FEW_PAGES) break;
    }
    const [record, memoryBytes, savedMs] = await this.#still(async (released) => {
      this.#note(await rounds.next(released.memory.buffer));
      return [released.record, released.memory.buffer.byteLength, Date.now()];
    });
    return { record, memoryBytes, savedMs, ...this.#pages(rounds) };
  }

  #place(): Place {
    const place = this.#keeping.place(this.pid);
    if (place !== undefined) return place;
    throw new GodwitError("ESRCH", `process ${this.pid} is not on node ${this.#keeping.self}`);
  }

  #note({ pages, zeroed }: Round): number {
    for (const { number } of pages) this.#all.set(number, "content");
    for (const number of zeroed) this.#all.set(number, "zero");
    for (const { number } of pages) this.#changed.add(number);
    for (const number of zeroed) this.#changed.add(number);
    return pages.length + zeroed.length;
  }

  /** What the next image has. Views of what the rounds know, which stays as it is until the next of them. */
  #pages(rounds: PageRounds): Pick<Saved, "pages" | "zeroed"> {
    const numbers = [...(this.#isBaseNext ? this.#all.keys() : this.#changed)].sort((a, b) => a - b);
    const content = numbers.filter((number) => this.#all.get(number) === "content");
    return {
      pages: content.map((number) => ({ number, bytes: rounds.at(number) })),
      zeroed: numbers.filter((number) => this.#all.get(number) === "zero"),
    };
  }

  get #isBaseNext(): boolean {
    return this.#count === 0 || this.#count > DURABLE_DELTAS_MAX || this.#deltaBytes > this.#baseBytes;
  }

  /** Stops the process, and lets it go on as soon as `look` is done. */
  async #still<T>(look: (released: Released) => Promise<T>): Promise<T> {
    const { lwp } = this.#place();
    const fromMs = performance.now();
    try {
      return await look(await lwp.ask(this.pid, { kind: "save" }));
    } finally {
      if (this.#keeping.goesOn()) lwp.tell({ op: "saved", pid: this.pid });
      this.saved.pauseMs = performance.now() - fromMs;
    }
  }

  // ---- Its images

  /** Stores an image, and then says so in the directory. */
  async #write(saved: Saved): Promise<void> {
    const { pid } = this;
    const { directory, images, self } = this.#keeping;
    const { record } = saved;
    const isBase = this.#isBaseNext;
    const image = `${record.epoch}-${randomUUID()}`;
    const sizeBytes = await images.put(pid, image, saved);
    const [newest = [], ...older] = this.#durable.chains;
    const chains = isBase ? [[image], newest].filter(({ length }) => length > 0) : [[...newest, image], ...older];
    const entry = this.#keeping.place(pid)?.entry;
    const names = entry === undefined ? this.#durable.names : [...entry.names];
    const durable = { ...this.#durable, chains, names, savedMs: saved.savedMs };
    const isFirst = this.#count === 0;
    // Before it is noted all that are there are this node's, or those of a node before it: who comes after it has none yet.
    const present = isBase || isFirst ? await images.list(pid) : [];
    const outcome = await directory.note(pid, { node: self, epoch: record.epoch }, durable);
    if (outcome === "superseded") return this.#superseded(image);
    this.#durable = durable;
    this.#changed.clear();
    this.#fault = "";
    this.#cpuMs = record.cpuMs;
    this.#mailbox = record.mailbox.length;
    this.#count = isBase ? 1 : this.#count + 1;
    this.#deltaBytes = isBase ? 0 : this.#deltaBytes + sizeBytes;
    if (isBase) this.#baseBytes = sizeBytes;
    this.saved.images++;
    this.saved.bytes += sizeBytes;
    const kept = new Set(chains.flat());
    for (const one of present) if (!kept.has(one)) await images.drop(pid, one);
  }

  /** The image is of an epoch that is over. A process that was on its way elsewhere, and stayed, has another here since. */
  async #superseded(image: string): Promise<void> {
    const { directory, images, self } = this.#keeping;
    await images.drop(this.pid, image);
    const found = await directory.find(this.pid);
    if (!this.#over && found?.node !== self) this.#keeping.lost(this.pid);
  }
}
