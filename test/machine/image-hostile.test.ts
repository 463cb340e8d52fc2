import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateRawSync } from "node:zlib";
import { encode } from "cborg";
import fc from "fast-check";
import { GodwitError } from "../../src/errors.ts";
import { IMAGE_MAX_PAGES, PAGE_BYTES, WASM_PAGE_BYTES } from "../../src/limits.ts";
import {
  CHECKSUM_BYTES,
  decodeImage,
  describeImage,
  encodeImage,
  IMAGE_MAGIC,
  PROLOGUE,
  PROLOGUE_BYTES,
} from "../../src/machine/image.ts";
import { pageDigest, pageHash as hashOf } from "../../src/machine/page.ts";
import { ENGINE, EXAMPLE, FIXTURE, reseal, setField, textPage, withHeader } from "./samples.ts";

const pageHash = (page: Uint8Array) => hashOf(pageDigest(page));

const good = encodeImage(EXAMPLE, { compress: true });
const header = { engine: ENGINE, memoryBytes: WASM_PAGE_BYTES, state: null };
const empty = encodeImage({ ...header, pages: [], zeroed: [] }, { compress: true });

const IMAGE_CODES = ["EIMAGE_CORRUPT", "EIMAGE_VERSION", "EIMAGE_LIMIT"];

/** Reads bytes both ways; returns the code of the refusal, or undefined if they were read. Any other exception fails. */
function refusal(bytes: Uint8Array): string | undefined {
  const codes = [decodeImage, describeImage].map((read) => {
    try {
      read(bytes);
      return undefined;
    } catch (error) {
      assert.ok(error instanceof GodwitError && IMAGE_CODES.includes(error.code), String(error));
      return error.code;
    }
  });
  // A description does not unpack pages, so it may accept what a full read refuses; never the other way about.
  if (codes[1] !== undefined) assert.equal(codes[0], codes[1]);
  return codes[0];
}

/** Little-endian 32-bit words as bytes. */
function words(values: readonly number[]): Buffer {
  return Buffer.from(Uint32Array.from(values).buffer);
}

interface Forged {
  readonly pages?: readonly (readonly [number: number, content: number])[];
  readonly zeroed?: readonly number[];
  readonly hashes?: readonly string[];
  readonly blocks?: readonly Uint8Array[];
  readonly header?: Uint8Array;
}

/** An image as a forger would make it: lengths and checksum in order, tables at will. */
function forge({
  pages = [],
  zeroed = [],
  hashes = [],
  blocks = [],
  header: cbor = encode(header),
}: Forged): Uint8Array {
  const prologue = Buffer.alloc(PROLOGUE_BYTES);
  IMAGE_MAGIC.copy(prologue);
  prologue.writeUInt32LE(1, PROLOGUE.formatVersion.offset);
  prologue.writeUInt32LE(cbor.length, PROLOGUE.headerBytes.offset);
  prologue.writeUInt32LE(pages.length, PROLOGUE.pageCount.offset);
  prologue.writeUInt32LE(hashes.length, PROLOGUE.contentCount.offset);
  prologue.writeUInt32LE(zeroed.length, PROLOGUE.zeroedCount.offset);
  const stored = blocks.flatMap((block) => [words([block.length]), block]);
  const sections = [
    prologue,
    cbor,
    words(pages.flat()),
    words(zeroed),
    Buffer.from(hashes.join(""), "latin1"),
    ...stored,
  ];
  return reseal(Buffer.concat([...sections, Buffer.alloc(CHECKSUM_BYTES)]));
}

const a = textPage("a");
const b = textPage("b");

test("the forger can make good images, so what is refused below is refused for its fault", () => {
  const both = Buffer.concat([a, b]);
  for (const block of [both, deflateRawSync(both)]) {
    const image = decodeImage(
      forge({
        pages: [
          [3, 0],
          [4, 1],
          [9, 0],
        ],
        zeroed: [5],
        hashes: [pageHash(a), pageHash(b)],
        blocks: [block],
      }),
    );
    assert.deepEqual(
      image.pages.map((page) => [page.number, page.bytes[0]]),
      [
        [3, 97],
        [4, 98],
        [9, 97],
      ],
    );
    assert.deepEqual(image.zeroed, [5]);
  }
});

test("every truncation is refused", () => {
  for (let length = 0; length < good.length; length++) {
    assert.equal(refusal(good.subarray(0, length)), "EIMAGE_CORRUPT", `at ${length}`);
    // Even by someone who corrects length and checksum.
    if (length >= PROLOGUE_BYTES + CHECKSUM_BYTES)
      assert.notEqual(refusal(reseal(good.subarray(0, length))), undefined, `at ${length}`);
  }
  assert.equal(refusal(Buffer.concat([good, Buffer.of(0)])), "EIMAGE_CORRUPT");
});

test("every flipped bit is noticed", () => {
  for (let bit = 0; bit < good.length * 8; bit++) {
    const altered = new Uint8Array(good);
    altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    assert.notEqual(refusal(altered), undefined, `bit ${bit}`);
  }
});

test("altered bytes under a right checksum are refused or make another image, and nothing else", () => {
  const fixture = encodeImage(FIXTURE, { compress: true });
  const alteration = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }));
  for (const [source, numRuns] of [
    [good, 4000],
    [fixture, 1500],
  ] as const) {
    fc.assert(
      fc.property(fc.array(alteration, { minLength: 1, maxLength: 4 }), (alterations) => {
        const altered = new Uint8Array(source);
        for (const [at, value] of alterations) altered[at % (source.length - CHECKSUM_BYTES)] = value;
        refusal(reseal(altered));
      }),
      { numRuns },
    );
  }
});

test("random bytes are refused, with and without a good beginning", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(PROLOGUE_BYTES + 40), (bytes, kept) => {
      assert.notEqual(refusal(bytes), undefined);
      assert.notEqual(refusal(Buffer.concat([good.subarray(0, kept), bytes])), undefined);
    }),
    { numRuns: 4000 },
  );
});

test("random prologues over a good body are refused or read", () => {
  const word = fc.oneof(
    fc.nat(40),
    fc.constantFrom(0x7fffffff, 0x80000000, 0xffffffff, IMAGE_MAX_PAGES, IMAGE_MAX_PAGES + 1),
    fc.nat(0xffffffff),
  );
  const fields = ["headerBytes", "pageCount", "contentCount", "zeroedCount", "reserved"] as const;
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom(...fields), word), { minLength: 1, maxLength: 5 }), (changes) => {
      refusal(reseal(changes.reduce((bytes, [field, value]) => setField(bytes, field, BigInt(value)), good)));
    }),
    { numRuns: 3000 },
  );
});

test("what is no image, and images of other versions, are told apart", () => {
  assert.equal(refusal(Buffer.alloc(0)), "EIMAGE_CORRUPT");
  assert.equal(refusal(Buffer.from("#!/usr/bin/env node\n".repeat(10))), "EIMAGE_CORRUPT");
  assert.equal(refusal(reseal(setField(good, "magic", 0x0a1a0a0d54574788n))), "EIMAGE_CORRUPT");
  for (const version of [0n, 2n, 3n, 0xffffffffn]) {
    const bytes = setField(good, "formatVersion", version);
    assert.equal(refusal(bytes), "EIMAGE_VERSION");
    // Another version's layout is unknown: the version alone decides, and the message says what would be read.
    assert.throws(() => decodeImage(bytes.subarray(0, 12)), {
      code: "EIMAGE_VERSION",
      message: new RegExp(`version ${version} .*reads 1`),
    });
  }
});

test("absurd sizes are refused before anything is allocated", () => {
  const before = process.memoryUsage.rss();
  for (const field of ["headerBytes", "pageCount", "contentCount", "zeroedCount"] as const) {
    for (const value of [0x7fffffffn, 0xffffffffn]) {
      assert.equal(refusal(reseal(setField(good, field, value))), "EIMAGE_LIMIT", field);
    }
    assert.equal(refusal(reseal(setField(good, field, 60_000n))), "EIMAGE_CORRUPT", field);
  }
  for (const value of [0n, 1n, 2n ** 53n, 2n ** 64n - 1n])
    assert.equal(refusal(setField(good, "totalBytes", value)), "EIMAGE_CORRUPT");
  for (const memoryBytes of [2 ** 53, 2 ** 53 - 1, 2 ** 32 + WASM_PAGE_BYTES, 1e300, Infinity]) {
    assert.equal(refusal(withHeader(empty, encode({ ...header, memoryBytes }))), "EIMAGE_LIMIT", String(memoryBytes));
  }
  for (const memoryBytes of [
    0,
    -WASM_PAGE_BYTES,
    1,
    PAGE_BYTES,
    WASM_PAGE_BYTES + 0.5,
    Number.NaN,
    -Infinity,
    "65536",
    null,
    [],
    2n ** 60n,
  ]) {
    assert.equal(refusal(withHeader(empty, encode({ ...header, memoryBytes }))), "EIMAGE_CORRUPT", String(memoryBytes));
  }
  assert.ok(process.memoryUsage.rss() - before < 64 * 2 ** 20);
});

test("hostile page tables are refused", () => {
  const hashes = [pageHash(a), pageHash(b)];
  const blocks = [deflateRawSync(Buffer.concat([a, b]))];
  const corrupt: Record<string, Forged> = {
    "duplicate page": {
      pages: [
        [3, 0],
        [3, 1],
      ],
      hashes,
      blocks,
    },
    "unsorted pages": {
      pages: [
        [4, 0],
        [3, 1],
      ],
      hashes,
      blocks,
    },
    "page out of range": {
      pages: [
        [3, 0],
        [16, 1],
      ],
      hashes,
      blocks,
    },
    "page far out of range": {
      pages: [
        [3, 0],
        [0xffffffff, 1],
      ],
      hashes,
      blocks,
    },
    "content out of range": {
      pages: [
        [3, 0],
        [4, 2],
      ],
      hashes,
      blocks,
    },
    "content far out of range": {
      pages: [
        [3, 0],
        [4, 0xffffffff],
      ],
      hashes,
      blocks,
    },
    "contents out of order": {
      pages: [
        [3, 1],
        [4, 0],
      ],
      hashes,
      blocks,
    },
    "content unused": { pages: [[3, 0]], hashes, blocks },
    "contents without pages": { hashes, blocks },
    "pages without contents": { pages: [[3, 0]] },
    "zeroed page twice": { zeroed: [3, 3] },
    "zeroed unsorted": { zeroed: [4, 3] },
    "zeroed out of range": { zeroed: [16] },
    "zeroed and with content": {
      pages: [
        [3, 0],
        [4, 1],
      ],
      zeroed: [4],
      hashes,
      blocks,
    },
    "same hash twice": {
      pages: [
        [3, 0],
        [4, 1],
      ],
      hashes: [pageHash(a), pageHash(a)],
      blocks: [Buffer.concat([a, a])],
    },
    "wrong hash": {
      pages: [
        [3, 0],
        [4, 1],
      ],
      hashes: [pageHash(b), pageHash(a)],
      blocks,
    },
    "zero page with content": {
      pages: [[3, 0]],
      hashes: [pageHash(new Uint8Array(PAGE_BYTES))],
      blocks: [Buffer.alloc(PAGE_BYTES)],
    },
    "no block": { pages: [[3, 0]], hashes: [pageHash(a)] },
    "block too long": { pages: [[3, 0]], hashes: [pageHash(a)], blocks: [Buffer.concat([a, b])] },
    "block unpacks too long": { pages: [[3, 0]], hashes: [pageHash(a)], blocks },
    "block unpacks too short": {
      pages: [
        [3, 0],
        [4, 1],
      ],
      hashes,
      blocks: [deflateRawSync(a)],
    },
    "block is not deflate": {
      pages: [
        [3, 0],
        [4, 1],
      ],
      hashes,
      blocks: [Buffer.from("not deflate at all")],
    },
    "block is empty": {
      pages: [
        [3, 0],
        [4, 1],
      ],
      hashes,
      blocks: [Buffer.alloc(0)],
    },
    "bytes after the stream": {
      pages: [
        [3, 0],
        [4, 1],
      ],
      hashes,
      blocks: [Buffer.concat([...blocks, Buffer.of(0)])],
    },
    "block too many": {
      pages: [
        [3, 0],
        [4, 1],
      ],
      hashes,
      blocks: [...blocks, ...blocks],
    },
  };
  for (const [fault, forged] of Object.entries(corrupt)) assert.equal(refusal(forge(forged)), "EIMAGE_CORRUPT", fault);
});

test("a zip bomb is stopped at the size that the page table declares", () => {
  const bomb = deflateRawSync(Buffer.alloc(256 * 2 ** 20), { level: 9 });
  const before = process.memoryUsage.rss();
  const start = performance.now();
  assert.equal(refusal(forge({ pages: [[3, 0]], hashes: [pageHash(a)], blocks: [bomb] })), "EIMAGE_CORRUPT");
  // With a table that declares the bomb's whole size, it goes off at the first page: pages have distinct content.
  const count = 65_536;
  const numbers = Array.from({ length: count }, (_, index) => [index, index] as const);
  const hashes = numbers.map(([number]) => number.toString(16).padStart(32, "0"));
  const huge = encode({ ...header, memoryBytes: count * PAGE_BYTES });
  const slices = Array.from({ length: count / 256 }, () => deflateRawSync(Buffer.alloc(256 * PAGE_BYTES)));
  assert.equal(refusal(forge({ pages: numbers, hashes, blocks: slices, header: huge })), "EIMAGE_CORRUPT");
  assert.ok(performance.now() - start < 20_000);
  assert.ok(process.memoryUsage.rss() - before < 128 * 2 ** 20);
});

test("CBOR bombs and headers that are not headers are refused", () => {
  const state = (bytes: Uint8Array): Uint8Array => {
    const sealed = Buffer.from(encode(header));
    const at = sealed.indexOf(Buffer.from("state")) + 5;
    return Buffer.concat([sealed.subarray(0, at), bytes, sealed.subarray(at + 1)]);
  };
  assert.equal(refusal(withHeader(empty, state(encode("a good one")))), undefined);
  const length = (major: number, value: bigint): Buffer =>
    Buffer.from([(major << 5) | 27, ...Buffer.from(value.toString(16).padStart(16, "0"), "hex")]);
  const limit = {
    "deep lists": state(Buffer.alloc(1_000_000, 0x81)),
    "deep maps": state(Buffer.alloc(1_000_000, Buffer.from("a16161", "hex"))),
    "many values": state(Buffer.concat([Buffer.from("9a00200000", "hex"), Buffer.alloc(2 ** 21, 0xa0)])),
  };
  for (const [fault, bytes] of Object.entries(limit))
    assert.equal(refusal(withHeader(empty, bytes)), "EIMAGE_LIMIT", fault);
  const corrupt: Record<string, Uint8Array> = {
    "huge list": state(length(4, 2n ** 53n - 1n)),
    "vast list": state(length(4, 2n ** 64n - 1n)),
    "huge map": state(length(5, 2n ** 53n - 1n)),
    "huge string": state(length(3, 2n ** 53n - 1n)),
    "vast string": state(length(3, 2n ** 64n - 1n)),
    "huge bytes": state(length(2, 2n ** 40n)),
    "list without end": state(Buffer.from("9f01ff", "hex")),
    "longer length than needed": state(Buffer.from("1801", "hex")),
    "duplicate key": state(Buffer.from("a2616101616102", "hex")),
    "key not text": state(Buffer.from("a10101", "hex")),
    "undefined value": state(Buffer.from("f7", "hex")),
    tag: state(Buffer.from("c101", "hex")),
    "simple value": state(Buffer.from("e0", "hex")),
    reserved: state(Buffer.from("1c", "hex")),
    break: state(Buffer.from("ff", "hex")),
    nothing: new Uint8Array(0),
    "a number": encode(7),
    null: encode(null),
    "a list": encode([ENGINE, 65536, null]),
    "missing key": encode({ engine: ENGINE, memoryBytes: WASM_PAGE_BYTES }),
    "another key": encode({ ...header, more: 1 }),
    "engine not a hash": encode({ ...header, engine: `${ENGINE}\n` }),
    "engine not a string": encode({ ...header, engine: [ENGINE] }),
    "bytes after it": Buffer.concat([encode(header), Buffer.of(0)]),
  };
  for (const [fault, bytes] of Object.entries(corrupt))
    assert.equal(refusal(withHeader(empty, bytes)), "EIMAGE_CORRUPT", fault);
});

test("random CBOR in the header is refused or read", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(120), (bytes, at) => {
      const cbor = Buffer.from(encode(header));
      const altered = Buffer.concat([cbor.subarray(0, at), bytes, cbor.subarray(at)]);
      refusal(withHeader(empty, altered));
    }),
    { numRuns: 4000 },
  );
});

test("a state's keys cannot reach the prototype of what is decoded", () => {
  const state = JSON.parse('{"__proto__": {"polluted": true}, "constructor": 1}') as unknown;
  const decoded = decodeImage(encodeImage({ ...EXAMPLE, state }, { compress: true })).state as object;
  assert.deepEqual(Object.keys(decoded).sort(), ["__proto__", "constructor"]);
  assert.equal(Object.getPrototypeOf(decoded), Object.prototype);
  assert.equal("polluted" in decoded, false);
});
