import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { PAGE_BYTES, WASM_PAGE_BYTES } from "../../src/limits.ts";
import {
  assertEngine,
  BLOCK_PAGES,
  decodeImage,
  describeImage,
  encodeImage,
  IMAGE_FORMAT_VERSION,
  type Image,
} from "../../src/machine/image.ts";
import { ENGINE, EXAMPLE, FIXTURE, textPage } from "./samples.ts";

const imageArb: fc.Arbitrary<Image> = fc
  .record({
    wasmPages: fc.integer({ min: 1, max: 40 }),
    fills: fc.dictionary(fc.nat(639).map(String), fc.integer({ min: 0, max: 40 }), { maxKeys: 60 }),
    state: stateArb(),
  })
  .map(({ wasmPages, fills, state }) => {
    const memoryBytes = wasmPages * WASM_PAGE_BYTES;
    const listed = Object.entries(fills)
      .map(([key, fill]) => ({ number: Number(key), fill }))
      .filter(({ number }) => number < memoryBytes / PAGE_BYTES)
      .sort((a, b) => a.number - b.number);
    return {
      engine: ENGINE,
      memoryBytes,
      pages: listed
        .filter(({ fill }) => fill > 0)
        .map(({ number, fill }) => ({ number, bytes: textPage("x".repeat(fill)) })),
      zeroed: listed.filter(({ fill }) => fill === 0).map(({ number }) => number),
      state,
    };
  });

function stateArb(): fc.Arbitrary<unknown> {
  const leaf = fc.oneof(
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    fc.double({ noNaN: true }).map((value) => (Object.is(value, -0) ? 0 : value)),
    fc.string({ unit: "grapheme" }),
    fc.uint8Array({ maxLength: 40 }),
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      leaf,
      fc.array(tie("tree"), { maxLength: 5 }),
      fc.dictionary(fc.string(), tie("tree"), { maxKeys: 5, noNullPrototype: true }),
    ),
  }));
  return tree;
}

test("an image that is encoded and decoded is the same image", () => {
  fc.assert(
    fc.property(imageArb, fc.boolean(), (image, compress) => {
      assert.deepStrictEqual(plain(decodeImage(encodeImage(image, { compress }))), plain(image));
    }),
    { numRuns: 1500 },
  );
});

test("block boundaries: none, one less, exact, one more, several", () => {
  for (const count of [0, 1, BLOCK_PAGES - 1, BLOCK_PAGES, BLOCK_PAGES + 1, 3 * BLOCK_PAGES + 5]) {
    const pages = Array.from({ length: count }, (_, number) => ({ number, bytes: textPage(`distinct ${number}`) }));
    const image = { engine: ENGINE, memoryBytes: 64 * WASM_PAGE_BYTES, pages, zeroed: [], state: count };
    for (const compress of [true, false]) {
      assert.deepStrictEqual(plain(decodeImage(encodeImage(image, { compress }))), plain(image));
    }
  }
});

test("equal pages are stored once, and compression makes images smaller", () => {
  const pages = Array.from({ length: 100 }, (_, number) => ({ number, bytes: textPage("the same") }));
  const image = { engine: ENGINE, memoryBytes: 64 * WASM_PAGE_BYTES, pages, zeroed: [], state: null };
  const whole = encodeImage(image, { compress: false });
  assert.equal(describeImage(whole).distinctPages, 1);
  assert.ok(whole.length < 2 * PAGE_BYTES);
  assert.ok(encodeImage(image, { compress: true }).length < 1200);
});

test("a page that does not compress is stored as it is", () => {
  // A 32-bit shift register's output: deflate cannot shorten it.
  let word = 1;
  const noise = Uint8Array.from({ length: PAGE_BYTES }, () => {
    for (let step = 0; step < 8; step++) word = (word >>> 1) ^ (word & 1 ? 0xedb88320 : 0);
    return word & 255;
  });
  const image = { ...EXAMPLE, pages: [{ number: 0, bytes: noise }] };
  const bytes = encodeImage(image, { compress: true });
  assert.equal(describeImage(bytes).contentBytes, PAGE_BYTES + 4);
  assert.deepStrictEqual(plain(decodeImage(bytes)), plain(image));
});

test("a decoded image does not share memory with the bytes it came from", () => {
  const bytes = encodeImage(FIXTURE, { compress: false });
  const image = decodeImage(bytes);
  bytes.fill(0xff);
  assert.deepStrictEqual(plain(image), plain(FIXTURE));
});

test("an image of format version 1 made long ago is read", () => {
  const bytes = readFileSync(new URL("../../../test/fixtures/image-v1.bin", import.meta.url));
  assert.deepStrictEqual(plain(decodeImage(bytes)), plain(FIXTURE));
  const { contentBytes, headerBytes, totalBytes, ...facts } = describeImage(bytes);
  assert.deepStrictEqual(facts, {
    formatVersion: 1,
    engine: ENGINE,
    memoryBytes: FIXTURE.memoryBytes,
    pages: 600,
    distinctPages: 400,
    zeroedPages: 4,
    state: FIXTURE.state,
  });
  assert.equal(totalBytes, bytes.length);
  assert.ok(headerBytes > 0 && contentBytes > 0 && headerBytes + contentBytes < totalBytes);
  assert.equal(IMAGE_FORMAT_VERSION, 1, "add a fixture of the new version beside this one");
});

test("an image is for one engine", () => {
  assertEngine(EXAMPLE, ENGINE);
  const other = "f".repeat(64);
  assert.throws(() => assertEngine(EXAMPLE, other), { code: "EIMAGE_ENGINE", message: /001122334455.*ffffffffffff/ });
});

test("an address space above what the reader allows is refused", () => {
  const bytes = encodeImage(EXAMPLE, { compress: true });
  assert.throws(() => decodeImage(bytes, { memoryMaxBytes: WASM_PAGE_BYTES - 1 }), { code: "EIMAGE_LIMIT" });
  decodeImage(bytes, { memoryMaxBytes: WASM_PAGE_BYTES });
});

test("broken invariants of an image to be written are found before it is written", () => {
  const page = { number: 1, bytes: textPage("x") };
  const bad: Partial<Image>[] = [
    { engine: "short" },
    { memoryBytes: 4096 },
    { memoryBytes: 0 },
    { pages: [page, page] },
    { pages: [{ ...page, number: 2 }, page] },
    { pages: [{ ...page, number: 16 }] },
    { pages: [{ number: 1, bytes: new Uint8Array(PAGE_BYTES) }] },
    { pages: [{ number: 1, bytes: Uint8Array.of(1) }] },
    { zeroed: [3, 3] },
    { zeroed: [16] },
    { pages: [page], zeroed: [1] },
    { state: undefined },
    { state: [undefined] },
  ];
  for (const part of bad) {
    assert.throws(() => encodeImage({ ...EXAMPLE, pages: [], zeroed: [], ...part }, { compress: true }), {
      name: "AssertionError",
    });
  }
});

test("a state that no reader would accept is not written", () => {
  const limit = { code: "EIMAGE_LIMIT" };
  let deep: unknown = 1;
  for (let level = 0; level < 70; level++) deep = [deep];
  assert.throws(() => encodeImage({ ...EXAMPLE, state: deep }, { compress: true }), limit);
  assert.throws(() => encodeImage({ ...EXAMPLE, state: new Array(2 ** 20).fill(0) }, { compress: true }), limit);
  assert.throws(() => encodeImage({ ...EXAMPLE, state: new Uint8Array(64 * 2 ** 20) }, { compress: true }), limit);
});

/** `Buffer`s as `Uint8Array`s, for comparison. */
function plain(image: Image): Image {
  return { ...image, pages: image.pages.map(({ number, bytes }) => ({ number, bytes: new Uint8Array(bytes) })) };
}
