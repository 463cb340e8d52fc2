/** Free memory of a heap is cleared, what is in use stays as it is, and a heap that is none is left alone. */

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { PAGE_BYTES } from "../../src/limits.ts";
import type { Engine } from "../../src/machine/engine.ts";
import { clearFreeMemory } from "../../src/machine/free-memory.ts";
import { loadEngine } from "../../src/machine/load.ts";
import { Processor } from "../../src/machine/processor.ts";
import { createMemory } from "../../src/kernel/address-space.ts";
import { materialise, UNCHANGED } from "../../src/machine/linear-memory.ts";
import { templateFor } from "../../src/kernel/capture.ts";
import { NO_TRAPS } from "../../src/kernel/process-traps.ts";

const SECRET = Buffer.from("what was here when it was freed");
const QUOTA_BYTES = 64 * 2 ** 20;
/** An idle process has the template, and few pages more; the goal for all of it is 500 KB. */
const TEMPLATE_MAX_PAGES = 100;

let engine: Engine;
before(async () => {
  engine = await loadEngine();
});

function processor(): Processor {
  const memory = createMemory(engine, engine.manifest.memoryBytes, QUOTA_BYTES);
  materialise(memory.buffer, templateFor(engine), UNCHANGED);
  return new Processor(engine, memory, NO_TRAPS);
}

/** Blocks of every size, filled; their addresses. */
function fill({ exports, memory }: Processor): [address: number, sizeBytes: number][] {
  const sizes = Array.from({ length: 300 }, (_, index) => SECRET.length + ((index * 7919) % 9000));
  return [...sizes, 300_000, 70_000, 1_000_000].map((sizeBytes) => {
    const address = exports.wasm_malloc(sizeBytes) >>> 0;
    assert.notEqual(address, 0);
    const block = Buffer.from(memory.buffer, address, sizeBytes);
    for (let at = 0; at < sizeBytes; at += SECRET.length) block.set(SECRET.subarray(0, sizeBytes - at), at);
    return [address, sizeBytes];
  });
}

function clear({ memory }: Processor): boolean {
  return clearFreeMemory(memory.buffer, engine.manifest.layout.heapBase);
}

test("the template is small", () => {
  assert.ok(templateFor(engine).nonZero.length <= TEMPLATE_MAX_PAGES, `${templateFor(engine).nonZero.length} pages`);
});

test("what was freed is gone, what was not is there, and the heap goes on", () => {
  const machine = processor();
  const { exports, memory } = machine;
  const blocks = fill(machine);
  const freed = blocks.filter((_, index) => index % 3 !== 0);
  const held = blocks.filter((_, index) => index % 3 === 0);
  for (const [address] of freed) exports.wasm_free(address);
  const before = held.map(([address, sizeBytes]) => Buffer.from(new Uint8Array(memory.buffer, address, sizeBytes)));
  assert.ok(freed.some(([address]) => Buffer.from(memory.buffer, address, 400).includes("was freed")));
  assert.equal(clear(machine), true);
  for (const [address, sizeBytes] of freed)
    assert.equal(Buffer.from(memory.buffer, address, sizeBytes).includes("was freed"), false);
  for (const [index, [address, sizeBytes]] of held.entries())
    assert.ok(before[index]?.equals(new Uint8Array(memory.buffer, address, sizeBytes)));
  // The allocator's own notes have stayed: all can be freed, and taken again.
  for (const [address] of held) exports.wasm_free(address);
  fill(machine);
  assert.equal(clear(machine), true);
});

test("all that was freed costs no pages", () => {
  const machine = processor();
  const { exports, memory } = machine;
  const pages = (): number => {
    let count = 0;
    for (let at = 0; at < memory.buffer.byteLength; at += PAGE_BYTES)
      if (Buffer.from(memory.buffer, at, PAGE_BYTES).some((byte) => byte !== 0)) count++;
    return count;
  };
  const atFirst = pages();
  for (const [address] of fill(machine)) exports.wasm_free(address);
  assert.ok(pages() > atFirst + 500);
  assert.equal(clear(machine), true);
  // The trailer has moved to the new end.
  assert.ok(pages() <= atFirst + 2, `${pages()} pages, ${atFirst} at first`);
});

test("a heap that is damaged is left as it is", () => {
  const machine = processor();
  const { memory } = machine;
  const [first] = fill(machine);
  assert.ok(first !== undefined);
  const head = (first[0] - 4) / 4;
  const words = new Uint32Array(memory.buffer);
  const sound = words[head] ?? 0;
  for (const damage of [0, 1, 3, 7, 0x13, 0xffffffff, 0xfffffff3, sound & ~3, sound + 8, sound + 16]) {
    words[head] = damage;
    const before = Buffer.from(new Uint8Array(memory.buffer)); // a copy
    assert.equal(clear(machine), false, `head ${damage.toString(16)}`);
    assert.ok(before.equals(Buffer.from(memory.buffer)));
  }
  words[head] = sound;
  assert.equal(clear(machine), true);
});
