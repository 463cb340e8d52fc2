/** Whether two values are equal, with all that is in them, as `assert.deepStrictEqual` and `assert.deepEqual` see it. */

import { types } from "./types.ts";

export function isDeepStrictEqual(a: unknown, b: unknown): boolean {
  return new Comparison(true).equal(a, b);
}

export function isDeepLooseEqual(a: unknown, b: unknown): boolean {
  return new Comparison(false).equal(a, b);
}

class Comparison {
  readonly #strict: boolean;
  /** Pairs being compared further out: one that is met again inside itself is equal if the rest is. */
  readonly #pairs = new Map<object, object>();

  constructor(strict: boolean) {
    this.#strict = strict;
  }

  equal(a: unknown, b: unknown): boolean {
    if (Object.is(a, b)) return true;
    if (!isObject(a) || !isObject(b)) {
      if (this.#strict) return false;
      // oxlint-disable-next-line eqeqeq -- loose equality is what was asked for
      return !isObject(a) && !isObject(b) && (a == b || (Number.isNaN(a) && Number.isNaN(b)));
    }
    if (this.#strict && Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
    if (tagOf(a) !== tagOf(b) || Array.isArray(a) !== Array.isArray(b)) return false;
    const known = this.#pairs.get(a);
    if (known !== undefined) return known === b;
    this.#pairs.set(a, b);
    const result = this.#sameState(a, b) && this.#sameProperties(a, b);
    this.#pairs.delete(a);
    return result;
  }

  /** What is in two objects besides their properties. */
  #sameState(a: object, b: object): boolean {
    if (types.isDate(a) || types.isDate(b)) return String(Number(a)) === String(Number(b)) && types.isDate(b);
    if (types.isRegExp(a) || types.isRegExp(b)) return sameRegExp(a as RegExp, b as RegExp);
    if (types.isNativeError(a) || types.isNativeError(b)) return this.#sameError(a as Error, b as Error);
    if (types.isBoxedPrimitive(a) || types.isBoxedPrimitive(b)) return sameBox(a, b);
    if (types.isArrayBufferView(a) || types.isArrayBufferView(b)) return this.#sameView(a, b);
    if (types.isAnyArrayBuffer(a) || types.isAnyArrayBuffer(b)) {
      return (
        types.isAnyArrayBuffer(b) &&
        types.isAnyArrayBuffer(a) &&
        sameBytes(new Uint8Array(a as ArrayBuffer), new Uint8Array(b as ArrayBuffer))
      );
    }
    if (types.isSet(a) || types.isSet(b))
      return types.isSet(a) && types.isSet(b) && this.#sameSet(a as Set<unknown>, b as Set<unknown>);
    if (types.isMap(a) || types.isMap(b)) {
      return types.isMap(a) && types.isMap(b) && this.#sameMap(a as Map<unknown, unknown>, b as Map<unknown, unknown>);
    }
    // What cannot be looked into is equal to itself only.
    return !(a instanceof WeakMap || a instanceof WeakSet || a instanceof Promise || typeof a === "function");
  }

  #sameError(a: Error, b: Error): boolean {
    if (!types.isNativeError(a) || !types.isNativeError(b)) return false;
    return a.message === b.message && a.name === b.name && this.equal(a.cause, b.cause);
  }

  #sameView(a: object, b: object): boolean {
    if (!ArrayBuffer.isView(a) || !ArrayBuffer.isView(b) || a.byteLength !== b.byteLength) return false;
    if (types.isFloat32Array(a) || types.isFloat64Array(a)) {
      return floatsOf(a).every((each, index) => {
        const other = floatsOf(b)[index];
        return this.#strict ? Object.is(each, other) : each === other;
      });
    }
    return sameBytes(bytesOf(a), bytesOf(b));
  }

  #sameProperties(a: object, b: object): boolean {
    const keys = this.#keysOf(a);
    if (keys.length !== this.#keysOf(b).length) return false;
    if (Array.isArray(a) && a.length !== (b as unknown[]).length) return false;
    return keys.every(
      (key) =>
        Object.prototype.propertyIsEnumerable.call(b, key) &&
        this.equal((a as Record<PropertyKey, unknown>)[key], (b as Record<PropertyKey, unknown>)[key]),
    );
  }

  #keysOf(value: object): PropertyKey[] {
    const isList = types.isTypedArray(value);
    const names: PropertyKey[] = isList ? [] : Object.keys(value);
    if (!this.#strict) return names;
    const isEnumerable = (key: symbol) => Object.prototype.propertyIsEnumerable.call(value, key);
    return [...names, ...Object.getOwnPropertySymbols(value).filter(isEnumerable)];
  }

  #sameSet(a: Set<unknown>, b: Set<unknown>): boolean {
    if (a.size !== b.size) return false;
    const left = new Set(b);
    const unmatched = [...a].filter((value) => !left.delete(value));
    return unmatched.every((value) => {
      if (this.#strict && !isObject(value)) return false;
      const match = [...left].find((other) => this.equal(value, other));
      return match !== undefined || left.has(undefined) ? left.delete(match) : false;
    });
  }

  #sameMap(a: Map<unknown, unknown>, b: Map<unknown, unknown>): boolean {
    if (a.size !== b.size) return false;
    const left = new Map(b);
    const unmatched: [unknown, unknown][] = [];
    for (const [key, value] of a) {
      if (left.has(key) && this.equal(value, left.get(key))) left.delete(key);
      else if (this.#strict && !isObject(key)) return false;
      else unmatched.push([key, value]);
    }
    return unmatched.every(([key, value]) => {
      const match = [...left].find(([other, its]) => this.equal(key, other) && this.equal(value, its));
      return match !== undefined && left.delete(match[0]);
    });
  }
}

function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

function tagOf(value: object): string {
  return Object.prototype.toString.call(value);
}

function sameRegExp(a: RegExp, b: RegExp): boolean {
  if (!types.isRegExp(a) || !types.isRegExp(b)) return false;
  return a.source === b.source && a.flags === b.flags && a.lastIndex === b.lastIndex;
}

function sameBox(a: object, b: object): boolean {
  for (const test of [
    types.isNumberObject,
    types.isStringObject,
    types.isBooleanObject,
    types.isBigIntObject,
    types.isSymbolObject,
  ]) {
    if (test(a)) return test(b) && Object.is(a.valueOf(), b.valueOf());
  }
  return false;
}

function floatsOf(view: object): Float64Array {
  return view as Float64Array;
}

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
