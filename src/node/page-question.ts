/** What a source asks before it sends pages: which of them, by what they hold, the target has; and what that answers. */

import * as v from "valibot";

import { assert } from "../assert.ts";
import { failure } from "../errors.ts";
import { MOVE_PAGES_MAX, PAGE_BYTES, WASM_PAGE_BYTES } from "../limits.ts";
import type { MemoryPage } from "../machine/linear-memory.ts";
import { PAGE_DIGEST_BYTES, type PageDigest } from "../machine/page.ts";

type NamedPage = Pick<Required<MemoryPage>, "number" | "digest">;

export interface PageQuestion {
  /** Digest of the source of the program that the pages are of. */
  readonly program: PageDigest;
  readonly memoryBytes: number;
  /** By number, ascending. */
  readonly pages: readonly NamedPage[];
}

const NUMBER_BYTES = 4;
const questionShape = v.object({
  program: v.pipe(v.instance(Uint8Array), v.length(PAGE_DIGEST_BYTES)),
  memoryBytes: v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.multipleOf(WASM_PAGE_BYTES)),
  numbers: v.pipe(v.instance(Uint8Array), v.minLength(NUMBER_BYTES), v.maxLength(MOVE_PAGES_MAX * NUMBER_BYTES)),
  digests: v.instance(Uint8Array),
});
const answerShape = v.object({ here: v.instance(Uint8Array) });

/** As it goes over a link. */
export function encodeQuestion({ program, memoryBytes, pages }: PageQuestion): object {
  assert(pages.length > 0 && pages.length <= MOVE_PAGES_MAX, "a question is about some pages");
  const numbers = Buffer.alloc(pages.length * NUMBER_BYTES);
  const digests = Buffer.alloc(pages.length * PAGE_DIGEST_BYTES);
  for (const [index, { number, digest }] of pages.entries()) {
    numbers.writeUInt32LE(number, index * NUMBER_BYTES);
    digests.write(digest, index * PAGE_DIGEST_BYTES, "latin1");
  }
  return { program: Buffer.from(program, "latin1"), memoryBytes, numbers, digests };
}

/** @throws GodwitError EPROTO for what is no question about an address space of at most so many bytes. */
export function decodeQuestion(body: unknown, memoryMaxBytes: number): PageQuestion {
  const checked = v.safeParse(questionShape, body);
  if (!checked.success) throw malformed(checked.issues[0].message);
  const { program, memoryBytes, numbers, digests } = checked.output;
  if (memoryBytes > memoryMaxBytes) throw malformed(`an address space has at most ${memoryMaxBytes} bytes`);
  const count = numbers.length / NUMBER_BYTES;
  if (!Number.isInteger(count) || digests.length !== count * PAGE_DIGEST_BYTES)
    throw malformed("it has not a digest for each page");
  const [from, named] = [bufferOf(numbers), bufferOf(digests)];
  const pages: NamedPage[] = [];
  let least = 0;
  for (let index = 0; index < count; index++) {
    const number = from.readUInt32LE(index * NUMBER_BYTES);
    if (number < least || number >= memoryBytes / PAGE_BYTES)
      throw malformed("its page numbers do not ascend, or lie outside of the address space");
    const start = index * PAGE_DIGEST_BYTES;
    pages.push({ number, digest: named.toString("latin1", start, start + PAGE_DIGEST_BYTES) });
    least = number + 1;
  }
  return { program: bufferOf(program).toString("latin1"), memoryBytes, pages };
}

/** A bit for each page that was asked about, of those that are here. */
export function encodeAnswer(here: readonly boolean[]): object {
  const bits = Buffer.alloc(Math.ceil(here.length / 8));
  for (const [index, is] of here.entries()) if (is) bits[index >>> 3] = (bits[index >>> 3] ?? 0) | (1 << (index & 7));
  return { here: bits };
}

/** @throws GodwitError EPROTO for what is no answer about so many pages. */
export function decodeAnswer(body: unknown, count: number): boolean[] {
  const checked = v.safeParse(answerShape, body);
  if (!checked.success) throw malformed(checked.issues[0].message);
  const { here } = checked.output;
  if (here.length !== Math.ceil(count / 8)) throw malformed(`it is not about ${count} pages`);
  return Array.from({ length: count }, (_, index) => (((here[index >>> 3] ?? 0) >> (index & 7)) & 1) === 1);
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function malformed(why: string): Error {
  return failure("EPROTO", `what nodes say about pages of a move is malformed: ${why}`);
}
