/**
 * Fetches the part of the Web Platform Tests that `test/web` runs: `node dist/scripts/web-platform-tests.js`. No registry
 * package carries them, but Debian's source package of Node does, as Node is tested by them too. Needs `apt-get`, `tar` and
 * `xz`, no privileges, and leaves nothing but the folder that it prints. With `--if-possible`, a machine that cannot have them
 * gets a warning in place of an error.
 */

import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** The tests that the known failures are about. */
const PINNED = {
  suite: "trixie",
  source: "nodejs",
  tarball: "nodejs_20.19.2+dfsg.orig.tar.xz",
  sha256: "5e5559381ad031d245a8efa403458abbb73755f74c3e6380f185a4dd342b7949",
};
const TIMEOUT_MS = 300_000;
const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** Where the tests are, once they were fetched. */
export const CHECKOUT = join(ROOT, "node_modules/.cache/godwit/web-platform-tests", PINNED.sha256.slice(0, 16));

/** Whether the tests are there. */
export function hasCheckout(): boolean {
  return existsSync(join(CHECKOUT, "resources/testharness.js"));
}

function run(command: string, args: readonly string[], folder: string): void {
  execFileSync(command, args, { cwd: folder, stdio: ["ignore", "ignore", "inherit"], timeout: TIMEOUT_MS });
}

/** apt-get with sources, lists and cache of its own. */
function apt(folder: string, ...args: readonly string[]): void {
  const options = {
    "Dir::Etc::sourcelist": join(folder, "sources.list"),
    "Dir::Etc::sourceparts": "/dev/null",
    "Dir::State::lists": join(folder, "lists"),
    "Dir::Cache": join(folder, "cache"),
    "APT::Sandbox::User": "root",
  };
  const settings = Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  run("apt-get", ["-qq", ...settings, ...args], folder);
}

/** The archive that this machine's own packages come from. */
function archive(): string {
  const known = execFileSync("apt-get", ["indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"], {
    encoding: "utf8",
  });
  const uri = known.split("\n").find((uri) => uri.endsWith("/debian/"));
  if (uri === undefined) throw new Error("no source of Debian packages is configured here: see sources.list(5)");
  return uri;
}

function fetchTests(folder: string): void {
  for (const name of ["lists/partial", "cache/archives/partial"]) mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, "sources.list"), `deb-src [signed-by=${KEYRING}] ${archive()} ${PINNED.suite} main\n`);
  apt(folder, "update");
  apt(folder, "source", "--download-only", "--only-source", PINNED.source);
  const tarball = join(folder, PINNED.tarball);
  if (!existsSync(tarball))
    throw new Error(
      `Debian has another version by now (${readdirSync(folder).join(", ")}): pin it, and look at what fails`,
    );
  const sha256 = createHash("sha256").update(readFileSync(tarball)).digest("hex");
  if (sha256 !== PINNED.sha256)
    throw new Error(`${PINNED.tarball} is not the one that was pinned: its SHA-256 is ${sha256}`);
  run(
    "tar",
    ["-xJf", tarball, "--strip-components=4", "--wildcards", "*/test/fixtures/wpt/*"],
    join(folder, "unpacked"),
  );
}

/** Fetches the tests unless they are there. */
export function ensureCheckout(): void {
  if (hasCheckout()) return;
  const folder = mkdtempSync(join(tmpdir(), "godwit-wpt-"));
  try {
    const unpacked = join(folder, "unpacked");
    mkdirSync(unpacked);
    fetchTests(folder);
    mkdirSync(dirname(CHECKOUT), { recursive: true });
    cpSync(unpacked, CHECKOUT, { recursive: true }); // a folder of another file system, maybe
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function hasApt(): boolean {
  return spawnSync("apt-get", ["--version"], { stdio: "ignore" }).error === undefined;
}

/** Why they are not there, if they cannot be had. */
function attempt(): string | undefined {
  if (!hasCheckout() && !hasApt()) return "there is no apt-get here to fetch them with";
  try {
    ensureCheckout();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (!process.argv.includes("--if-possible")) ensureCheckout();
  const why = attempt();
  if (why === undefined) console.log(CHECKOUT);
  else console.error(`WARNING: THE WEB PLATFORM TESTS WILL NOT BE RUN: ${why}`);
}
