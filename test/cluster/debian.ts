/** Programs of Debian's, that tests use as clients and to compare with: found, or taken from their packages without installing them. */

import { execFile, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const CACHE = fileURLToPath(new URL("../../../node_modules/.cache/godwit/debian/", import.meta.url));

/** What a program is, and the packages that it is in, with the libraries that a small system lacks. */
interface Wanted {
  readonly name: string;
  readonly packages: readonly string[];
}

export interface Found {
  readonly path: string;
  /** What it needs to find its libraries. */
  readonly environment: Readonly<Record<string, string>>;
}

export const NATS: Wanted = { name: "nats-server", packages: ["nats-server"] };
/** A client of HTTP that makes load. */
export const WRK: Wanted = { name: "wrk", packages: ["wrk", "libluajit-5.1-2", "libluajit-5.1-common", "libssl3"] };
export const NC: Wanted = { name: "nc.openbsd", packages: ["netcat-openbsd", "libbsd0", "libmd0"] };
export const SOCAT: Wanted = {
  name: "socat",
  packages: ["socat", "libwrap0", "libssl3", "libnsl2", "libtirpc3", "libgssapi-krb5-2", "libkrb5-3", "libk5crypto3"],
};
export const INETD: Wanted = {
  name: "inetd",
  packages: ["openbsd-inetd", "libbsd0", "libmd0", "libwrap0", "libevent-2.1-7", "libnsl2", "libtirpc3"],
};

const BIND_LIBRARIES = [
  "bind9-libs",
  "libuv1",
  "libmaxminddb0",
  "libjson-c5",
  "liblmdb0",
  "libfstrm0",
  "libprotobuf-c1",
];
const BIND = ["bind9-dnsutils", "bind9-host", ...BIND_LIBRARIES, "libjemalloc2", "libedit2", "libbsd0", "libmd0"];
export const DIG: Wanted = { name: "dig", packages: BIND };
export const HOST: Wanted = { name: "host", packages: BIND };

/** Of a package. */
const FOLDERS = ["usr/sbin", "usr/bin", "bin", "sbin"];
/** Where servers are that not everybody's PATH leads to. */
const SERVER_FOLDERS = ["/usr/sbin", "/sbin", "/usr/local/sbin"];

/** The program's path, or why there is none. */
export async function findProgram(wanted: Wanted): Promise<Found | { missing: string }> {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), ...SERVER_FOLDERS];
  const path = folders.map((folder) => join(folder, wanted.name)).find((path) => existsSync(path));
  if (path !== undefined) return { path, environment: {} };
  return takeFromPackages(wanted);
}

async function takeFromPackages({ name, packages }: Wanted): Promise<Found | { missing: string }> {
  if (process.getuid?.() !== 0) return { missing: `no ${name} on PATH, and not root, who could use apt-get` };
  const root = join(CACHE, name);
  try {
    if (!existsSync(root)) await unpack(packages, root);
  } catch (error) {
    return { missing: `no ${name} on PATH, and its packages cannot be had: ${String(error)}` };
  }
  const path = FOLDERS.map((folder) => join(root, folder, name)).find((path) => existsSync(path));
  if (path === undefined) return { missing: `no ${name} in the packages ${packages.join(", ")}` };
  const libraries = librariesUnder(root).join(delimiter);
  const environment = { LD_LIBRARY_PATH: libraries };
  const told = spawnSync("ldd", [path], { env: { ...process.env, ...environment }, encoding: "utf8" }).stdout;
  const lacking = /^\s*(\S+) => not found/m.exec(told)?.[1];
  return lacking === undefined ? { path, environment } : { missing: `${name} needs ${lacking}, which is not here` };
}

/** Who is first makes the folder; others that were at it at the same time find it made. */
async function unpack(packages: readonly string[], root: string): Promise<void> {
  mkdirSync(dirname(root), { recursive: true });
  const folder = mkdtempSync(`${root}-`);
  const options = { cwd: folder, timeout: 120_000 };
  try {
    await run("apt-get", ["download", ...packages], options).catch(async () => {
      // Of two at once the second would fail.
      await run("flock", [dirname(root), "apt-get", "update"], options);
      await run("apt-get", ["download", ...packages], options);
    });
    const tree = join(folder, "tree");
    mkdirSync(tree);
    for (const file of readdirSync(folder).filter((file) => file.endsWith(".deb")))
      await run("dpkg", ["-x", join(folder, file), tree], options);
    try {
      renameSync(tree, root);
    } catch (error) {
      if (!existsSync(root)) throw error;
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function librariesUnder(root: string): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.name.includes(".so"))
    .map((entry) => entry.parentPath)
    .filter((folder, index, all) => all.indexOf(folder) === index);
}
