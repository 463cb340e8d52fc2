/** Compiles a program file, with all that it imports, into the one ES module that a guest evaluates. */

import { readFile, stat } from "node:fs/promises";
import { basename, isAbsolute, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { BuildFailure, BuildOptions, BuildResult, Message, Metafile, PartialMessage, Plugin } from "esbuild";
import { type GodwitError, failure } from "../errors.ts";
import { COMPILE_ERRORS_MAX, NAME_MAX_CHARS, PROGRAM_MAX_BYTES } from "../limits.ts";
import { adviceForBuiltin } from "./builtins.ts";

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

/** Only the shim reads `__godwit`; calls marked pure leave the bundle when nobody imports their name. */
function shimOf(guestExports: readonly string[]): string {
  const lines = ["const { exports } = globalThis.__godwit;", "const pick = (name) => exports[name];"];
  for (const [index, name] of guestExports.entries()) {
    const text = JSON.stringify(name);
    lines.push(`const e${index} = /* @__PURE__ */ pick(${text});`, `export { e${index} as ${text} };`);
  }
  return lines.join("\n");
}

function shimPlugin(guestExports: readonly string[]): Plugin {
  return {
    name: "godwit",
    setup(build) {
      build.onResolve({ filter: /^godwit$/ }, () => ({ path: "library", namespace: "godwit", sideEffects: false }));
      build.onLoad({ filter: /./, namespace: "godwit" }, () => ({ contents: shimOf(guestExports), loader: "js" }));
    },
  };
}

/** Refuses a file before it is looked into: not even a mistake in it may be told. */
function guardPlugin(mayRead: (path: string) => Promise<boolean>): Plugin {
  return {
    name: "guard",
    setup(build) {
      build.onLoad({ filter: /./, namespace: "file" }, async ({ path }) => {
        if (await mayRead(path)) return undefined;
        return {
          errors: [
            {
              text: `${path} was not given to the process that starts this program: allow it with --allow-read=${path}`,
            },
          ],
        };
      });
    },
  };
}

/** What runs in place of a program that is to serve: the program, and `serve` over what it exports. */
function serving(file: string, address: string): string {
  return `import * as program from ${JSON.stringify(file)};
import { serve } from "godwit";
serve(program.default, { address: ${JSON.stringify(address)}, onListen: ({ address }) => console.error(\`Listening on http://\${address}\`) });`;
}

function buildOptions(file: string, directory: string, { guestExports, mayRead, listen }: CompileOptions) {
  return {
    absWorkingDir: directory,
    ...(listen === undefined
      ? { entryPoints: [file] }
      : { stdin: { contents: serving(file, listen), resolveDir: directory, sourcefile: "godwit:serving" } }),
    // Names no file, as nothing is written: the place from which the source map's paths are relative.
    outfile: resolve(directory, "program.js"),
    write: false,
    metafile: true,
    bundle: true,
    format: "esm",
    target: "es2023",
    // The platform whose packages expect no operating system below them; "neutral" would not read their `browser` maps.
    platform: "browser",
    mainFields: ["godwit", "worker", "browser", "module", "main"],
    conditions: ["godwit", "worker", "browser", "module"],
    define: { "process.env.NODE_ENV": '"production"', global: "globalThis" },
    loader: { ".txt": "text" },
    charset: "utf8",
    legalComments: "none",
    minify: false,
    keepNames: false,
    sourcemap: "external",
    sourcesContent: false,
    logLevel: "silent",
    plugins: [...(mayRead === undefined ? [] : [guardPlugin(mayRead)]), shimPlugin(guestExports)],
  } as const satisfies BuildOptions;
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

async function built(file: string, path: string, directory: string, options: CompileOptions) {
  const { build } = await import("esbuild");
  try {
    return await build(buildOptions(path, directory, options));
  } catch (error) {
    if (!isBuildFailure(error)) throw failure("ENOEXEC", `cannot compile ${file}: ${String(error)}`, error);
    throw await compileError(file, error, options.color === true);
  }
}

/** Virtual modules are listed as "namespace:path", and import attributes are appended to a file's name. */
function inputsOf(metafile: Metafile, directory: string): string[] {
  const files = Object.keys(metafile.inputs).filter((input) => !/^(godwit:|\(disabled\):)/.test(input));
  return [...new Set(files.map((input) => resolve(directory, input.replace(/ with \{.*\}$/, ""))))];
}

/** Paths that lead out of the working directory are clearer whole. */
function namedSources(text: string, directory: string): string {
  const map: { sources: string[] } = JSON.parse(text);
  const name = (source: string) => (source.startsWith("../") ? resolve(directory, source) : source);
  return JSON.stringify({ ...map, sources: map.sources.map(name) });
}

async function warningsOf(result: BuildResult, color: boolean): Promise<string[]> {
  if (result.warnings.length === 0) return [];
  const { formatMessages } = await import("esbuild");
  const shown = result.warnings.slice(0, COMPILE_ERRORS_MAX);
  return formatMessages(shown, { kind: "warning", color, terminalWidth: 100 });
}

/**
 * Compiles a TypeScript or JavaScript file. It may import other files, npm packages (ES modules or CommonJS), JSON,
 * text (`.txt`, or `with { type: "text" }`) and `godwit`; it may await at top level. Types are stripped, not checked.
 *
 * @throws GodwitError ENOENT, EISDIR or EACCES for the file itself; ENOEXEC, with file, line, column and a code frame
 * for each mistake, when it cannot be compiled; ENOEXEC when the result is larger than {@link PROGRAM_MAX_BYTES}.
 */
export async function compileProgram(file: string, options: CompileOptions): Promise<Program> {
  const directory = resolve(options.workingDirectory ?? ".");
  const path = resolve(directory, file);
  await assertFile(path, file);
  const result = await built(file, path, directory, options);
  const source = result.outputFiles.find((output) => output.path.endsWith(".js"));
  const map = result.outputFiles.find((output) => output.path.endsWith(".map"));
  if (source === undefined || map === undefined) throw failure("ENOEXEC", `cannot compile ${file}: no code came out`);
  const sizeBytes = source.contents.byteLength;
  if (sizeBytes > PROGRAM_MAX_BYTES || map.contents.byteLength > PROGRAM_MAX_BYTES) {
    const mebibytes = (Math.max(sizeBytes, map.contents.byteLength) / 2 ** 20).toFixed(1);
    const most = PROGRAM_MAX_BYTES / 2 ** 20;
    throw failure("ENOEXEC", `${file} with its imports is ${mebibytes} MiB, and at most ${most} MiB are taken`);
  }
  return {
    name: basename(file).slice(-NAME_MAX_CHARS),
    source: source.text,
    sourceMap: namedSources(map.text, directory),
    inputs: inputsOf(result.metafile, directory),
    warnings: await warningsOf(result, options.color === true),
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
