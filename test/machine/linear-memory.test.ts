/**
 * Linear memories as sets of pages over a template.
 *
 * @alone: it measures time
 */

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { PAGE_BYTES } from "../../src/limits.ts";
import {
  capturePages,
  changedPages,
  countMemory,
  materialise,
  residentBytes,
  templateOf,
  UNCHANGED,
} from "../../src/machine/linear-memory.ts";
import { isZero, isZeroAt, PAGE_HASH_BYTES, pageDigest, pageHash } from "../../src/machine/page.ts";
import { textPage } from "./samples.ts";

/** A memory as a list of small numbers: each stands for a page filled with it. */
const pagesArb = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 24 });

function memoryOf(fills: readonly number[]): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(fills.length * PAGE_BYTES);
  const bytes = Buffer.from(memory);
  // Only the last byte of each page: a comparison that stops early would miss it.
  for (const [number, fill] of fills.entries()) bytes[(number + 1) * PAGE_BYTES - 1] = fill;
  return memory;
}

test("what is captured from a memory and materialised is that memory", () => {
  fc.assert(
    fc.property(pagesArb, pagesArb, (templateFills, extra) => {
      const fills = templateFills
        .map((fill, number) => extra[number] ?? fill)
        .concat(extra.slice(templateFills.length));
      const template = templateOf(new Uint8Array(memoryOf(templateFills)));
      const memory = memoryOf(fills);
      const set = capturePages(memory, template);
      const fresh = new SharedArrayBuffer(memory.byteLength);
      materialise(fresh, template, set);
      assert.ok(Buffer.from(fresh).equals(Buffer.from(memory)));
      // No more than what differs, and nothing that could be left out.
      const differing = fills.filter((fill, number) => fill !== (templateFills[number] ?? 0));
      assert.equal(set.pages.length + set.zeroed.length, differing.length);
      assert.equal(set.zeroed.length, differing.filter((fill) => fill === 0).length);
      assert.ok(set.pages.every((page) => !isZero(page.bytes)));
    }),
    { numRuns: 2000 },
  );
});

test("counts agree with the pages", () => {
  fc.assert(
    fc.property(pagesArb, pagesArb, (templateFills, extra) => {
      const fills = templateFills
        .map((fill, number) => extra[number] ?? fill)
        .concat(extra.slice(templateFills.length));
      const memory = memoryOf(fills);
      const counts = countMemory(memory, templateOf(new Uint8Array(memoryOf(templateFills))));
      assert.equal(counts.zeroPages, fills.filter((fill) => fill === 0).length);
      assert.equal(
        counts.templatePages,
        fills.filter((fill, number) => fill !== 0 && fill === templateFills[number]).length,
      );
      assert.equal(counts.pages, fills.length - counts.zeroPages - counts.templatePages);
      assert.equal(residentBytes(memory), (fills.length - counts.zeroPages) * PAGE_BYTES);
    }),
    { numRuns: 500 },
  );
});

test("scratch space is not looked at, and all around it is", () => {
  const template = templateOf(new Uint8Array(memoryOf([1, 0, 0, 0, 1, 0])), PAGE_BYTES + 1, 3 * PAGE_BYTES - 2);
  const memory = memoryOf([2, 2, 2, 2, 2, 2, 2]);
  assert.deepEqual(changedPages(memory, template).changed, [0, 1, 3, 4, 5, 6]);
  assert.deepEqual(countMemory(memory, template), { pages: 6, templatePages: 0, zeroPages: 1 });
  assert.throws(() => templateOf(new Uint8Array(memoryOf([0, 1])), PAGE_BYTES, PAGE_BYTES), /scratch/);
  assert.throws(() => templateOf(new Uint8Array(memoryOf([0])), 0, 2 * PAGE_BYTES), /scratch/);
});

test("a captured page does not change with its memory", () => {
  const template = templateOf(new Uint8Array(PAGE_BYTES));
  const memory = memoryOf([1, 2]);
  const set = capturePages(memory, template);
  Buffer.from(memory).fill(9);
  assert.deepEqual(
    set.pages.map((page) => page.bytes[PAGE_BYTES - 1]),
    [1, 2],
  );
});

test("a fresh process is the template", () => {
  const template = templateOf(new Uint8Array(memoryOf([0, 1, 2])));
  assert.deepEqual(template.nonZero, [1, 2]);
  const memory = new SharedArrayBuffer(5 * PAGE_BYTES);
  materialise(memory, template, UNCHANGED);
  assert.deepEqual(changedPages(memory, template), { changed: [], zeroed: [] });
  assert.equal(residentBytes(memory), 2 * PAGE_BYTES);
  assert.equal(residentBytes(memory, 2 * PAGE_BYTES, 5 * PAGE_BYTES), PAGE_BYTES);
});

test("pages outside the memory, and memories that cannot be the engine's, are refused", () => {
  const template = templateOf(new Uint8Array(memoryOf([1, 1])));
  const memory = new SharedArrayBuffer(2 * PAGE_BYTES);
  const corrupt = { code: "EIMAGE_CORRUPT" };
  assert.throws(() => materialise(new SharedArrayBuffer(PAGE_BYTES), template, UNCHANGED), corrupt);
  for (const number of [2, -1, 0.5, Number.NaN]) {
    assert.throws(() => materialise(memory, template, { pages: [], zeroed: [number] }), corrupt);
    assert.throws(
      () => materialise(memory, template, { pages: [{ number, bytes: textPage("x") }], zeroed: [] }),
      corrupt,
    );
  }
});

test("a page's hash depends on every byte, and zero is told from nearly zero", () => {
  const page = new Uint8Array(PAGE_BYTES);
  const hashes = new Set([pageHash(pageDigest(page))]);
  for (let index = 0; index < PAGE_BYTES; index++) {
    page[index] = 1;
    assert.equal(isZero(page), false);
    assert.equal(isZeroAt(Buffer.from(page.buffer), 0), false);
    hashes.add(pageHash(pageDigest(page)));
    page[index] = 0;
  }
  assert.equal(isZero(page), true);
  assert.equal(hashes.size, PAGE_BYTES + 1);
  for (const hash of hashes) assert.equal(Buffer.from(hash, "latin1").length, PAGE_HASH_BYTES);
});

test("a 16 MiB heap is captured and materialised in milliseconds", (context) => {
  const template = templateOf(randomBytes(2 ** 20));
  const memory = new SharedArrayBuffer(18 * 2 ** 20);
  Buffer.from(memory).set(randomBytes(16 * 2 ** 20), 2 ** 20);
  const measure = (work: () => void): number => {
    const times = Array.from({ length: 9 }, () => {
      const start = performance.now();
      work();
      return performance.now() - start;
    });
    return Math.min(...times);
  };
  const set = capturePages(memory, template);
  assert.equal(set.pages.length, 4096);
  const captureMs = measure(() => capturePages(memory, template));
  const materialiseMs = measure(() => materialise(new SharedArrayBuffer(memory.byteLength), template, set));
  // Far above what it takes (about 5 ms), far below what a slip in the comparison or a copy per byte would.
  assert.ok(captureMs < 100, `capture took ${captureMs} ms`);
  assert.ok(materialiseMs < 100, `materialise took ${materialiseMs} ms`);
  context.diagnostic(`capture ${captureMs.toFixed(2)} ms, materialise ${materialiseMs.toFixed(2)} ms`);
});
