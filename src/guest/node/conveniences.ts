/** `node:util`: what packages use of it. `inspect` and `format` are those of `console.log`. */

import { parseArgs } from "@pkgjs/parseargs";
import { inspect as show, type InspectOptions } from "godwit";
import { isDeepStrictEqual } from "./deep-equal.ts";
import { formatted } from "./library.ts";
import { promisify, callbackify } from "./promisify.ts";
import { types } from "./types.ts";

export { callbackify, isDeepStrictEqual, parseArgs, promisify, types };

type Callable = (this: unknown, ...args: unknown[]) => unknown;
interface Inspect {
  (value: unknown, options?: InspectOptions): string;
  (value: unknown, showHidden?: boolean, depth?: number | null): string;
  readonly custom: symbol;
  readonly defaultOptions: object;
}

export const inspect: Inspect = /* @__PURE__ */ Object.assign(
  (value: unknown, options?: InspectOptions | boolean, depth?: number | null) => {
    if (typeof options === "object" && options !== null) return show(value, options);
    return show(value, { showHidden: options === true, ...(depth === undefined ? {} : { depth }) });
  },
  { custom: Symbol.for("nodejs.util.inspect.custom"), defaultOptions: {} },
);

export function format(...args: unknown[]): string {
  return formatted(args);
}
/** As `format`; what it shows with `%o` and `%O`, and of objects, is as `format` shows it whatever the options. */
export function formatWithOptions(_options: object, ...args: unknown[]): string {
  return formatted(args);
}

export function inherits(constructor: Callable, parent: Callable): void {
  Object.defineProperty(constructor, "super_", { value: parent, writable: true, configurable: true });
  Object.setPrototypeOf(constructor.prototype as object, parent.prototype as object);
}

const warned = new Set<string>();
/** The function, which tells standard error once that it is deprecated. */
export function deprecate<F extends Callable>(callback: F, message: string, code?: string): F {
  let isWarned = false;
  const deprecated = function (this: unknown, ...args: unknown[]): unknown {
    if (!isWarned && !(code !== undefined && warned.has(code))) {
      isWarned = true;
      if (code !== undefined) warned.add(code);
      console.error(`${code === undefined ? "" : `[${code}] `}DeprecationWarning: ${message}`);
    }
    if (new.target !== undefined) return Reflect.construct(callback, args, new.target) as object;
    return Reflect.apply(callback, this, args);
  };
  Object.setPrototypeOf(deprecated, callback);
  if (callback.prototype !== undefined) deprecated.prototype = callback.prototype as object;
  return deprecated as unknown as F;
}
declare const console: { error(text: string): void };

type Log = ((...args: unknown[]) => void) & { readonly enabled: boolean };
/** A guest has no `NODE_DEBUG`: the log is off. */
export function debuglog(_section: string): Log {
  return Object.assign(() => {}, { enabled: false });
}
export const debug = debuglog;

export function isArray(value: unknown): boolean {
  return Array.isArray(value);
}

/** ECMA-48: control sequences, strings of an operating system command, and escapes of two characters. */
const ESCAPES =
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\u001b\]|\u009d)[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c)|\u001b[ -/]*[0-Z\\^-~]/g;
export function stripVTControlCharacters(text: string): string {
  return text.replace(ESCAPES, "");
}

export function toUSVString(text: unknown): string {
  return String(text).toWellFormed();
}

interface Signal {
  readonly aborted: boolean;
  addEventListener(name: "abort", listener: () => void, options: object): void;
}
/** Resolves when the signal is aborted. */
export function aborted(signal: Signal, _resource?: object): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

interface Web {
  readonly TextEncoder: unknown;
  readonly TextDecoder: unknown;
}
const lazily = (name: keyof Web): unknown => (globalThis as unknown as Web)[name];
export const TextEncoder = /* @__PURE__ */ lazily("TextEncoder");
export const TextDecoder = /* @__PURE__ */ lazily("TextDecoder");

export default {
  aborted,
  callbackify,
  debug,
  debuglog,
  deprecate,
  format,
  formatWithOptions,
  inherits,
  inspect,
  isArray,
  isDeepStrictEqual,
  parseArgs,
  promisify,
  stripVTControlCharacters,
  toUSVString,
  types,
  get TextEncoder() {
    return lazily("TextEncoder");
  },
  get TextDecoder() {
    return lazily("TextDecoder");
  },
};
