/**
 * Modules of Node.js that programs may import: `node:events`, or plain `events`, as packages write it. Each is a file of
 * `guest/node`, or a package named there, and is bundled with the program that asks for it.
 */

import { createRequire } from "node:module";
import { sep } from "node:path";
import { fileURLToPath } from "node:url";
import type { OnResolveArgs, OnResolveResult, Plugin, PluginBuild } from "esbuild";

/** Modules that exist for guests, and their files in `guest/node`. */
const FILES: Readonly<Record<string, string>> = {
  assert: "assert",
  "assert/strict": "assert-strict",
  async_hooks: "async-hooks",
  buffer: "buffer",
  console: "console",
  crypto: "crypto",
  diagnostics_channel: "diagnostics-channel",
  events: "events",
  path: "path",
  "path/posix": "path",
  "path/win32": "path-win32",
  perf_hooks: "perf-hooks",
  process: "process",
  punycode: "punycode",
  querystring: "querystring",
  stream: "stream",
  "stream/promises": "stream-promises",
  "stream/web": "stream-web",
  string_decoder: "string-decoder",
  sys: "conveniences",
  timers: "timers",
  "timers/promises": "timers-promises",
  url: "url",
  util: "conveniences",
  "util/types": "kinds",
};

/** Where the compiled files are, seen from `dist/src/node/`. */
const FOLDER = fileURLToPath(new URL("../guest/node/", import.meta.url));

/** Modules that do something when they are evaluated: they stay even when none of their names is used. */
const HAS_EFFECTS: readonly string[] = ["async_hooks"];

/**
 * Names of Node's that a program may use without an import, and what stands in for each. Only uses count, not probes:
 * `typeof process` is "undefined", so that no package takes a guest for Node.
 */
export const FREE_NAMES: Readonly<Record<string, string>> = {
  Buffer: "__godwit_Buffer",
  ...Object.fromEntries(
    [
      "argv",
      "cwd",
      "emitWarning",
      "env",
      "exit",
      "hrtime",
      "nextTick",
      "pid",
      "platform",
      "stderr",
      "stdout",
      "uptime",
      "version",
      "versions",
    ].map((name) => [`process.${name}`, `__godwit_process_${name}`]),
  ),
};

/** The module that gives them. */
export const GLOBALS_MODULE = "godwit:globals";

function globalsSource(names: readonly string[]): string {
  const exported = names.map((name) => {
    const [object = "", member] = name.split(".");
    const from = member === undefined ? "buffer" : object;
    return `export { ${member ?? object} as ${FREE_NAMES[name]} } from "node:${from}";`;
  });
  return exported.join("\n");
}

/** Those of {@link FREE_NAMES} that a bundle made without them uses. */
export function freeNamesIn(source: string): string[] {
  if (!source.includes("__godwit_")) return [];
  return Object.keys(FREE_NAMES).filter((name) => source.includes(FREE_NAMES[name] ?? name));
}

/** Whether a file of the bundle (a path of esbuild's metafile, resolved) is the one behind `node:async_hooks`. */
export function isAsyncHooks(path: string): boolean {
  return path === fileOf("async_hooks");
}

function fileOf(name: string): string {
  return `${FOLDER}${FILES[name]}.js`;
}

/** Files of a bundle that are godwit's: those of `guest/node`, and of the packages that these need. */
export class OwnFiles {
  readonly #packaged = new Set<string>();

  add(path: string): void {
    this.#packaged.add(path);
  }

  has(path: string): boolean {
    return path.startsWith(FOLDER) || this.#packaged.has(path);
  }
}

/** Marks a resolution that the plugin itself asked for. */
const ASKED = Symbol("asked by the plugin of node: modules");

/**
 * What the packages behind the modules ask for by the names of browserify's packages, and get in one shape: the same
 * `EventEmitter` and `Buffer` as programs.
 */
const FOR_OWN: Readonly<Record<string, string>> = {
  "process/": "process",
  "string_decoder/": "string_decoder",
};

const requireHere = createRequire(import.meta.url);
/** The package of the same name as a module of Node's, which would otherwise be taken for the module. */
const PACKAGED: Readonly<Record<string, string>> = { "punycode/": "punycode/punycode.js" };

export function nodeModulesPlugin(own: OwnFiles, globals: readonly string[]): Plugin {
  return {
    name: "node-modules",
    setup(build) {
      build.onResolve({ filter: /^godwit:globals$/ }, () => ({
        path: "globals",
        namespace: "node",
        sideEffects: false,
      }));
      build.onResolve({ filter: /./ }, (args) => resolved(build, own, args));
      build.onLoad({ filter: /^globals$/, namespace: "node" }, () => ({ contents: globalsSource(globals) }));
      // What `require` gives is the module's default export, whatever it is: a class in `events`, a function in `assert`.
      build.onLoad({ filter: /^require:/, namespace: "node" }, ({ path }) => ({
        contents: `module.exports = require(${JSON.stringify(path.slice("require:".length))}).default;`,
        loader: "js",
        resolveDir: FOLDER,
      }));
    },
  };
}

async function resolved(build: PluginBuild, own: OwnFiles, args: OnResolveArgs): Promise<OnResolveResult | undefined> {
  const { path, importer, namespace, pluginData } = args;
  if (pluginData === ASKED) return undefined;
  if (path.startsWith(FOLDER) && namespace === "node") return { path, sideEffects: hasEffects(path) };
  if (own.has(importer)) return resolvedForOwn(build, own, args);
  const name = path.startsWith("node:") ? path.slice("node:".length) : path;
  if (FILES[name] === undefined) return undefined;
  if (path === name && (await isMapped(build, args, name))) return undefined;
  return moduleFor(name, args);
}

function hasEffects(path: string): boolean {
  return HAS_EFFECTS.some((name) => path === fileOf(name));
}

function moduleFor(name: string, { kind }: OnResolveArgs): OnResolveResult {
  const path = fileOf(name);
  if (kind !== "require-call" && kind !== "require-resolve") return { path, sideEffects: hasEffects(path) };
  return { path: `require:${path}`, namespace: "node", sideEffects: hasEffects(path) };
}

/** Imports of godwit's own files: of one another, of packages of godwit's, and of modules. */
async function resolvedForOwn(
  build: PluginBuild,
  own: OwnFiles,
  args: OnResolveArgs,
): Promise<OnResolveResult | undefined> {
  if (args.path === "qs") return { path: `${FOLDER}url-query.js`, sideEffects: false };
  const name = FOR_OWN[args.path] ?? args.path.replace(/^node:/, "");
  if (FILES[name] !== undefined) return moduleFor(name, args);
  const packaged = PACKAGED[args.path];
  if (packaged !== undefined) {
    const path = requireHere.resolve(packaged);
    own.add(path);
    return { path, sideEffects: false };
  }
  const { errors, warnings, ...found } = await askedFor(build, args);
  if (errors.length > 0) return { errors, warnings };
  if (found.namespace === "file") own.add(found.path);
  return { ...found, sideEffects: hasEffects(found.path) };
}

function askedFor(build: PluginBuild, { path, kind, importer, namespace, resolveDir }: OnResolveArgs) {
  return build.resolve(path, { kind, importer, namespace, resolveDir, pluginData: ASKED });
}

/**
 * Whether the importing package says itself, by its `browser` field, what it wants in place of a module of Node's. A
 * package that merely has the module's name is not asked, as in Node.
 */
async function isMapped(build: PluginBuild, args: OnResolveArgs, name: string): Promise<boolean> {
  const { path, errors } = await askedFor(build, args);
  if (errors.length > 0) return false;
  return !path.includes(`${sep}node_modules${sep}${name}${sep}`);
}
