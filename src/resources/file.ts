/** The resource kind `file`: a file of the host, fastened to its machine, bound by its path. */

import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import * as fs from "node:fs/promises";
import { basename, dirname, join } from "node:path";

import type { DirectoryEntry, FileStatus, OpenRequest } from "../abi/records.ts";
import { type ErrorCode, failure, GodwitError, isErrorCode } from "../errors.ts";
import type { FileState, FileSystem } from "../kernel/host.ts";
import type { OpenFile } from "../kernel/resource.ts";

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
  readonly kind = "file";
  readonly attachment = "fastened";
  readonly binding = "identifier";
  readonly #path: string;
  readonly #request: OpenRequest;
  readonly #file: fs.FileHandle;
  /** Where the next read or write begins. Kept here and not by the host, so that it moves with the process. */
  #position: number;
  /** Operations go one after the other: the position is theirs in turn. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(path: string, request: OpenRequest, file: fs.FileHandle, position: number) {
    this.#path = path;
    this.#request = request;
    this.#file = file;
    this.#position = position;
  }

  describe(): string {
    return `${this.#path} at ${this.#position}`;
  }

  #inTurn<T>(what: string, operation: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(() => guarded(`${what} ${this.#path}`, operation));
    this.#last = turn.catch(() => {});
    return turn;
  }

  read(maxBytes: number): Promise<Uint8Array> {
    return this.#inTurn("read", async () => {
      const buffer = new Uint8Array(maxBytes);
      const { bytesRead } = await this.#file.read(buffer, 0, maxBytes, this.#position);
      this.#position += bytesRead;
      return buffer.subarray(0, bytesRead);
    });
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#inTurn("write", async () => {
      const position = this.#request.append === true ? null : this.#position;
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

  close(): Promise<void> {
    return this.#inTurn("close", () => this.#file.close());
  }

  save(): FileState {
    return { path: this.#path, request: this.#request, position: this.#position };
  }
}

/** Opens a regular file: a pipe or device could keep an LWP's threads of the host waiting for ever. */
async function openRegular(path: string, flags: number): Promise<fs.FileHandle> {
  const file = await fs.open(path, flags, 0o666);
  const status = await file.stat();
  if (status.isFile()) return file;
  await file.close();
  throw failure(status.isDirectory() ? "EISDIR" : "EINVAL", `${path} is not a regular file`);
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
    guarded(`open ${path}`, async () => new HostFile(path, request, await openRegular(path, openFlags(request)), 0)),
  reopen: ({ path, request, position }) => {
    const writes = request.write === true || request.create === true || request.truncate === true;
    const again = { ...request, write: writes, create: false, exclusive: false, truncate: false };
    return guarded(
      `open ${path} again`,
      async () => new HostFile(path, request, await openRegular(path, openFlags(again)), position),
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
};
