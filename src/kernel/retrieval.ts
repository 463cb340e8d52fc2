/**
 * What a process has open on a node that goes away is fetched from there, and is its own where it runs from then on. All of it
 * is, or none; what cannot come along is lost only where that was said.
 */

import { failure } from "../errors.ts";
import { asker } from "./file-place.ts";
import type { Kernel } from "./kernel.ts";
import type { Process } from "./process.ts";
import type { Question, Retrieval } from "./protocol.ts";
import { hold, release } from "./quiescence.ts";
import type { Ask, Taken } from "./remote-files.ts";
import { lost, reopen } from "./reopen.ts";
import type { Resource } from "./resource.ts";
import { type FileState, inScratch, type ScratchState, wholeState } from "./resource-state.ts";

type Asked = Omit<Extract<Question, { kind: "retrieve" }>, "kind">;

interface Remote {
  readonly handle: number;
  readonly action: Retrieval["action"];
  readonly resource: Resource;
  readonly state: FileState | ScratchState;
}

/** Of a quiescent process, which stands still meanwhile. `done` is given what stood in the way: then nothing has changed. */
export function retrieve(kernel: Kernel, process: Process, asked: Asked, done: (error?: unknown) => void): void {
  hold(kernel, process, "reopen");
  kernel.hostOperations++;
  const over = (error?: unknown) => {
    kernel.hostOperationDone();
    if (!process.ended) release(kernel, process, "reopen");
    done(error);
  };
  void fetchAll(kernel, process, asked).then(() => over(), over);
}

/** Those of the rows that are there still, directories before the files that are open in them. */
function remotes(process: Process, { node, rows }: Asked): Remote[] {
  const all = rows.flatMap(({ handle, action }): Remote[] => {
    const resource = action === "GR" ? undefined : process.handles.find(handle);
    const state = wholeState(resource?.state?.());
    if (resource === undefined || state === undefined || state.kind === "cache") return [];
    return state.ticket === "" || state.node !== node ? [] : [{ handle, action, resource, state }];
  });
  const isInner = ({ state }: Remote) => state.kind === "file" && inScratch(state.path) !== undefined;
  return [...all.filter((one) => !isInner(one)), ...all.filter(isInner)];
}

async function fetchAll(kernel: Kernel, process: Process, asked: Asked): Promise<void> {
  const all = remotes(process, asked);
  const ask = asker(kernel, process)(asked.node);
  const old = new Map(all.map(({ handle, resource }) => [handle, resource]));
  const fresh = new Map<number, Resource>();
  try {
    for (const one of all) {
      const resource = await fetched(kernel, process, ask, one).catch((error: unknown) => {
        if (asked.isForced) return lost(one.state, error);
        throw error;
      });
      if (process.ended) await resource.close();
      if (process.ended) throw failure("ESRCH", `process ${process.pid} has ended`);
      fresh.set(one.handle, resource);
      // A file in a directory is opened by way of the directory's handle.
      process.handles.put(one.handle, resource);
    }
  } catch (error) {
    for (const [handle, resource] of fresh) {
      const before = old.get(handle);
      if (before !== undefined) process.handles.put(handle, before);
      await resource.close().catch(() => {});
    }
    // Its end has closed what its handles were by then.
    if (process.ended) for (const resource of old.values()) void resource.close().catch(() => {});
    throw error;
  }
  // There, what is in a directory is closed before the directory is removed. A node that is gone has nothing open.
  for (const { resource } of all.toReversed()) await resource.close().catch(() => {});
}

async function fetched(
  kernel: Kernel,
  process: Process,
  ask: Ask,
  { handle, action, state }: Remote,
): Promise<Resource> {
  const { ticket, node } = state;
  if (action === undefined) throw failure("ENONODE", `it was on node ${node}, which has left: open it anew`);
  const own = { ...state, node: "", ticket: "", isTwin: false };
  if (state.kind === "scratch") {
    const taken = action === "RB" ? { content: [] } : ((await ask({ ticket, do: "take" })) as Taken);
    return reopen(kernel, process, handle, { ...own, path: "", ...taken });
  }
  const position = await ask({ ticket, do: "seek", offset: 0, from: "current" });
  if (inScratch(state.path) !== undefined) {
    // A directory that was made anew has no such file.
    return reopen(kernel, process, handle, { ...own, position }).catch((error: unknown) => lost(state, error));
  }
  if (action === "RB") {
    const request = { ...state.request, node: "here" };
    return reopen(kernel, process, handle, { ...own, position, request });
  }
  const taken = (await ask({ ticket, do: "take" })) as Taken;
  return reopen(kernel, process, handle, { ...own, position, isCopy: true, ...taken });
}
