/** The capabilities that a program asks for, as far as its text shows. */

import type { Need } from "../abi/check.ts";
import type { FreeName, Names, Use } from "./check-names.ts";

type Flag = Need["flag"];

const GLOBALS: Readonly<Record<string, Flag>> = {
  fetch: "--allow-net",
  WebSocket: "--allow-net",
  EventSource: "--allow-net",
};

const LIBRARY: Readonly<Record<string, Flag>> = {
  readFile: "--allow-read",
  readDirectory: "--allow-read",
  stat: "--allow-read",
  exists: "--allow-read",
  writeFile: "--allow-write",
  makeDirectory: "--allow-write",
  remove: "--allow-write",
  rename: "--allow-write",
  checkpoint: "--allow-write",
  spawn: "--allow-run",
  exec: "--allow-run",
  serve: "--allow-listen",
  listen: "--allow-listen",
};

const WRITING_OPTIONS: readonly string[] = ["write", "append", "create", "truncate"];

/** The function's own name: `promises.readFile` needs what `readFile` does. */
function flagsOf(use: Use): readonly Flag[] {
  if (use.name === "self") return use.property === "environment" ? ["--allow-env"] : [];
  const name = use.name === "promises" ? (use.property ?? "") : use.name;
  if (name !== "open") return Object.hasOwn(LIBRARY, name) ? [LIBRARY[name] ?? "--allow-read"] : [];
  if (!WRITING_OPTIONS.some((option) => use.options.includes(option))) return ["--allow-read"];
  return use.options.includes("read") ? ["--allow-read", "--allow-write"] : ["--allow-write"];
}

/** What to name after the flag: a URL's host, or the path as it is. */
function nameAfter(flag: Flag, { text }: Use): string | undefined {
  if (text === undefined || text === "" || /[,\0]/.test(text)) return undefined;
  if (flag === "--allow-env") return undefined;
  if (flag !== "--allow-net") return text;
  return URL.canParse(text) ? new URL(text).host : undefined;
}

/** @param globals the uses of globals that exist */
export function needsOf({ library }: Names, globals: readonly FreeName[]): Need[] {
  const found = new Map<Flag, Use[]>();
  const add = (flag: Flag, use: Use) => found.set(flag, [...(found.get(flag) ?? []), use]);
  for (const use of globals) {
    const flag = Object.hasOwn(GLOBALS, use.name) ? GLOBALS[use.name] : undefined;
    if (flag !== undefined) add(flag, use);
  }
  for (const use of library) for (const flag of flagsOf(use)) add(flag, use);
  return [...found]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([flag, uses]) => {
      const names = uses.map((use) => nameAfter(flag, use));
      const known = names.filter((name) => name !== undefined);
      return {
        flag,
        names: known.length < names.length ? "all" : [...new Set(known)].sort(),
        uses: uses.map(({ name, property, place }) => ({
          name: property === undefined || name in GLOBALS ? name : `${name}.${property}`,
          place,
        })),
      };
    });
}
