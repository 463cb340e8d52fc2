/** Handles of a process that comes from a record: opened again before it runs, under the capabilities it has here. */

import { GodwitError } from "../errors.ts";
import { allowed } from "./file-access.ts";
import type { Kernel } from "./kernel.ts";
import type { Process } from "./process.ts";
import type { HandleRecord, Resource } from "./resource.ts";

/** Opens every handle again; one that cannot be is kept as a handle whose every use says why. Releases the hold `reopen`. */
export function reopenHandles(kernel: Kernel, process: Process, handles: readonly HandleRecord[], done: () => void): void {
  const finish = () => {
    kernel.release(process, "reopen");
    done();
  };
  if (handles.length === 0) {
    finish();
    return;
  }
  kernel.hold(process, "reopen");
  kernel.hostOperations++;
  const one = async ({ handle, state }: HandleRecord) => {
    process.handles.put(handle, await reopen(kernel, process, state).catch((error: unknown) => lost(state, error)));
  };
  void Promise.all(handles.map(one)).then(() => {
    kernel.hostOperationDone();
    if (!process.ended) finish();
  });
}

async function reopen(kernel: Kernel, process: Process, state: unknown): Promise<Resource> {
  const { path, request } = state as { path?: unknown; request?: { read?: unknown; write?: unknown; append?: unknown } };
  if (typeof path === "string") {
    if (request?.read === true) await allowed(kernel.host.files, process, "read", path);
    if (request?.write === true || request?.append === true) await allowed(kernel.host.files, process, "write", path);
  }
  return kernel.host.files.reopen(state);
}

/** A resource that could not be taken along: its handle stays valid, and its use fails with the reason. */
function lost(state: unknown, error: unknown): Resource {
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
