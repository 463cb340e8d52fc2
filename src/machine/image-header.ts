/**
 * The header of an image, its one variable part: CBOR, read strictly and within bounds. Here too: the two errors that
 * every check of an image reports with.
 */

import { decode, encode, Tokenizer } from "cborg";
import { assert, AssertionError, present } from "../assert.ts";
import { failure, GodwitError } from "../errors.ts";
import {
  ADDRESS_SPACE_MAX_BYTES,
  IMAGE_HEADER_MAX_BYTES,
  IMAGE_STATE_MAX_DEPTH,
  IMAGE_STATE_MAX_ITEMS,
  WASM_PAGE_BYTES,
} from "../limits.ts";

/** What an image holds besides pages. */
export interface ImageHeader {
  /** The engine's hash: SHA-256, in lower-case hex. */
  readonly engine: string;
  /** Size of the address space; a multiple of WebAssembly's page. */
  readonly memoryBytes: number;
  /**
   * The kernel's record of the process: null, booleans, numbers, strings, `Uint8Array`s, and lists and plain objects of
   * them. A property that is undefined is left out.
   */
  readonly state: unknown;
}

/** How the header is read: one way to write each value, no value twice, nothing but plain data. */
const STRICT = { strict: true, allowIndefinite: false, allowUndefined: false, rejectDuplicateMapKeys: true };

/**
 * A header as bytes.
 * @throws GodwitError EIMAGE_LIMIT if the state is larger than any reader would accept.
 */
export function encodeHeader({ engine, memoryBytes, state }: ImageHeader): Uint8Array {
  assert(state !== undefined, "an image has a state");
  const typeEncoders = {
    undefined: () => {
      throw new AssertionError("broken invariant: a list in an image's state has no undefined values");
    },
  };
  const header = encode({ engine, memoryBytes, state }, { ignoreUndefinedProperties: true, typeEncoders });
  if (header.length > IMAGE_HEADER_MAX_BYTES) {
    throw failure(
      "EIMAGE_LIMIT",
      `the process's state takes ${header.length} bytes and an image holds ${IMAGE_HEADER_MAX_BYTES}: let it read its messages and input first`,
    );
  }
  decodeHeader(header); // No image is written that would be refused when it is needed.
  return header;
}

/** @throws GodwitError EIMAGE_CORRUPT or EIMAGE_LIMIT. */
export function decodeHeader(source: Uint8Array): ImageHeader {
  // Not a Buffer: what is cut out of a Buffer shares its bytes, and the state must outlive them.
  const bytes = new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
  let value: unknown;
  try {
    value = decode(bytes, { ...STRICT, tokenizer: new BoundedTokenizer(bytes, STRICT) });
  } catch (error) {
    if (error instanceof GodwitError) throw error;
    throw corrupt("its header cannot be read", error);
  }
  if (typeof value !== "object" || value === null || Object.keys(value).sort().join() !== "engine,memoryBytes,state") {
    throw corrupt("its header is not a map of engine, memoryBytes and state");
  }
  const { engine, memoryBytes, state } = value as Record<keyof ImageHeader, unknown>;
  if (!isEngineHash(engine)) throw corrupt("its header names no engine");
  if (typeof memoryBytes === "number") checkLimit("bytes of address space", memoryBytes, ADDRESS_SPACE_MAX_BYTES);
  if (!isMemorySize(memoryBytes)) throw corrupt("the size of its address space makes no sense");
  return { engine, memoryBytes, state };
}

/** Stops a small header from unpacking into a deep or vast value. */
class BoundedTokenizer extends Tokenizer {
  #items = 0;
  /** For each list or map that is not complete, innermost last: how many values are to come. */
  readonly #open: number[] = [];

  override next(): ReturnType<Tokenizer["next"]> {
    const token = super.next();
    this.#items++;
    checkLimit("values in its header", this.#items, IMAGE_STATE_MAX_ITEMS);
    const innermost = this.#open.length - 1;
    if (innermost >= 0) this.#open[innermost] = present(this.#open[innermost], "open list") - 1;
    if (token.type.name === "array") this.#open.push(Number(token.value));
    if (token.type.name === "map") this.#open.push(Number(token.value) * 2);
    checkLimit("levels of nesting in its header", this.#open.length, IMAGE_STATE_MAX_DEPTH);
    while (this.#open.at(-1) === 0) this.#open.pop();
    return token;
  }
}

export function isEngineHash(value: unknown): value is string {
  return typeof value === "string" && /^[0-9a-f]{64}$/.test(value);
}

export function isMemorySize(value: unknown): value is number {
  return typeof value === "number" && value > 0 && value % WASM_PAGE_BYTES === 0 && value <= ADDRESS_SPACE_MAX_BYTES;
}

export function checkLimit(what: string, value: number, limit: number): void {
  if (value > limit)
    throw failure(
      "EIMAGE_LIMIT",
      `the image declares ${value} ${what} and ${limit} are allowed: it is damaged, or not made by godwit`,
    );
}

export function corrupt(why: string, cause?: unknown): GodwitError {
  return failure("EIMAGE_CORRUPT", `not a readable image: ${why}; copy it again from where it was made`, cause);
}
