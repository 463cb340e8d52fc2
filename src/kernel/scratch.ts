/** The resource kind `scratch`: a directory that a process had made for itself, and that goes when it does. */

import type { OpenRequest } from "../abi/records.ts";
import { failure } from "../errors.ts";
import { SCRATCH_MAX_BYTES } from "../limits.ts";
import { LocalFiles, type ProcessFiles } from "./file-access.ts";
import type { FileSystem } from "./host.ts";
import type { Binding, OpenFile, Resource } from "./resource.ts";
import type { ScratchState } from "./resource-state.ts";

/** What an entry takes beside its content. */
export const ENTRY_BYTES = 4096;

/** A directory of files that a process reaches through a handle. */
export interface Folder extends Resource {
  readonly files: ProcessFiles;
}

export function isFolder(resource: Resource): resource is Folder {
  return "files" in resource;
}

export class Scratch implements Folder {
  readonly kind = "scratch";
  readonly attachment = "fastened";
  readonly binding: Binding;
  readonly files: ProcessFiles;
  readonly path: string;
  /** By which its process knows it. */
  handle = 0;
  readonly #system: FileSystem;

  constructor(system: FileSystem, path: string, binding: Binding) {
    this.#system = system;
    this.path = path;
    this.binding = binding;
    this.files = new BoundedFiles(system, path, () => this.handle);
  }

  describe(): string {
    return `scratch directory ${this.path}`;
  }

  close(): Promise<void> {
    return this.#system.remove(this.path, true);
  }

  leave(): Promise<void> {
    return Promise.resolve();
  }

  state(): ScratchState {
    return { kind: "scratch", binding: this.binding, path: this.path, node: "", ticket: "", isTwin: false };
  }
}

/** One that stayed on another machine. */
export class RemoteScratch implements Folder {
  readonly kind = "scratch";
  readonly attachment = "fastened";
  readonly files: ProcessFiles;
  readonly #state: ScratchState;
  readonly #remove: () => Promise<unknown>;

  constructor(state: ScratchState, files: ProcessFiles, remove: () => Promise<unknown>) {
    this.#state = state;
    this.files = files;
    this.#remove = remove;
  }

  get binding(): Binding {
    return this.#state.binding ?? "type";
  }

  describe(): string {
    return `scratch directory on node ${this.#state.node}`;
  }

  async close(): Promise<void> {
    await this.#remove();
  }

  leave(): Promise<void> {
    return Promise.resolve();
  }

  state(): ScratchState {
    return this.#state;
  }
}

/** A directory's files, all of which together have a bound. What they take is counted anew only when it may be too much. */
class BoundedFiles extends LocalFiles {
  readonly #system: FileSystem;
  readonly #path: string;
  readonly #handle: () => number;
  /** At least what is there. */
  #atMost = Infinity;

  constructor(system: FileSystem, path: string, handle: () => number) {
    super(system, { workingDirectory: path, capabilities: { read: [path], write: [path], run: [] } });
    this.#system = system;
    this.#path = path;
    this.#handle = handle;
  }

  override async open(path: string, request: OpenRequest): Promise<OpenFile> {
    if (request.create === true) await this.#take(ENTRY_BYTES);
    return this.#bounded(await super.open(path, request));
  }

  override async reopen(state: Parameters<ProcessFiles["reopen"]>[0]): Promise<OpenFile> {
    return this.#bounded(await super.reopen(state));
  }

  override async makeDirectory(path: string, recursive: boolean): Promise<void> {
    await this.#take(ENTRY_BYTES * path.split("/").length);
    return super.makeDirectory(path, recursive);
  }

  override async writeWhole(path: string, bytes: Uint8Array): Promise<void> {
    await this.#take(ENTRY_BYTES + bytes.length);
    return super.writeWhole(path, bytes);
  }

  #bounded(file: OpenFile): OpenFile {
    const place = (path: string) => `scratch:${this.#handle()}/${path.slice(this.#path.length + 1)}`;
    return new BoundedFile(file, place, (sizeBytes) => this.#take(sizeBytes));
  }

  async #take(sizeBytes: number): Promise<void> {
    if (this.#atMost + sizeBytes > SCRATCH_MAX_BYTES) this.#atMost = await this.#system.size(this.#path);
    if (this.#atMost + sizeBytes > SCRATCH_MAX_BYTES)
      throw failure("ENOSPC", `the scratch directory is full (${SCRATCH_MAX_BYTES} bytes): remove something from it`);
    this.#atMost += sizeBytes;
  }
}

/** A file in it. */
class BoundedFile implements OpenFile {
  readonly kind = "file";
  readonly attachment = "fastened";
  readonly binding = "identifier";
  readonly #file: OpenFile;
  readonly #place: (path: string) => string;
  readonly #take: (sizeBytes: number) => Promise<void>;
  /** The most that was ever written to or asked for. */
  #end = 0;

  constructor(file: OpenFile, place: (path: string) => string, take: (sizeBytes: number) => Promise<void>) {
    this.#file = file;
    this.#place = place;
    this.#take = take;
  }

  describe(): string {
    return this.#file.describe();
  }

  read(maxBytes: number): Promise<Uint8Array> {
    return this.#file.read(maxBytes);
  }

  /** Far beyond its end a write would make it that long. */
  async write(bytes: Uint8Array): Promise<number> {
    const position = await this.#file.seek(0, "current");
    const end = position + bytes.length;
    const grown = end - this.#end;
    await this.#take(Math.max(bytes.length, Math.min(grown, Number.MAX_SAFE_INTEGER)));
    this.#end = Math.max(this.#end, end);
    return this.#file.write(bytes);
  }

  seek(offset: number, from: "start" | "current" | "end"): Promise<number> {
    return this.#file.seek(offset, from);
  }

  async truncate(sizeBytes: number): Promise<void> {
    await this.#take(sizeBytes);
    return this.#file.truncate(sizeBytes);
  }

  sync(): Promise<void> {
    return this.#file.sync();
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  leave(): Promise<void> {
    return this.#file.leave();
  }

  /** Its path by the directory's handle: that may be another directory when it is opened again. */
  state(): unknown {
    const state = this.#file.state() as { path: string };
    return { ...state, path: this.#place(state.path) };
  }
}
