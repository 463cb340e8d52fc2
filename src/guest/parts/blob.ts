/** The globals `Blob` and `File` (W3C File API). */

import type { ReadableStream } from "web-streams-polyfill";
import { joined, part, utf8Bytes } from "../core.ts";
import { Decoding } from "./decoding.ts";
import { displayAs } from "./display.ts";
import { dictionary, domString, requireArguments, sourceBytes, usvString } from "./idl.ts";

/** Pieces of a stream of a blob. */
const CHUNK_BYTES = 64 * 1024;

interface Contents {
  /** None is empty, and nobody changes them: blobs share them. */
  readonly pieces: readonly Uint8Array[];
  readonly sizeBytes: number;
}
const NOTHING: Contents = { pieces: [], sizeBytes: 0 };
const NO_PROPERTIES = { endings: "transparent", type: "" };

let contentsOf: (blob: Blob) => Contents;
let joinedContents: (blob: Blob) => Uint8Array;
let make: (contents: Contents, type: string) => Blob;

let hasContents: (value: object) => boolean;

/** The global `Blob`. */
export class Blob {
  #contents = NOTHING;
  #type = "";

  constructor(parts: unknown = undefined, options: unknown = undefined) {
    const items = parts === undefined ? [] : partsOf(parts);
    const { endings, type } = options === undefined ? NO_PROPERTIES : propertiesOf(options);
    if (items.length > 0) this.#contents = gather(items, endings === "native");
    this.#type = type;
  }

  static {
    hasContents = (value) => #contents in value;
    contentsOf = (blob) => blob.#contents;
    joinedContents = (blob) => {
      const { pieces, sizeBytes } = blob.#contents;
      if (pieces.length !== 1) blob.#contents = contentsFrom([joined(pieces)], sizeBytes);
      return blob.#contents.pieces[0] ?? new Uint8Array(0);
    };
    make = (contents, type) => {
      const blob = new Blob();
      blob.#contents = contents;
      blob.#type = type;
      return blob;
    };
  }

  get size(): number {
    return this.#contents.sizeBytes;
  }

  get type(): string {
    return this.#type;
  }

  slice(start: unknown = 0, end: unknown = undefined, contentType: unknown = ""): Blob {
    const { pieces, sizeBytes } = this.#contents;
    const from = relative(start, sizeBytes);
    const to = Math.max(from, end === undefined ? sizeBytes : relative(end, sizeBytes));
    return make(section(pieces, from, to), mediaType(domString(contentType)));
  }

  stream(): ReadableStream<Uint8Array> {
    return streamOf(this.#contents.pieces);
  }

  async text(): Promise<string> {
    return new Decoding("utf-8", false, false).decode(blobBytes(this), false);
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return blobBytes(this).slice().buffer;
  }

  async bytes(): Promise<Uint8Array> {
    return blobBytes(this).slice();
  }
}

/** The global `File`. */
export class File extends Blob {
  readonly #name: string;
  readonly #lastModified: number;

  constructor(parts: unknown, name: unknown, options: unknown = undefined) {
    requireArguments(arguments.length, 2, "new File");
    super(parts ?? null, options);
    this.#name = usvString(name);
    const { lastModified } = dictionary(options, "the options of a File");
    this.#lastModified = lastModified === undefined ? Date.now() : whole(Number(lastModified));
  }

  get name(): string {
    return this.#name;
  }

  /** Milliseconds since 1970-01-01 UTC. */
  get lastModified(): number {
    return this.#lastModified;
  }
}

displayAs(Blob.prototype, "Blob", ({ size, type }) => ({ size, type }));
displayAs(File.prototype, "File", ({ size, type, name, lastModified }) => ({ size, type, name, lastModified }));

/** Whether it is a `Blob` or a `File`. */
export function isBlob(value: unknown): value is Blob {
  return typeof value === "object" && value !== null && hasContents(value);
}

/** The bytes of a blob, which nobody may change. */
export function blobBytes(blob: Blob): Uint8Array {
  return joinedContents(blob);
}

/** A blob of bytes that nobody else will change: they are not copied. `type` is kept as it is. */
export function blobOf(bytes: Uint8Array, type: string): Blob {
  return make(contentsFrom([bytes], bytes.length), type);
}

function contentsFrom(pieces: readonly Uint8Array[], sizeBytes: number): Contents {
  return sizeBytes === 0 ? NOTHING : { pieces, sizeBytes };
}

type Part = string | Uint8Array | Blob;

function partsOf(parts: unknown): Part[] {
  const isObject = (typeof parts === "object" && parts !== null) || typeof parts === "function";
  // Web IDL looks the method up once, and programs can see how often.
  const iterate = isObject ? (parts as Partial<Iterable<unknown>>)[Symbol.iterator] : undefined;
  if (typeof iterate !== "function") throw new TypeError("the parts of a Blob must be iterable, as an array is");
  const items: Iterable<unknown> = { [Symbol.iterator]: () => Reflect.apply(iterate, parts, []) };
  return Array.from(items, (item) => (isBlob(item) ? item : (sourceBytes(item) ?? usvString(item))));
}

function propertiesOf(options: unknown): { endings: string; type: string } {
  const { endings = "transparent", type = "" } = dictionary(options, "the options of a Blob");
  const ending = domString(endings);
  if (ending !== "transparent" && ending !== "native")
    throw new TypeError(`the endings of a Blob are "transparent" or "native", not "${ending}"`);
  return { endings: ending, type: mediaType(domString(type)) };
}

/** A type that is not printable ASCII is none. */
function mediaType(type: string): string {
  return /^[\x20-\x7e]*$/.test(type) ? type.toLowerCase() : "";
}

/** Copies what others may change. Text is encoded a run at a time, which costs one system call. */
function gather(parts: readonly Part[], nativeEndings: boolean): Contents {
  const pieces: Uint8Array[] = [];
  let sizeBytes = 0;
  const add = (bytes: Uint8Array): void => {
    if (bytes.length > 0) pieces.push(bytes);
    sizeBytes += bytes.length;
  };
  let text = "";
  for (const part of parts) {
    if (typeof part === "string") {
      text += nativeEndings ? part.replace(/\r\n?/g, "\n") : part;
      continue;
    }
    if (text !== "") add(utf8Bytes(text));
    text = "";
    if (isBlob(part)) for (const piece of contentsOf(part).pieces) add(piece);
    else add(part.slice());
  }
  if (text !== "") add(utf8Bytes(text));
  return contentsFrom(pieces, sizeBytes);
}

/** A position counted from the start, or from the end when it is negative, within `size`. */
function relative(position: unknown, size: number): number {
  const clamped = Math.min(Math.max(Number(position), -Number.MAX_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
  // Web IDL's [Clamp] rounds halves to the even number.
  const at = (clamped % 1 === 0.5 || clamped % 1 === -0.5 ? 2 * Math.round(clamped / 2) : Math.round(clamped)) || 0;
  return at < 0 ? Math.max(size + at, 0) : Math.min(at, size);
}

function whole(value: number): number {
  return Number.isFinite(value) ? Math.trunc(value) + 0 : 0;
}

function section(pieces: readonly Uint8Array[], from: number, to: number): Contents {
  const found: Uint8Array[] = [];
  let at = 0;
  for (const piece of pieces) {
    const bytes = piece.subarray(Math.max(from - at, 0), Math.max(to - at, 0));
    if (bytes.length > 0) found.push(bytes);
    at += piece.length;
  }
  return contentsFrom(found, to - from);
}

function streamOf(pieces: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  let index = 0;
  let at = 0;
  const { ReadableStream } = part("streams");
  return new ReadableStream({
    type: "bytes",
    pull(controller) {
      const piece = pieces[index];
      if (piece === undefined) {
        controller.close();
        controller.byobRequest?.respond(0);
        return;
      }
      // What is enqueued is taken away from its owner.
      controller.enqueue(piece.slice(at, at + CHUNK_BYTES));
      at += CHUNK_BYTES;
      if (at < piece.length) return;
      index += 1;
      at = 0;
    },
  });
}
