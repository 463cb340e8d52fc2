/** `godwit init`: a new project from a template. */

import { lstat, mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type Command, Option } from "commander";
import { failure } from "../errors.ts";
import { print, printJson } from "./print.ts";
import { examples } from "./program.ts";
import { version } from "./version.ts";

/** Seen from `dist/src/cli/`. */
const TEMPLATES = fileURLToPath(new URL("../../../templates/", import.meta.url));
/** What every project has. */
const PROJECT = "project";
const KINDS = ["plain", "hono", "worker"] as const;

interface Flags {
  readonly template: (typeof KINDS)[number];
  readonly json?: true;
}

export function define(command: Command): void {
  command
    .argument("[directory]", "where to put it; made if it is not there", ".")
    .addOption(
      new Option("-t, --template <kind>", "plain: a web server; hono: one with Hono; worker: threads and a queue")
        .choices(KINDS)
        .default("plain"),
    )
    .addHelpText(
      "after",
      `${examples(
        ["godwit init", "a web server, in the current directory"],
        ["godwit init notes --template hono", "a Hono application, in the new directory notes"],
      )}

It writes package.json, tsconfig.json, README.md, .gitignore and src/app.ts. Nothing is overwritten: where one of them is
there already, nothing at all is written.`,
    )
    .action(init);
}

/** The files of a template's folder, by their paths below it. */
async function filesOf(name: string): Promise<Map<string, string>> {
  const folder = join(TEMPLATES, name);
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const texts = await Promise.all(paths.map((path) => readFile(path, "utf8")));
  return new Map(paths.map((path, index) => [relative(folder, path), texts[index] ?? ""]));
}

/** A name that npm takes, made of the directory's. */
function packageName(directory: string): string {
  const name = basename(directory)
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, "-")
    .replace(/^[._-]+/, "")
    .slice(0, 214);
  return name === "" ? "app" : name;
}

function manifest(text: string, name: string): string {
  const { dependencies, ...rest } = JSON.parse(text) as { dependencies: Record<string, string> };
  const given = { ...rest, name, dependencies: { ...dependencies, godwit: `^${version()}` } };
  return `${JSON.stringify(given, null, 2)}\n`;
}

/** The project's files, by their paths below its directory. */
async function project(kind: Flags["template"], name: string): Promise<Map<string, string>> {
  const files = new Map([...(await filesOf(PROJECT)), ...(await filesOf(kind))]);
  // npm would take a file of that name for its own.
  files.set(".gitignore", files.get("gitignore") ?? "");
  files.delete("gitignore");
  files.set("package.json", manifest(files.get("package.json") ?? "", name));
  files.set("README.md", (files.get("README.md") ?? "").replace(/^# .*/, `# ${name}`));
  return files;
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Error && Reflect.get(error, "code") === "ENOENT") return false;
    throw error;
  }
}

async function write(directory: string, files: ReadonlyMap<string, string>): Promise<void> {
  const taken = [];
  for (const path of files.keys()) if (await isThere(join(directory, path))) taken.push(path);
  if (taken.length > 0) {
    const what = taken.length === 1 ? "is there already" : "are there already";
    throw failure("EEXIST", `${taken.join(", ")} ${what}, in ${directory}; name another directory, or move them away`);
  }
  for (const [path, text] of files) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), text, { flag: "wx" });
  }
}

async function init(given: string, flags: Flags): Promise<void> {
  const directory = resolve(given);
  const files = await project(flags.template, packageName(directory));
  try {
    await write(directory, files);
  } catch (error) {
    const code = error instanceof Error ? Reflect.get(error, "code") : undefined;
    if (code === "ENOTDIR" || code === "EACCES" || code === "EROFS")
      throw failure("EACCES", `cannot write a project into ${directory}: ${(error as Error).message}`, error);
    throw error;
  }
  const paths = [...files.keys()].sort();
  if (flags.json === true) return printJson({ directory, files: paths });
  const enter = given === "." ? "" : `  cd ${given}\n`;
  print(`Made ${paths.join(", ")} in ${directory}.\n\nNext:\n${enter}  npm install\n  npm run dev\n`);
}
