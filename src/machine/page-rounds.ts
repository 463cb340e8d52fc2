/** Pre-copy: the pages of a memory that goes on changing, round by round, each with what changed since the last. */

import { setImmediate } from "node:timers/promises";

import { ADDRESS_SPACE_MAX_BYTES, LOOK_TURN_MS, PAGE_BYTES, PAGE_STORE_MAX_PAGES } from "../limits.ts";
import type { MemoryPage, PageSet, Template } from "./linear-memory.ts";
import { isSameAt, isZeroAt, pageAt, type PageDigest, pageDigest } from "./page.ts";

/** Pages that are compared at once, and in how many parts those are in which something differs. */
const STRIDE_PAGES = 64;
const STEP_PAGES = 8;

/** Pages that are looked at in one part: of a memory that is copied for the first time, some milliseconds' worth. */
const PART_PAGES = 1024;

/** What a round sends: of an address space of so many bytes. */
export interface Round extends PageSet {
  readonly memoryBytes: number;
}

/**
 * Knows what was sent, by a copy of it. A page that is written while it is copied is sent as it was copied: the next round
 * finds it changed.
 */
export class PageRounds {
  readonly #template: Template;
  /** What the other side has: the template, and over it what was sent. */
  #sent: Buffer;
  /** Of pages as they were sent, where it was asked for; no more than a store has room for. */
  readonly #digests = new Map<number, PageDigest>();

  constructor(template: Template) {
    this.#template = template;
    // Pages that are zero stay the host's one zero page.
    this.#sent = Buffer.alloc(template.bytes.length);
    for (const number of template.nonZero) pageAt(template.bytes, number).copy(this.#sent, number * PAGE_BYTES);
  }

  /** A page as the other side has it, until the next round. */
  at(number: number): Buffer {
    return pageAt(this.#sent, number);
  }

  digest(number: number): PageDigest {
    const known = this.#digests.get(number);
    if (known !== undefined) return known;
    const digest = pageDigest(this.at(number));
    if (this.#digests.size < PAGE_STORE_MAX_PAGES) this.#digests.set(number, digest);
    return digest;
  }

  /** What the other side has and not from the template, some pages at a time: views that hold until the next round. */
  *sent(): Generator<Required<MemoryPage>[], void> {
    const count = this.#sent.length / PAGE_BYTES;
    for (let from = 0; from < count; from += STRIDE_PAGES) {
      const some: Required<MemoryPage>[] = [];
      for (let number = from; number < Math.min(from + STRIDE_PAGES, count); number++) {
        const isTemplate = number < this.#template.pageCount && isSameAt(this.#sent, this.#template.bytes, number);
        if (isTemplate || isZeroAt(this.#sent, number)) continue;
        some.push({ number, bytes: this.at(number), digest: this.digest(number) });
      }
      yield some;
    }
  }

  /**
   * What has changed since the last round. `memory` may be another object each time: the same process's. Gives way every few
   * milliseconds to what else this thread has to do: a look at a large heap takes longer than a lease lasts.
   */
  async next(memory: SharedArrayBuffer): Promise<Round> {
    const looking = this.look(memory);
    for (let untilMs = performance.now() + LOOK_TURN_MS; ;) {
      const { done, value } = looking.next();
      if (done === true) return value;
      if (performance.now() < untilMs) continue;
      await setImmediate();
      untilMs = performance.now() + LOOK_TURN_MS;
    }
  }

  /** A part at a time. */
  *look(memory: SharedArrayBuffer): Generator<void, Round, void> {
    const bytes = Buffer.from(memory);
    this.#grow(bytes.length);
    const { first, end } = this.#template.scratch;
    const pages: MemoryPage[] = [];
    const zeroed: number[] = [];
    const take = (number: number): void => {
      const start = number * PAGE_BYTES;
      bytes.copy(this.#sent, start, start, start + PAGE_BYTES);
      this.#digests.delete(number);
      if (isZeroAt(this.#sent, number)) zeroed.push(number);
      else pages.push({ number, bytes: pageAt(this.#sent, number) });
    };
    /** Most of a heap is as it was: it is passed over in long steps. */
    const compare = (from: number, to: number, step: number): void => {
      for (let number = from; number < to; number += step) {
        const count = Math.min(step, to - number);
        if (isSameAt(bytes, this.#sent, number, count)) continue;
        if (count === 1) take(number);
        else compare(number, number + count, Math.ceil(count / STEP_PAGES));
      }
    };
    const count = bytes.length / PAGE_BYTES;
    compare(0, Math.min(first, count), STRIDE_PAGES);
    for (let from = end; from < count; from += PART_PAGES) {
      compare(from, Math.min(from + PART_PAGES, count), STRIDE_PAGES);
      yield;
    }
    return { memoryBytes: bytes.length, pages, zeroed };
  }

  #grow(sizeBytes: number): void {
    if (sizeBytes <= this.#sent.length) return;
    // By a half at least, so that one that grows all the time is not copied all the time; what it does not use takes no room.
    const half = Math.floor((this.#sent.length * 3) / 2);
    const grown = Buffer.alloc(Math.max(sizeBytes, Math.min(half, ADDRESS_SPACE_MAX_BYTES)));
    this.#sent.copy(grown);
    this.#sent = grown;
  }
}

/** Brings `memory`, which has what earlier rounds sent, up to a later round. Its pages lie inside it. */
export function applyRound(memory: SharedArrayBuffer, { pages, zeroed }: PageSet): void {
  const bytes = Buffer.from(memory);
  for (const { number, bytes: page } of pages) bytes.set(page, number * PAGE_BYTES);
  for (const number of zeroed) bytes.fill(0, number * PAGE_BYTES, (number + 1) * PAGE_BYTES);
}
