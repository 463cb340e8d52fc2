/** Handles of a process that comes from a record: opened again before it runs, under the capabilities it has here. */

import { GodwitError } from "../errors.ts";
import { allowedToOpen, fileState } from "./file-access.ts";
import type { Kernel } from "./kernel.ts";
import type { Process } from "./process.ts";
import { hold, release } from "./quiescence.ts";
import type { HandleRecord, OpenFile } from "./resource.ts";

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
    const resource = await reopen(kernel, process, state).catch((error: unknown) => lost(state, error));
    if (process.ended) await resource.close().catch(() => {});
    else process.handles.put(handle, resource);
  };
  void Promise.all(handles.map(one)).then(() => {
    kernel.hostOperationDone();
    finish();
  });
}

/** Lets go of all handles of a process that is no more, or no longer here. */
export function closeHandles(process: Process): Promise<unknown> {
  return Promise.allSettled(process.handles.all().map((resource) => resource.close()));
}

async function reopen(kernel: Kernel, process: Process, record: unknown): Promise<OpenFile> {
  const state = fileState(record);
  const path = await allowedToOpen(kernel.host.files, process, state.path, state.request);
  return kernel.host.files.reopen({ ...state, path });
}

/** A resource that could not be taken along: its handle stays valid, and its use fails with the reason. */
function lost(state: unknown, error: unknown): OpenFile {
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
    save: () => state,
  };
}
