/** The global `CryptoKey`. What it holds is in the process's own memory, so it goes wherever the process goes. */

import type { KeyRecord, KeyUsage } from "../../abi/crypto.ts";
import { bytesOf } from "./crypto-bytes.ts";

let make: (record: KeyRecord, extractable: boolean) => CryptoKey;
let isKey: (value: unknown) => boolean;
let stateOf: (key: unknown) => { readonly record: KeyRecord; readonly extractable: boolean };

/** A key that is made of a record. */
export function makeKey(record: KeyRecord, extractable: boolean): CryptoKey {
  return make(record, extractable);
}

/** Throws TypeError for what is no key. */
export function recordOf(key: unknown): KeyRecord {
  return stateOf(key).record;
}

/** The record of a key that may leave. Throws InvalidAccessError for one that may not. */
export function readableRecord(key: unknown): KeyRecord {
  const { record, extractable } = stateOf(key);
  if (!extractable) throw new DOMException("key is not extractable", "InvalidAccessError");
  return record;
}

/** A key as text, for a copy of it; undefined for what is none. */
export function keyText(value: unknown): string | undefined {
  return isKey(value) ? JSON.stringify(stateOf(value)) : undefined;
}

/** The key of a text. Another process may have sent it: what it holds is judged again whenever it is used. */
export function keyOfText(text: string): CryptoKey {
  const { record, extractable } = JSON.parse(text) as { readonly record: KeyRecord; readonly extractable: unknown };
  const { type, algorithm, usages, material } = record;
  return makeKey({ type, algorithm: { ...algorithm }, usages: [...usages], material }, extractable === true);
}

const INTERNAL = Symbol("internal");

/** The global `CryptoKey`. */
export class CryptoKey {
  readonly #record: KeyRecord;
  readonly #extractable: boolean;
  /** What programs see is made when they look; what they change in it changes nothing. */
  #algorithm: object | undefined;
  #usages: KeyUsage[] | undefined;

  constructor(token: unknown = undefined, record: KeyRecord | undefined = undefined, extractable = false) {
    if (token !== INTERNAL || record === undefined) throw new TypeError("Illegal constructor");
    this.#record = record;
    this.#extractable = extractable;
  }

  static {
    make = (record, extractable) => new CryptoKey(INTERNAL, record, extractable);
    isKey = (value) => typeof value === "object" && value !== null && #record in value;
    stateOf = (key) => {
      if (!isKey(key)) throw new TypeError("the key is no CryptoKey");
      const real = key as CryptoKey;
      return { record: real.#record, extractable: real.#extractable };
    };
  }

  get type(): string {
    return this.#record.type;
  }

  get extractable(): boolean {
    return this.#extractable;
  }

  get algorithm(): object {
    return (this.#algorithm ??= shownAlgorithm(this.#record));
  }

  get usages(): KeyUsage[] {
    return (this.#usages ??= [...this.#record.usages]);
  }
}

function shownAlgorithm({ algorithm }: KeyRecord): object {
  const { hash, publicExponent, ...rest } = algorithm;
  return {
    ...rest,
    ...(publicExponent === undefined ? {} : { publicExponent: bytesOf(publicExponent) }),
    ...(hash === undefined ? {} : { hash: { name: hash } }),
  };
}
