/** The globals `URL` and `URLSearchParams` (WHATWG URL): the host parses, this keeps the components. */

import type { UrlRecord } from "../../abi/records.ts";
import { syscall } from "../core.ts";
import { utf8Text } from "./decoding.ts";

const CUSTOM_INSPECT = Symbol.for("nodejs.util.inspect.custom");

let connect: (params: URLSearchParams, query: string, update: (query: string) => void) => void;
let reload: (params: URLSearchParams, query: string) => void;

function parse(url: unknown, base: unknown): UrlRecord | null {
  const baseText = base === undefined ? "" : String(base).toWellFormed();
  if (base !== undefined && baseText === "") return null;
  return syscall("urlParse", String(url).toWellFormed(), baseText) as UrlRecord | null;
}

type Component = Exclude<keyof UrlRecord, "origin">;

/** The global `URL`. */
export class URL {
  #record: UrlRecord;
  #searchParams: URLSearchParams | undefined;

  constructor(url: unknown, base?: unknown) {
    if (arguments.length === 0) throw new TypeError('The "url" argument must be specified');
    const record = parse(url, base);
    if (record === null) throw invalid(url, base);
    this.#record = record;
  }

  static canParse(url: unknown, base?: unknown): boolean {
    return parse(url, base) !== null;
  }

  static parse(url: unknown, base?: unknown): URL | null {
    return parse(url, base) === null ? null : new URL(url, base);
  }

  get href(): string {
    return this.#record.href;
  }
  set href(value) {
    const record = parse(value, undefined);
    if (record === null) throw invalid(value, undefined);
    this.#become(record);
  }

  get origin(): string {
    return this.#record.origin;
  }

  get protocol(): string {
    return this.#record.protocol;
  }
  set protocol(value) {
    this.#set("protocol", value);
  }

  get username(): string {
    return this.#record.username;
  }
  set username(value) {
    this.#set("username", value);
  }

  get password(): string {
    return this.#record.password;
  }
  set password(value) {
    this.#set("password", value);
  }

  get host(): string {
    return this.#record.host;
  }
  set host(value) {
    this.#set("host", value);
  }

  get hostname(): string {
    return this.#record.hostname;
  }
  set hostname(value) {
    this.#set("hostname", value);
  }

  get port(): string {
    return this.#record.port;
  }
  set port(value) {
    this.#set("port", value);
  }

  get pathname(): string {
    return this.#record.pathname;
  }
  set pathname(value) {
    this.#set("pathname", value);
  }

  get search(): string {
    return this.#record.search;
  }
  set search(value) {
    this.#set("search", value);
  }

  get searchParams(): URLSearchParams {
    if (this.#searchParams === undefined) {
      this.#searchParams = new URLSearchParams();
      connect(this.#searchParams, this.#record.search, (query) => this.#update("search", query));
    }
    return this.#searchParams;
  }

  get hash(): string {
    return this.#record.hash;
  }
  set hash(value) {
    this.#set("hash", value);
  }

  toString(): string {
    return this.#record.href;
  }

  toJSON(): string {
    return this.#record.href;
  }

  #set(component: Component, value: unknown): void {
    this.#update(component, String(value).toWellFormed());
    if (component === "search" && this.#searchParams !== undefined) reload(this.#searchParams, this.#record.search);
  }

  #update(component: Component, value: string): void {
    const record = syscall("urlUpdate", this.#record.href, component, value) as UrlRecord | null;
    if (record !== null) this.#record = record;
  }

  #become(record: UrlRecord): void {
    this.#record = record;
    if (this.#searchParams !== undefined) reload(this.#searchParams, record.search);
  }

  static {
    Object.defineProperty(URL.prototype, CUSTOM_INSPECT, {
      value(this: URL, depth: number, options: object, inspect: (value: unknown, options: object) => string) {
        if (depth < 0) return "[URL]";
        const {
          href,
          origin,
          protocol,
          username,
          password,
          host,
          hostname,
          port,
          pathname,
          search,
          searchParams,
          hash,
        } = this;
        const shown = {
          href,
          origin,
          protocol,
          username,
          password,
          host,
          hostname,
          port,
          pathname,
          search,
          searchParams,
          hash,
        };
        return `URL ${inspect(shown, options)}`;
      },
      configurable: true,
    });
  }
}

function invalid(input: unknown, base: unknown): TypeError {
  const details = base === undefined ? { input: String(input) } : { input: String(input), base: String(base) };
  return Object.assign(new TypeError("Invalid URL"), { code: "ERR_INVALID_URL", ...details });
}

type Pair = [name: string, value: string];

/** The global `URLSearchParams`. */
export class URLSearchParams {
  #pairs: Pair[] = [];
  #onChange: ((query: string) => void) | undefined;

  constructor(init: unknown = "") {
    if (init === null || (typeof init !== "object" && typeof init !== "function")) {
      this.#pairs = parseForm(usv(init).replace(/^\?/, ""));
    } else {
      this.#pairs = pairsOf(init);
    }
  }

  static {
    connect = (params, query, update) => {
      reload(params, query);
      params.#onChange = update;
    };
    reload = (params, query) => {
      params.#pairs = parseForm(query.replace(/^\?/, ""));
    };
    Object.defineProperty(URLSearchParams.prototype, CUSTOM_INSPECT, {
      value(
        this: URLSearchParams,
        depth: number,
        options: object,
        inspect: (value: unknown, options: object) => string,
      ) {
        if (depth < 0) return "[Object]";
        const pairs = this.#pairs.map(([name, value]) => `${inspect(name, options)} => ${inspect(value, options)}`);
        return pairs.length === 0 ? "URLSearchParams {}" : `URLSearchParams { ${pairs.join(", ")} }`;
      },
      configurable: true,
    });
  }

  get size(): number {
    return this.#pairs.length;
  }

  append(name: unknown, value: unknown): void {
    this.#pairs.push([usv(name), usv(value)]);
    this.#changed();
  }

  delete(name: unknown, value?: unknown): void {
    this.#pairs = this.#pairs.filter((pair) => !matches(pair, name, value));
    this.#changed();
  }

  get(name: unknown): string | null {
    return this.#pairs.find((pair) => matches(pair, name, undefined))?.[1] ?? null;
  }

  getAll(name: unknown): string[] {
    return this.#pairs.filter((pair) => matches(pair, name, undefined)).map(([, value]) => value);
  }

  has(name: unknown, value?: unknown): boolean {
    return this.#pairs.some((pair) => matches(pair, name, value));
  }

  set(name: unknown, value: unknown): void {
    const key = usv(name);
    const at = this.#pairs.findIndex(([other]) => other === key);
    if (at < 0) this.#pairs.push([key, usv(value)]);
    else {
      this.#pairs[at] = [key, usv(value)];
      this.#pairs = this.#pairs.filter(([other], index) => index <= at || other !== key);
    }
    this.#changed();
  }

  sort(): void {
    this.#pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    this.#changed();
  }

  toString(): string {
    return this.#pairs.map(([name, value]) => `${formEncoded(name)}=${formEncoded(value)}`).join("&");
  }

  forEach(callback: (value: string, name: string, params: URLSearchParams) => void, receiver?: unknown): void {
    if (typeof callback !== "function") throw new TypeError('The "callback" argument must be of type function');
    for (const [name, value] of this) callback.call(receiver, value, name, this);
  }

  entries(): IterableIterator<Pair> {
    return this.#iterate(([name, value]): Pair => [name, value]);
  }

  keys(): IterableIterator<string> {
    return this.#iterate(([name]) => name);
  }

  values(): IterableIterator<string> {
    return this.#iterate(([, value]) => value);
  }

  [Symbol.iterator](): IterableIterator<Pair> {
    return this.entries();
  }

  /** Sees what changes while it goes, as the standard asks. */
  #iterate<T>(pick: (pair: Pair) => T): IterableIterator<T> {
    let at = 0;
    const next = (): IteratorResult<T> => {
      const pair = this.#pairs[at++];
      return pair === undefined ? { value: undefined, done: true } : { value: pick(pair), done: false };
    };
    return Object.assign(Object.create(ITERATOR) as IterableIterator<T>, { next });
  }

  #changed(): void {
    this.#onChange?.(this.toString());
  }
}

const ITERATOR: object = Object.create(Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]())) as object, {
  [Symbol.toStringTag]: { value: "URLSearchParams Iterator", configurable: true },
});

function usv(value: unknown): string {
  return String(value).toWellFormed();
}

function matches([name, value]: Pair, wantedName: unknown, wantedValue: unknown): boolean {
  return name === usv(wantedName) && (wantedValue === undefined || value === usv(wantedValue));
}

function pairsOf(init: object): Pair[] {
  const iterator: unknown = (init as { [Symbol.iterator]?: unknown })[Symbol.iterator];
  if (iterator !== undefined && iterator !== null) {
    if (typeof iterator !== "function") throw new TypeError("Query pairs must be iterable");
    return [...(init as Iterable<unknown>)].map(pairOf);
  }
  const record = new Map<string, string>();
  for (const key of Reflect.ownKeys(init)) {
    if (Object.getOwnPropertyDescriptor(init, key)?.enumerable !== true) continue;
    if (typeof key === "symbol") throw new TypeError("Cannot convert a Symbol value to a string");
    record.set(usv(key), usv((init as Record<string, unknown>)[key]));
  }
  return [...record];
}

function pairOf(item: unknown): Pair {
  const isIterable =
    typeof item === "object" && item !== null && typeof (item as Iterable<unknown>)[Symbol.iterator] === "function";
  const pair = isIterable ? [...(item as Iterable<unknown>)] : [];
  if (pair.length !== 2) throw new TypeError("Each query pair must be an iterable [name, value] tuple");
  return [usv(pair[0]), usv(pair[1])];
}

/** `application/x-www-form-urlencoded` as pairs. */
function parseForm(query: string): Pair[] {
  const pairs: Pair[] = [];
  for (const part of query.split("&")) {
    if (part === "") continue;
    const at = part.indexOf("=");
    pairs.push(at < 0 ? [formDecoded(part), ""] : [formDecoded(part.slice(0, at)), formDecoded(part.slice(at + 1))]);
  }
  return pairs;
}

function formDecoded(text: string): string {
  const spaced = text.replaceAll("+", " ");
  if (!spaced.includes("%")) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch {
    return bytewiseDecoded(spaced);
  }
}

/** Percent escapes that are no UTF-8, or no escapes at all. */
function bytewiseDecoded(text: string): string {
  return text.replace(/(?:%[0-9a-fA-F]{2})+/g, (escapes) => {
    const bytes = new Uint8Array(escapes.length / 3);
    for (let index = 0; index < bytes.length; index++)
      bytes[index] = Number.parseInt(escapes.slice(3 * index + 1, 3 * index + 3), 16);
    return utf8Text(bytes);
  });
}

function formEncoded(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()~]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%20", "+");
}
