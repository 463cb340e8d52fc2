/** Which files a process may touch: its capabilities, applied to the real path, so that a link leads nowhere new. */

import { resolve } from "node:path";

import { failure } from "../errors.ts";
import { covers } from "./capability.ts";
import type { FileState, FileSystem } from "./host.ts";
import type { Capabilities, OpenRequest } from "../abi/records.ts";

const PATH_MAX_CHARS = 4096;

/** What a process may do with files, and from where. */
interface Holder {
  readonly workingDirectory: string;
  readonly capabilities: Capabilities;
}

/** The real path of a file to be opened in this way. Throws EACCES when the process was not given it. */
export async function allowedToOpen(
  files: FileSystem,
  process: Holder,
  path: string,
  request: OpenRequest,
): Promise<string> {
  const writes =
    request.write === true || request.append === true || request.create === true || request.truncate === true;
  if (request.read === true || !writes) path = await allowed(files, process, "read", path);
  if (writes) path = await allowed(files, process, "write", path);
  return path;
}

const FLAGS = ["read", "write", "append", "create", "exclusive", "truncate"] as const satisfies (keyof OpenRequest)[];

/** A request from a guest or an image: its flags that are exactly true, and nothing else. */
export function openRequest(asked: { readonly [K in keyof OpenRequest]?: unknown }): OpenRequest {
  return Object.fromEntries(FLAGS.map((flag) => [flag, asked[flag] === true]));
}

/** An open file of a record, which may come from a hostile image. Throws EIMAGE_CORRUPT. */
export function fileState(state: unknown): FileState {
  const { path, position, request } =
    typeof state === "object" && state !== null ? (state as { [K in keyof FileState]?: unknown }) : {};
  const isWhole =
    typeof path === "string" && typeof position === "number" && Number.isSafeInteger(position) && position >= 0;
  if (!isWhole || typeof request !== "object" || request === null)
    throw failure("EIMAGE_CORRUPT", "the image's record of an open file is damaged");
  return { path, position, request: openRequest(request) };
}

/** The real, absolute path of `path`. Throws EACCES when the process was not given it. */
export async function allowed(
  files: FileSystem,
  process: Holder,
  access: "read" | "write" | "run",
  path: string,
): Promise<string> {
  if (path === "" || path.length > PATH_MAX_CHARS || path.includes("\0"))
    throw failure("EINVAL", "a path has 1 to 4096 characters, none of them NUL");
  const absolute = resolve(process.workingDirectory, path);
  const roots = process.capabilities[access];
  const denied = () =>
    failure("EACCES", `${access} access to ${absolute} was not given: run with --allow-${access}=${absolute}`);
  if (roots === "all") return absolute;
  if (roots.length === 0) throw denied();
  const [real, ...realRoots] = await Promise.all([absolute, ...roots].map((one) => files.realPath(one)));
  if (real === undefined || !covers(realRoots, real)) throw denied();
  return real;
}
