/** What each kind of object looks like to `inspect`: how it opens and closes, and its entries beside its properties. */

import { withoutLibrary } from "../core.ts";
import { quoted } from "./quote.ts";

/** What a kind needs of the inspection under way. */
export interface Inspection {
  readonly showHidden: boolean;
  /** Entries of a list, map or set that are shown. */
  readonly entriesMax: number;
  /** The text of something inside. */
  nested(value: unknown, level: number): string;
}

export const LIST = 1;
const SET = 2;
const MAP = 3;
const BYTES = 4;
const OBJECT = 0;

export interface Head {
  /** Which entries it has, beside its properties. */
  readonly kind: typeof OBJECT | typeof LIST | typeof SET | typeof MAP | typeof BYTES;
  readonly open: string;
  readonly close: string;
  /** Stands before the opening brace. */
  readonly base: string;
  /** Stands for the whole object when it has no properties to show. */
  readonly alone?: string | undefined;
  /** Stands for it where it is nested too deep to be shown. */
  readonly name: string;
  readonly keys: PropertyKey[];
}

/** The part that every kind needs: the object's class, its tag, its keys. */
interface Subject {
  readonly value: object;
  /** Name of its class; `null` for an object without a prototype. */
  readonly className: string | null;
  readonly tag: string;
  readonly keys: PropertyKey[];
}

export function headOf(inspection: Inspection, value: object): Head {
  const className = classNameOf(value);
  const subject = { value, className, tag: tagOf(inspection, value), keys: keysOf(inspection, value) };
  for (const kind of [listHead, collectionHead, functionHead, errorHead, bufferHead, valueHead]) {
    const head = kind(subject);
    if (head !== undefined) return head;
  }
  return plainHead(subject);
}

function plainHead({ value, className, tag, keys }: Subject): Head {
  const name = prefix(className, tag, "Object").trimEnd();
  const plain = className === "Object" && tag === "";
  const open = isArguments(value) ? "[Arguments] {" : plain ? "{" : `${name} {`;
  const hasHiddenState = value instanceof WeakMap || value instanceof WeakSet;
  const alone = hasHiddenState ? `${open} <items unknown> }` : `${open}}`;
  return {
    kind: OBJECT,
    open,
    close: "}",
    base: "",
    alone,
    name: className === null ? "Object: null prototype" : name,
    keys,
  };
}

function isArguments(value: object): boolean {
  return Object.prototype.toString.call(value) === "[object Arguments]";
}

function listHead({ value, className, tag, keys }: Subject): Head | undefined {
  const isTyped = ArrayBuffer.isView(value) && !(value instanceof DataView);
  if (!Array.isArray(value) && !isTyped) return undefined;
  const { length } = value as unknown as readonly unknown[];
  const isOrdinary = className === "Array" && tag === "";
  const open = isOrdinary
    ? "["
    : `${prefix(className, isTyped && tag === className ? "" : tag, isTyped ? "TypedArray" : "Array", `(${length})`)}[`;
  return {
    kind: LIST,
    open,
    close: "]",
    base: "",
    alone: length === 0 ? `${open}]` : undefined,
    name: className ?? "Array",
    keys: notIndexes(keys),
  };
}

function collectionHead({ value, className, tag, keys }: Subject): Head | undefined {
  const isMap = value instanceof Map;
  if (!isMap && !(value instanceof Set)) return undefined;
  const size = sizeOf(value, isMap ? Map.prototype : Set.prototype);
  if (size === undefined) return undefined;
  const open = `${prefix(className, tag, isMap ? "Map" : "Set", `(${size})`)}{`;
  return {
    kind: isMap ? MAP : SET,
    open,
    close: "}",
    base: "",
    alone: size === 0 ? `${open}}` : undefined,
    name: className ?? "Map",
    keys,
  };
}

/** The size of a real map or set; undefined for what only inherits from one. */
function sizeOf(value: object, prototype: object): number | undefined {
  try {
    return Object.getOwnPropertyDescriptor(prototype, "size")?.get?.call(value) as number;
  } catch {
    return undefined;
  }
}

function functionHead({ value, className, tag, keys }: Subject): Head | undefined {
  if (typeof value !== "function") return undefined;
  const own: unknown = Object.getOwnPropertyDescriptor(value, "name")?.value;
  const name = typeof own === "string" ? own : "";
  const text = classText(value, name, className, tag) ?? functionText(name, className, tag);
  return { kind: OBJECT, open: "{", close: "}", base: text, alone: text, name: className ?? "Function", keys };
}

function functionText(name: string, className: string | null, tag: string): string {
  const type = tag.endsWith("Function") ? tag : "Function";
  const bare = `[${type}${className === null ? " (null prototype)" : ""}${name === "" ? " (anonymous)" : `: ${name}`}]`;
  const ofClass = className !== type && className !== null ? `${bare} ${className}` : bare;
  return tag !== "" && tag !== className ? `${ofClass} [${tag}]` : ofClass;
}

function classText(value: object, name: string, className: string | null, tag: string): string | undefined {
  if (!/^class\b/.test(Function.prototype.toString.call(value))) return undefined;
  const parent = Object.getPrototypeOf(value) as { name?: string } | null;
  let text = `[class ${name === "" ? "(anonymous)" : name}`;
  if (className !== "Function" && className !== null) text += ` [${className}]`;
  if (tag !== "" && className !== tag) text += ` [${tag}]`;
  if (className === null) return `${text} extends [null prototype]]`;
  return `${text}${parent?.name ? ` extends ${parent.name}` : ""}]`;
}

function errorHead({ value, className, keys }: Subject): Head | undefined {
  if (!(value instanceof Error)) return undefined;
  const trace = withoutLibrary(typeof value.stack === "string" ? value.stack : "");
  const title = errorTitle(value, className);
  const text = trace === "" ? `[${title}]` : trace.includes(title) ? trace : `${title}\n${trace}`;
  const shown = keys.filter((key) => !isSaid(value, key, text));
  for (const key of ["cause", "errors"]) if (Object.hasOwn(value, key) && !shown.includes(key)) shown.push(key);
  return { kind: OBJECT, open: "{", close: "}", base: text, alone: text, name: className ?? "Error", keys: shown };
}

/** Its name and message; the name of its class, too, where an error keeps the name of a built-in. */
function errorTitle(error: Error, className: string | null): string {
  const title = Error.prototype.toString.call(error);
  const name = String(error.name);
  if (className === null || className === name || !name.endsWith("Error") || !title.startsWith(name)) return title;
  return (className.includes(name) ? className : `${className} [${name}]`) + title.slice(name.length);
}

/** Whether an own property only repeats what the text of its error says. */
function isSaid(error: Error, key: PropertyKey, text: string): boolean {
  if (key === "stack") return true;
  return (key === "name" || key === "message") && text.includes(String(error[key]));
}

function bufferHead({ value, className, tag, keys }: Subject): Head | undefined {
  const isBuffer = value instanceof ArrayBuffer || value instanceof SharedArrayBuffer;
  if (!isBuffer && !(value instanceof DataView)) return undefined;
  const fallback = isBuffer ? "ArrayBuffer" : "DataView";
  const open = `${prefix(className, tag, fallback)}{`;
  const shown = [...(isBuffer ? ["byteLength"] : ["byteLength", "byteOffset", "buffer"]), ...keys];
  return { kind: isBuffer ? BYTES : OBJECT, open, close: "}", base: "", name: className ?? fallback, keys: shown };
}

/** Dates, regular expressions, boxed primitives: shown as what they stand for. */
function valueHead({ value, className, tag, keys }: Subject): Head | undefined {
  const text = valueText(value);
  if (text === undefined) return undefined;
  const [fallback, shown] = text;
  const isBoxed = shown.startsWith("[");
  const ordinary = (className === fallback && (tag === "" || tag === fallback)) || isBoxed;
  const base = ordinary ? shown : `${prefix(className, tag, fallback)}${shown}`;
  const own = value instanceof String ? notIndexes(keys) : keys;
  return { kind: OBJECT, open: "{", close: "}", base, alone: base, name: className ?? fallback, keys: own };
}

function valueText(value: object): [fallback: string, text: string] | undefined {
  try {
    if (value instanceof RegExp) return ["RegExp", RegExp.prototype.toString.call(value)];
    if (value instanceof Date) {
      const ms = Date.prototype.getTime.call(value);
      return ["Date", Number.isNaN(ms) ? "Invalid Date" : Date.prototype.toISOString.call(value)];
    }
    if (value instanceof Number) {
      const number = Number.prototype.valueOf.call(value);
      return ["Number", `[Number: ${Object.is(number, -0) ? "-0" : number}]`];
    }
    if (value instanceof String) return ["String", `[String: ${quoted(String.prototype.valueOf.call(value))}]`];
    if (value instanceof Boolean) return ["Boolean", `[Boolean: ${Boolean.prototype.valueOf.call(value)}]`];
    if (value instanceof BigInt) return ["BigInt", `[BigInt: ${BigInt.prototype.valueOf.call(value)}n]`];
    if (value instanceof Symbol) return ["Symbol", `[Symbol: ${Symbol.prototype.toString.call(value)}]`];
  } catch {
    // It only inherits from the built-in, so it is shown as the plain object that it is.
  }
  return undefined;
}

/** The entries of an object that are not properties of it. */
export function entriesOf(inspection: Inspection, value: object, head: Head, level: number): string[] {
  switch (head.kind) {
    case LIST:
      return listEntries(inspection, value as unknown as readonly unknown[], level);
    case SET:
      return bounded(inspection, [...(value as Set<unknown>)], (item) => inspection.nested(item, level));
    case MAP:
      return bounded(
        inspection,
        [...(value as Map<unknown, unknown>)],
        ([key, item]) => `${inspection.nested(key, level)} => ${inspection.nested(item, level)}`,
      );
    case BYTES:
      return [byteEntries(inspection, value as ArrayBuffer)];
    default:
      return [];
  }
}

function bounded<T>(inspection: Inspection, items: readonly T[], text: (item: T) => string): string[] {
  const output = items.slice(0, inspection.entriesMax).map(text);
  const more = items.length - output.length;
  if (more > 0) output.push(`... ${more} more item${more > 1 ? "s" : ""}`);
  return output;
}

function listEntries(inspection: Inspection, list: readonly unknown[], level: number): string[] {
  const output: string[] = [];
  let index = 0;
  for (; index < list.length && output.length < inspection.entriesMax; index++) {
    if (Object.hasOwn(list, index)) {
      output.push(elementText(inspection, list, index, level));
      continue;
    }
    const from = index;
    index = nextElement(list, index) - 1;
    const holes = index - from + 1;
    output.push(`<${holes} empty item${holes > 1 ? "s" : ""}>`);
  }
  const more = list.length - index;
  if (more > 0) output.push(`... ${more} more item${more > 1 ? "s" : ""}`);
  return output;
}

/** The index of the first element from `index` on, or the length: without a walk over a billion holes. */
function nextElement(list: readonly unknown[], index: number): number {
  if (list.length - index < 1000) {
    while (index < list.length && !Object.hasOwn(list, index)) index += 1;
    return index;
  }
  for (const key of Object.keys(list)) if (Number(key) >= index) return Number(key);
  return list.length;
}

function elementText(inspection: Inspection, list: readonly unknown[], index: number, level: number): string {
  const descriptor = Object.getOwnPropertyDescriptor(list, index);
  if (descriptor?.get !== undefined) return descriptor.set === undefined ? "[Getter]" : "[Getter/Setter]";
  return descriptor?.set === undefined ? inspection.nested(descriptor?.value, level) : "[Setter]";
}

function byteEntries(inspection: Inspection, buffer: ArrayBuffer): string {
  const bytes = new Uint8Array(buffer, 0, Math.min(buffer.byteLength, inspection.entriesMax));
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  const more = buffer.byteLength - bytes.length;
  return `[Uint8Contents]: <${hex}${more > 0 ? ` ... ${more} more byte${more > 1 ? "s" : ""}` : ""}>`;
}

/** `Name(size) [tag] `, as it stands before a brace. */
function prefix(className: string | null, tag: string, fallback: string, size = ""): string {
  const name = className === null ? `[${fallback}${size}: null prototype]` : `${className}${size}`;
  return tag !== "" && tag !== (className ?? fallback) ? `${name} [${tag}] ` : `${name} `;
}

function classNameOf(value: object): string | null {
  for (let object: object | null = value; object !== null; object = Object.getPrototypeOf(object) as object | null) {
    const constructor: unknown = Object.getOwnPropertyDescriptor(object, "constructor")?.value;
    if (typeof constructor === "function" && constructor.name !== "" && isInstance(value, constructor))
      return String(constructor.name);
  }
  return Object.getPrototypeOf(value) === null ? null : "Object <Complex prototype>";
}

function isInstance(value: object, constructor: object): boolean {
  const prototype: unknown = (constructor as { prototype?: unknown }).prototype;
  return typeof prototype === "object" || typeof prototype === "function"
    ? prototype !== null && Object.prototype.isPrototypeOf.call(prototype, value)
    : false;
}

function tagOf(inspection: Inspection, value: object): string {
  const tag: unknown = (value as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag];
  if (typeof tag !== "string" || tag === "") return "";
  const isShown = inspection.showHidden
    ? Object.hasOwn(value, Symbol.toStringTag)
    : isEnumerable(value, Symbol.toStringTag);
  return isShown ? "" : tag;
}

function keysOf(inspection: Inspection, value: object): PropertyKey[] {
  if (inspection.showHidden) return Reflect.ownKeys(value);
  return [...Object.keys(value), ...Object.getOwnPropertySymbols(value).filter((key) => isEnumerable(value, key))];
}

function isEnumerable(value: object, key: PropertyKey): boolean {
  return Object.prototype.propertyIsEnumerable.call(value, key);
}

function notIndexes(keys: readonly PropertyKey[]): PropertyKey[] {
  return keys.filter((key) => typeof key === "symbol" || !/^(0|[1-9][0-9]{0,9})$/.test(String(key)));
}
