/** Types of a program, checked by the TypeScript of the project that it belongs to. */

import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, parse, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Place } from "../abi/check.ts";
import { failure } from "../errors.ts";
import { CHECK_OUTPUT_MAX_BYTES, CHECK_TYPES_MAX_MS } from "../limits.ts";

export interface TypeProblem {
  /** Absent for a mistake in the project's settings. */
  readonly place?: Place;
  /** The compiler's own words, with its number: "TS2304: Cannot find name 'x'.". */
  readonly message: string;
}

/** Seen from `dist/src/node/`. */
const PACKAGE = fileURLToPath(new URL("../../../", import.meta.url));
const BASE_SETTINGS = join(PACKAGE, "templates/guest.tsconfig.json");
const TEXT_MODULES = join(PACKAGE, "templates/text-modules.d.ts");
const LIBRARY_TYPES = join(PACKAGE, "dist/src/guest/index.d.ts");

/** The script of the TypeScript that `file` sees, as Node.js looks for packages; undefined when there is none. */
async function compilerFor(file: string): Promise<string | undefined> {
  let manifest;
  try {
    manifest = createRequire(file).resolve("typescript/package.json");
  } catch {
    return undefined;
  }
  const { bin } = JSON.parse(await readFile(manifest, "utf8")) as { bin?: { tsc?: string } };
  return bin?.tsc === undefined ? undefined : join(dirname(manifest), bin.tsc);
}

/** The file or folder of that name in a folder or the nearest one above it. */
async function nearest(name: string, from: string): Promise<string | undefined> {
  const { root } = parse(from);
  for (let folder = from; ; folder = dirname(folder)) {
    const path = join(folder, name);
    if ((await stat(path).catch(() => undefined)) !== undefined) return path;
    if (folder === root) return undefined;
  }
}

function sees(file: string, specifier: string): boolean {
  try {
    createRequire(file).resolve(specifier);
    return true;
  } catch {
    return false;
  }
}

function run(compiler: string, args: readonly string[], directory: string): Promise<{ ok: boolean; text: string }> {
  const options = {
    cwd: directory,
    timeout: CHECK_TYPES_MAX_MS,
    maxBuffer: CHECK_OUTPUT_MAX_BYTES,
    env: { ...process.env, NO_COLOR: "1", FORCE_COLOR: "0" },
  };
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [compiler, ...args], options, (error, stdout, stderr) => {
      // It ends with a number of its own when it found mistakes; anything else is no answer.
      if (error === null || typeof error.code === "number") resolve({ ok: error === null, text: stdout + stderr });
      else {
        const why = error.killed === true ? `it was still at work after ${CHECK_TYPES_MAX_MS / 1000} s` : error.message;
        reject(failure("EIO", `the TypeScript compiler ${compiler} did not finish: ${why}`, error));
      }
    });
  });
}

/** The declaration files that the project's settings name: they say what else the program may take for granted. */
async function ambientFiles(compiler: string, project: string): Promise<string[]> {
  const { ok, text } = await run(compiler, ["-p", project, "--showConfig"], dirname(project));
  if (!ok) return [];
  const { files = [] } = JSON.parse(text) as { files?: string[] };
  return files.filter((file) => /\.d\.[cm]?ts$/.test(file)).map((file) => resolve(dirname(project), file));
}

/** The project's settings, for this one program. */
async function settingsFor(compiler: string, file: string, project: string | undefined): Promise<object> {
  const ambient = project === undefined ? [] : await ambientFiles(compiler, project);
  const isAlone = project === undefined && !sees(file, "godwit");
  return {
    extends: project ?? BASE_SETTINGS,
    compilerOptions: {
      noEmit: true,
      composite: false,
      incremental: false,
      ...(isAlone ? { paths: { godwit: [LIBRARY_TYPES] } } : {}),
      // The types of `node:` modules, for a program that nobody has made settings for.
      ...(project === undefined && sees(file, "@types/node/package.json") ? { types: ["node"] } : {}),
    },
    files: [file, ...ambient, TEXT_MODULES],
    include: [],
    references: [],
  };
}

/** A folder from which packages are found as they are from `folder`; elsewhere only if nothing can be written there. */
async function scratchFolder(folder: string): Promise<string> {
  const modules = await nearest("node_modules", folder);
  try {
    if (modules === undefined) return await mkdtemp(join(tmpdir(), "godwit-check-"));
    const near = join(modules, ".cache", "godwit");
    await mkdir(near, { recursive: true });
    return await mkdtemp(join(near, "check-"));
  } catch {
    return mkdtemp(join(tmpdir(), "godwit-check-"));
  }
}

const PROBLEM = /^(?:(.+)\((\d+),(\d+)\): )?error (TS\d+: .*)$/;

/** Reads the compiler's plain output. Lines that are indented go on with the problem before them. */
function problemsIn(text: string): TypeProblem[] {
  const problems: { place?: Place; message: string }[] = [];
  for (const line of text.split(/\r?\n/)) {
    const [, file, row, column, message] = PROBLEM.exec(line) ?? [];
    const last = problems.at(-1);
    if (message !== undefined) {
      const place = file === undefined ? {} : { place: { file, line: Number(row), column: Number(column) } };
      problems.push({ ...place, message });
    } else if (last !== undefined && /^\s+\S/.test(line)) last.message += `\n${line}`;
  }
  return problems;
}

/**
 * Checks a program's types with the project's own TypeScript and `tsconfig.json`, or with the settings that come with
 * godwit. Undefined when the project has no TypeScript.
 *
 * @param file absolute path of the program
 * @param directory what paths in the problems are relative to
 * @throws GodwitError EIO when the compiler fails itself, or takes longer than {@link CHECK_TYPES_MAX_MS}
 */
export async function checkTypes(file: string, directory: string): Promise<readonly TypeProblem[] | undefined> {
  const compiler = await compilerFor(file);
  if (compiler === undefined) return undefined;
  const project = await nearest("tsconfig.json", dirname(file));
  const scratch = await scratchFolder(dirname(project ?? file));
  try {
    const settings = join(scratch, "tsconfig.json");
    await writeFile(settings, JSON.stringify(await settingsFor(compiler, file, project)));
    const { ok, text } = await run(compiler, ["-p", settings, "--pretty", "false"], directory);
    const problems = problemsIn(text);
    if (!ok && problems.length === 0)
      throw failure("EIO", `the TypeScript compiler ${compiler} failed: ${text.trim() || "it says nothing"}`);
    return problems;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
