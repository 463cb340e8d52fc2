/** Images for the tests, the checked-in fixture and the worked example in docs/image-format.md: always the same ones. */

import { createHash } from "node:crypto";
import { PAGE_BYTES, WASM_PAGE_BYTES } from "../../src/limits.ts";
import { CHECKSUM_BYTES, type Image, PROLOGUE, PROLOGUE_BYTES } from "../../src/machine/image.ts";

export const ENGINE = "00112233445566778899aabbccddeeff".repeat(2);

/** A page that holds `text` at its start and zeros after it. */
export function textPage(text: string): Uint8Array {
  const page = Buffer.alloc(PAGE_BYTES);
  page.write(text);
  return new Uint8Array(page);
}

/** The worked example of docs/image-format.md. */
export const EXAMPLE: Image = {
  engine: ENGINE,
  memoryBytes: WASM_PAGE_BYTES,
  pages: [
    { number: 2, bytes: textPage("godwit") },
    { number: 7, bytes: textPage("godwit") },
  ],
  zeroed: [5],
  state: { pid: 42 },
};

/** What test/fixtures/image-v1.bin holds: more than one block, repeated pages, every type a state can have. */
export const FIXTURE: Image = {
  engine: ENGINE,
  memoryBytes: 64 * WASM_PAGE_BYTES,
  pages: Array.from({ length: 600 }, (_, index) => ({ number: index + 3, bytes: textPage(`page ${index % 400}`) })),
  zeroed: [0, 1, 700, 1023],
  state: {
    text: "grüß dich, \u{1f426}",
    numbers: [0, -1, 1.5, 2 ** 40, Number.MAX_SAFE_INTEGER, Infinity],
    bytes: Uint8Array.of(0, 1, 254, 255),
    nothing: null,
    flags: { yes: true, no: false },
    threads: [
      { tid: 1, name: "main" },
      { tid: 2, name: "" },
    ],
  },
};

/** Writes `value` over one of the prologue's fields. */
export function setField(bytes: Uint8Array, field: keyof typeof PROLOGUE, value: bigint): Uint8Array {
  const altered = Buffer.from(bytes);
  const { offset, sizeBytes } = PROLOGUE[field];
  for (let index = 0; index < sizeBytes; index++) altered[offset + index] = Number((value >> BigInt(8 * index)) & 255n);
  return altered;
}

/** Makes lengths and checksum right again after an alteration, as someone who forges an image would. */
export function reseal(bytes: Uint8Array): Uint8Array {
  const sealed = Buffer.from(setField(bytes, "totalBytes", BigInt(bytes.length)));
  const end = sealed.length - CHECKSUM_BYTES;
  createHash("sha256").update(sealed.subarray(0, end)).digest().copy(sealed, end);
  return sealed;
}

/** Replaces the header of an image and seals it. */
export function withHeader(bytes: Uint8Array, header: Uint8Array): Uint8Array {
  const length = Buffer.from(bytes).readUInt32LE(PROLOGUE.headerBytes.offset);
  const parts = [bytes.subarray(0, PROLOGUE_BYTES), header, bytes.subarray(PROLOGUE_BYTES + length)];
  return reseal(setField(Buffer.concat(parts), "headerBytes", BigInt(header.length)));
}
