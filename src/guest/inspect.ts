/** Values as text for people, laid out as Node's `util.inspect` does. */

import { withoutLibrary } from "./trace.ts";

export interface InspectOptions {
  /** How many levels of nested objects are shown; 2 by default. */
  readonly depth?: number | null;
  readonly showHidden?: boolean;
  /** Where a line that holds a whole object ends at the latest. */
  readonly breakLength?: number;
  /** Entries of arrays, maps and sets that are shown; 100 by default. */
  readonly maxArrayLength?: number | null;
  readonly maxStringLength?: number | null;
}

/** A method under this symbol, known from Node, gives the text of its object. */
export const CUSTOM = Symbol.for("nodejs.util.inspect.custom");

interface State {
  readonly depth: number;
  readonly showHidden: boolean;
  readonly breakLength: number;
  readonly entriesMax: number;
  readonly stringMax: number;
  /** The objects around the one that is being shown. */
  readonly path: object[];
  /** Objects that were met inside themselves, with the number by which they are referred to. */
  readonly circular: Map<object, number>;
  indentation: number;
  /** Depth of the object shown last; how much nests in the one at hand is seen from it. */
  level: number;
}

/** This many inner levels are put on one line. */
const COMPACT_LEVELS = 3;
const LINE_WIDTH = 80;
const IDENTIFIER = /^[a-zA-Z_][a-zA-Z_0-9]*$/;
// eslint-disable-next-line no-control-regex
const ESCAPED = /[\x00-\x1f\x27\x5c\x7f-\x9f]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** `value` as text. */
export function inspect(value: unknown, options: InspectOptions = {}): string {
  const state: State = {
    depth: options.depth === undefined ? 2 : (options.depth ?? Infinity),
    showHidden: options.showHidden ?? false,
    breakLength: options.breakLength ?? 128,
    entriesMax: options.maxArrayLength === undefined ? 100 : (options.maxArrayLength ?? Infinity),
    stringMax: options.maxStringLength === undefined ? 10_000 : (options.maxStringLength ?? Infinity),
    path: [],
    circular: new Map(),
    indentation: 0,
    level: 0,
  };
  return show(state, value, 0, false);
}

function show(state: State, value: unknown, level: number, isTyped: boolean): string {
  if ((typeof value !== "object" || value === null) && typeof value !== "function") return primitive(state, value, isTyped);
  const custom = customText(state, value, level);
  if (custom !== undefined) return custom;
  if (state.path.includes(value)) {
    const index = state.circular.get(value) ?? state.circular.size + 1;
    state.circular.set(value, index);
    return `[Circular *${index}]`;
  }
  return showObject(state, value, level);
}

function customText(state: State, value: object, level: number): string | undefined {
  const custom: unknown = (value as Record<symbol, unknown>)[CUSTOM];
  if (typeof custom !== "function") return undefined;
  const result: unknown = custom.call(value, state.depth - level, { depth: state.depth - level }, inspect);
  if (result === value) return undefined;
  return typeof result === "string" ? result.replaceAll("\n", `\n${" ".repeat(state.indentation)}`) : show(state, result, level, false);
}

function primitive(state: State, value: unknown, isTyped: boolean): string {
  if (typeof value === "string") return isTyped ? value : longString(state, value);
  if (typeof value === "bigint") return `${value}n`;
  return Object.is(value, -0) ? "-0" : String(value);
}

/** A string too long for its line is shown in pieces, one for each of its lines. */
function longString(state: State, text: string): string {
  let rest = "";
  if (text.length > state.stringMax) {
    const more = text.length - state.stringMax;
    text = text.slice(0, state.stringMax);
    rest = `... ${more} more character${more > 1 ? "s" : ""}`;
  }
  if (text.length > 16 && text.length > state.breakLength - state.indentation - 4) {
    const glue = ` +\n${" ".repeat(state.indentation + 2)}`;
    return text.split(/(?<=\n)/).map(quoted).join(glue) + rest;
  }
  return quoted(text) + rest;
}

/** In single quotes if that spares escapes, else in double ones or backticks. */
export function quoted(text: string): string {
  let quote = "'";
  if (text.includes("'")) {
    if (!text.includes('"')) quote = '"';
    else if (!text.includes("`") && !text.includes("${")) quote = "`";
  }
  const body = text.replace(ESCAPED, (char) => (char === "'" && quote !== "'" ? char : escaped(char)));
  return quote + body + quote;
}

function escaped(char: string): string {
  const at = "\b\t\n\f\r'\\".indexOf(char);
  if (at >= 0) return `\\${"btnfr'\\"[at] ?? ""}`;
  if (char === "\v") return "\\x0B";
  const code = char.charCodeAt(0);
  return code < 256 ? `\\x${hex(code, 2)}` : `\\u${hex(code, 4)}`;
}

function hex(code: number, digits: number): string {
  return code.toString(16).toUpperCase().padStart(digits, "0");
}

/** What is special about an object: how it opens and closes, what stands before it, its entries. */
interface Shape {
  readonly open: string;
  readonly close: string;
  /** Shown alone when there are no entries, before the brace when there are. */
  readonly base?: string;
  readonly isList?: boolean;
  readonly keys: PropertyKey[];
  readonly entries: (level: number) => string[];
}

function showObject(state: State, value: object, level: number): string {
  const shape = shapeOf(state, value);
  const isEmpty = shape.keys.length === 0 && shape.base !== undefined;
  if (isEmpty && shape.entries === noEntries) return shape.base ?? "";
  if (level > state.depth) return tooDeep(value);
  state.level = level;
  state.path.push(value);
  const output = shape.entries(level + 1);
  for (const key of shape.keys) output.push(property(state, value, key, level + 1, shape.isList === true));
  state.path.pop();
  return assembled(state, value, shape, output, level);
}

const noEntries = (): string[] => [];

function tooDeep(value: object): string {
  const name = constructorName(value);
  if (Array.isArray(value)) return "[Array]";
  const tag = tagOf(value, name);
  return `[${name === undefined ? "Object: null prototype" : name}${tag}]`;
}

function assembled(state: State, value: object, shape: Shape, output: string[], level: number): string {
  let { open } = shape;
  let base = shape.base ?? "";
  const index = state.circular.get(value);
  if (index !== undefined) {
    if (base === "") open = `<ref *${index}> ${open}`;
    else base = `<ref *${index}> ${base}`;
  }
  if (output.length === 0 && base === "") return `${open}${shape.close}`;
  if (output.length === 0) return base;
  return layout(state, open, shape.close, base, output, shape.isList === true, level);
}

/** On one line when little nests in it and it is short; otherwise an entry to a line. */
function layout(state: State, open: string, close: string, base: string, output: string[], isList: boolean, level: number): string {
  const before = output.length;
  if (isList && before > 6) output = inColumns(state, output);
  const head = base === "" ? open : `${base} ${open}`;
  if (state.level - level < COMPACT_LEVELS && output.length === before) {
    const start = output.length + state.indentation + open.length + base.length + 10;
    const width = output.reduce((sum, entry) => sum + entry.length + 1, output.length + start - output.length);
    const joined = output.join(", ");
    if (width + output.length <= LINE_WIDTH + 0 && !joined.includes("\n") && !base.includes("\n")) return `${head} ${joined} ${close}`;
  }
  const indentation = `\n${" ".repeat(state.indentation)}`;
  return `${head}${indentation}  ${output.join(`,${indentation}  `)}${indentation}${close}`;
}

function inColumns(state: State, output: string[]): string[] {
  void state;
  return output;
}

function property(state: State, value: object, key: PropertyKey, level: number, isList: boolean): string {
  void isList;
  const descriptor = Object.getOwnPropertyDescriptor(value, key);
  state.indentation += 2;
  let text: string;
  if (descriptor?.get) text = descriptor.set ? "[Getter/Setter]" : "[Getter]";
  else if (descriptor?.set) text = "[Setter]";
  else text = show(state, descriptor?.value, level, false);
  state.indentation -= 2;
  return `${keyText(key, descriptor?.enumerable !== false)}: ${text}`;
}

function keyText(key: PropertyKey, isEnumerable: boolean): string {
  if (typeof key === "symbol") return `[${String(key)}]`;
  const text = String(key);
  if (!isEnumerable) return `[${text}]`;
  return IDENTIFIER.test(text) ? text : quoted(text);
}

function constructorName(value: object): string | undefined {
  for (let object: object | null = value; object !== null; object = Object.getPrototypeOf(object) as object | null) {
    const descriptor = Object.getOwnPropertyDescriptor(object, "constructor");
    if (typeof descriptor?.value === "function" && descriptor.value.name !== "" && value instanceof descriptor.value) {
      return descriptor.value.name as string;
    }
  }
  return undefined;
}

function tagOf(value: object, name: string | undefined): string {
  const tag: unknown = (value as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag];
  return typeof tag === "string" && tag !== "" && tag !== name ? ` [${tag}]` : "";
}

function shapeOf(state: State, value: object): Shape {
  const keys: PropertyKey[] = Object.keys(value);
  const name = constructorName(value);
  if (value instanceof Error) return { open: "{", close: "}", base: errorText(value), keys, entries: noEntries };
  if (typeof value === "function") return { open: "{", close: "}", base: `[Function: ${value.name}]`, keys, entries: noEntries };
  if (Array.isArray(value)) {
    return {
      open: "[",
      close: "]",
      isList: true,
      keys: [],
      entries: (level) => value.map((item) => show(state, item, level, false)),
    };
  }
  return { open: name === "Object" ? "{" : `${name ?? "[Object: null prototype]"} {`, close: "}", keys, entries: noEntries };
}

function errorText(error: Error): string {
  const stack = withoutLibrary(String(error.stack ?? ""));
  return stack === "" ? `[${String(error)}]` : `${String(error)}\n${stack}`;
}
