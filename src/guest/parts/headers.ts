/** The global `Headers` (WHATWG Fetch). */

import type { HeaderList } from "../../abi/channel.ts";
import { displayAs } from "./display.ts";
import { domString, requireArguments } from "./idl.ts";
import { pairIterators } from "./pair-iterator.ts";

/** RFC 9110's token. */
export const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** What a field's value cannot hold: NUL, line breaks, and what is no byte. */
const NO_VALUE = /[\0\n\r\u0100-\uffff]/;
const NO_BYTE = /[^\0-\xff]/;
const OUTER_SPACE = /^[\t\n\r ]+|[\t\n\r ]+$/g;

/** Lower-case forms of names that were found valid: programs use few. */
const names = new Map<string, string>();
const NAMES_KEPT_MAX = 256;

/** The name as it is kept and compared. */
function lowerName(name: string, action: string): string {
  const known = names.get(name);
  if (known !== undefined) return known;
  if (!TOKEN.test(name)) throw new TypeError(`Headers.${action}: ${JSON.stringify(name)} is an invalid header name.`);
  const lower = name.toLowerCase();
  if (names.size < NAMES_KEPT_MAX) names.set(name, lower);
  return lower;
}

function validValue(text: string, action: string): string {
  const trimmed = text === text.trim() ? text : text.replace(OUTER_SPACE, "");
  if (NO_VALUE.test(trimmed))
    throw new TypeError(`Headers.${action}: ${JSON.stringify(trimmed)} is an invalid header value.`);
  return trimmed;
}

/** @throws `TypeError` for what is no byte. */
export function byteString(value: unknown): string {
  const text = domString(value);
  if (NO_BYTE.test(text)) throw new TypeError(`Cannot convert ${JSON.stringify(text)} to a ByteString`);
  return text;
}

type Pair = [name: string, value: string];

interface Access {
  /** Headers of what came over the wire: checked already. */
  make(list: HeaderList, immutable: boolean): Headers;
  /** Names and values, in order, names in lower case. Not to be changed. */
  list(headers: Headers): readonly Pair[];
  /** As iteration shows them. */
  entries(headers: Headers): readonly Pair[];
  /** Adds a header, known to be valid and its name in lower case, if there is none of that name. */
  addMissing(headers: Headers, name: string, value: string): void;
}
/** What the rest of this part may do with headers. */
export const headerAccess = {} as Access;

const iterator = pairIterators("Headers");

/** The global `Headers`. */
export class Headers {
  #list: Pair[] = [];
  /** Sorted and combined, as iteration shows them; undefined after a change. */
  #sorted: readonly Pair[] | undefined;
  #immutable = false;

  constructor(init: unknown = undefined) {
    if (init === undefined) return;
    if (init === null || (typeof init !== "object" && typeof init !== "function"))
      throw new TypeError("Headers constructor: the argument is neither a record nor a sequence of pairs");
    this.#fill(init);
  }

  static {
    headerAccess.make = (list, immutable) => {
      const headers = new Headers();
      headers.#list = list.map((pair): Pair => [names.get(pair[0]) ?? pair[0].toLowerCase(), pair[1]]);
      headers.#immutable = immutable;
      return headers;
    };
    headerAccess.list = (headers) => headers.#list;
    headerAccess.addMissing = (headers, name, value) => {
      const list = headers.#list;
      for (const pair of list) if (pair[0] === name) return;
      list.push([name, value]);
      headers.#sorted = undefined;
    };
    headerAccess.entries = (headers) => headers.#entries();
  }

  append(name: unknown, value: unknown): void {
    requireArguments(arguments.length, 2, "Headers.append");
    this.#append(domString(name), domString(value), "append");
  }

  delete(name: unknown): void {
    requireArguments(arguments.length, 1, "Headers.delete");
    const key = lowerName(domString(name), "delete");
    this.#change();
    this.#list = this.#list.filter(([other]) => other !== key);
  }

  get(name: unknown): string | null {
    requireArguments(arguments.length, 1, "Headers.get");
    const key = lowerName(domString(name), "get");
    let found: string | null = null;
    for (const pair of this.#list) if (pair[0] === key) found = found === null ? pair[1] : `${found}, ${pair[1]}`;
    return found;
  }

  getSetCookie(): string[] {
    return this.#list.filter(([name]) => name === "set-cookie").map(([, value]) => value);
  }

  has(name: unknown): boolean {
    requireArguments(arguments.length, 1, "Headers.has");
    const key = lowerName(domString(name), "has");
    for (const pair of this.#list) if (pair[0] === key) return true;
    return false;
  }

  set(name: unknown, value: unknown): void {
    requireArguments(arguments.length, 2, "Headers.set");
    const [key, text] = [domString(name), domString(value)];
    this.#set(lowerName(key, "set"), validValue(text, "set"));
  }

  #set(key: string, valid: string): void {
    this.#change();
    const at = this.#list.findIndex(([other]) => other === key);
    if (at < 0) this.#list.push([key, valid]);
    else {
      this.#list[at] = [key, valid];
      this.#list = this.#list.filter(([other], index) => index <= at || other !== key);
    }
  }

  forEach(callback: (value: string, name: string, headers: Headers) => void, receiver: unknown = undefined): void {
    requireArguments(arguments.length, 1, "Headers.forEach");
    const entries = this.#reader();
    if (typeof callback !== "function") throw new TypeError("the callback of Headers.forEach must be a function");
    for (let at = 0; ; at++) {
      const entry = entries()[at];
      if (entry === undefined) return;
      callback.call(receiver, entry[1], entry[0], this);
    }
  }

  entries(): IterableIterator<Pair> {
    const entries = this.#reader();
    return iterator((index) => {
      const entry = entries()[index];
      return entry === undefined ? undefined : [entry[0], entry[1]];
    });
  }

  keys(): IterableIterator<string> {
    const entries = this.#reader();
    return iterator((index) => entries()[index]?.[0]);
  }

  values(): IterableIterator<string> {
    const entries = this.#reader();
    return iterator((index) => entries()[index]?.[1]);
  }

  declare [Symbol.iterator]: () => IterableIterator<Pair>;

  #reader(): () => readonly Pair[] {
    return () => this.#entries();
  }

  #change(): void {
    if (this.#immutable) throw new TypeError("immutable");
    this.#sorted = undefined;
  }

  #append(name: string, value: string, action: string): void {
    const key = lowerName(name, action);
    const valid = validValue(value, action);
    this.#change();
    this.#list.push([key, valid]);
  }

  #fill(init: object): void {
    const iterator: unknown = (init as { [Symbol.iterator]?: unknown })[Symbol.iterator];
    if (#list in init && iterator === Headers.prototype.entries) {
      this.#list = init.#list.map((pair): Pair => [pair[0], pair[1]]);
    } else if (iterator !== undefined && iterator !== null) {
      if (typeof iterator !== "function") throw new TypeError("Headers constructor: the argument is not iterable");
      for (const [name, value] of [...(init as Iterable<unknown>)].map(pairOf)) this.#append(name, value, "append");
    } else {
      for (const pair of recordOf(init)) this.#append(pair[0], pair[1], "append");
    }
  }

  #entries(): readonly Pair[] {
    if (this.#sorted !== undefined) return this.#sorted;
    const combined = new Map<string, Pair>();
    const cookies: Pair[] = [];
    for (const [name, value] of this.#list) {
      const before = combined.get(name);
      if (name === "set-cookie") cookies.push([name, value]);
      else if (before === undefined) combined.set(name, [name, value]);
      else before[1] += `, ${value}`;
    }
    this.#sorted = [...combined.values(), ...cookies].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    return this.#sorted;
  }
}

/** As Web IDL has it, one function under two names. */
Object.defineProperty(Headers.prototype, Symbol.iterator, {
  value: Headers.prototype.entries,
  writable: true,
  configurable: true,
});
displayAs(Headers.prototype, "Headers", (headers) => Object.fromEntries(headerAccess.entries(headers)));

function pairOf(item: unknown): Pair {
  const isIterable =
    item !== null &&
    (typeof item === "object" || typeof item === "function") &&
    typeof (item as Partial<Iterable<unknown>>)[Symbol.iterator] === "function";
  if (!isIterable) throw new TypeError("Headers constructor: each item of the sequence must be a pair");
  const pair = [...(item as Iterable<unknown>)].map(domString);
  if (pair.length !== 2)
    throw new TypeError("Headers constructor: each item of the sequence must be a name and a value");
  return pair as Pair;
}

/** The enumerable properties of an object: all are read before the first is judged. */
function recordOf(init: object): Pair[] {
  const record: Pair[] = [];
  for (const key of Reflect.ownKeys(init)) {
    if (Reflect.getOwnPropertyDescriptor(init, key)?.enumerable !== true) continue;
    if (typeof key === "symbol") throw new TypeError("Cannot convert a Symbol value to a string");
    record.push([key, domString((init as Record<string, unknown>)[key])]);
  }
  return record;
}
