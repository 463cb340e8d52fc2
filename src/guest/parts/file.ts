/** Files, under the capabilities that the process was given. */

import type { DirectoryEntry, FileStatus, OpenRequest } from "../../abi/records.ts";
import { blocking, dataBytes, hasCode, promised, step, type Steps, syscall } from "../core.ts";
import { Decoding } from "./decoding.ts";
import { InputStream, readAllSteps, writeAllSteps } from "./stream.ts";

export type { DirectoryEntry, FileStatus };
/** How a file is opened; for reading alone when nothing is said. */
export type OpenOptions = OpenRequest;

export interface WriteOptions {
  /** Add to the end instead of replacing the file. */
  readonly append?: boolean;
  /** Fail with `EEXIST` when the file is there. */
  readonly exclusive?: boolean;
}

function* withHandle<T>(path: string, request: OpenRequest, use: (handle: number) => Steps<T>): Steps<T> {
  const handle = yield* step("open", String(path), request);
  try {
    return yield* use(handle);
  } finally {
    yield* step("close", handle);
  }
}

function* readFileSteps(path: string, encoding?: string): Steps<Uint8Array | string> {
  const bytes = yield* withHandle(path, { read: true }, readAllSteps);
  return encoding === undefined ? bytes : new Decoding(encoding, false, false).decode(bytes, false);
}

function writeFileSteps(path: string, data: string | Uint8Array, options: WriteOptions = {}): Steps<void> {
  const { append = false, exclusive = false } = options;
  const bytes = dataBytes(data);
  return withHandle(path, { write: true, create: true, append, exclusive, truncate: !append }, (handle) =>
    writeAllSteps(handle, bytes),
  );
}

function* existsSteps(path: string): Steps<boolean> {
  try {
    yield* step("stat", String(path));
    return true;
  } catch (error) {
    if (hasCode(error, "ENOENT") || hasCode(error, "ENOTDIR")) return false;
    throw error;
  }
}

/** The bytes of a file, or its text when an encoding is named. @throws `EACCES`, `ENOENT`, `EISDIR`, `EIO`. */
export function readFile(path: string): Uint8Array;
export function readFile(path: string, encoding: string): string;
export function readFile(path: string, encoding?: string): Uint8Array | string {
  return blocking(readFileSteps(path, encoding));
}

/** Makes or replaces a file, with bytes, or with text as UTF-8. @throws `EACCES`, `ENOENT`, `EISDIR`, `EEXIST`, `EIO`. */
export function writeFile(path: string, data: string | Uint8Array, options?: WriteOptions): void {
  blocking(writeFileSteps(path, data, options));
}

/** What kind of thing a path names, how large it is and when it was changed. @throws `EACCES`, `ENOENT`. */
export function stat(path: string): FileStatus {
  return syscall("stat", String(path)) as FileStatus;
}

/** Whether a path names something. @throws `EACCES`. */
export function exists(path: string): boolean {
  return blocking(existsSteps(path));
}

/** What is in a directory. @throws `EACCES`, `ENOENT`, `ENOTDIR`. */
export function readDirectory(path: string): DirectoryEntry[] {
  return syscall("readDirectory", String(path)) as DirectoryEntry[];
}

/** Makes a directory; with `recursive`, those above it too, and none need be new. @throws `EACCES`, `EEXIST`, `ENOENT`. */
export function makeDirectory(path: string, options: { readonly recursive?: boolean } = {}): void {
  syscall("makeDirectory", String(path), { recursive: options.recursive ?? false });
}

/** Removes a file, or an empty directory; with `recursive`, all that is in it. @throws `EACCES`, `ENOENT`, `ENOTEMPTY`. */
export function remove(path: string, options: { readonly recursive?: boolean } = {}): void {
  syscall("remove", String(path), { recursive: options.recursive ?? false });
}

/** Gives a file another name, replacing what had it. @throws `EACCES`, `ENOENT`. */
export function rename(from: string, to: string): void {
  syscall("rename", String(from), String(to));
}

/**
 * Opens a file. A path means the machine where the process is at home, wherever it runs; with `node: "here"`, the one where
 * it runs. `binding` says what becomes of the file when the process moves: bound by `identifier`, which it is if nothing is
 * said, it stays where it is and is used from afar; by `value` it is copied, and both go their own ways; by `type` the file
 * that has its path on the other machine is opened. A character device stays. @throws `EACCES`, `ENOENT`, `EISDIR`, `EEXIST`, `EMFILE` when too many are open.
 */
export function open(path: string, options: OpenOptions = { read: true }): File {
  return new File(syscall("open", String(path), options));
}

/**
 * An open file, with a position that reading and writing move. When its process moves, it goes on as {@link open} says.
 *
 * @example
 * using log = open("log.txt", { write: true, create: true, append: true });
 * log.write("started\n");
 */
export class File extends InputStream {
  /** The number that system calls know it by. */
  readonly handle: number;

  /** @param handle of an open file; use {@link open}. */
  constructor(handle: number) {
    super(handle);
    this.handle = handle;
  }

  /** Writes bytes, or text as UTF-8, at the position. */
  write(data: string | Uint8Array): void {
    blocking(writeAllSteps(this.handle, dataBytes(data)));
  }

  /** Like {@link write}, for `await`. */
  writeAsync(data: string | Uint8Array): Promise<void> {
    return promised(writeAllSteps(this.handle, dataBytes(data)));
  }

  /** Moves the position, in bytes from the start, the current position or the end. Returns the new one, from the start. */
  seek(offset: number, from: "start" | "current" | "end" = "start"): number {
    return syscall("seek", this.handle, offset, from);
  }

  /** Cuts the file, or fills it with zeros, to so many bytes. */
  truncate(sizeBytes = 0): void {
    syscall("truncate", this.handle, sizeBytes);
  }

  /** Waits until what was written is on the device. */
  sync(): void {
    syscall("sync", this.handle);
  }

  /** Closes it. Using it afterwards is an error (`EBADF`). */
  close(): void {
    syscall("close", this.handle);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** The same as promises. */
export const filePromises = {
  readFile: ((path: string, encoding?: string) => promised(readFileSteps(path, encoding))) as {
    (path: string): Promise<Uint8Array>;
    (path: string, encoding: string): Promise<string>;
  },
  writeFile: (path: string, data: string | Uint8Array, options?: WriteOptions): Promise<void> =>
    promised(writeFileSteps(path, data, options)),
  stat: (path: string): Promise<FileStatus> => promised(step("stat", String(path)) as Steps<FileStatus>),
  exists: (path: string): Promise<boolean> => promised(existsSteps(path)),
  readDirectory: (path: string): Promise<DirectoryEntry[]> =>
    promised(step("readDirectory", String(path)) as Steps<DirectoryEntry[]>),
  makeDirectory: (path: string, options: { readonly recursive?: boolean } = {}): Promise<void> =>
    promised(step("makeDirectory", String(path), { recursive: options.recursive ?? false })),
  remove: (path: string, options: { readonly recursive?: boolean } = {}): Promise<void> =>
    promised(step("remove", String(path), { recursive: options.recursive ?? false })),
  rename: (from: string, to: string): Promise<void> => promised(step("rename", String(from), String(to))),
};
