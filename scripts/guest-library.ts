/** Bundles the guest library: the script that the template is made with, and the parts that processes load later. */

import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type BuildOptions, type Plugin } from "esbuild";
import { callWords } from "../src/abi/call-word.ts";
import * as limits from "../src/limits.ts";
import { packageFolder } from "./licences.ts";

const ROOT = fileURLToPath(new URL(import.meta.url.includes("/dist/") ? "../.." : "..", import.meta.url));
const LIBRARY = join(ROOT, "src/guest/boot.ts");

export interface GuestLibrary {
  /** Evaluated once, in the template. */
  readonly boot: string;
  /** By name, expressions whose value is the part's exports. */
  readonly parts: Readonly<Record<string, string>>;
  /** The folders of the npm packages whose code is in it. */
  readonly packages: readonly string[];
}

/** Parts reach the rest of the library through what the boot script left for them, and nothing else of it twice. */
const core: Plugin = {
  name: "core",
  setup(build) {
    build.onResolve({ filter: /^\.\.\/core\.ts$/ }, () => ({ path: "core", namespace: "core" }));
    build.onResolve({ filter: /^\.\.\/[^.]/ }, ({ path, importer }) => ({
      errors: [{ text: `${importer} imports ${path}: a part reaches the library through ../core.ts only` }],
    }));
    build.onLoad({ filter: /./, namespace: "core" }, () => ({
      contents: "module.exports = globalThis.__godwit.core;",
      loader: "js",
    }));
  },
};

/** The bundler leaves what is computed in a bundle, used or not: here the bounds are computed. */
const bounds: Plugin = {
  name: "bounds",
  setup(build) {
    build.onLoad({ filter: /\/src\/limits\.ts$/ }, () => ({
      contents: Object.entries(limits)
        .map(([name, value]) => `export const ${name} = ${JSON.stringify(value)};`)
        .join("\n"),
      loader: "js",
    }));
  },
};

type PartOptions = Pick<BuildOptions, "globalName" | "plugins">;

async function bundle(entry: string, packages: Set<string>, options: PartOptions): Promise<string> {
  const { outputFiles, metafile } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    metafile: true,
    format: "iife",
    target: "es2024",
    charset: "utf8",
    legalComments: "none",
    logLevel: "warning",
    // Every byte and name of it is in the memory of every process that has it.
    minify: true,
    define: { CALL_WORDS: JSON.stringify(callWords()) },
    ...options,
    plugins: [bounds, ...(options.plugins ?? [])],
  });
  for (const file of Object.keys(metafile.inputs)) {
    const folder = packageFolder(file);
    if (folder !== undefined) packages.add(resolve(folder));
  }
  return outputFiles[0]?.text ?? "";
}

/** Those of `parts/` that `part.ts` names; the other files there belong to one of them. */
const PARTS = [
  "atomics",
  "blob",
  "clone",
  "compression",
  "console",
  "crypto",
  "event",
  "fetch",
  "fetching",
  "form",
  "inspect",
  "io",
  "keep",
  "session",
  "urgent",
  "net",
  "performance",
  "ports",
  "serve",
  "store",
  "streams",
  "subtle",
  "synchronise",
  "text",
  "upgrade",
  "url",
  "websocket",
];

/** @param entry the boot script; the parts are in the folder beside it, if it has one. */
export async function bundleLibrary(entry: string = LIBRARY): Promise<GuestLibrary> {
  const parts: Record<string, string> = {};
  const packages = new Set<string>();
  const folder = join(dirname(entry), "parts");
  for (const name of existsSync(folder) ? PARTS : []) {
    const script = await bundle(join(folder, `${name}.ts`), packages, { globalName: "part", plugins: [core] });
    parts[name] = `(()=>{${script};return part})()`;
  }
  return { boot: await bundle(entry, packages, {}), parts, packages: [...packages] };
}
