/**
 * The resource kind `file`: a file of the host, fastened to its machine, bound by its path; and `device`, one of its
 * character devices, which is fixed. Copies that moves made are files of the process's own.
 */

import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import * as fs from "node:fs/promises";
import { basename, dirname, join, resolve, sep } from "node:path";

import type { DirectoryEntry, FileStatus, OpenRequest } from "../abi/records.ts";
import { type ErrorCode, failure, GodwitError, isErrorCode } from "../errors.ts";
import type { FileSystem } from "../kernel/host.ts";
import type { Attachment, Binding, OpenFile } from "../kernel/resource.ts";
import type { FileState, PackedFile } from "../kernel/resource-state.ts";
import { ENTRY_BYTES } from "../kernel/scratch.ts";
import { temporaryPath } from "./temporary.ts";

/** An error of the host's file system by its own code, where godwit has one. */
function coded(what: string, error: unknown): GodwitError {
  if (error instanceof GodwitError) return error;
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  const known: ErrorCode = isErrorCode(code) ? code : "EIO";
  return failure(known, `${what}: ${error instanceof Error ? error.message : String(error)}`, error);
}

async function guarded<T>(what: string, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    throw coded(what, error);
  }
}

function openFlags(request: OpenRequest): number {
  const { read = false, write = false, append = false, create = false, exclusive = false, truncate = false } = request;
  const writes = write || append || truncate || create;
  const access = writes ? (read ? constants.O_RDWR : constants.O_WRONLY) : constants.O_RDONLY;
  return (
    access |
    (append ? constants.O_APPEND : 0) |
    (create ? constants.O_CREAT : 0) |
    (create && exclusive ? constants.O_EXCL : 0) |
    (truncate ? constants.O_TRUNC : 0) |
    constants.O_NONBLOCK
  );
}

class HostFile implements OpenFile {
  readonly kind: string;
  readonly attachment: Attachment;
  readonly binding: Binding;
  readonly #path: string;
  readonly #request: OpenRequest;
  readonly #isCopy: boolean;
  readonly #file: fs.FileHandle;
  /** Where the next read or write begins. Kept here and not by the host, so that it moves with the process. */
  #position: number;
  /** Operations go one after the other: the position is theirs in turn. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(path: string, request: OpenRequest, { file, isDevice }: Opened, position: number, isCopy = false) {
    this.kind = isDevice ? "device" : isCopy ? "copy" : "file";
    this.attachment = isDevice ? "fixed" : isCopy ? "unattached" : "fastened";
    this.binding = request.binding ?? "identifier";
    this.#path = path;
    this.#request = request;
    this.#isCopy = isCopy;
    this.#file = file;
    this.#position = position;
  }

  describe(): string {
    return `${this.#path} at ${this.#position}`;
  }

  /** Where the host reads and writes: a device has no position. */
  get #at(): number | null {
    return this.kind === "device" ? null : this.#position;
  }

  #inTurn<T>(what: string, operation: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(() => guarded(`${what} ${this.#path}`, operation));
    this.#last = turn.catch(() => {});
    return turn;
  }

  read(maxBytes: number): Promise<Uint8Array> {
    return this.#inTurn("read", async () => {
      const buffer = new Uint8Array(maxBytes);
      const { bytesRead } = await this.#file.read(buffer, 0, maxBytes, this.#at);
      this.#position += bytesRead;
      return buffer.subarray(0, bytesRead);
    });
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#inTurn("write", async () => {
      const position = this.#request.append === true ? null : this.#at;
      let written = 0;
      while (written < bytes.length) {
        const at = position === null ? null : position + written;
        written += (await this.#file.write(bytes, written, bytes.length - written, at)).bytesWritten;
      }
      this.#position = position === null ? (await this.#file.stat()).size : position + written;
      return written;
    });
  }

  seek(offset: number, from: "start" | "current" | "end"): Promise<number> {
    return this.#inTurn("seek in", async () => {
      const base = from === "start" ? 0 : from === "current" ? this.#position : (await this.#file.stat()).size;
      const position = base + Math.trunc(offset);
      if (!Number.isSafeInteger(position) || position < 0)
        throw failure("EINVAL", `position ${position} lies outside any file`);
      this.#position = position;
      return position;
    });
  }

  truncate(sizeBytes: number): Promise<void> {
    return this.#inTurn("truncate", () => this.#file.truncate(sizeBytes));
  }

  sync(): Promise<void> {
    return this.#inTurn("sync", () => this.#file.sync());
  }

  async close(): Promise<void> {
    await this.leave();
    if (this.#isCopy) await guarded(`remove ${this.#path}`, () => fs.rm(this.#path, { force: true }));
  }

  leave(): Promise<void> {
    return this.#inTurn("close", () => this.#file.close());
  }

  state(): FileState {
    const here = { kind: "file", node: "", ticket: "", isTwin: false } as const;
    const [path, request, position] = [this.#path, this.#request, this.#position];
    return { ...here, path, request, position, device: this.kind === "device", isCopy: this.#isCopy };
  }
}

interface Opened {
  readonly file: fs.FileHandle;
  readonly isDevice: boolean;
}

/** Opens a regular file, or a character device, which does not block; a pipe could keep an LWP's threads of the host for ever. */
async function openFile(path: string, flags: number): Promise<Opened> {
  const file = await fs.open(path, flags, 0o666);
  const status = await file.stat();
  if (status.isFile() || status.isCharacterDevice()) return { file, isDevice: !status.isFile() };
  await file.close();
  throw failure(status.isDirectory() ? "EISDIR" : "EINVAL", `${path} is not a regular file`);
}

async function makeCopy(content: Uint8Array): Promise<string> {
  const path = temporaryPath();
  await fs.writeFile(path, content, { mode: 0o600, flag: "wx" });
  return path;
}

async function makeScratch(content: readonly PackedFile[]): Promise<string> {
  const path = temporaryPath();
  await fs.mkdir(path, { mode: 0o700 });
  const real = await fs.realpath(path);
  for (const entry of content) {
    const at = resolve(real, entry.path);
    // It may come from anywhere.
    if (!at.startsWith(real + sep)) throw failure("EIMAGE_CORRUPT", "a scratch directory's content lies outside it");
    if (entry.bytes === null) await fs.mkdir(at, { mode: 0o700 });
    else await fs.writeFile(at, entry.bytes, { mode: 0o600, flag: "wx" });
  }
  return real;
}

/** Files and directories below a directory, parents first; links and whatever else there may be are left out. */
async function* entriesOf(path: string, below = ""): AsyncGenerator<{ path: string; isFile: boolean }> {
  for (const entry of await fs.readdir(join(path, below), { withFileTypes: true })) {
    const at = join(below, entry.name);
    if (entry.isFile()) yield { path: at, isFile: true };
    if (!entry.isDirectory()) continue;
    yield { path: at, isFile: false };
    yield* entriesOf(path, at);
  }
}

async function content(path: string, maxBytes: number): Promise<Uint8Array> {
  const { size } = await fs.stat(path);
  const buffer = Buffer.alloc(Math.min(size, maxBytes) + 1);
  const file = await fs.open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    let length = 0;
    for (let read = -1; read !== 0 && length < buffer.length; length += read)
      read = (await file.read(buffer, length, buffer.length - length, length)).bytesRead;
    if (length > maxBytes) throw failure("EMSGSIZE", `${path} has more than ${maxBytes} bytes`);
    return new Uint8Array(buffer.buffer, buffer.byteOffset, length);
  } finally {
    await file.close();
  }
}

async function pack(path: string, maxBytes: number): Promise<PackedFile[]> {
  const packed: PackedFile[] = [];
  let left = maxBytes;
  for await (const entry of entriesOf(path)) {
    left -= ENTRY_BYTES;
    if (left < 0) throw failure("EMSGSIZE", `there are more than ${maxBytes} bytes in ${path}`);
    const bytes = entry.isFile ? await content(join(path, entry.path), left) : null;
    left -= bytes?.length ?? 0;
    packed.push({ path: entry.path, bytes });
  }
  return packed;
}

async function size(path: string): Promise<number> {
  const status = await fs.stat(path);
  if (!status.isDirectory()) return status.size;
  let sizeBytes = 0;
  for await (const entry of entriesOf(path))
    sizeBytes += ENTRY_BYTES + (entry.isFile ? (await fs.stat(join(path, entry.path))).size : 0);
  return sizeBytes;
}

function kindOf(entry: { isFile(): boolean; isDirectory(): boolean }): "file" | "directory" | "other" {
  return entry.isFile() ? "file" : entry.isDirectory() ? "directory" : "other";
}

async function realPath(path: string): Promise<string> {
  try {
    return await fs.realpath(path);
  } catch (error) {
    const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
    const parent = dirname(path);
    if (!missing || parent === path) throw coded("resolve", error);
    // A dangling link resolves to nothing here, yet opening it for writing would follow it.
    if ((await fs.lstat(path).catch(() => undefined))?.isSymbolicLink() === true)
      throw failure("EACCES", `${path} is a link that leads nowhere`);
    return join(await realPath(parent), path.slice(parent.length));
  }
}

/** The files of the machine that this runs on. */
export const hostFiles: FileSystem = {
  open: (path, request) =>
    guarded(`open ${path}`, async () => new HostFile(path, request, await openFile(path, openFlags(request)), 0)),
  reopen: ({ path, request, position, isCopy }) => {
    const writes = request.write === true || request.create === true || request.truncate === true;
    const again = { ...request, write: writes, create: false, exclusive: false, truncate: false };
    return guarded(
      `open ${path} again`,
      async () => new HostFile(path, request, await openFile(path, openFlags(again)), position, isCopy),
    );
  },
  realPath,
  stat: (path) =>
    guarded(`stat ${path}`, async (): Promise<FileStatus> => {
      const status = await fs.stat(path);
      return {
        kind: kindOf(status),
        sizeBytes: status.size,
        modifiedMs: status.mtimeMs,
        createdMs: status.birthtimeMs,
        mode: status.mode & 0o7777,
      };
    }),
  readDirectory: (path) =>
    guarded(`read directory ${path}`, async (): Promise<DirectoryEntry[]> => {
      const entries = await fs.readdir(path, { withFileTypes: true });
      return entries.map((entry) => ({ name: entry.name, kind: kindOf(entry) }));
    }),
  makeDirectory: (path, recursive) =>
    guarded(`make directory ${path}`, async () => void (await fs.mkdir(path, { recursive }))),
  remove: (path, recursive) =>
    guarded(`remove ${path}`, async () => {
      const status = await fs.lstat(path);
      if (!status.isDirectory()) await fs.unlink(path);
      else if (recursive) await fs.rm(path, { recursive: true });
      else await fs.rmdir(path);
    }),
  rename: (from, to) => guarded(`rename ${from}`, () => fs.rename(from, to)),
  writeWhole: (path, bytes) =>
    guarded(`write ${path}`, async () => {
      // Whole or not at all: a reader never meets half an image.
      const partial = join(dirname(path), `.${basename(path)}.${randomUUID()}`);
      try {
        await fs.writeFile(partial, bytes, { mode: 0o600, flag: "wx", flush: true });
        await fs.rename(partial, path);
      } catch (error) {
        await fs.rm(partial, { force: true });
        throw error;
      }
    }),
  makeCopy: (bytes) => guarded("make a copy", () => makeCopy(bytes)),
  makeScratch: (entries) => guarded("make a scratch directory", () => makeScratch(entries)),
  content: (path, maxBytes) => guarded(`read ${path}`, () => content(path, maxBytes)),
  pack: (path, maxBytes) => guarded(`read ${path}`, () => pack(path, maxBytes)),
  size: (path) => guarded(`stat ${path}`, () => size(path)),
};
