/**
 * Files of another machine. What a process may touch there is checked there: at its home, by what its home knows of it; of
 * what was open already, by the ticket that was given for it.
 */

import type { DirectoryEntry, FileStatus, OpenRequest } from "../abi/records.ts";
import type { ProcessFiles } from "./file-access.ts";
import type { Attachment, Binding, OpenFile } from "./resource.ts";
import type { FileState, ScratchState } from "./resource-state.ts";

/** By the process's pid at its home; by the ticket of a scratch directory where that is. */
export type FilePlace = { readonly pid: number } | { readonly ticket: string };
export type FileOperation =
  | { readonly do: "open"; readonly path: string; readonly request: OpenRequest }
  | { readonly do: "stat" | "readDirectory"; readonly path: string }
  | { readonly do: "makeDirectory" | "remove"; readonly path: string; readonly recursive: boolean }
  | { readonly do: "rename"; readonly path: string; readonly to: string }
  | { readonly do: "writeWhole"; readonly path: string; readonly bytes: Uint8Array };
/** What is done with a file or scratch directory that is open there, by its ticket. */
export type TicketOperation =
  /** `redeem`: what came back is opened again by its process; it is asked by nobody else. */
  | { readonly do: "claim" }
  | { readonly do: "redeem" }
  | { readonly do: "twin" }
  | { readonly do: "close" }
  | { readonly do: "sync" }
  /** How much there would be to take, in bytes; and the content itself, for who takes it along. */
  | { readonly do: "size" }
  | { readonly do: "take" }
  | { readonly do: "read"; readonly maxBytes: number }
  | { readonly do: "write"; readonly bytes: Uint8Array }
  | { readonly do: "seek"; readonly offset: number; readonly from: "start" | "current" | "end" }
  | { readonly do: "truncate"; readonly sizeBytes: number };
export type FileQuestion = (FilePlace & FileOperation) | ({ readonly ticket: string } & TicketOperation);

/** What a node says of a file that it has opened. */
export interface RemoteOpening {
  readonly node: string;
  readonly ticket: string;
  readonly path: string;
  readonly position: number;
  readonly device: boolean;
}

/** What `take` answers: of a file its content, of a scratch directory what is in it. */
export type Taken = Pick<FileState, "content"> | Pick<ScratchState, "content">;

/** Asks the node that has them. */
export type Ask = (body: FileQuestion) => Promise<unknown>;

export class RemoteFiles implements ProcessFiles {
  readonly #ask: Ask;
  readonly #place: FilePlace;
  readonly #askNode: (node: string) => Ask;

  constructor(place: FilePlace, ask: Ask, askNode: (node: string) => Ask) {
    this.#place = place;
    this.#ask = ask;
    this.#askNode = askNode;
  }

  async #do<T = void>(operation: FileOperation): Promise<T> {
    return ((await this.#ask({ ...this.#place, ...operation })) ?? undefined) as T;
  }

  async open(path: string, request: OpenRequest): Promise<OpenFile> {
    const opening = await this.#do<RemoteOpening>({ do: "open", path, request });
    const { node, position, device, ticket } = opening;
    const fresh = { kind: "file", isCopy: false, isTwin: false } as const;
    return new RemoteFile(
      { ...fresh, path: opening.path, request, node, position, device, ticket },
      this.#askNode(node),
    );
  }

  /** By its path: its ticket is gone. */
  async reopen(state: FileState): Promise<OpenFile> {
    const file = await this.open(state.path, { ...state.request, create: false, exclusive: false, truncate: false });
    await file.seek(state.position, "start");
    return file;
  }

  stat(path: string): Promise<FileStatus> {
    return this.#do({ do: "stat", path });
  }

  readDirectory(path: string): Promise<DirectoryEntry[]> {
    return this.#do({ do: "readDirectory", path });
  }

  makeDirectory(path: string, recursive: boolean): Promise<void> {
    return this.#do({ do: "makeDirectory", path, recursive });
  }

  remove(path: string, recursive: boolean): Promise<void> {
    return this.#do({ do: "remove", path, recursive });
  }

  rename(from: string, to: string): Promise<void> {
    return this.#do({ do: "rename", path: from, to });
  }

  writeWhole(path: string, bytes: Uint8Array): Promise<void> {
    return this.#do({ do: "writeWhole", path, bytes });
  }
}

/** A file that is open on another machine. Its position is kept there. */
export class RemoteFile implements OpenFile {
  readonly kind: string;
  readonly attachment: Attachment;
  readonly #state: FileState;
  readonly #ask: Ask;

  constructor(state: FileState, ask: Ask) {
    this.#state = state;
    this.#ask = ask;
    this.kind = state.device ? "device" : "file";
    this.attachment = state.device ? "fixed" : "fastened";
  }

  get binding(): Binding {
    return this.#state.request.binding ?? "identifier";
  }

  describe(): string {
    return `${this.#state.path} on node ${this.#state.node}`;
  }

  async #do<T = void>(operation: TicketOperation): Promise<T> {
    return ((await this.#ask({ ticket: this.#state.ticket, ...operation })) ?? undefined) as T;
  }

  read(maxBytes: number): Promise<Uint8Array> {
    return this.#do({ do: "read", maxBytes });
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#do({ do: "write", bytes });
  }

  seek(offset: number, from: "start" | "current" | "end"): Promise<number> {
    return this.#do({ do: "seek", offset, from });
  }

  truncate(sizeBytes: number): Promise<void> {
    return this.#do({ do: "truncate", sizeBytes });
  }

  sync(): Promise<void> {
    return this.#do({ do: "sync" });
  }

  close(): Promise<void> {
    return this.#do({ do: "close" });
  }

  /** It stays open where it is. */
  leave(): Promise<void> {
    return Promise.resolve();
  }

  state(): FileState {
    return this.#state;
  }
}
