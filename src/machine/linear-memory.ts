/**
 * Linear memories as sets of pages over a template. A memory is the template plus what differs from it, so a capture
 * is the pages that differ and a materialisation is a sparse copy into fresh memory, which is all zero by nature.
 */

import { assert } from "../assert.ts";
import { failure } from "../errors.ts";
import { PAGE_BYTES } from "../limits.ts";
import { isSameAt, isZeroAt, pageAt, type PageDigest } from "./page.ts";

/** The memory that every process of one engine starts from. Never written after it is made. */
export interface Template {
  readonly bytes: Buffer;
  readonly pageCount: number;
  /** Numbers of the pages that are not all zero, ascending. */
  readonly nonZero: readonly number[];
  /** Pages that hold nothing while no thread executes: they are not looked at, and in no image. */
  readonly scratch: PageRange;
}

/** Pages from `first` up to and without `end`. */
interface PageRange {
  readonly first: number;
  readonly end: number;
}

/** One page's content and where it belongs. */
export interface MemoryPage {
  readonly number: number;
  /** {@link PAGE_BYTES} bytes, not all zero. */
  readonly bytes: Uint8Array;
  /** Theirs, where it was computed here already. */
  readonly digest?: PageDigest;
}

/** What makes a memory out of a template. No page is in both lists; both ascend by page number. */
export interface PageSet {
  readonly pages: readonly MemoryPage[];
  /** Pages that are zero here and not in the template. */
  readonly zeroed: readonly number[];
}

/** The page numbers of a {@link PageSet}, without content. */
export interface ChangedPages {
  readonly changed: readonly number[];
  readonly zeroed: readonly number[];
}

/** The page set of a process that has just begun. */
export const UNCHANGED: PageSet = { pages: [], zeroed: [] };

/**
 * A template over `bytes`, a whole number of pages, which must not change from now on. From address `scratchStart` on,
 * `scratchBytes` of it are scratch space, all zero at rest.
 */
export function templateOf(bytes: Uint8Array, scratchStart = 0, scratchBytes = 0): Template {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const pageCount = countPages(view.length);
  const first = Math.ceil(scratchStart / PAGE_BYTES);
  const end = Math.max(first, Math.floor((scratchStart + scratchBytes) / PAGE_BYTES));
  assert(end <= pageCount, "scratch space is a part of the template");
  const nonZero = nonZeroPages(view, 0, pageCount);
  assert(!nonZero.some((number) => number >= first && number < end), "scratch space is empty at rest");
  return { bytes: view, pageCount, nonZero, scratch: { first, end } };
}

/** Which pages of `memory` differ from the template's; past the template's end, from zero. */
export function changedPages(memory: SharedArrayBuffer, template: Template): ChangedPages {
  const bytes = Buffer.from(memory);
  const pageCount = countPages(bytes.length);
  const shared = Math.min(pageCount, template.pageCount);
  const changed: number[] = [];
  const zeroed: number[] = [];
  const compare = (first: number, end: number): void => {
    for (let number = first; number < end; number++) {
      if (isSameAt(bytes, template.bytes, number)) continue;
      (isZeroAt(bytes, number) ? zeroed : changed).push(number);
    }
  };
  compare(0, Math.min(shared, template.scratch.first));
  compare(template.scratch.end, shared);
  for (let number = shared; number < pageCount; number++) {
    if (!isZeroAt(bytes, number)) changed.push(number);
  }
  return { changed, zeroed };
}

/** Copies the pages of `memory` that differ from the template's. The memory may change afterwards. */
export function capturePages(memory: SharedArrayBuffer, template: Template): PageSet {
  const { changed, zeroed } = changedPages(memory, template);
  return { pages: copyPages(memory, changed), zeroed };
}

/** Copies the pages with these numbers into one fresh block. */
function copyPages(memory: SharedArrayBuffer, numbers: readonly number[]): MemoryPage[] {
  const source = Buffer.from(memory);
  const block = Buffer.allocUnsafeSlow(numbers.length * PAGE_BYTES);
  return numbers.map((number, index) => {
    assert((number + 1) * PAGE_BYTES <= source.length, "a page to copy lies inside its memory");
    source.copy(block, index * PAGE_BYTES, number * PAGE_BYTES, (number + 1) * PAGE_BYTES);
    return { number, bytes: pageAt(block, index) };
  });
}

/**
 * Fills fresh, all-zero `memory` with the template's pages and then with `set`'s in place of them. A page that is zero
 * is not touched, so that it costs no memory.
 * @throws GodwitError EIMAGE_CORRUPT if the memory is smaller than the template, or a page of `set` lies outside it.
 */
export function materialise(memory: SharedArrayBuffer, template: Template, set: PageSet): void {
  const target = Buffer.from(memory);
  const pageCount = countPages(target.length);
  if (pageCount < template.pageCount) {
    throw failure(
      "EIMAGE_CORRUPT",
      `an address space of ${target.length} bytes is smaller than its engine's template (${template.bytes.length} bytes): the image was not made by this engine`,
    );
  }
  const replaced = new Uint8Array(pageCount);
  for (const number of set.zeroed) replaced[checkNumber(number, pageCount)] = 1;
  for (const page of set.pages) {
    assert(page.bytes.length === PAGE_BYTES, "a page has PAGE_BYTES bytes");
    replaced[checkNumber(page.number, pageCount)] = 1;
    target.set(page.bytes, page.number * PAGE_BYTES);
  }
  for (const number of template.nonZero) {
    if (replaced[number] === 1) continue;
    template.bytes.copy(target, number * PAGE_BYTES, number * PAGE_BYTES, (number + 1) * PAGE_BYTES);
  }
}

/** Bytes of the pages in [start, end) that are not all zero. Both are addresses; a page counts where it begins. */
export function residentBytes(memory: SharedArrayBuffer, start = 0, end = memory.byteLength): number {
  const bytes = Buffer.from(memory);
  const last = Math.min(Math.ceil(end / PAGE_BYTES), countPages(bytes.length));
  return nonZeroPages(bytes, Math.ceil(start / PAGE_BYTES), last).length * PAGE_BYTES;
}

/** What an image of `memory` would hold: its own pages, pages that are the template's, and zero pages. */
export function countMemory(
  memory: SharedArrayBuffer,
  template: Template,
): { pages: number; templatePages: number; zeroPages: number } {
  const { changed, zeroed } = changedPages(memory, template);
  const pageCount = countPages(memory.byteLength);
  const differing = new Set([...changed, ...zeroed]);
  const templatePages = template.nonZero.reduce(
    (count, number) => (number < pageCount && !differing.has(number) ? count + 1 : count),
    0,
  );
  return { pages: changed.length, templatePages, zeroPages: pageCount - changed.length - templatePages };
}

function nonZeroPages(bytes: Buffer, first: number, end: number): number[] {
  const numbers: number[] = [];
  for (let number = first; number < end; number++) {
    if (!isZeroAt(bytes, number)) numbers.push(number);
  }
  return numbers;
}

function countPages(sizeBytes: number): number {
  assert(sizeBytes % PAGE_BYTES === 0, "a linear memory is a whole number of pages");
  return sizeBytes / PAGE_BYTES;
}

function checkNumber(number: number, pageCount: number): number {
  if (Number.isInteger(number) && number >= 0 && number < pageCount) return number;
  throw failure(
    "EIMAGE_CORRUPT",
    `page ${number} lies outside its address space of ${pageCount} pages: the image is damaged`,
  );
}
