/**
 * The source's end of what a move sends: the pages of a memory that goes on changing, in images, but for those that the
 * target has. It knows all that was sent, and leaves it to its node for the next move to here.
 */

import { createHash } from "node:crypto";
import type { Duplex } from "node:stream";
import { setImmediate } from "node:timers/promises";

import { assert } from "../assert.ts";
import type { Link } from "../cluster/link.ts";
import { templateFor } from "../kernel/capture.ts";
import { MIGRATION_FEW_PAGES, MOVE_PAGES_MAX, MOVE_SILENCE_MS, PAGE_STORE_MAX_PAGES } from "../limits.ts";
import type { Engine } from "../machine/engine.ts";
import { encodeImage } from "../machine/image.ts";
import type { MemoryPage } from "../machine/linear-memory.ts";
import type { PageDigest } from "../machine/page.ts";
import { PageRounds, type Round } from "../machine/page-rounds.ts";
import type { PageStore } from "../machine/page-store.ts";
import { writeFrame } from "./move-frame.ts";
import { decodeAnswer, encodeQuestion } from "./page-question.ts";

export interface PageStreamOptions {
  readonly engine: Engine;
  readonly migration: string;
  readonly link: Link;
  readonly store: PageStore;
  /** The source of the program that the process runs. */
  readonly program: () => Promise<string>;
  /** Something was said to the target, from which something is to be heard soon. */
  readonly said: () => void;
  /** The stream is closed. */
  readonly broke: () => void;
}

export class PageStream {
  /** Pages that were sent, and pages that were not because the target had them. */
  pages = 0;
  found = 0;
  bytes = 0;
  readonly #options: PageStreamOptions;
  readonly #rounds: PageRounds;
  #bulk: Duplex | undefined;
  /** Frames that were sent and those that the target has taken in. */
  #framesSent = 0;
  #framesTaken = 0;
  #onTaken: () => void = () => {};
  /** Of the program whose pages these are, once a round had enough of them to ask about. */
  #program: PageDigest | undefined;

  constructor(options: PageStreamOptions) {
    this.#options = options;
    this.#rounds = new PageRounds(templateFor(options.engine));
  }

  /** The stream that pages go over. The target sends a byte back for each frame that it has taken in. */
  open(bulk: Duplex): void {
    bulk.on("error", () => {}); // told by its close
    bulk.on("data", (taken: Buffer) => {
      this.#framesTaken += taken.length;
      this.#onTaken();
    });
    bulk.on("close", () => {
      this.#options.broke();
      this.#onTaken();
    });
    this.#bulk = bulk;
  }

  end(): void {
    this.#bulk?.end();
  }

  destroy(): void {
    this.#bulk?.destroy();
  }

  /** A round while the process runs: resolves with how many pages had changed, when the target has taken them in. */
  async copy(memory: SharedArrayBuffer): Promise<number> {
    const round = await this.#rounds.next(memory);
    const few = round.pages.length <= MIGRATION_FEW_PAGES;
    await this.#send(round, null, few ? undefined : await this.#programDigest());
    await this.#takenIn();
    return round.pages.length + round.zeroed.length;
  }

  /**
   * The last round, of a process that stands still, with its record: nothing is asked, the pages are sent. Or nothing is, when
   * the move was given up while they were looked for.
   */
  async hand(memory: SharedArrayBuffer, state: object, goesOn: () => boolean): Promise<void> {
    const round = await this.#rounds.next(memory);
    if (goesOn()) await this.#send(round, state, undefined);
  }

  /** The process has left: what it had here is kept for when it comes back, or another like it comes. */
  async keep(): Promise<void> {
    const { store } = this.#options;
    if (this.#program === undefined) return;
    let count = 0;
    for (const pages of this.#rounds.sent()) {
      for (const page of pages) store.keep(this.#program, page);
      if ((count += pages.length) >= PAGE_STORE_MAX_PAGES) return;
      await setImmediate();
    }
  }

  async #programDigest(): Promise<PageDigest> {
    return (this.#program ??= createHash("sha256")
      .update(await this.#options.program())
      .digest("binary"));
  }

  /** Resolves when the target has taken in all that was sent, or is gone. What it has still to take in, a stop would wait for. */
  async #takenIn(): Promise<void> {
    const bulk = this.#stream;
    while (this.#framesTaken < this.#framesSent && !bulk.destroyed)
      await new Promise<void>((resolve) => (this.#onTaken = resolve));
  }

  get #stream(): Duplex {
    assert(this.#bulk !== undefined, "pages go over a stream");
    return this.#bulk;
  }

  /**
   * Sends a round, in images of no more pages than are looked at in one turn; the last has `state`. With a program, the
   * target is asked first which pages it has: about those of the next image while those of one are sent.
   */
  async #send({ memoryBytes, pages, zeroed }: Round, state: unknown, program: PageDigest | undefined): Promise<void> {
    const engine = this.#options.engine.manifest.hash;
    const partAt = (at: number) => {
      const part = pages.slice(at, at + MOVE_PAGES_MAX);
      const missing = program === undefined ? Promise.resolve(part) : this.#missing(part, memoryBytes, program);
      missing.catch(() => {}); // until it is waited for
      return missing;
    };
    let next = partAt(0);
    for (let at = 0; at === 0 || at < pages.length; at += MOVE_PAGES_MAX) {
      const missing = await next;
      const isLast = at + MOVE_PAGES_MAX >= pages.length;
      if (!isLast) next = partAt(at + MOVE_PAGES_MAX);
      else if (missing.length === 0 && zeroed.length === 0 && state === null && at > 0) return;
      if (!isLast && missing.length === 0) continue;
      const part = { pages: missing, zeroed: isLast ? zeroed : [] };
      const image = encodeImage({ engine, memoryBytes, ...part, state: isLast ? state : null }, { compress: false });
      this.pages += missing.length;
      this.bytes += image.length;
      this.#options.said();
      this.#framesSent++;
      await writeFrame(this.#stream, image);
      if (!isLast) await setImmediate(); // a stream that takes all at once would keep this node from everything else
    }
  }

  /** Those of some pages that the target has not. */
  async #missing(part: readonly MemoryPage[], memoryBytes: number, program: PageDigest): Promise<MemoryPage[]> {
    const { link, migration, said } = this.#options;
    const pages = part.map((page) => ({ ...page, digest: this.#rounds.digest(page.number) }));
    const question = encodeQuestion({ program, memoryBytes, pages });
    said();
    const answer = await link.request("move/pages", { migration, ...question }, { timeoutMs: MOVE_SILENCE_MS });
    const here = decodeAnswer(answer, pages.length);
    const missing = pages.filter((_, index) => here[index] !== true);
    this.found += pages.length - missing.length;
    return missing;
  }
}
