/** The resource kind `cache`: keys and values of a process outside its address space, of which it may lose any. */

import { failure } from "../errors.ts";
import { CACHE_ENTRIES_MAX, CACHE_KEY_MAX_CHARS } from "../limits.ts";
import type { Binding, Resource } from "./resource.ts";
import type { CacheState } from "./resource-state.ts";

export class Cache implements Resource {
  readonly kind = "cache";
  readonly attachment = "unattached";
  readonly binding: Binding;
  readonly maxBytes: number;
  /** In order of use, the least recent first. */
  readonly #entries = new Map<string, Uint8Array>();
  #sizeBytes = 0;

  constructor({ binding, maxBytes, entries }: CacheState) {
    this.binding = binding ?? "identifier";
    this.maxBytes = maxBytes;
    for (const [key, bytes] of entries) this.set(key, bytes);
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get(key: string): Uint8Array | undefined {
    const bytes = this.#entries.get(key);
    if (bytes === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, bytes);
    return bytes;
  }

  /** Throws EMSGSIZE for what the cache could never hold. */
  set(key: string, bytes: Uint8Array): void {
    if (key.length > CACHE_KEY_MAX_CHARS)
      throw failure("EINVAL", `a key has at most ${CACHE_KEY_MAX_CHARS} characters`);
    const cost = costOf(key, bytes);
    if (cost > this.maxBytes)
      throw failure("EMSGSIZE", `a value of ${bytes.length} bytes does not fit into a cache of ${this.maxBytes}`);
    this.delete(key);
    for (const [oldest] of this.#entries) {
      if (this.#sizeBytes + cost <= this.maxBytes && this.#entries.size < CACHE_ENTRIES_MAX) break;
      this.delete(oldest);
    }
    this.#entries.set(key, bytes);
    this.#sizeBytes += cost;
  }

  delete(key: string): boolean {
    const bytes = this.#entries.get(key);
    if (bytes === undefined) return false;
    this.#sizeBytes -= costOf(key, bytes);
    return this.#entries.delete(key);
  }

  keys(): string[] {
    return [...this.#entries.keys()];
  }

  describe(): string {
    return `cache of ${this.#entries.size} keys, ${this.#sizeBytes} bytes`;
  }

  close(): Promise<void> {
    this.#entries.clear();
    this.#sizeBytes = 0;
    return Promise.resolve();
  }

  leave(): Promise<void> {
    return this.close();
  }

  state(): CacheState {
    return { kind: "cache", binding: this.binding, maxBytes: this.maxBytes, entries: [...this.#entries] };
  }
}

function costOf(key: string, bytes: Uint8Array): number {
  return 2 * key.length + bytes.length;
}
