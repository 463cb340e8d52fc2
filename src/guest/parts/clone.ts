/**
 * Copies of structured values (HTML's structured clone): one codec for `structuredClone` and for messages.
 *
 * A value is flattened into nodes, breadth first, so that neither depth nor cycles matter. A field of a node is a JSON
 * value: strings, booleans, null and ordinary numbers stand for themselves, all else is an array, `[tag, ...]`. On the
 * wire: version (1 byte), zero bytes (3), JSON length and buffer count (u32 each), each buffer's length (u32), the
 * JSON text, the buffers. All little-endian.
 */

import { coded, hasCode, notCloneable, utf8Bytes } from "../core.ts";
import { utf8Text } from "./decoding.ts";

type Field = string | number | boolean | null | readonly (string | number)[];
type Node = [kind: string, ...fields: Field[]];
interface Flat {
  readonly nodes: Node[];
  /** Bytes of array buffers, in the order of their nodes. */
  readonly buffers: ArrayBuffer[];
}

const ERRORS: Record<string, ErrorConstructor> = {
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
};
const VIEWS = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  BigInt64Array,
  BigUint64Array,
  Float32Array,
  Float64Array,
  DataView,
] as unknown as readonly (new (buffer: ArrayBuffer, offset: number, length?: number) => ArrayBufferView)[];
const WRAPPERS = [Boolean, Number, String, BigInt] as readonly { readonly prototype: object }[];
function uncloneable(what: string): DOMException {
  return new DOMException(`${what} could not be cloned.`, "DataCloneError");
}

function describe(value: object): string {
  const name: unknown = value.constructor?.name;
  return `#<${typeof name === "string" && name !== "" ? name : "Object"}>`;
}

/** Whether a built-in's own method accepts `value`: it is a real one, whatever its prototype chain says. */
function isReal(value: object, prototype: object, method: string): boolean {
  try {
    (prototype as Record<string, (this: unknown) => unknown>)[method]?.call(value);
    return true;
  } catch {
    return false;
  }
}

class Flattener {
  readonly nodes: Node[] = [];
  readonly buffers: ArrayBuffer[] = [];
  readonly #known = new Map<object, number>();
  /** Values whose nodes are to be filled, in the order of their nodes. */
  readonly #queue: object[] = [];

  flatten(root: unknown): Flat {
    this.nodes.push(["root"]);
    this.nodes[0]?.push(this.#field(root));
    for (const value of this.#queue) this.#fill(value, this.nodes[this.#known.get(value) ?? 0] as Node);
    return this;
  }

  #field(value: unknown): Field {
    switch (typeof value) {
      case "string":
      case "boolean":
        return value;
      case "number":
        return Number.isFinite(value) && !Object.is(value, -0)
          ? value
          : ["n", Object.is(value, -0) ? "-0" : String(value)];
      case "undefined":
        return ["u"];
      case "bigint":
        return ["b", String(value)];
      case "object":
        return value === null ? null : ["r", this.#reference(value)];
      case "symbol":
        throw uncloneable(String(value));
      default:
        throw uncloneable(String(value));
    }
  }

  #reference(value: object): number {
    let index = this.#known.get(value);
    if (index === undefined) {
      index = this.nodes.length;
      this.#known.set(value, index);
      this.nodes.push(["?"]);
      this.#queue.push(value);
    }
    return index;
  }

  #fill(value: object, node: Node): void {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null) this.#fillObject(value, node, "o");
    else if (Array.isArray(value)) this.#fillArray(value, node);
    else this.#fillSpecial(value, node);
  }

  #fillObject(value: object, node: Node, kind: string): void {
    node[0] = kind;
    for (const key of Object.keys(value)) node.push(key, this.#field((value as Record<string, unknown>)[key]));
  }

  /** `["a", length, element...]` when dense, `["s", length, key, value...]` when there are holes or further keys. */
  #fillArray(value: readonly unknown[], node: Node): void {
    const length = value.length;
    const keys = Object.keys(value);
    if (keys.length === length && (length === 0 || keys[length - 1] === String(length - 1))) {
      node[0] = "a";
      for (let index = 0; index < length; index++) node.push(this.#field(value[index]));
      return;
    }
    node[0] = "s";
    node.push(length);
    for (const key of keys) node.push(key, this.#field((value as unknown as Record<string, unknown>)[key]));
  }

  #fillSpecial(value: object, node: Node): void {
    if (value instanceof Map && isReal(value, Map.prototype, "has")) {
      node[0] = "m";
      for (const [key, item] of Map.prototype.entries.call(value)) node.push(this.#field(key), this.#field(item));
    } else if (value instanceof Set && isReal(value, Set.prototype, "has")) {
      node[0] = "S";
      for (const item of Set.prototype.values.call(value)) node.push(this.#field(item));
    } else if (value instanceof Date && isReal(value, Date.prototype, "getTime")) {
      node[0] = "d";
      node.push(this.#field(value.getTime()));
    } else if (value instanceof RegExp && value !== RegExp.prototype) {
      node[0] = "x";
      node.push(value.source, value.flags);
    } else if (value instanceof Error) {
      this.#fillError(value, node);
    } else if (ArrayBuffer.isView(value)) {
      this.#fillView(value, node);
    } else if (value instanceof ArrayBuffer) {
      this.#fillBuffer(value, node);
    } else if (!this.#fillWrapper(value, node)) {
      if (notCloneable.some((prototype) => Object.prototype.isPrototypeOf.call(prototype, value)))
        throw uncloneable(describe(value));
      this.#fillObject(value, node, "o");
    }
  }

  #fillWrapper(value: object, node: Node): boolean {
    for (const { prototype } of WRAPPERS) {
      if (!Object.prototype.isPrototypeOf.call(prototype, value) || !isReal(value, prototype, "valueOf")) continue;
      node[0] = "w";
      node.push(this.#field(prototype.valueOf.call(value)));
      return true;
    }
    if (value instanceof Symbol) throw uncloneable(describe(value));
    return false;
  }

  /** `["e", name, stack, message?, cause?]`; a field of `["u"]` is an absent one. */
  #fillError(value: Error, node: Node): void {
    if (value instanceof DOMException) {
      node[0] = "D";
      node.push(value.name, value.message, String(value.stack ?? ""));
      return;
    }
    node[0] = "e";
    const name = String(value.name);
    const message = Object.getOwnPropertyDescriptor(value, "message");
    node.push(Object.hasOwn(ERRORS, name) ? name : "Error", String(value.stack ?? ""));
    node.push(message !== undefined && "value" in message ? String(message.value) : ["u"]);
    if (Object.hasOwn(value, "cause")) node.push(this.#field(value.cause));
  }

  #fillView(value: ArrayBufferView, node: Node): void {
    const view = VIEWS.findIndex((constructor) => value instanceof constructor);
    if (view < 0) throw uncloneable(describe(value));
    const { buffer, byteOffset, byteLength } = value;
    if (!(buffer instanceof ArrayBuffer) || isDetached(buffer))
      throw uncloneable("a view of a buffer that is shared or detached");
    node[0] = "v";
    node.push(
      view,
      this.#field(buffer),
      byteOffset,
      value instanceof DataView ? byteLength : (value as Uint8Array).length,
    );
  }

  /** `["B", buffer, maximum size or -1]` */
  #fillBuffer(value: ArrayBuffer, node: Node): void {
    if (isDetached(value)) throw uncloneable("An ArrayBuffer is detached and");
    node[0] = "B";
    node.push(this.buffers.length, value.resizable ? value.maxByteLength : -1);
    this.buffers.push(value);
  }
}

function isDetached(buffer: ArrayBuffer): boolean {
  return buffer.detached;
}

/** Flattens `value`; the bytes of its buffers are copies, except of those in `transfer`, which are taken away. */
function flatten(value: unknown, transfer: readonly ArrayBuffer[]): Flat {
  for (const [index, buffer] of transfer.entries()) {
    if (!(buffer instanceof ArrayBuffer)) throw uncloneable("Value in the transfer list is not an ArrayBuffer: it");
    if (isDetached(buffer)) throw uncloneable("An ArrayBuffer is detached and");
    if (transfer.indexOf(buffer) !== index) throw uncloneable("An ArrayBuffer is twice in the transfer list and");
  }
  const flat = new Flattener().flatten(value);
  const moved = new Map<ArrayBuffer, ArrayBuffer>();
  for (const buffer of transfer) moved.set(buffer, buffer.transfer());
  return { nodes: flat.nodes, buffers: flat.buffers.map((buffer) => moved.get(buffer) ?? buffer.slice(0)) };
}

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
export function structuredClone(value: unknown, options?: { readonly transfer?: Iterable<ArrayBuffer> }): unknown {
  return new Builder(flatten(value, [...(options?.transfer ?? [])])).build();
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
