/** Which files a process may touch: its capabilities, applied to the real path, so that a link leads nowhere new. */

import { resolve } from "node:path";

import { failure } from "../errors.ts";
import { covers } from "./capability.ts";
import type { FileSystem } from "./host.ts";
import type { Capabilities } from "../abi/records.ts";

const PATH_MAX_CHARS = 4096;

/** The real, absolute path of `path`. Throws EACCES when the process was not given it. */
export async function allowed(files: FileSystem, process: { readonly workingDirectory: string; readonly capabilities: Capabilities }, access: "read" | "write" | "run", path: string): Promise<string> {
  if (path === "" || path.length > PATH_MAX_CHARS || path.includes("\0")) throw failure("EINVAL", "a path has 1 to 4096 characters, none of them NUL");
  const absolute = resolve(process.workingDirectory, path);
  const roots = process.capabilities[access];
  const denied = () => failure("EACCES", `${access} access to ${absolute} was not given: run with --allow-${access}=${absolute}`);
  if (roots === "all") return absolute;
  if (roots.length === 0) throw denied();
  const [real, ...realRoots] = await Promise.all([absolute, ...roots].map((one) => files.realPath(one)));
  if (real === undefined || !covers(realRoots, real)) throw denied();
  return real;
}
