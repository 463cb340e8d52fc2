/** Compiles a program file, with all that it imports, into the one ES module that a guest evaluates. */

import { readFile, stat } from "node:fs/promises";
import { basename, isAbsolute, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { BuildFailure, Message, Metafile, PartialMessage } from "esbuild";
import { assert } from "../assert.ts";
import { type GodwitError, failure } from "../errors.ts";
import { COMPILE_ERRORS_MAX, NAME_MAX_CHARS, PROGRAM_MAX_BYTES } from "../limits.ts";
import { awaitsFollowed } from "./awaits.ts";
import { adviceForBuiltin } from "./builtins.ts";
import { type BundleOptions, buildOptions } from "./bundle.ts";
import { OwnFiles, freeNamesIn, isAsyncHooks } from "./node-modules.ts";

/** What one build gives. */
interface Bundle {
  readonly source: string;
  readonly sourceMap: string;
  readonly metafile: Metafile;
  readonly warnings: readonly Message[];
}

/** A program that a process can be started from. */
export interface Program {
  /** What the process is called, and the file that its stack frames name before they are mapped. */
  readonly name: string;
  /** One ES module, with nothing left to import. */
  readonly source: string;
  /** Source map of `source` (JSON); its sources are relative to the working directory, or absolute outside it. */
  readonly sourceMap: string;
  /** The files that were read, as absolute paths. */
  readonly inputs: readonly string[];
  /** Printable warnings, with file, line and a code frame. */
  readonly warnings: readonly string[];
}

export interface CompileOptions {
  /** What `import { ... } from "godwit"` offers: `guestExports` of the engine's manifest (see {@link guestExports}). */
  readonly guestExports: readonly string[];
  /** Base of `file` and of the names in errors and the source map. Default: the current directory. */
  readonly workingDirectory?: string;
  /** `HOST:PORT`: the program's default export, `{ fetch }` or a function, is to serve HTTP there. */
  readonly listen?: string;
  /** Whether a file may become a part of the program; by default every one may. */
  readonly mayRead?: (path: string) => Promise<boolean>;
  /** Code frames in colour, for a terminal. */
  readonly color?: boolean;
}

const UNRESOLVED = /^Could not resolve "([^"]+)"$/;

/** esbuild's own notes advise options of esbuild, which nobody here can set. */
export function explained(message: Message): PartialMessage {
  const specifier = UNRESOLVED.exec(message.text)?.[1];
  if (specifier === undefined) return message;
  const advice = adviceForBuiltin(specifier);
  if (advice !== undefined) return { ...message, text: advice, notes: [] };
  const isPackage = !specifier.startsWith(".") && !isAbsolute(specifier);
  const next = isPackage ? `install it: npm install ${specifier}` : "check the path and its extension";
  return { ...message, text: `cannot find "${specifier}"; ${next}`, notes: [] };
}

function isBuildFailure(error: unknown): error is BuildFailure {
  return error instanceof Error && Array.isArray(Reflect.get(error, "errors"));
}

async function compileError(file: string, error: BuildFailure, color: boolean): Promise<GodwitError> {
  const { formatMessages } = await import("esbuild");
  const shown = error.errors.slice(0, COMPILE_ERRORS_MAX).map(explained);
  const frames = await formatMessages(shown, { kind: "error", color, terminalWidth: 100 });
  const left = error.errors.length - shown.length;
  const more = left === 0 ? "" : `\n... and ${left} more`;
  return failure("ENOEXEC", `cannot compile ${file}:\n\n${frames.join("").trimEnd()}${more}`, error);
}

async function assertFile(path: string, file: string): Promise<void> {
  let isDirectory;
  try {
    isDirectory = (await stat(path)).isDirectory();
  } catch (error) {
    const code = error instanceof Error ? Reflect.get(error, "code") : undefined;
    if (code === "EACCES") throw failure("EACCES", `cannot read the program ${file}: permission denied`, error);
    throw failure("ENOENT", `there is no program ${file}: check the path`, error);
  }
  if (isDirectory) throw failure("EISDIR", `${file} is a directory: name the program's main file`);
}

async function built(path: string, directory: string, options: BundleOptions, own: OwnFiles): Promise<Bundle> {
  const { build } = await import("esbuild");
  const { outputFiles, metafile, warnings } = await build(buildOptions(path, directory, options, own));
  const source = outputFiles.find((output) => output.path.endsWith(".js"));
  const map = outputFiles.find((output) => output.path.endsWith(".map"));
  assert(source !== undefined && map !== undefined, "a bundle has its source and its map");
  return { source: source.text, sourceMap: map.text, metafile, warnings };
}

/** What else the program needs is known once it is bundled; most need nothing, and are bundled once. */
async function bundled(path: string, directory: string, options: CompileOptions, own: OwnFiles): Promise<Bundle> {
  const plain = { ...options, globals: [], followsAwait: false };
  const first = await built(path, directory, plain, own);
  const globals = freeNamesIn(first.source);
  const followsAwait = inputPaths(first.metafile, directory).some(isAsyncHooks);
  if (globals.length === 0 && !followsAwait) return first;
  const second = await built(path, directory, { ...plain, globals, followsAwait }, own);
  return followsAwait ? { ...second, ...(await awaitsFollowed(second)) } : second;
}

/** A package may try for a module that is not there, and go on without it: `require` fails as it does in Node. */
function withRequire(source: string): string {
  if (!source.includes("__require")) return source;
  return `${source}function require(id) {
  throw Object.assign(new Error("Cannot find module '" + id + "': a program of godwit is bundled before it starts"), { code: "MODULE_NOT_FOUND" });
}
`;
}

/** Virtual modules are listed as "namespace:path", and import attributes are appended to a file's name. */
function inputPaths(metafile: Metafile, directory: string): string[] {
  const files = Object.keys(metafile.inputs).filter((input) => !/^(godwit:|node:|\(disabled\):)/.test(input));
  return [...new Set(files.map((input) => resolve(directory, input.replace(/ with \{.*\}$/, ""))))];
}

/** Paths that lead out of the working directory are clearer whole. */
function namedSources(text: string, directory: string): string {
  const map: { sources: string[] } = JSON.parse(text);
  const name = (source: string) => (source.startsWith("../") ? resolve(directory, source) : source);
  return JSON.stringify({ ...map, sources: map.sources.map(name) });
}

async function warningsOf({ warnings }: Bundle, color: boolean): Promise<string[]> {
  if (warnings.length === 0) return [];
  const { formatMessages } = await import("esbuild");
  const shown = warnings.slice(0, COMPILE_ERRORS_MAX);
  return formatMessages(shown, { kind: "warning", color, terminalWidth: 100 });
}

/**
 * Compiles a TypeScript or JavaScript file. It may import other files, npm packages (ES modules or CommonJS), JSON,
 * text (`.txt`, or `with { type: "text" }`), those of Node's modules that guests have, and `godwit`; it may await at top
 * level and use JSX. Types are stripped, not checked.
 *
 * @throws GodwitError ENOENT, EISDIR or EACCES for the file itself; ENOEXEC, with file, line, column and a code frame
 * for each mistake, when it cannot be compiled; ENOEXEC when the result is larger than {@link PROGRAM_MAX_BYTES}.
 */
export async function compileProgram(file: string, options: CompileOptions): Promise<Program> {
  const directory = resolve(options.workingDirectory ?? ".");
  const path = resolve(directory, file);
  await assertFile(path, file);
  const own = new OwnFiles();
  let bundle;
  try {
    bundle = await bundled(path, directory, options, own);
  } catch (error) {
    if (!isBuildFailure(error)) throw failure("ENOEXEC", `cannot compile ${file}: ${String(error)}`, error);
    throw await compileError(file, error, options.color === true);
  }
  const source = withRequire(bundle.source);
  const sizeBytes = Math.max(Buffer.byteLength(source), Buffer.byteLength(bundle.sourceMap));
  if (sizeBytes > PROGRAM_MAX_BYTES) {
    const mebibytes = (sizeBytes / 2 ** 20).toFixed(1);
    const most = PROGRAM_MAX_BYTES / 2 ** 20;
    throw failure("ENOEXEC", `${file} with its imports is ${mebibytes} MiB, and at most ${most} MiB are taken`);
  }
  return {
    name: basename(file).slice(-NAME_MAX_CHARS),
    source,
    sourceMap: namedSources(bundle.sourceMap, directory),
    inputs: inputPaths(bundle.metafile, directory).filter((input) => !own.has(input)),
    warnings: await warningsOf(bundle, options.color === true),
  };
}

/** Where the build puts the engine, seen from `dist/src/node/`. */
const MANIFEST = fileURLToPath(new URL("../../engine/engine.json", import.meta.url));

/**
 * The names that `import { ... } from "godwit"` offers, from the built engine's manifest.
 * @throws GodwitError EENGINE when the engine was not built.
 */
export async function guestExports(manifest: string = MANIFEST): Promise<readonly string[]> {
  try {
    const names: unknown = JSON.parse(await readFile(manifest, "utf8")).guestExports;
    if (Array.isArray(names) && names.every((name) => typeof name === "string")) return names;
  } catch (error) {
    throw failure("EENGINE", `cannot read the engine at ${manifest}: build it with \`npm run build\``, error);
  }
  throw failure("EENGINE", `${manifest} lists no guest exports: build the engine again with \`npm run build\``);
}
