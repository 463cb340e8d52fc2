/**
 * What the kernel sees of the world. The kernel has no ambient time, randomness or I/O: everything comes through
 * here, so that the same code runs in an LWP and under a seed in a test.
 */

import type { DirectoryEntry, FileStatus, OpenRequest, UrlRecord } from "../abi/records.ts";
import type { FromLwp } from "./protocol.ts";
import type { FileQuestion } from "./remote-files.ts";
import type { OpenFile } from "./resource.ts";
import type { FileState, PackedFile } from "./resource-state.ts";

export interface Host {
  readonly nodeName: string;
  /** Milliseconds since an arbitrary moment; never goes back. */
  monotonicMs(): number;
  /** Milliseconds since 1970-01-01 UTC. */
  wallClockMs(): number;
  randomBytes(into: Uint8Array): void;
  /** True when a message waits: asked at every poll, so it must be cheap. */
  attention(): boolean;
  post(message: FromLwp): void;
  readonly files: FileSystem;
  /** Asks a node, or the home of a process (""), something about files (`remote-files.ts`). Throws what it says. */
  askNode(pid: number, node: string, body: FileQuestion): Promise<unknown>;
  readonly codec: Codec;
  readonly crypto: Crypto;
}

/** Pure primitives by the host's own implementation of the standards; errors are coded. */
export interface Codec {
  utf8Encode(text: string): Uint8Array;
  utf8Decode(
    bytes: Uint8Array,
    options: { encoding: string; fatal: boolean; ignoreBOM: boolean; stream: boolean },
  ): string;
  encodingName(label: string): string;
  deflate(bytes: Uint8Array, window: Uint8Array, last: boolean): Uint8Array;
  checksum(bytes: Uint8Array, kind: string, before: number): number;
  urlParse(url: string, base: string): UrlRecord | null;
  urlUpdate(href: string, component: string, value: string): UrlRecord | null;
}

/** Web Cryptography by the host's own implementation. What a guest asks for is checked here; errors are coded. */
export interface Crypto {
  /** An operation on data (`CryptoRequest`): its result, or the operation ready to run. */
  operation(request: object, data: Uint8Array): CryptoOperation<Uint8Array>;
  /** An operation that makes keys (`CryptoKeyRequest`): its result, or the operation ready to run. */
  keyOperation(request: object, data: Uint8Array): CryptoOperation<object>;
}

export type CryptoOperation<T> = { readonly result: T } | PendingOperation<T>;

export interface PendingOperation<T> {
  /** Whether it may take longer than a few milliseconds; none takes longer than a few seconds. */
  readonly isLong: boolean;
  run(): Promise<T>;
}

/** The host's files. Paths are absolute and already allowed; errors are coded (`GodwitError`). */
export interface FileSystem {
  open(path: string, request: OpenRequest): Promise<OpenFile>;
  /** Opens again what `state()` of a file described; nothing is created or cut. */
  reopen(state: FileState): Promise<OpenFile>;
  /** The path with symbolic links resolved; of a path that does not exist, its nearest existing parent's. */
  realPath(path: string): Promise<string>;
  stat(path: string): Promise<FileStatus>;
  readDirectory(path: string): Promise<DirectoryEntry[]>;
  makeDirectory(path: string, recursive: boolean): Promise<void>;
  remove(path: string, recursive: boolean): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  writeWhole(path: string, bytes: Uint8Array): Promise<void>;
  /** A file that nobody else may read, with this content; its path. */
  makeCopy(content: Uint8Array): Promise<string>;
  /** A directory that nobody else may read, with this content; its path. */
  makeScratch(content: readonly PackedFile[]): Promise<string>;
  /** The content of a file. Throws EMSGSIZE when it is more. */
  content(path: string, maxBytes: number): Promise<Uint8Array>;
  /** What is in a directory, parents first; each counts with 4 KiB beside its content. Throws EMSGSIZE when it is more. */
  pack(path: string, maxBytes: number): Promise<PackedFile[]>;
  /** What `pack` would come to. */
  size(path: string): Promise<number>;
}
