/**
 * Copies of structured values (HTML's structured clone): one codec for `structuredClone` and for messages.
 *
 * A message is: version (1 byte), zero bytes (3), JSON length and buffer count (u32 each), each buffer's length (u32),
 * the nodes as JSON text, the buffers. All little-endian.
 */

import { coded, hasCode, part, utf8Bytes } from "../core.ts";
import { utf8Text } from "./decoding.ts";
import { dictionary, requireArguments } from "./idl.ts";
import { ERRORS, type Field, type Flat, flatten, type Node, VIEWS } from "./flat-value.ts";

/** Makes the values of nodes: first all objects, empty; then what is in them. */
class Builder {
  readonly #flat: Flat;
  readonly #objects: unknown[];

  constructor(flat: Flat) {
    this.#flat = flat;
    this.#objects = new Array<unknown>(flat.nodes.length).fill(undefined);
  }

  build(): unknown {
    const { nodes } = this.#flat;
    for (let index = 1; index < nodes.length; index++) this.#objects[index] ??= this.#make(nodes[index] as Node);
    for (let index = 1; index < nodes.length; index++) this.#fill(this.#objects[index], nodes[index] as Node);
    return this.#value(nodes[0]?.[1] ?? null);
  }

  #value(field: Field): unknown {
    if (!Array.isArray(field)) return field;
    const [tag, payload] = field as unknown as readonly [string, string | number];
    if (tag === "r") return this.#object(payload as number);
    if (tag === "b") return BigInt(payload);
    return tag === "n" ? Number(payload) : undefined;
  }

  /** Views name their buffers, whose nodes come later. */
  #object(index: number): unknown {
    const node = this.#flat.nodes[index];
    if (node === undefined) throw coded("EINVAL", "a message with a reference to nothing");
    return (this.#objects[index] ??= this.#make(node));
  }

  #make(node: Node): unknown {
    const [kind, a, b, c, d] = node as [string, Field, Field, Field, Field];
    switch (kind) {
      case "o":
        return {};
      case "a":
        return [];
      case "s": {
        const array: unknown[] = [];
        array.length = a as number;
        return array;
      }
      case "m":
        return new Map();
      case "S":
        return new Set();
      case "d":
        return new Date(this.#value(a) as number);
      case "x":
        return new RegExp(a as string, b as string);
      case "e":
        return made((ERRORS[a as string] ?? Error).prototype, c, b);
      case "D":
        return withStack(new DOMException(b as string, a as string), c);
      case "w":
        return Object(this.#value(a)) as object;
      case "B":
        return this.#buffer(a as number, b as number);
      case "f":
        return this.#blob(a as number, b as string, c, d);
      case "k":
        return part("subtle").keyOfText(a as string);
      case "v":
        return new (VIEWS[a as number] ?? Uint8Array)(this.#value(b) as ArrayBuffer, c as number, d as number);
      default:
        throw coded("EINVAL", `a message with a node of unknown kind ${JSON.stringify(kind)}`);
    }
  }

  #buffer(index: number, maximum: number): ArrayBuffer {
    const bytes = this.#flat.buffers[index] ?? new ArrayBuffer(0);
    if (maximum < 0) return bytes;
    const buffer = new ArrayBuffer(bytes.byteLength, { maxByteLength: maximum });
    new Uint8Array(buffer).set(new Uint8Array(bytes));
    return buffer;
  }

  #blob(index: number, type: string, name: Field | undefined, lastModified: Field | undefined): object {
    const { Blob, blobOf, File } = part("blob");
    const contents = [blobOf(new Uint8Array(this.#flat.buffers[index] ?? new ArrayBuffer(0)), "")];
    if (name === undefined) return new Blob(contents, { type });
    return new File(contents, name, { type, lastModified: this.#value(lastModified ?? 0) });
  }

  #fill(target: unknown, node: Node): void {
    const [kind] = node;
    if (kind === "o") this.#fillKeys(target as object, node, 1);
    else if (kind === "s") this.#fillKeys(target as object, node, 2);
    else if (kind === "a")
      for (let at = 1; at < node.length; at++) (target as unknown[]).push(this.#value(node[at] as Field));
    else if (kind === "S")
      for (let at = 1; at < node.length; at++) (target as Set<unknown>).add(this.#value(node[at] as Field));
    else if (kind === "m") {
      for (let at = 1; at < node.length; at += 2) {
        (target as Map<unknown, unknown>).set(this.#value(node[at] as Field), this.#value(node[at + 1] as Field));
      }
    } else if (kind === "e" && node.length > 4) define(target as object, "cause", this.#value(node[4] as Field), false);
  }

  #fillKeys(target: object, node: Node, from: number): void {
    for (let at = from; at < node.length; at += 2) {
      const key = node[at] as string;
      const value = this.#value(node[at + 1] as Field);
      if (key === "__proto__") define(target, key, value, true);
      else (target as Record<string, unknown>)[key] = value;
    }
  }
}

function define(target: object, key: string, value: unknown, enumerable: boolean): void {
  Object.defineProperty(target, key, { value, writable: true, enumerable, configurable: true });
}

function made(prototype: object, message: Field, stack: Field): Error {
  const error = new Error("replaced below");
  Reflect.deleteProperty(error, "message");
  Object.setPrototypeOf(error, prototype);
  if (typeof message === "string") define(error, "message", message, false);
  return withStack(error, stack);
}

function withStack(error: Error, stack: Field): Error {
  define(error, "stack", stack, false);
  return error;
}

/** The global `structuredClone`. */
export function structuredClone(value: unknown, options?: unknown): unknown {
  requireArguments(arguments.length, 1, "structuredClone");
  const { transfer = [] } = dictionary(options, "the options of structuredClone");
  const list = [...(transfer as Iterable<unknown>)];
  for (const item of list) {
    if ((typeof item !== "object" || item === null) && typeof item !== "function")
      throw new TypeError("each item of the transfer list must be an object");
  }
  return new Builder(flatten(value, list as ArrayBuffer[])).build();
}

const VERSION = 1;
const HEADER_BYTES = 12;

/** `value` as bytes that {@link decodeMessage} takes. */
export function encodeMessage(value: unknown, transfer: readonly ArrayBuffer[]): Uint8Array {
  const { nodes, buffers } = flatten(value, transfer);
  const json = utf8Bytes(JSON.stringify(nodes));
  const tableBytes = HEADER_BYTES + 4 * buffers.length;
  const message = new Uint8Array(buffers.reduce((sum, buffer) => sum + buffer.byteLength, tableBytes + json.length));
  const view = new DataView(message.buffer);
  view.setUint8(0, VERSION);
  view.setUint32(4, json.length, true);
  view.setUint32(8, buffers.length, true);
  message.set(json, tableBytes);
  let at = tableBytes + json.length;
  for (const [index, buffer] of buffers.entries()) {
    view.setUint32(HEADER_BYTES + 4 * index, buffer.byteLength, true);
    message.set(new Uint8Array(buffer), at);
    at += buffer.byteLength;
  }
  return message;
}

/** The value of a message. @throws `EINVAL` for bytes that are no message. */
export function decodeMessage(bytes: Uint8Array): unknown {
  try {
    return new Builder(unpacked(bytes)).build();
  } catch (error) {
    if (hasCode(error, "EINVAL")) throw error;
    throw coded("EINVAL", `a message that cannot be read: ${String(error)}`);
  }
}

function unpacked(bytes: Uint8Array): Flat {
  if (bytes.length < HEADER_BYTES || bytes[0] !== VERSION) {
    throw coded("EINVAL", "a message that this version of godwit cannot read");
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const jsonBytes = view.getUint32(4, true);
  const count = view.getUint32(8, true);
  const tableBytes = HEADER_BYTES + 4 * count;
  let at = tableBytes + jsonBytes;
  if (at > bytes.length) throw coded("EINVAL", "a message that is cut short");
  const json = utf8Text(bytes.subarray(tableBytes, at));
  const buffers: ArrayBuffer[] = [];
  for (let index = 0; index < count; index++) {
    const length = view.getUint32(HEADER_BYTES + 4 * index, true);
    if (at + length > bytes.length) throw coded("EINVAL", "a message that is cut short");
    buffers.push(bytes.slice(at, at + length).buffer);
    at += length;
  }
  return { nodes: JSON.parse(json) as Node[], buffers };
}
