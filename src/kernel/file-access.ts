/** Which files a process may touch: its capabilities, applied to the real path, so that a link leads nowhere new. */

import { resolve } from "node:path";

import type { Capabilities, DirectoryEntry, FileStatus, OpenRequest } from "../abi/records.ts";
import { failure } from "../errors.ts";
import { covers } from "./capability.ts";
import type { FileSystem } from "./host.ts";
import type { OpenFile } from "./resource.ts";
import type { FileState } from "./resource-state.ts";

const PATH_MAX_CHARS = 4096;

/** What a process may do with files, and from where. */
export interface Holder {
  readonly workingDirectory: string;
  readonly capabilities: Pick<Capabilities, "read" | "write" | "run">;
}

/** Files as a process sees them: by its own paths, under its capabilities, on whatever machine they are. */
export interface ProcessFiles {
  open(path: string, request: OpenRequest): Promise<OpenFile>;
  /** Opens again what was open, with its position. */
  reopen(state: FileState): Promise<OpenFile>;
  stat(path: string): Promise<FileStatus>;
  readDirectory(path: string): Promise<DirectoryEntry[]>;
  makeDirectory(path: string, recursive: boolean): Promise<void>;
  remove(path: string, recursive: boolean): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  writeWhole(path: string, bytes: Uint8Array): Promise<void>;
}

/** Those of the machine that this runs on. */
export class LocalFiles implements ProcessFiles {
  readonly #files: FileSystem;
  readonly #holder: Holder;

  constructor(files: FileSystem, holder: Holder) {
    this.#files = files;
    this.#holder = holder;
  }

  async open(path: string, request: OpenRequest): Promise<OpenFile> {
    return this.#files.open(await this.#toOpen(path, request), request);
  }

  async reopen(state: FileState): Promise<OpenFile> {
    return this.#files.reopen({ ...state, path: await this.#toOpen(state.path, state.request) });
  }

  async #toOpen(path: string, request: OpenRequest): Promise<string> {
    const writes =
      request.write === true || request.append === true || request.create === true || request.truncate === true;
    if (request.read === true || !writes) path = await this.#allowed("read", path);
    if (writes) path = await this.#allowed("write", path);
    return path;
  }

  async stat(path: string): Promise<FileStatus> {
    return this.#files.stat(await this.#allowed("read", path));
  }

  async readDirectory(path: string): Promise<DirectoryEntry[]> {
    return this.#files.readDirectory(await this.#allowed("read", path));
  }

  async makeDirectory(path: string, recursive: boolean): Promise<void> {
    return this.#files.makeDirectory(await this.#allowed("write", path), recursive);
  }

  async remove(path: string, recursive: boolean): Promise<void> {
    return this.#files.remove(await this.#allowed("write", path), recursive);
  }

  async rename(from: string, to: string): Promise<void> {
    const allowedFrom = await this.#allowed("write", from);
    return this.#files.rename(allowedFrom, await this.#allowed("write", to));
  }

  async writeWhole(path: string, bytes: Uint8Array): Promise<void> {
    return this.#files.writeWhole(await this.#allowed("write", path), bytes);
  }

  #allowed(access: "read" | "write", path: string): Promise<string> {
    return allowed(this.#files, this.#holder, access, path);
  }
}

/** The real, absolute path of `path`. Throws EACCES when the process was not given it. */
export async function allowed(
  files: Pick<FileSystem, "realPath">,
  process: Holder,
  access: "read" | "write" | "run",
  path: string,
): Promise<string> {
  if (path === "" || path.length > PATH_MAX_CHARS || path.includes("\0"))
    throw failure("EINVAL", "a path has 1 to 4096 characters, none of them NUL");
  const absolute = resolve(process.workingDirectory, path);
  const roots = process.capabilities[access];
  const denied = () =>
    failure(
      "EACCES",
      `${access} access to ${absolute} was not given: put --allow-${access}=${absolute} before the program's file`,
    );
  if (roots === "all") return absolute;
  if (roots.length === 0) throw denied();
  const [real, ...realRoots] = await Promise.all([absolute, ...roots].map((one) => files.realPath(one)));
  if (real === undefined || !covers(realRoots, real)) throw denied();
  return real;
}
