/**
 * Where a process's files are. Its paths mean the machine where it is at home, wherever it runs: there its working directory
 * is. Paths that begin with `scratch:HANDLE/` are in a scratch directory of its own.
 */

import { failure } from "../errors.ts";
import { LocalFiles, type ProcessFiles } from "./file-access.ts";
import type { Kernel } from "./kernel.ts";
import type { Process } from "./process.ts";
import { type Ask, RemoteFiles } from "./remote-files.ts";
import { inScratch } from "./resource-state.ts";
import { isFolder } from "./scratch.ts";

/** Asks a node on behalf of a process. */
export function asker(kernel: Kernel, process: Process): (node: string) => Ask {
  return (node) => (body) => kernel.host.askNode(process.pid, node, body);
}

/** Its files by path: at its home, or, when it says so, on the machine where it runs. */
function filesFor(kernel: Kernel, process: Process, node: "here" | undefined): ProcessFiles {
  if (!process.hosted || node === "here") return new LocalFiles(kernel.host.files, process);
  const ask = asker(kernel, process);
  return new RemoteFiles({ pid: process.pid }, ask(""), ask);
}

/** The files that a path of a process is among, and the path there. Throws EBADF for a scratch directory that is none. */
export function pathFiles(
  kernel: Kernel,
  process: Process,
  path: string,
  node?: "here",
): { readonly files: ProcessFiles; readonly path: string; readonly folder: number } {
  const inside = inScratch(path);
  if (inside === undefined) return { files: filesFor(kernel, process, node), path, folder: 0 };
  const folder = process.handles.get(inside.handle);
  if (isFolder(folder)) return { files: folder.files, path: inside.path, folder: inside.handle };
  throw failure("EBADF", `handle ${inside.handle} is a ${folder.kind}, and not a scratch directory`);
}
