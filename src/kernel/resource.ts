/** Resources: what a process holds that is outside its address space, under small numbers called handles. */

import type { ResourceInfo } from "../abi/control.ts";
import { failure } from "../errors.ts";
import { HANDLES_MAX } from "../limits.ts";

/** How attached a resource is to its machine. */
export type Attachment = "unattached" | "fastened" | "fixed";
/** By what a process refers to it: this very one, its contents, or any of its type. */
export type Binding = "identifier" | "value" | "type";

export interface Resource {
  readonly kind: string;
  readonly attachment: Attachment;
  readonly binding: Binding;
  describe(): string;
  /** The process lets go of it. */
  close(): Promise<void>;
  /** The process goes on elsewhere, and this is no longer its own. */
  leave(): Promise<void>;
  /** Plain data from which it is made anew (`resource-state.ts`). Called only when no operation is in flight. */
  state?(): unknown;
}

/** One that is read and written in place. */
export interface OpenFile extends Resource {
  /** Up to so many bytes; empty at the end. */
  read(maxBytes: number): Promise<Uint8Array>;
  write(bytes: Uint8Array): Promise<number>;
  seek(offset: number, from: "start" | "current" | "end"): Promise<number>;
  truncate(sizeBytes: number): Promise<void>;
  sync(): Promise<void>;
  state(): unknown;
}

export interface HandleRecord {
  readonly handle: number;
  readonly state: unknown;
}

function isFile(resource: Resource): resource is OpenFile {
  return "read" in resource;
}

/** The first handle that is not a standard stream. */
const FIRST_HANDLE = 3;

export class HandleTable {
  readonly #resources = new Map<number, Resource>();

  /** The lowest free handle for `resource`. Throws EMFILE at the bound. */
  add(resource: Resource): number {
    for (let handle = FIRST_HANDLE; handle < HANDLES_MAX; handle++) {
      if (this.#resources.has(handle)) continue;
      this.#resources.set(handle, resource);
      return handle;
    }
    throw failure("EMFILE", `this process has ${HANDLES_MAX} handles open: close one first`);
  }

  put(handle: number, resource: Resource): void {
    this.#resources.set(handle, resource);
  }

  get(handle: number): Resource {
    const resource = this.#resources.get(handle);
    if (resource === undefined) throw failure("EBADF", `handle ${handle} is not open`);
    return resource;
  }

  /** An open file. Throws EINVAL for a handle of another kind. */
  file(handle: number): OpenFile {
    const resource = this.get(handle);
    if (isFile(resource)) return resource;
    throw failure("EINVAL", `handle ${handle} is a ${resource.kind}, which is not read and written like a file`);
  }

  find(handle: number): Resource | undefined {
    return this.#resources.get(handle);
  }

  take(handle: number): Resource {
    const resource = this.get(handle);
    this.#resources.delete(handle);
    return resource;
  }

  /** Takes over the handles of another table. */
  takeAll(other: HandleTable): void {
    for (const [handle, resource] of other.#resources) this.#resources.set(handle, resource);
    other.#resources.clear();
  }

  get full(): boolean {
    return this.#resources.size >= HANDLES_MAX - FIRST_HANDLE;
  }

  all(): Resource[] {
    return [...this.#resources.values()];
  }

  describe(): ResourceInfo[] {
    const standard = ["stdin", "stdout", "stderr"].map((name, handle): ResourceInfo => ({
      handle,
      kind: "console",
      attachment: "fixed",
      binding: "type",
      description: name,
    }));
    const opened = [...this.#resources].map(([handle, r]): ResourceInfo => ({
      handle,
      kind: r.kind,
      attachment: r.attachment,
      binding: r.binding,
      description: r.describe(),
    }));
    return [...standard, ...opened];
  }

  entries(): [number, Resource][] {
    return [...this.#resources];
  }

  /** All but channels, which have records of their own. */
  save(): HandleRecord[] {
    return [...this.#resources].flatMap(([handle, resource]) => {
      const state = resource.state?.();
      return state === undefined ? [] : [{ handle, state }];
    });
  }
}
