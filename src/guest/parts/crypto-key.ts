/** The global `CryptoKey`. What it holds is in the process's own memory, so it goes wherever the process goes. */

import type { KeyRecord, KeyUsage } from "../../abi/crypto.ts";
import { bytesOf } from "./crypto-bytes.ts";

let makeKey: (record: KeyRecord, extractable: boolean) => CryptoKey;
let stateOf: (key: unknown) => { readonly record: KeyRecord; readonly extractable: boolean };
export { makeKey };

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

const INTERNAL = Symbol("internal");

/** The global `CryptoKey`. */
export class CryptoKey {
  readonly #record: KeyRecord;
  readonly #extractable: boolean;
  /** What programs see is made when they look; what they change in it changes nothing. */
  #algorithm: object | undefined;
  #usages: KeyUsage[] | undefined;

  constructor(token?: unknown, record?: KeyRecord, extractable = false) {
    if (token !== INTERNAL || record === undefined) throw new TypeError("Illegal constructor");
    this.#record = record;
    this.#extractable = extractable;
  }

  static {
    makeKey = (record, extractable) => new CryptoKey(INTERNAL, record, extractable);
    stateOf = (key) => {
      if (typeof key !== "object" || key === null || !(#record in key)) throw new TypeError("not a CryptoKey");
      return { record: key.#record, extractable: key.#extractable };
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
