/** Handles of a process that comes from a record: opened again before it runs, under the capabilities it has here. */

import { GodwitError } from "../errors.ts";
import { Cache } from "./cache.ts";
import { asker, pathFiles } from "./file-place.ts";
import type { Kernel } from "./kernel.ts";
import type { Process } from "./process.ts";
import { hold, release } from "./quiescence.ts";
import { type Ask, RemoteFile, RemoteFiles, type RemoteOpening } from "./remote-files.ts";
import type { HandleRecord, OpenFile, Resource } from "./resource.ts";
import { type FileState, inScratch, type ResourceState, resourceState, type ScratchState } from "./resource-state.ts";
import { RemoteScratch, Scratch } from "./scratch.ts";

/**
 * Opens every handle again; one that cannot be is kept as a handle whose every use says why. Releases the hold `reopen`,
 * and tells when that is done; a process that has ended by then leaves nothing open.
 */
export function reopenHandles(
  kernel: Kernel,
  process: Process,
  handles: readonly HandleRecord[],
  done: () => void = () => {},
): void {
  const finish = () => {
    release(kernel, process, "reopen");
    done();
  };
  if (handles.length === 0) return finish();
  hold(kernel, process, "reopen");
  kernel.hostOperations++;
  const one = async ({ handle, state }: HandleRecord) => {
    const resource = await reopen(kernel, process, handle, state).catch((error: unknown) => lost(state, error));
    if (process.ended) await resource.close().catch(() => {});
    else process.handles.put(handle, resource);
  };
  // Files in a scratch directory come after it.
  const inner = handles.filter(({ state }) => isInner(state));
  const outer = handles.filter(({ state }) => !isInner(state));
  void Promise.all(outer.map(one))
    .then(() => Promise.all(inner.map(one)))
    .then(() => {
      kernel.hostOperationDone();
      finish();
    });
}

function isInner(state: unknown): boolean {
  const path = typeof state === "object" && state !== null && "path" in state ? state.path : undefined;
  return typeof path === "string" && inScratch(path) !== undefined;
}

/** Lets go of all handles of a process that is no more. */
export function closeHandles(process: Process): Promise<unknown> {
  return Promise.allSettled(process.handles.all().map((resource) => resource.close()));
}

/** The process goes on elsewhere, by its record: all handles are left to it there, or those that are named. */
export function leaveHandles(process: Process, left?: readonly number[]): Promise<unknown> {
  const leave = ([handle, resource]: [number, Resource]) =>
    left === undefined || left.includes(handle) ? resource.leave() : resource.close();
  return Promise.allSettled(process.handles.entries().map(leave));
}

/** Opens one again. Throws what stands in the way. */
export async function reopen(kernel: Kernel, process: Process, handle: number, record: unknown): Promise<Resource> {
  const state = await returned(kernel, process, resourceState(record));
  if (state.kind === "cache") return new Cache(state);
  if (state.kind === "file") return reopenFile(kernel, process, state);
  const scratch = await reopenScratch(kernel, process, state);
  if (scratch instanceof Scratch) scratch.handle = handle;
  return scratch;
}

/** What the process had left open on this machine, where it is now. */
async function returned(kernel: Kernel, process: Process, state: ResourceState): Promise<ResourceState> {
  if (state.kind === "cache" || state.ticket === "" || state.node !== kernel.host.nodeName) return state;
  const ask = asker(kernel, process)(state.node);
  if (state.isTwin) return resourceState(await twinHere(state, ask));
  const known = resourceState(await ask({ ticket: state.ticket, do: "redeem" }));
  // By its directory's handle, which may have moved since.
  const isInner = state.kind === "file" && inScratch(state.path) !== undefined;
  return known.kind === "file" && isInner ? { ...known, path: state.path } : known;
}

async function twinHere(state: FileState | ScratchState, ask: Ask): Promise<unknown> {
  const { ticket } = await claim(state, ask);
  return ask({ ticket: ticket ?? "", do: "redeem" });
}

async function reopenFile(kernel: Kernel, process: Process, state: FileState): Promise<OpenFile> {
  const { files } = kernel.host;
  if (state.ticket !== "") {
    const ask = asker(kernel, process)(state.node);
    return new RemoteFile({ ...state, isTwin: false, ...(await claim(state, ask)) }, ask);
  }
  if (state.isCopy) {
    const content = state.content ?? (state.isTwin ? await files.content(state.path, Infinity) : undefined);
    const path = content === undefined ? state.path : await files.makeCopy(content);
    return files.reopen({ ...state, path });
  }
  const place = pathFiles(kernel, process, state.path, state.request.node);
  return place.files.reopen({ ...state, path: place.path });
}

async function reopenScratch(kernel: Kernel, process: Process, state: ScratchState): Promise<Scratch | RemoteScratch> {
  const { files } = kernel.host;
  const { binding = "type" } = state;
  if (state.ticket === "") {
    if (state.path !== "" && !state.isTwin) return new Scratch(files, state.path, binding);
    const content = state.path === "" ? state.content : await files.pack(state.path, Infinity);
    return new Scratch(files, await files.makeScratch(content ?? []), binding);
  }
  const ask = asker(kernel, process)(state.node);
  const { ticket } = { ...state, ...(await claim(state, ask)) };
  const there = new RemoteFiles({ ticket }, ask, asker(kernel, process));
  return new RemoteScratch({ ...state, isTwin: false, ticket }, there, () => ask({ ticket, do: "close" }));
}

/** A ticket is its process's own; a fork's child gets one of its own. */
async function claim({ ticket, isTwin }: FileState | ScratchState, ask: Ask): Promise<Partial<RemoteOpening>> {
  if (isTwin) return { ticket: ((await ask({ ticket, do: "twin" })) as RemoteOpening).ticket };
  await ask({ ticket, do: "claim" });
  return {};
}

/** A resource that could not be taken along: its handle stays valid, and its use fails with the reason. */
export function lost(state: unknown, error: unknown): OpenFile {
  if (!(error instanceof GodwitError)) throw error;
  const refuse = () => Promise.reject(error);
  return {
    kind: "lost",
    attachment: "fixed",
    binding: "identifier",
    describe: () => `lost: ${error.message}`,
    read: refuse,
    write: refuse,
    seek: refuse,
    truncate: refuse,
    sync: refuse,
    close: () => Promise.resolve(),
    leave: () => Promise.resolve(),
    state: () => state,
  };
}
