/** The globals `URL` and `URLSearchParams` (WHATWG URL): the host parses, this keeps the components. */

import type { UrlRecord } from "../../abi/records.ts";
import { syscall } from "../core.ts";
import { requireArguments, usvString } from "./idl.ts";
import { pairIterators } from "./pair-iterator.ts";
import { formEncoded, type Pair, parseForm } from "./url-form.ts";

const CUSTOM_INSPECT = Symbol.for("nodejs.util.inspect.custom");

let connect: (params: URLSearchParams, query: string, update: (query: string) => void) => void;
let reload: (params: URLSearchParams, query: string) => void;

function parse(url: unknown, base: unknown): UrlRecord | null {
  const urlText = usvString(url);
  const baseText = base === undefined ? "" : usvString(base);
  if (base !== undefined && baseText === "") return null;
  return syscall("urlParse", urlText, baseText) as UrlRecord | null;
}

type Component = Exclude<keyof UrlRecord, "origin">;

/** The global `URL`. */
export class URL {
  #record: UrlRecord;
  #searchParams: URLSearchParams | undefined;

  constructor(url: unknown, base: unknown = undefined) {
    requireArguments(arguments.length, 1, "URL");
    const record = parse(url, base);
    if (record === null) throw invalid(url, base);
    this.#record = record;
  }

  static canParse(url: unknown, base: unknown = undefined): boolean {
    requireArguments(arguments.length, 1, "URL.canParse");
    return parse(url, base) !== null;
  }

  static parse(url: unknown, base: unknown = undefined): URL | null {
    requireArguments(arguments.length, 1, "URL.parse");
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
    this.#update(component, usvString(value));
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

/** The global `URLSearchParams`. */
export class URLSearchParams {
  declare [Symbol.iterator]: () => IterableIterator<Pair>;
  #pairs: Pair[] = [];
  #onChange: ((query: string) => void) | undefined;

  constructor(init: unknown = "") {
    if (init === null || (typeof init !== "object" && typeof init !== "function")) {
      this.#pairs = parseForm(usvString(init).replace(/^\?/, ""));
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
    // One function with two names, as Web IDL has it.
    const { entries } = URLSearchParams.prototype;
    Object.defineProperty(URLSearchParams.prototype, Symbol.iterator, {
      value: entries,
      writable: true,
      configurable: true,
    });
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
    const pairs = this.#pairs;
    requireArguments(arguments.length, 2, "append");
    pairs.push([usvString(name), usvString(value)]);
    this.#changed();
  }

  delete(name: unknown, value: unknown = undefined): void {
    const pairs = this.#pairs;
    requireArguments(arguments.length, 1, "delete");
    const matches = matcher(name, value);
    this.#pairs = pairs.filter((pair) => !matches(pair));
    this.#changed();
  }

  get(name: unknown): string | null {
    const pairs = this.#pairs;
    requireArguments(arguments.length, 1, "get");
    return pairs.find(matcher(name, undefined))?.[1] ?? null;
  }

  getAll(name: unknown): string[] {
    const pairs = this.#pairs;
    requireArguments(arguments.length, 1, "getAll");
    return pairs.filter(matcher(name, undefined)).map(([, value]) => value);
  }

  has(name: unknown, value: unknown = undefined): boolean {
    const pairs = this.#pairs;
    requireArguments(arguments.length, 1, "has");
    return pairs.some(matcher(name, value));
  }

  set(name: unknown, value: unknown): void {
    void this.#pairs;
    requireArguments(arguments.length, 2, "set");
    const key = usvString(name);
    const text = usvString(value);
    const at = this.#pairs.findIndex(([other]) => other === key);
    if (at < 0) this.#pairs.push([key, text]);
    else {
      this.#pairs[at] = [key, text];
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

  forEach(
    callback: (value: string, name: string, params: URLSearchParams) => void,
    receiver: unknown = undefined,
  ): void {
    void this.#pairs;
    requireArguments(arguments.length, 1, "forEach");
    if (typeof callback !== "function") throw new TypeError('The "callback" argument must be of type function');
    for (const [name, value] of this.entries()) callback.call(receiver, value, name, this);
  }

  entries(): IterableIterator<Pair> {
    void this.#pairs;
    return iterate((index): Pair | undefined => {
      const pair = this.#pairs[index];
      return pair === undefined ? undefined : [pair[0], pair[1]];
    });
  }

  keys(): IterableIterator<string> {
    void this.#pairs;
    return iterate((index) => this.#pairs[index]?.[0]);
  }

  values(): IterableIterator<string> {
    void this.#pairs;
    return iterate((index) => this.#pairs[index]?.[1]);
  }

  #changed(): void {
    this.#onChange?.(this.toString());
  }
}

const iterate = pairIterators("URLSearchParams");

/** A test of pairs for a name, and for a value unless that is undefined. */
function matcher(wantedName: unknown, wantedValue: unknown): (pair: Pair) => boolean {
  const name = usvString(wantedName);
  const value = wantedValue === undefined ? undefined : usvString(wantedValue);
  return (pair) => pair[0] === name && (value === undefined || pair[1] === value);
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
    record.set(usvString(key), usvString((init as Record<string, unknown>)[key]));
  }
  return [...record];
}

function pairOf(item: unknown): Pair {
  const isIterable =
    typeof item === "object" && item !== null && typeof (item as Iterable<unknown>)[Symbol.iterator] === "function";
  const pair = isIterable ? [...(item as Iterable<unknown>)] : [];
  if (pair.length !== 2) throw new TypeError("Each query pair must be an iterable [name, value] tuple");
  return [usvString(pair[0]), usvString(pair[1])];
}
