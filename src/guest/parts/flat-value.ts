/**
 * Structured values flattened into nodes, breadth first, so that neither depth nor cycles matter. A field of a node is a
 * JSON value: strings, booleans, null and ordinary numbers stand for themselves, all else is an array, `[tag, ...]`.
 */

import { loadedPart, notCloneable, part } from "../core.ts";

export type Field = string | number | boolean | null | readonly (string | number)[];
export type Node = [kind: string, ...fields: Field[]];
export interface Flat {
  readonly nodes: Node[];
  /** Bytes of array buffers, in the order of their nodes. */
  readonly buffers: ArrayBuffer[];
}

export const ERRORS: Record<string, ErrorConstructor> = {
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
};
export const VIEWS = [
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
      if (!notCloneable.some((prototype) => Object.prototype.isPrototypeOf.call(prototype, value)))
        this.#fillObject(value, node, "o");
      else if (!this.#fillBlob(value, node) && !this.#fillKey(value, node)) throw uncloneable(describe(value));
    }
  }

  /** `["f", bytes, type]`, and of a file its name and date. */
  #fillBlob(value: object, node: Node): boolean {
    const { blobBytes, File, isBlob } = part("blob");
    if (!isBlob(value)) return false;
    node[0] = "f";
    node.push(this.buffers.length, value.type);
    if (value instanceof File) node.push(value.name, this.#field(value.lastModified));
    this.buffers.push(blobBytes(value).slice().buffer);
    return true;
  }

  /** `["k", the key as text]`: the copy may do what the original may. */
  #fillKey(value: object, node: Node): boolean {
    const text = loadedPart("subtle")?.keyText(value);
    if (text === undefined) return false;
    node[0] = "k";
    node.push(text);
    return true;
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
export function flatten(value: unknown, transfer: readonly ArrayBuffer[]): Flat {
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
