/** Compression streams against Node's zlib: what one makes the other reads, in any pieces; damage and ends are seen. */

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import zlib from "node:zlib";
import fc from "fast-check";
import { DEFLATE_BLOCK_BYTES, DEFLATE_WINDOW_BYTES, INFLATE_AHEAD_MAX_BYTES, IO_MAX_BYTES } from "../../src/limits.ts";
import { withNode } from "../node/bench-node.ts";
import { BareEngine } from "./bare-engine.ts";
import { type Cases, compareUnderStress, compareWithNode } from "./oracle.ts";

type Format = "deflate" | "deflate-raw" | "gzip";
const FORMATS: readonly Format[] = ["deflate", "deflate-raw", "gzip"];
const PACK = { deflate: zlib.deflateSync, "deflate-raw": zlib.deflateRawSync, gzip: zlib.gzipSync };
const UNPACK = { deflate: zlib.inflateSync, "deflate-raw": zlib.inflateRawSync, gzip: zlib.gunzipSync };

let engine: BareEngine;
before(async () => {
  engine = await BareEngine.create();
  engine.run(`globalThis.through = async (transform, pieces) => {
    const bytes = [];
    let error = null;
    try { for await (const piece of ReadableStream.from(pieces.map((piece) => new Uint8Array(piece))).pipeThrough(transform)) bytes.push(...piece); }
    catch (e) { error = e.name; }
    return { bytes, error };
  };`);
});
after(() => engine.dispose());

interface Result {
  readonly bytes: number[];
  readonly error: string | null;
}

function through(kind: string, format: Format, pieces: readonly (readonly number[])[]): Result {
  engine.run(
    `globalThis.result = null; through(new ${kind}("${format}"), ${JSON.stringify(pieces)}).then((r) => { result = r; });`,
  );
  return engine.evaluate("result") as Result;
}

const compressed = (format: Format, pieces: readonly (readonly number[])[]): Result =>
  through("CompressionStream", format, pieces);
const decompressed = (format: Format, pieces: readonly (readonly number[])[]): Result =>
  through("DecompressionStream", format, pieces);

/** `bytes` in pieces of these lengths, again and again. */
function cut(bytes: readonly number[], lengths: readonly number[]): number[][] {
  const pieces: number[][] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const length = lengths[turn % lengths.length] ?? 1;
    pieces.push(bytes.slice(at, at + length));
    at += length;
  }
  return pieces;
}

/** Bytes of which some repeat: literals, runs, and copies from far back. */
const data = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 20 }).map((bytes) => [...bytes]),
      fc.tuple(fc.nat(255), fc.nat(400)).map(([byte, length]) => Array.from({ length }, () => byte)),
    ),
    { maxLength: 6 },
  )
  .chain((pieces) => fc.shuffledSubarray([...pieces, ...pieces]).map((chosen) => chosen.flat()));
const lengths = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 4 });

for (const format of FORMATS) {
  test(`${format}: Node reads what is made here`, () => {
    fc.assert(
      fc.property(data, lengths, (bytes, lengths) => {
        const { bytes: packed, error } = compressed(format, cut(bytes, lengths));
        assert.equal(error, null);
        assert.deepEqual([...UNPACK[format](Uint8Array.from(packed))], bytes);
      }),
      { numRuns: 60 },
    );
  });

  test(`${format}: what Node makes is read here, however it is cut`, () => {
    const level = fc.integer({ min: 0, max: 9 });
    fc.assert(
      fc.property(data, lengths, level, (bytes, lengths, level) => {
        const packed = [...PACK[format](Uint8Array.from(bytes), { level })];
        assert.deepEqual(decompressed(format, cut(packed, lengths)), { bytes, error: null });
      }),
      { numRuns: 100 },
    );
  });

  test(`${format}: what is cut short, goes on too long, or is damaged is a TypeError`, () => {
    const bytes = [...Buffer.from("some text, some more text, and other text")];
    const packed = [...PACK[format](Uint8Array.from(bytes))];
    for (let length = 0; length < packed.length; length++) {
      assert.equal(decompressed(format, [packed.slice(0, length)]).error, "TypeError", `cut at ${length}`);
    }
    for (const more of [[0], [0, 0, 0, 0], packed]) {
      assert.deepEqual(decompressed(format, [[...packed, ...more]]), { bytes, error: "TypeError" });
      assert.deepEqual(decompressed(format, [packed, more]), { bytes, error: "TypeError" });
    }
    assert.deepEqual(decompressed(format, [packed, [], []]), { bytes, error: null });
    fc.assert(
      fc.property(fc.nat(packed.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const damaged = packed.map((byte, index) => (index === at ? byte ^ change : byte));
        let expected: Result;
        try {
          expected = { bytes: [...UNPACK[format](Uint8Array.from(damaged))], error: null };
        } catch {
          expected = { bytes: [], error: "TypeError" };
        }
        const result = decompressed(format, [damaged]);
        // When the change makes an earlier end, Node does not mind what stands behind it.
        if (expected.error === null) assert.deepEqual(result.bytes, expected.bytes);
        else assert.equal(result.error, "TypeError");
      }),
      { numRuns: 300 },
    );
  });

  test(`${format}: bytes of chance end in an error or in what Node makes of them`, () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (chance) => {
        let expected: number[] | undefined;
        try {
          expected = [...UNPACK[format](chance)];
        } catch {
          expected = undefined;
        }
        const { bytes, error } = decompressed(format, [[...chance]]);
        // Node reads what stands before bytes that do not belong there.
        if (error === null) assert.deepEqual(bytes, expected);
        else assert.equal(error, "TypeError");
      }),
      { numRuns: 300 },
    );
  });
}

test("many blocks at once, and blocks that are just full", () => {
  for (const format of FORMATS) {
    for (const length of [
      DEFLATE_BLOCK_BYTES - 1,
      DEFLATE_BLOCK_BYTES,
      DEFLATE_BLOCK_BYTES + 1,
      5 * DEFLATE_BLOCK_BYTES,
    ]) {
      engine.run(`globalThis.packed = []; {
        const bytes = new Uint8Array(${length}).map((_, at) => (at * at) >> 7);
        (async () => { for await (const x of new Blob([bytes]).stream().pipeThrough(new CompressionStream("${format}"))) packed.push(...x); })();
      }`);
      const expected = new Uint8Array(length).map((_, at) => (at * at) >> 7);
      const packed = Uint8Array.from(engine.evaluate("packed") as number[]);
      assert.ok(UNPACK[format](packed).equals(expected), `${format} of ${length} bytes`);
      // What goes over from block to block is used: hardly longer than compressed as a whole.
      assert.ok(packed.length < PACK[format](expected).length * 1.05 + 100);
    }
  }
});

test("what a gzip file may have in its head is read past; its own check is checked", () => {
  const plain = zlib.gzipSync("text");
  const rest = [...plain.subarray(10)];
  const head = (flags: number): number[] => [0x1f, 0x8b, 8, flags, 1, 2, 3, 4, 0, 3];
  const fields = [3, 0, 9, 9, 9, ...Buffer.from("name\0comment\0")];
  const withCheck = [...head(0x1e), ...fields];
  const check = crc16(withCheck);
  const text = [...Buffer.from("text")];
  assert.deepEqual(decompressed("gzip", [[...head(0x1c), ...fields, ...rest]]), { bytes: text, error: null });
  assert.deepEqual(decompressed("gzip", [[...withCheck, check & 255, check >> 8, ...rest]]), {
    bytes: text,
    error: null,
  });
  assert.equal(decompressed("gzip", [[...withCheck, ~check & 255, check >> 8, ...rest]]).error, "TypeError");
  assert.equal(decompressed("gzip", [[...head(0x20), ...rest]]).error, "TypeError", "a reserved flag");
});

/** The low half of CRC-32, bit by bit. */
function crc16(bytes: readonly number[]): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc & 0xffff;
}

test("a bomb is read as far as its reader goes, and no further", () => {
  const bomb = zlib.gzipSync(new Uint8Array(64 * 2 ** 20));
  const handle = engine.vm.newUint8Array(bomb);
  engine.vm.setProp(engine.vm.global, "bomb", handle);
  handle.dispose();
  engine.run(`globalThis.read = 0; globalThis.made = 0; {
    const stream = new DecompressionStream("gzip");
    const writer = stream.writable.getWriter();
    globalThis.written = false;
    writer.write(bomb).then(() => { written = true; }, () => {});
    const reader = stream.readable.getReader();
    reader.read().then(({ value }) => { read = value.length; });
    globalThis.stop = () => reader.cancel("enough");
    globalThis.drain = async () => { for (;;) { const { value, done } = await reader.read(); if (done) return; made += value.length; } };
  }`);
  const read = engine.evaluate("read") as number;
  assert.ok(read > 0 && read <= INFLATE_AHEAD_MAX_BYTES);
  assert.equal(engine.evaluate("written"), false);
  engine.run("stop()");
  assert.equal(engine.evaluate("written"), true);
});

const CASES: Cases = {
  formats: `const out = []; for (const make of [() => new CompressionStream(), () => new CompressionStream("zip"), () => new DecompressionStream("GZIP"), () => new DecompressionStream(""), () => new DecompressionStream("gzip"), () => CompressionStream("gzip")]) { try { make(); out.push("ok"); } catch (e) { out.push(e.name); } } return out;`,
  "there and back, in all formats": `const out = []; for (const format of ["deflate", "deflate-raw", "gzip"]) { let text = ""; for await (const x of new Blob(["some text ".repeat(50)]).stream().pipeThrough(new CompressionStream(format)).pipeThrough(new DecompressionStream(format)).pipeThrough(new TextDecoderStream())) text += x; out.push(text.length, text.slice(-11)); } return out;`,
  "nothing, there and back": `const out = []; for (const format of ["deflate", "deflate-raw", "gzip"]) { for await (const x of new Blob([]).stream().pipeThrough(new CompressionStream(format)).pipeThrough(new DecompressionStream(format))) out.push(x.length); } return out;`,
  attributes: `const c = new CompressionStream("gzip"); return [c.readable instanceof ReadableStream, c.writable instanceof WritableStream, c.readable === c.readable, Object.prototype.toString.call(c), Object.keys(CompressionStream.prototype).join()];`,
  "a reader that leaves": `const d = new CompressionStream("gzip"); const writer = d.writable.getWriter(); writer.closed.catch(() => {}); writer.ready.catch(() => {}); await d.readable.cancel("why"); return writer.write(new Uint8Array([1])).then(() => "written", (e) => e === undefined ? "undefined" : "refused");`,
  "a writer that leaves": `const d = new DecompressionStream("gzip"); const writer = d.writable.getWriter(); writer.closed.catch(() => {}); const reading = d.readable.getReader().read().catch((e) => e.message); await writer.abort(new Error("gone")).catch(() => {}); return reading;`,
};
/** Node's are of node:zlib: array buffers, what is no bytes, and a side that is let go, reach the other side in another way or never. */
const OWN: Cases = {
  "buffers and views": `const c = new CompressionStream("deflate"); const writer = c.writable.getWriter(); writer.write(new Uint8Array([97, 98]).buffer); writer.write(new DataView(new Uint8Array([0, 99]).buffer, 1)); writer.write(new Uint16Array([0x6564])); writer.close(); let text = ""; for await (const x of c.readable.pipeThrough(new DecompressionStream("deflate")).pipeThrough(new TextDecoderStream())) text += x; return text;`,
  "a chunk that is no bytes": `const c = new CompressionStream("gzip"); const writer = c.writable.getWriter(); writer.closed.catch(() => {}); const read = c.readable.getReader().read().catch((e) => e.name); return [await writer.write("text").catch((e) => e.name), await read];`,
  "both sides end with one error": `const d = new DecompressionStream("gzip"); const writer = d.writable.getWriter(); const reader = d.readable.getReader(); const errors = await Promise.all([writer.write(new Uint8Array(20)), reader.read(), reader.closed, writer.closed].map((p) => p.catch((e) => e))); return [errors[0].name, errors.every((e) => e === errors[0])];`,
  "a write waits for a reader": `const c = new CompressionStream("gzip"); const writer = c.writable.getWriter(); let done = false; writer.write(new Uint8Array(5)).then(() => { done = true; }); for (let i = 0; i < 20; i++) await null; const before = done; c.readable.getReader().read(); for (let i = 0; i < 20; i++) await null; return [before, done, writer.desiredSize];`,
};

describe("compression streams", () =>
  compareWithNode(
    { ...CASES, ...OWN },
    {
      "buffers and views": "abcde",
      "a chunk that is no bytes": ["TypeError", "TypeError"],
      "both sides end with one error": ["TypeError", true],
      "a write waits for a reader": [false, true, 1],
    },
  ));

await withNode({ lwps: 1 }, (t) => {
  test("the host compresses within bounds, and sums up what it knows", async () => {
    const program = await t.run(`
      const { syscall } = globalThis.__godwit.core;
      const bytes = (n) => new Uint8Array(n);
      const out = [];
      for (const call of [
        () => syscall("deflate", bytes(${DEFLATE_BLOCK_BYTES + 1}), bytes(0), 1), () => syscall("deflate", bytes(1), bytes(${DEFLATE_WINDOW_BYTES + 1}), 1),
        () => syscall("checksum", bytes(1), "md5", 0), () => syscall("checksum", bytes(1), "crc32", -1), () => syscall("checksum", bytes(1), "crc32", NaN),
        () => syscall("checksum", bytes(1), "adler32", 2 ** 32), () => syscall("checksum", bytes(${IO_MAX_BYTES + 1}), "crc32", 0),
        () => syscall("deflate", bytes(${DEFLATE_BLOCK_BYTES}), bytes(${DEFLATE_WINDOW_BYTES}), NaN), () => syscall("checksum", bytes(0), "adler32", 2 ** 32 - 1),
      ]) { try { call(); out.push("ok"); } catch (error) { out.push(error.code); } }
      console.log(out.join(" "));`);
    assert.equal(program.stdout, `${"EINVAL ".repeat(7)}ok ok\n`, program.stderr);
  });

  test("compression under stress", { timeout: 300_000 }, () =>
    compareUnderStress(t, { ...CASES, ...OWN }, { every: 97, at: "call" }),
  );

  test(
    "a compression and a decompression are checkpointed in the middle, and go on where they were",
    { timeout: 120_000 },
    async () => {
      const program = await t.start(`
      let lines = 0, text = "";
      const source = new ReadableStream({ pull(c) { if (lines === 4000) c.close(); else c.enqueue("line " + lines + " " + (lines * 7919 % 1000) + "\\n"); if (lines++ === 2000) console.log("half"); } });
      const packed = source.pipeThrough(new TextEncoderStream()).pipeThrough(new CompressionStream("gzip"));
      let size = 0;
      const counted = packed.pipeThrough(new TransformStream({ transform(x, c) { size += x.length; c.enqueue(x); } }));
      for await (const x of counted.pipeThrough(new DecompressionStream("gzip")).pipeThrough(new TextDecoderStream())) text += x;
      let sum = 0; for (let i = 0; i < text.length; i++) sum = (sum * 31 + text.charCodeAt(i)) % 1000003;
      console.log(text.length, sum, size < text.length / 2);`);
      await program.printed("half");
      const image = await t.node.checkpoint(program.pid);
      let text = "";
      for (let n = 0; n < 4000; n++) text += `line ${n} ${(n * 7919) % 1000}\n`;
      let sum = 0;
      for (let i = 0; i < text.length; i++) sum = (sum * 31 + text.charCodeAt(i)) % 1000003;
      const first = await program.ended;
      assert.equal(first.stdout, `half\n${text.length} ${sum} true\n`, first.stderr);
      for (const _ of [1, 2]) {
        const again = await t.watch(await t.node.restore(image)).ended;
        assert.ok(again.stdout.endsWith(`${text.length} ${sum} true\n`), again.stdout + again.stderr);
      }
    },
  );
});
