/**
 * Completes package-lock.json. A registry mirror may lack the packages that only other platforms need; npm then leaves
 * them out of the lock file when it writes it, and `npm ci` refuses that file as out of step, on every platform. Run
 * this after `npm install`:
 *
 *     node dist/scripts/lockfile.js
 */

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export interface LockedPackage {
  readonly version?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}
/** By place: "" for the project, "node_modules/a", "node_modules/a/node_modules/b". */
export type LockedPackages = Readonly<Record<string, LockedPackage>>;

/** The optional packages that are asked for at an exact version and have no entry: new entries for them, by place. */
export function missingPlatforms(packages: LockedPackages): Record<string, LockedPackage> {
  const found: Record<string, LockedPackage> = {};
  for (const [place, asking] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(asking.optionalDependencies ?? {})) {
      if (isPlaced(packages, place, name) || !/^\d+\.\d+\.\d+$/.test(version)) continue;
      const dev = asking.dev === true ? { dev: true } : {};
      found[`node_modules/${name}`] = { version, ...dev, optional: true, ...platformOf(name) };
    }
  }
  return found;
}

/** Whether a package at `place` finds `name` where Node would look for it. */
function isPlaced(packages: LockedPackages, place: string, name: string): boolean {
  for (let folder = place; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf("/node_modules/")))) {
    if (`${folder}${folder === "" ? "" : "/"}node_modules/${name}` in packages) return true;
    if (folder === "") return false;
  }
}

const SYSTEMS = ["aix", "android", "darwin", "freebsd", "linux", "netbsd", "openbsd", "openharmony", "sunos", "win32"];
const PROCESSORS = ["arm", "arm64", "ia32", "loong64", "mips64el", "ppc64", "riscv64", "s390x", "x64"];
const LIBRARIES: Readonly<Record<string, string>> = { gnu: "glibc", musl: "musl" };

/** The platform that a package's name ends in, as npm states it: it keeps other platforms from fetching the package. */
function platformOf(name: string): Pick<LockedPackage, "os" | "cpu" | "libc"> {
  const words = name.slice(name.indexOf("/") + 1).split("-");
  const os = words.find((word) => SYSTEMS.includes(word));
  const cpu = words.find((word) => PROCESSORS.includes(word));
  if (os === undefined || cpu === undefined)
    throw new Error(`${name}: its name does not tell which platform it is for`);
  const libc = os === "linux" ? LIBRARIES[words.at(-1) ?? ""] : undefined;
  return { os: [os], cpu: [cpu], ...(libc === undefined ? {} : { libc: [libc] }) };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const lock = JSON.parse(readFileSync("package-lock.json", "utf8")) as { packages: LockedPackages };
  const missing = missingPlatforms(lock.packages);
  const places = Object.entries({ ...lock.packages, ...missing }).sort(([a], [b]) => a.localeCompare(b, "en"));
  writeFileSync(
    "package-lock.json",
    `${JSON.stringify({ ...lock, packages: Object.fromEntries(places) }, undefined, 2)}\n`,
  );
  console.log(`${Object.keys(missing).length} entries added`);
}
