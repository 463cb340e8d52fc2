/** Capabilities: what a process may do. Nothing by default; a child's are never wider than its parent's. */

import { isAbsolute, relative, resolve, sep } from "node:path";

import type { Capabilities } from "../abi/records.ts";
import { narrowHosts } from "./host-pattern.ts";

export const NO_CAPABILITIES: Capabilities = { read: [], write: [], environment: [], run: [], net: [], listen: [] };
/** A list that allows all, against which a user's own grants are resolved. */
export const EVERYTHING = {
  read: "all",
  write: "all",
  environment: "all",
  run: "all",
  net: "all",
  listen: "all",
} as const;

/** Whether `path` (absolute, links resolved) is one of `roots` or below one. */
export function covers(roots: readonly string[] | "all", path: string): boolean {
  if (roots === "all") return true;
  return roots.some((root) => {
    const below = relative(root, path);
    return below === "" || (below !== ".." && !below.startsWith(`..${sep}`) && !isAbsolute(below));
  });
}

/** What both sides allow. Paths asked for are resolved against `workingDirectory`. */
export function narrow(held: Capabilities, asked: Partial<Capabilities>, workingDirectory: string): Capabilities {
  const paths = (mine: readonly string[] | "all", theirs: readonly string[] | "all" | undefined) => {
    if (theirs === undefined) return [];
    if (theirs === "all") return mine;
    return theirs.map((path) => resolve(workingDirectory, path)).filter((path) => covers(mine, path));
  };
  return {
    read: paths(held.read, asked.read),
    write: paths(held.write, asked.write),
    run: paths(held.run, asked.run),
    environment: narrowNames(held.environment, asked.environment),
    net: narrowHosts(held.net, asked.net),
    listen: narrowNames(held.listen, asked.listen),
  };
}

function narrowNames(
  mine: readonly string[] | "all",
  theirs: readonly string[] | "all" | undefined,
): readonly string[] | "all" {
  if (theirs === undefined) return [];
  if (theirs === "all") return mine;
  return mine === "all" ? theirs : theirs.filter((name) => mine.includes(name));
}
