/**
 * The image codec. The format is described byte by byte in docs/image-format.md. A reader trusts nothing: it checks
 * every length and count against the file's real size and `limits.ts` before it allocates, and reports whatever is
 * wrong as a coded error.
 */

import { createHash } from "node:crypto";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { assert, present } from "../assert.ts";
import { failure } from "../errors.ts";
import { ADDRESS_SPACE_MAX_BYTES, IMAGE_HEADER_MAX_BYTES, IMAGE_MAX_PAGES, PAGE_BYTES } from "../limits.ts";
import {
  checkLimit,
  corrupt,
  decodeHeader,
  encodeHeader,
  type ImageHeader,
  isEngineHash,
  isMemorySize,
} from "./image-header.ts";
import type { MemoryPage, PageSet } from "./linear-memory.ts";
import { isZero, PAGE_HASH_BYTES, pageAt, pageDigest, pageHash } from "./page.ts";

/** The format that this build writes; it reads this one and none other. */
export const IMAGE_FORMAT_VERSION = 1;
const READABLE_VERSIONS: readonly number[] = [IMAGE_FORMAT_VERSION];

/** Like PNG's: a byte above 127 and line ends of both kinds, so that a transfer as text is seen at once. */
export const IMAGE_MAGIC = Buffer.from([0x89, 0x47, 0x57, 0x54, 0x0d, 0x0a, 0x1a, 0x0a]);

/** The prologue's fields: where each begins and how many bytes it has. All numbers are little-endian. */
export const PROLOGUE = {
  magic: { offset: 0, sizeBytes: 8 },
  formatVersion: { offset: 8, sizeBytes: 4 },
  headerBytes: { offset: 12, sizeBytes: 4 },
  totalBytes: { offset: 16, sizeBytes: 8 },
  pageCount: { offset: 24, sizeBytes: 4 },
  contentCount: { offset: 28, sizeBytes: 4 },
  zeroedCount: { offset: 32, sizeBytes: 4 },
  reserved: { offset: 36, sizeBytes: 4 },
} as const;
export const PROLOGUE_BYTES = 40;
export const CHECKSUM_BYTES = 32;
const PAGE_ENTRY_BYTES = 8;
const ZEROED_ENTRY_BYTES = 4;
const BLOCK_LENGTH_BYTES = 4;
/** Pages that are compressed together: what a reader unpacks before it checks hashes is never more than this. */
export const BLOCK_PAGES = 256;
/** Deflate's lowest level: a heap packs nearly as well as at higher ones, several times as fast. */
const DEFLATE_LEVEL = 1;

/** A process, stopped: everything but its engine and what the host holds for it. */
export interface Image extends ImageHeader, PageSet {}

/** An image that was read: the digests of its pages were computed here. */
export interface DecodedImage extends Image {
  readonly pages: readonly Required<MemoryPage>[];
}

/** What an image says of itself, without its pages. */
export interface ImageDescription {
  readonly formatVersion: number;
  readonly engine: string;
  readonly memoryBytes: number;
  readonly pages: number;
  /** Pages with different content; the others repeat one of these. */
  readonly distinctPages: number;
  readonly zeroedPages: number;
  readonly headerBytes: number;
  /** Size of the page contents as stored. */
  readonly contentBytes: number;
  readonly totalBytes: number;
  readonly state: unknown;
}

export interface EncodeOptions {
  /** Deflate page contents where that makes them smaller. */
  readonly compress: boolean;
}
export interface DecodeOptions {
  /** The largest address space to accept, such as the quota of who restores. */
  readonly memoryMaxBytes?: number;
}

/** What is stored once, however many pages hold it. */
type Content = Required<Omit<MemoryPage, "number">>;

/** An image whose lengths, counts, checksum and header are known to be good. Offsets are into `bytes`. */
interface Opened {
  readonly bytes: Buffer;
  readonly header: ImageHeader;
  readonly headerBytes: number;
  readonly pageCount: number;
  readonly contentCount: number;
  readonly zeroedCount: number;
  readonly pageTable: number;
  readonly zeroedTable: number;
  readonly hashTable: number;
  readonly blocks: number;
  readonly end: number;
}

/**
 * An image as bytes.
 * @throws GodwitError EIMAGE_LIMIT if the state is larger than any reader would accept.
 */
export function encodeImage(image: Image, options: EncodeOptions): Uint8Array {
  checkWritable(image);
  const header = encodeHeader(image);
  const pageTable = Buffer.alloc(image.pages.length * PAGE_ENTRY_BYTES);
  const contents: MemoryPage[] = [];
  const indexes = new Map<string, number>();
  for (const [entry, page] of image.pages.entries()) {
    const hash = pageHash(page.digest ?? pageDigest(page.bytes));
    let index = indexes.get(hash);
    if (index === undefined) {
      index = contents.push(page) - 1;
      indexes.set(hash, index);
    }
    pageTable.writeUInt32LE(page.number, entry * PAGE_ENTRY_BYTES);
    pageTable.writeUInt32LE(index, entry * PAGE_ENTRY_BYTES + 4);
  }
  const zeroedTable = Buffer.alloc(image.zeroed.length * ZEROED_ENTRY_BYTES);
  for (const [entry, number] of image.zeroed.entries()) zeroedTable.writeUInt32LE(number, entry * ZEROED_ENTRY_BYTES);
  const hashTable = Buffer.from([...indexes.keys()].join(""), "latin1");
  const prologue = Buffer.alloc(PROLOGUE_BYTES);
  const sections = [prologue, header, pageTable, zeroedTable, hashTable, ...encodeBlocks(contents, options)];
  const totalBytes = sections.reduce((sum, section) => sum + section.length, CHECKSUM_BYTES);
  IMAGE_MAGIC.copy(prologue);
  prologue.writeUInt32LE(IMAGE_FORMAT_VERSION, PROLOGUE.formatVersion.offset);
  prologue.writeUInt32LE(header.length, PROLOGUE.headerBytes.offset);
  prologue.writeBigUInt64LE(BigInt(totalBytes), PROLOGUE.totalBytes.offset);
  prologue.writeUInt32LE(image.pages.length, PROLOGUE.pageCount.offset);
  prologue.writeUInt32LE(contents.length, PROLOGUE.contentCount.offset);
  prologue.writeUInt32LE(image.zeroed.length, PROLOGUE.zeroedCount.offset);
  const checksum = createHash("sha256");
  for (const section of sections) checksum.update(section);
  return Buffer.concat([...sections, checksum.digest()], totalBytes);
}

/**
 * Reads an image. Its pages are views of memory that it alone holds.
 * @throws GodwitError EIMAGE_CORRUPT, EIMAGE_VERSION or EIMAGE_LIMIT, and nothing else, whatever the bytes.
 */
export function decodeImage(bytes: Uint8Array, options: DecodeOptions = {}): DecodedImage {
  const opened = openImage(bytes);
  const { engine, memoryBytes, state } = opened.header;
  const memoryMaxBytes = options.memoryMaxBytes ?? ADDRESS_SPACE_MAX_BYTES;
  if (memoryBytes > memoryMaxBytes)
    throw failure(
      "EIMAGE_LIMIT",
      `the image has an address space of ${memoryBytes} bytes, and ${memoryMaxBytes} are allowed: raise the memory quota`,
    );
  const zeroed = readNumbers(opened, opened.zeroedTable, opened.zeroedCount, ZEROED_ENTRY_BYTES);
  const numbers = readNumbers(opened, opened.pageTable, opened.pageCount, PAGE_ENTRY_BYTES);
  const occupied = new Set(zeroed);
  if (numbers.some((number) => occupied.has(number))) throw corrupt("a page is listed both with content and as zero");
  const indexes = readContentIndexes(opened);
  const contents = readContents(opened);
  const pages = numbers.map((number, entry) => ({
    number,
    ...present(contents[present(indexes[entry], "index")], "content"),
  }));
  return { engine, memoryBytes, pages, zeroed, state };
}

/**
 * What an image says of itself, after checking its lengths and checksum; its pages are not unpacked.
 * @throws GodwitError EIMAGE_CORRUPT, EIMAGE_VERSION or EIMAGE_LIMIT.
 */
export function describeImage(bytes: Uint8Array): ImageDescription {
  const opened = openImage(bytes);
  return {
    formatVersion: IMAGE_FORMAT_VERSION,
    engine: opened.header.engine,
    memoryBytes: opened.header.memoryBytes,
    pages: opened.pageCount,
    distinctPages: opened.contentCount,
    zeroedPages: opened.zeroedCount,
    headerBytes: opened.headerBytes,
    contentBytes: opened.end - opened.blocks,
    totalBytes: opened.bytes.length,
    state: opened.header.state,
  };
}

/**
 * Makes sure that `image` runs on the engine with this hash.
 * @throws GodwitError EIMAGE_ENGINE.
 */
export function assertEngine(image: Pick<Image, "engine">, engineHash: string): void {
  if (image.engine === engineHash) return;
  throw failure(
    "EIMAGE_ENGINE",
    `the image needs engine ${image.engine.slice(0, 12)} and this is ${engineHash.slice(0, 12)}: restore it with the version of godwit that made it`,
  );
}

/** Invariants of an image that we made ourselves. */
function checkWritable({ engine, memoryBytes, pages, zeroed }: Image): void {
  assert(isEngineHash(engine), "an image's engine is a SHA-256 in hex");
  assert(isMemorySize(memoryBytes), "an address space is a whole number of WebAssembly pages");
  for (const list of [pages.map((page) => page.number), zeroed]) {
    let least = 0;
    for (const number of list) {
      assert(
        Number.isInteger(number) && number >= least && number < memoryBytes / PAGE_BYTES,
        "page numbers ascend and lie in the address space",
      );
      least = number + 1;
    }
  }
  const occupied = new Set(zeroed);
  for (const page of pages) {
    assert(page.bytes.length === PAGE_BYTES && !isZero(page.bytes), "a page in an image is a whole one and not zero");
    assert(!occupied.has(page.number), "a page is either zeroed or has content");
  }
}

function* encodeBlocks(contents: readonly MemoryPage[], { compress }: EncodeOptions): Generator<Uint8Array> {
  for (let first = 0; first < contents.length; first += BLOCK_PAGES) {
    const raw = Buffer.concat(contents.slice(first, first + BLOCK_PAGES).map((page) => page.bytes));
    const packed = compress ? deflateRawSync(raw, { level: DEFLATE_LEVEL, chunkSize: raw.length }) : raw;
    const stored = packed.length < raw.length ? packed : raw;
    const length = Buffer.alloc(BLOCK_LENGTH_BYTES);
    length.writeUInt32LE(stored.length);
    yield length;
    yield stored;
  }
}

/** Checks everything that can be checked without unpacking pages, cheapest first. */
function openImage(source: Uint8Array): Opened {
  const bytes = Buffer.from(source.buffer, source.byteOffset, source.byteLength);
  checkMagicAndVersion(bytes);
  if (bytes.length < PROLOGUE_BYTES + CHECKSUM_BYTES) throw corrupt(`it ends after ${bytes.length} bytes`);
  const totalBytes = bytes.readBigUInt64LE(PROLOGUE.totalBytes.offset);
  const headerBytes = bytes.readUInt32LE(PROLOGUE.headerBytes.offset);
  const pageCount = bytes.readUInt32LE(PROLOGUE.pageCount.offset);
  const contentCount = bytes.readUInt32LE(PROLOGUE.contentCount.offset);
  const zeroedCount = bytes.readUInt32LE(PROLOGUE.zeroedCount.offset);
  checkLimit("header bytes", headerBytes, IMAGE_HEADER_MAX_BYTES);
  checkLimit("pages", pageCount + zeroedCount, IMAGE_MAX_PAGES);
  checkLimit("page contents", contentCount, IMAGE_MAX_PAGES);
  if (totalBytes !== BigInt(bytes.length))
    throw corrupt(`it says that it has ${totalBytes} bytes and there are ${bytes.length}`);
  if (bytes.readUInt32LE(PROLOGUE.reserved.offset) !== 0) throw corrupt("a reserved field is not zero");
  const end = bytes.length - CHECKSUM_BYTES;
  const pageTable = PROLOGUE_BYTES + headerBytes;
  const zeroedTable = pageTable + pageCount * PAGE_ENTRY_BYTES;
  const hashTable = zeroedTable + zeroedCount * ZEROED_ENTRY_BYTES;
  const blocks = hashTable + contentCount * PAGE_HASH_BYTES;
  if (blocks > end) throw corrupt("its tables are longer than itself");
  const checksum = createHash("sha256").update(bytes.subarray(0, end)).digest();
  if (!checksum.equals(bytes.subarray(end))) throw corrupt("its checksum does not match its content");
  const header = decodeHeader(bytes.subarray(PROLOGUE_BYTES, pageTable));
  return {
    bytes,
    header,
    headerBytes,
    pageCount,
    contentCount,
    zeroedCount,
    pageTable,
    zeroedTable,
    hashTable,
    blocks,
    end,
  };
}

function checkMagicAndVersion(bytes: Buffer): void {
  const { magic, formatVersion } = PROLOGUE;
  if (!bytes.subarray(0, magic.sizeBytes).equals(IMAGE_MAGIC)) throw corrupt("it does not begin like one");
  if (bytes.length < formatVersion.offset + formatVersion.sizeBytes)
    throw corrupt(`it ends after ${bytes.length} bytes`);
  const version = bytes.readUInt32LE(formatVersion.offset);
  if (READABLE_VERSIONS.includes(version)) return;
  throw failure(
    "EIMAGE_VERSION",
    `the image has format version ${version} and this build reads ${READABLE_VERSIONS.join(", ")}: use a version of godwit that reads it`,
  );
}

/** A table's page numbers: ascending, each once, all inside the address space. */
function readNumbers({ bytes, header }: Opened, table: number, count: number, entryBytes: number): number[] {
  const pageCount = header.memoryBytes / PAGE_BYTES;
  const numbers: number[] = [];
  let least = 0;
  for (let entry = 0; entry < count; entry++) {
    const number = bytes.readUInt32LE(table + entry * entryBytes);
    if (number < least) throw corrupt("its page numbers do not ascend");
    if (number >= pageCount) throw corrupt(`page ${number} lies outside its address space of ${pageCount} pages`);
    numbers.push(number);
    least = number + 1;
  }
  return numbers;
}

/** For each page the number of its content. Contents are numbered as pages first use them, so that all are used. */
function readContentIndexes({ bytes, pageTable, pageCount, contentCount }: Opened): number[] {
  const indexes: number[] = [];
  let next = 0;
  for (let entry = 0; entry < pageCount; entry++) {
    const index = bytes.readUInt32LE(pageTable + entry * PAGE_ENTRY_BYTES + 4);
    if (index > next) throw corrupt("its page contents are not numbered in the order of their use");
    if (index === next) next++;
    indexes.push(index);
  }
  if (next !== contentCount) throw corrupt(`it has ${contentCount} page contents and its pages use ${next}`);
  return indexes;
}

function readContents({ bytes, hashTable, contentCount, blocks, end }: Opened): Content[] {
  const hashes = new Set<string>();
  for (let index = 0; index < contentCount; index++) {
    const start = hashTable + index * PAGE_HASH_BYTES;
    hashes.add(bytes.toString("latin1", start, start + PAGE_HASH_BYTES));
  }
  if (hashes.size !== contentCount) throw corrupt("a page content is stored twice");
  const contents: Content[] = [];
  let at = blocks;
  let block: Buffer = Buffer.alloc(0);
  for (const hash of hashes) {
    const inBlock = contents.length % BLOCK_PAGES;
    if (inBlock === 0) {
      const stored = readBlock(bytes, at, end);
      at += BLOCK_LENGTH_BYTES + stored.length;
      block = unpackBlock(stored, Math.min(BLOCK_PAGES, contentCount - contents.length) * PAGE_BYTES);
    }
    const page = pageAt(block, inBlock);
    if (isZero(page)) throw corrupt("a page stored with content is zero");
    const digest = pageDigest(page);
    if (pageHash(digest) !== hash) throw corrupt("a page does not match its hash");
    contents.push({ bytes: page, digest });
  }
  if (at !== end) throw corrupt("there are bytes after the last page");
  return contents;
}

function readBlock(bytes: Buffer, at: number, end: number): Buffer {
  const start = at + BLOCK_LENGTH_BYTES;
  if (start > end) throw corrupt("its page contents are cut short");
  const length = bytes.readUInt32LE(at);
  if (length > end - start) throw corrupt("its page contents are cut short");
  return bytes.subarray(start, start + length);
}

/** A block whose stored length is its real one is stored as it is; a shorter one is deflated. */
function unpackBlock(stored: Buffer, rawBytes: number): Buffer {
  if (stored.length === rawBytes) return Buffer.from(stored);
  if (stored.length > rawBytes) throw corrupt("a block of pages is longer than its pages");
  let unpacked: { buffer: Buffer; engine: { bytesWritten: number } };
  try {
    // With `info`, which @types/node does not know, the result also tells how much of the input was used.
    unpacked = inflateRawSync(stored, {
      chunkSize: rawBytes,
      maxOutputLength: rawBytes,
      info: true,
    }) as unknown as typeof unpacked;
  } catch (error) {
    throw corrupt("a block of pages cannot be unpacked", error);
  }
  if (unpacked.buffer.length !== rawBytes) throw corrupt("a block of pages unpacks to the wrong size");
  if (unpacked.engine.bytesWritten !== stored.length) throw corrupt("there are bytes after a block of pages");
  return unpacked.buffer;
}
