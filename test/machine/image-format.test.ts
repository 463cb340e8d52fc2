/** docs/image-format.md against the code: its numbers, its tables and its example. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  IMAGE_HEADER_MAX_BYTES,
  IMAGE_MAX_PAGES,
  IMAGE_STATE_MAX_DEPTH,
  IMAGE_STATE_MAX_ITEMS,
  PAGE_BYTES,
} from "../../src/limits.ts";
import {
  BLOCK_PAGES,
  CHECKSUM_BYTES,
  decodeImage,
  describeImage,
  encodeImage,
  IMAGE_FORMAT_VERSION,
  PROLOGUE,
  PROLOGUE_BYTES,
} from "../../src/machine/image.ts";
import { PAGE_HASH_BYTES, pageDigest, pageHash } from "../../src/machine/page.ts";
import { EXAMPLE } from "./samples.ts";

const page = readFileSync(new URL("../../../docs/image-format.md", import.meta.url), "utf8");

/** The rows of the table below a heading, or of the first whose header row begins with `first`. */
function table(first: string): string[][] {
  const lines = page.split("\n");
  const at = lines.findIndex((line) => line.startsWith(`| ${first} |`));
  assert.notEqual(at, -1, `a table that begins with ${first}`);
  const rest = lines.slice(at + 2);
  return rest
    .slice(
      0,
      rest.findIndex((line) => !line.startsWith("|")),
    )
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll("`", "")),
    );
}

function exampleBytes(): Buffer {
  const dump = /```hexdump\n([^`]*)```/.exec(page)?.[1] ?? "";
  return Buffer.from(dump.replaceAll(/^[0-9a-f]{4} {2}/gm, "").replaceAll(/\s/g, ""), "hex");
}

test("the prologue's table is the code's, and its values are the example's", () => {
  const bytes = exampleBytes();
  const rows = table("offset | size | field");
  assert.deepEqual(
    rows.map(([offset, size, field]) => [field, { offset: Number(offset), sizeBytes: Number(size) }]),
    Object.entries(PROLOGUE),
  );
  for (const [offset, size, field, , value] of rows) {
    const inDump = size === "8" ? bytes.readBigUInt64LE(Number(offset)) : BigInt(bytes.readUInt32LE(Number(offset)));
    assert.equal(inDump, BigInt(value ?? ""), field);
  }
});

test("the example is read, and is what is written", () => {
  const bytes = exampleBytes();
  const image = decodeImage(bytes);
  assert.deepEqual(
    { ...image, pages: image.pages.map(({ number, bytes }) => ({ number, bytes: new Uint8Array(bytes) })) },
    EXAMPLE,
  );
  // Deflate's output may differ from one zlib to the next, so the written image is compared up to its blocks.
  const blocks = Number.parseInt(table("from").find((row) => row[2]?.startsWith("block"))?.[0] ?? "", 16);
  const written = Buffer.from(encodeImage(EXAMPLE, { compress: true }));
  const length = PROLOGUE.totalBytes;
  for (const [from, to] of [
    [0, length.offset],
    [length.offset + length.sizeBytes, blocks],
  ] as const) {
    assert.equal(written.toString("hex", from, to), bytes.toString("hex", from, to));
  }
});

test("the example's sections are where the page says", () => {
  const bytes = exampleBytes();
  const { headerBytes, pages, zeroedPages, distinctPages } = describeImage(bytes);
  const sizes = [PROLOGUE_BYTES, headerBytes, pages * 8, zeroedPages * 4, distinctPages * PAGE_HASH_BYTES, 4];
  sizes.push(bytes.length - CHECKSUM_BYTES - sizes.reduce((sum, size) => sum + size), CHECKSUM_BYTES);
  const rows = table("from");
  let at = 0;
  for (const [index, size] of sizes.entries()) {
    assert.deepEqual(
      rows[index]?.slice(0, 2).map((cell) => Number.parseInt(cell, 16)),
      [at, at + size],
    );
    at += size;
  }
  const example = EXAMPLE.pages[0];
  assert.ok(example);
  assert.ok(bytes.includes(Buffer.from(pageHash(pageDigest(example.bytes)), "latin1")));
});

test("the limits and versions on the page are the code's", () => {
  const grouped = (value: number): string => value.toLocaleString("en-US");
  const stated = [
    `at most ${IMAGE_HEADER_MAX_BYTES / 2 ** 20} MiB`,
    `at most ${grouped(IMAGE_MAX_PAGES)}: the pages of 4 GiB`,
    `${grouped(IMAGE_STATE_MAX_ITEMS)} values in all and ${IMAGE_STATE_MAX_DEPTH} levels of nesting`,
    `A page is ${grouped(PAGE_BYTES)} bytes`,
    `The contents in order, ${BLOCK_PAGES} to a block`,
    `one block of ${(BLOCK_PAGES * PAGE_BYTES) / 2 ** 20} MiB`,
    `first ${PAGE_HASH_BYTES} bytes of its SHA-256`,
  ];
  const text = page.replaceAll(/\s+/g, " ");
  for (const statement of stated) assert.ok(text.includes(statement), statement);
  assert.equal(table("version").at(-1)?.[0], String(IMAGE_FORMAT_VERSION));
  assert.deepEqual(table("section")[0], ["prologue", String(PROLOGUE_BYTES)]);
  assert.deepEqual(table("section").at(-1), ["checksum", String(CHECKSUM_BYTES)]);
});
