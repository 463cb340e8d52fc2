/** What a process may have made for itself outside its memory: caches, and scratch directories. */

import type { CacheRequest, ResourceRequest } from "../../abi/records.ts";
import { part, syscall } from "../core.ts";

/** What becomes of it when the process moves: see {@link openCache} and {@link scratch}. */
export type BindingOptions = ResourceRequest;
export type CacheOptions = CacheRequest;

/**
 * Makes a cache: keys and values outside the memory of the process, and not counted there; what was used least recently
 * makes room. Bound by identifier, which it is if nothing is said, it moves with its process; by `value` it is copied; by
 * `type` a new, empty one takes its place.
 *
 * @throws `EMFILE` when the process has too many; `EINVAL` for a size that is too large.
 * @example
 * const pages = openCache<string>({ maxBytes: 1_000_000 });
 * pages.set("/", "<h1>Hello</h1>");
 */
export function openCache<T = unknown>(options: CacheOptions = {}): KeyCache<T> {
  return new KeyCache(syscall("cacheOpen", options));
}

/** A cache; {@link openCache} makes one. Values are copied as `structuredClone` copies. */
export class KeyCache<T = unknown> {
  /** The number that system calls know it by. */
  readonly handle: number;

  /** @param handle of a cache; use {@link openCache}. */
  constructor(handle: number) {
    this.handle = handle;
  }

  /** A copy of the value, or undefined when it is not there (any more). */
  get(key: string): T | undefined {
    const bytes = syscall("cacheGet", this.handle, String(key));
    return bytes.length === 0 ? undefined : (part("clone").decodeMessage(bytes) as T);
  }

  /** @throws `EMSGSIZE` for a value that is larger than the cache. */
  set(key: string, value: T): void {
    syscall("cacheSet", this.handle, String(key), part("clone").encodeMessage(value, []));
  }

  /** Whether it was there. */
  delete(key: string): boolean {
    return syscall("cacheDelete", this.handle, String(key)) === 1;
  }

  /** The least recently used first. */
  keys(): string[] {
    return syscall("cacheKeys", this.handle) as string[];
  }

  /** Lets go of it and of what is in it. Using it afterwards is an error (`EBADF`). */
  close(): void {
    syscall("close", this.handle);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * Makes a directory that is the process's own: no capability is needed, nobody else sees it, and it is removed when the
 * process ends. All that is in it has at most 16 MiB. Bound by `type`, which it is if nothing is said, a new and empty one
 * takes its place when the process moves; by `value` its content is copied; by `identifier` it stays where it is and is
 * used from afar. A process that is restored from an image finds it empty.
 *
 * @throws `EMFILE` when the process has too many.
 * @example
 * using work = scratch();
 * writeFile(work.join("notes.txt"), "to be sorted");
 */
export function scratch(options: BindingOptions = {}): Scratch {
  return new Scratch(syscall("scratchOpen", options));
}

/** A scratch directory; {@link scratch} makes one. */
export class Scratch {
  /** The number that system calls know it by. */
  readonly handle: number;

  /** @param handle of a scratch directory; use {@link scratch}. */
  constructor(handle: number) {
    this.handle = handle;
  }

  /** Its path, for all that takes one; it remains the same wherever the process is. */
  get path(): string {
    return `scratch:${this.handle}`;
  }

  /** The path of something in it. */
  join(name: string): string {
    return `${this.path}/${String(name)}`;
  }

  /** Removes it, with all that is in it. */
  close(): void {
    syscall("close", this.handle);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
