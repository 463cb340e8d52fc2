/** What the other side has after each round is what the memory was. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { PAGE_BYTES } from "../../src/limits.ts";
import type { Template } from "../../src/machine/linear-memory.ts";
import { applyRound, PageRounds, type Round } from "../../src/machine/page-rounds.ts";

const TEMPLATE_PAGES = 16;
const SCRATCH = { first: 2, end: 4 };
const PAGES = 6000;

function templateOf(): Template {
  const bytes = Buffer.alloc(TEMPLATE_PAGES * PAGE_BYTES);
  const nonZero = [0, 5, 9];
  for (const number of nonZero) bytes.fill(number + 1, number * PAGE_BYTES, (number + 1) * PAGE_BYTES);
  return { bytes, pageCount: TEMPLATE_PAGES, nonZero, scratch: SCRATCH };
}

/** Of Numerical Recipes: the same numbers each time. */
function* numbers(): Generator<number, never> {
  for (let x = 1; ;) yield (x = (Math.imul(x, 1664525) + 1013904223) >>> 0);
}

function start() {
  const template = templateOf();
  const [here, there] = [PAGES, PAGES].map((pages) => {
    const memory = new SharedArrayBuffer(pages * PAGE_BYTES);
    Buffer.from(memory).set(template.bytes);
    return memory;
  }) as [SharedArrayBuffer, SharedArrayBuffer];
  return { rounds: new PageRounds(template), here, there };
}

const numbersOf = ({ pages }: Round) => pages.map(({ number }) => number);

test("a round has the pages that changed and no other, wherever they lie", async () => {
  const { rounds, here } = start();
  const bytes = Buffer.from(here);
  assert.deepEqual(numbersOf(await rounds.next(here)), []);
  for (const number of [0, 1, 63, 64, 65, 4095, 4096, PAGES - 1]) {
    for (const offset of [0, PAGE_BYTES - 1]) {
      bytes[number * PAGE_BYTES + offset] = (bytes[number * PAGE_BYTES + offset] ?? 0) ^ 0xff;
      assert.deepEqual(numbersOf(await rounds.next(here)), [number], `page ${number}, byte ${offset}`);
    }
  }
  bytes[SCRATCH.first * PAGE_BYTES] = 1;
  assert.deepEqual(numbersOf(await rounds.next(here)), [], "the engine's scratch space is nobody's");
  bytes.fill(0, 5 * PAGE_BYTES, 6 * PAGE_BYTES);
  assert.deepEqual((await rounds.next(here)).zeroed, [5]);
  assert.deepEqual(await rounds.next(here), { memoryBytes: here.byteLength, pages: [], zeroed: [] });
});

test("after any writes, the other side's memory is the same", async () => {
  const { rounds, here, there } = start();
  const bytes = Buffer.from(here);
  const random = numbers();
  const below = (end: number) => random.next().value % end;
  for (let turn = 0; turn < 20; turn++) {
    for (let write = below(200); write > 0; write--) {
      const number = SCRATCH.end + below(PAGES - SCRATCH.end);
      if (below(4) === 0) bytes.fill(0, number * PAGE_BYTES, (number + 1) * PAGE_BYTES);
      else bytes[number * PAGE_BYTES + below(PAGE_BYTES)] = below(256);
    }
    applyRound(there, await rounds.next(here));
    assert.ok(Buffer.from(there).equals(bytes), `turn ${turn}`);
  }
});

test("a large memory is looked at in parts, and a page that is written meanwhile is in this round or the next", async () => {
  const { rounds, here, there } = start();
  const bytes = Buffer.from(here);
  const looking = rounds.look(here);
  let parts = 0;
  let step = looking.next();
  for (; step.done !== true; step = looking.next()) {
    parts++;
    bytes[SCRATCH.end * PAGE_BYTES] = parts;
    bytes[(PAGES - 1) * PAGE_BYTES] = parts;
  }
  assert.ok(parts >= 2, `${parts} parts`);
  applyRound(there, step.value);
  applyRound(there, await rounds.next(here));
  assert.ok(Buffer.from(there).equals(bytes));
});

test("who looks at a large memory lets others have their turn", async () => {
  const large = new SharedArrayBuffer(50_000 * PAGE_BYTES);
  Buffer.from(large).fill(1);
  const rounds = new PageRounds(templateOf());
  let turns = 0;
  let isOver = false;
  const count = () => {
    turns++;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  const { pages } = await rounds.next(large);
  isOver = true;
  assert.ok(pages.length > 49_000);
  assert.ok(turns > 3, `${turns} turns`);
});

test("a memory that has grown is looked at to its end", async () => {
  const { rounds, here } = start();
  await rounds.next(here);
  const grown = new SharedArrayBuffer(here.byteLength + 16 * PAGE_BYTES);
  Buffer.from(grown).set(Buffer.from(here));
  Buffer.from(grown)[grown.byteLength - 1] = 1;
  const round = await rounds.next(grown);
  assert.deepEqual(numbersOf(round), [PAGES + 15]);
  assert.equal(round.memoryBytes, grown.byteLength);
});
