/**
 * The layers of `src`: which folder may import from which, which may reach the host (Node's built-in modules) and
 * npm packages, and that no file needs itself, by any way round, before it can be loaded. ARCHITECTURE.md has the picture.
 *
 *     node dist/scripts/layering.js
 */

import { readdirSync, readFileSync } from "node:fs";
import { join, posix, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { type Import, readImports } from "./imports.ts";

/** May be imported from everywhere, and import only one another. */
const FOUNDATION: readonly string[] = ["limits", "serving-limits", "errors", "assert", "abi"];

interface Layer {
  /** Folders (besides the foundation) that its files may import. */
  readonly imports: readonly string[];
  /** Folders that they may name only in a dynamic import, so that they are loaded when wanted. */
  readonly dynamic?: readonly string[];
  /** Which of Node's built-in modules and npm packages they may use; named ones only compute, and touch no host. */
  readonly host: "all" | readonly string[];
}

export const LAYERS: Readonly<Record<string, Layer>> = {
  limits: { imports: [], host: [] },
  "serving-limits": { imports: [], host: [] },
  errors: { imports: [], host: [] },
  assert: { imports: [], host: [] },
  abi: { imports: [], host: ["@jridgewell/trace-mapping"] },
  machine: { imports: [], host: "all" },
  // The kernel has no ambient time, randomness or I/O; a guest has no host at all.
  kernel: { imports: ["machine"], host: ["node:path", "ipaddr.js", "valibot"] },
  // The packages are bundled: into the library, or with programs that ask for modules of Node's.
  guest: {
    imports: [],
    host: [
      "pako",
      "web-streams-polyfill",
      "godwit",
      "@file-services/path/browser-path.js",
      "@noble/hashes/hkdf.js",
      "@noble/hashes/hmac.js",
      "@noble/hashes/legacy.js",
      "@noble/hashes/pbkdf2.js",
      "@noble/hashes/scrypt.js",
      "@noble/hashes/sha2.js",
      "@noble/hashes/sha3.js",
      "@pkgjs/parseargs",
      "buffer/index.js",
      "events/events.js",
      "punycode/punycode.js",
      "readable-stream/lib/stream.js",
      "string_decoder/lib/string_decoder.js",
      "url/url.js",
    ],
  },
  resources: { imports: ["kernel"], host: "all" },
  cluster: { imports: ["kernel"], host: "all" },
  placement: { imports: [], host: [] },
  switch: { imports: ["cluster", "client", "kernel", "resources"], host: "all" },
  client: { imports: [], host: "all" },
  node: { imports: ["machine", "kernel", "resources", "cluster", "placement", "switch", "client"], host: "all" },
  cli: { imports: ["client"], dynamic: ["node", "switch"], host: "all" },
};

/** A file under `src`: its path there with forward slashes, and its imports. */
export interface SourceFile {
  readonly path: string;
  readonly imports: readonly Import[];
}

/** What is wrong, one line each, `path:line: ...`; empty when nothing is. */
export function checkLayering(
  files: readonly SourceFile[],
  layers: Readonly<Record<string, Layer>> = LAYERS,
): string[] {
  const paths = new Set(files.map((file) => file.path));
  const problems: string[] = [];
  for (const file of files) {
    const folder = folderOf(file.path);
    const layer = layers[folder];
    if (layer === undefined) {
      problems.push(`${file.path}:1: "${folder}" is not a layer; give it its place in scripts/layering.ts`);
      continue;
    }
    for (const each of file.imports) {
      const problem = each.specifier.startsWith(".")
        ? checkRelative(file.path, folder, layer, each, paths)
        : checkHost(folder, layer, each);
      if (problem !== undefined) problems.push(`${file.path}:${each.line}: ${problem}`);
    }
  }
  return [...problems, ...findCycles(files)];
}

function checkRelative(
  path: string,
  folder: string,
  layer: Layer,
  { specifier, kind }: Import,
  paths: ReadonlySet<string>,
): string | undefined {
  const target = resolveImport(path, specifier);
  if (target.startsWith("../")) return `imports ${specifier}, which is outside src`;
  if (!paths.has(target) && !paths.has(target.replace(/\.ts$/, ".d.ts")))
    return `imports ${specifier}, which is not there`;
  const to = folderOf(target);
  if (to === folder) return undefined;
  if (FOUNDATION.includes(to) && !(FOUNDATION.includes(folder) && to === "abi")) return undefined;
  if (layer.imports.includes(to)) return undefined;
  if (layer.dynamic?.includes(to) === true) {
    return kind === "dynamic" ? undefined : `${folder} may load ${to} only by a dynamic import, not by ${specifier}`;
  }
  return `${folder} may not import ${to} (${specifier}${kind === "type" ? ", a type" : ""})`;
}

function checkHost(folder: string, layer: Layer, { specifier, kind }: Import): string | undefined {
  if (layer.host === "all" || layer.host.includes(specifier)) return undefined;
  return `${folder} may not use the host or a package (${specifier}${kind === "type" ? ", a type" : ""})`;
}

/**
 * Rings of files that load one another, each told once, from its first path in the alphabet. Types are left out here:
 * they are gone before anything is loaded, and two records of one folder may well name each other. Between folders
 * types count, and the layers allow no ring.
 */
export function findCycles(files: readonly SourceFile[]): string[] {
  const edges = new Map<string, string[]>();
  for (const file of files) {
    const targets = file.imports
      .filter((each) => each.kind === "value" && each.specifier.startsWith("."))
      .map((each) => resolveImport(file.path, each.specifier));
    edges.set(file.path, targets);
  }
  const cycles = new Set<string>();
  const done = new Set<string>();
  const trail: string[] = [];
  const visit = (path: string): void => {
    const at = trail.indexOf(path);
    if (at >= 0) {
      const ring = trail.slice(at);
      const first = ring.indexOf([...ring].sort()[0] ?? path);
      const turned = [...ring.slice(first), ...ring.slice(0, first)];
      cycles.add(`${turned[0] ?? path}:1: imports itself: ${[...turned, turned[0]].join(" -> ")}`);
      return;
    }
    if (done.has(path)) return;
    trail.push(path);
    for (const target of edges.get(path) ?? []) visit(target);
    trail.pop();
    done.add(path);
  };
  for (const path of edges.keys()) visit(path);
  return [...cycles];
}

function resolveImport(from: string, specifier: string): string {
  // A worker is named by the file that it will have been compiled to.
  return posix.normalize(posix.join(posix.dirname(from), specifier)).replace(/\.js$/, ".ts");
}

/** `kernel` for `kernel/process.ts`, `limits` for `limits.ts`. */
function folderOf(path: string): string {
  const [head = ""] = path.split("/");
  return head.replace(/(\.d)?\.ts$/, "");
}

/** Every TypeScript file under a folder, with its imports. */
export function readSources(root: string): SourceFile[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => ({
      path: relative(root, path).split(sep).join("/"),
      imports: readImports(path, readFileSync(path, "utf8")),
    }));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const files = readSources("src");
  const problems = checkLayering(files);
  for (const problem of problems) console.error(`src/${problem}`);
  if (problems.length > 0) process.exitCode = 1;
  else
    console.log(
      `${files.length} files, ${files.reduce((sum, file) => sum + file.imports.length, 0)} imports: in order`,
    );
}
