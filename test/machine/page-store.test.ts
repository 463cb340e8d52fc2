/** What a node keeps of pages: the ones of most use, within its bound, as they were, and for one program. */

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { PAGE_BYTES } from "../../src/limits.ts";
import { pageDigest } from "../../src/machine/page.ts";
import { PageStore } from "../../src/machine/page-store.ts";

const program = pageDigest(Buffer.from("a program"));
const other = pageDigest(Buffer.from("another program"));

function pageOf(number: number) {
  const bytes = Buffer.alloc(PAGE_BYTES);
  bytes.writeUInt32LE(number);
  bytes.writeUInt32LE(number, PAGE_BYTES - 4);
  return { bytes, digest: pageDigest(bytes) };
}

test("a page that is kept is found, by its content and its program and by nothing else", () => {
  const store = new PageStore();
  const page = pageOf(1);
  store.keep(program, page);
  assert.deepEqual(store.find(program, page.digest), page.bytes);
  assert.equal(store.find(other, page.digest), undefined);
  assert.equal(store.find(program, pageOf(2).digest), undefined);
});

test("what is kept is a copy: the memory that it came from goes on changing", () => {
  const store = new PageStore();
  const { bytes, digest } = pageOf(1);
  store.keep(program, { bytes, digest });
  bytes.fill(7);
  assert.deepEqual(store.find(program, digest), pageOf(1).bytes);
});

test("a page that is kept again takes no more room", () => {
  const store = new PageStore(2);
  for (let turn = 0; turn < 5; turn++) store.keep(program, pageOf(1));
  store.keep(program, pageOf(2));
  assert.equal(store.size, 2);
  assert.ok(store.find(program, pageOf(1).digest) !== undefined);
});

test("beyond the bound the page that was of no use for longest goes", () => {
  const store = new PageStore(3);
  for (const number of [1, 2, 3]) store.keep(program, pageOf(number));
  store.find(program, pageOf(1).digest);
  store.keep(program, pageOf(2));
  store.keep(program, pageOf(4));
  const has = [1, 2, 3, 4].map((number) => store.find(program, pageOf(number).digest) !== undefined);
  assert.deepEqual(has, [true, true, false, true]);
  assert.equal(store.size, 3);
});

test("whatever is kept and looked for, it is as a list of the last used ones says", () => {
  const step = fc.record({ keep: fc.boolean(), number: fc.nat(12), foreign: fc.boolean() });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 6 }), fc.array(step, { maxLength: 60 }), (room, steps) => {
      const store = new PageStore(room);
      const model: string[] = []; // least lately used first
      for (const { keep, number, foreign } of steps) {
        const of = foreign ? other : program;
        const name = `${foreign}/${number}`;
        const page = pageOf(number);
        const at = model.indexOf(name);
        if (at >= 0) model.splice(at, 1);
        if (at >= 0 || keep) model.push(name);
        if (keep) {
          store.keep(of, page);
          if (model.length > room) model.shift();
        } else {
          const found = store.find(of, page.digest);
          assert.equal(found !== undefined, at >= 0);
          if (found !== undefined) assert.deepEqual(found, page.bytes);
        }
        assert.equal(store.size, model.length);
      }
    }),
    { numRuns: 200 },
  );
});

test("more pages than there are blocks of room stay apart", () => {
  const store = new PageStore(700);
  for (let number = 0; number < 1000; number++) store.keep(program, pageOf(number));
  assert.equal(store.size, 700);
  for (let number = 300; number < 1000; number++)
    assert.deepEqual(store.find(program, pageOf(number).digest), pageOf(number).bytes);
  assert.equal(store.find(program, pageOf(299).digest), undefined);
});
