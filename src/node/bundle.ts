/** One build by esbuild: a program's files, packages and `node:` modules become one ES module for a guest. */

import { resolve } from "node:path";
import type { BuildOptions, Plugin } from "esbuild";
import { FREE_NAMES, GLOBALS_MODULE, type OwnFiles, nodeModulesPlugin } from "./node-modules.ts";

export interface BundleOptions {
  /** What `import { ... } from "godwit"` offers. */
  readonly guestExports: readonly string[];
  /** Whether a file may become a part of the program; by default every one may. */
  readonly mayRead?: (path: string) => Promise<boolean>;
  /** `HOST:PORT`: the program's default export, `{ fetch }` or a function, is to serve HTTP there. */
  readonly listen?: string;
  /** Which of Node's globals the program is given: keys of {@link FREE_NAMES}. */
  readonly globals: readonly string[];
  /** Async generators and `for await` become plain async functions, whose awaits can be followed. */
  readonly followsAwait: boolean;
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

/** Refuses a file before it is looked into: not even a mistake in it may be told. godwit's own files are no secret. */
function guardPlugin(mayRead: (path: string) => Promise<boolean>, own: OwnFiles): Plugin {
  return {
    name: "guard",
    setup(build) {
      build.onLoad({ filter: /./, namespace: "file" }, async ({ path }) => {
        if (own.has(path) || (await mayRead(path))) return undefined;
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
function serving(path: string, address: string): string {
  return `import * as program from ${JSON.stringify(path)};
import { serve } from "godwit";
serve(program.default, {
  address: ${JSON.stringify(address)},
  onListen: ({ address }) => console.error("Listening on http://" + address),
});`;
}

/** Options of a build that starts at `path`. `own` comes to know which files of it are godwit's. */
export function buildOptions(path: string, directory: string, options: BundleOptions, own: OwnFiles) {
  const { guestExports, mayRead, listen, globals, followsAwait } = options;
  return {
    absWorkingDir: directory,
    ...(listen === undefined
      ? { entryPoints: [path] }
      : { stdin: { contents: serving(path, listen), resolveDir: directory, sourcefile: "godwit:serving" } }),
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
    // Unless the program's own tsconfig.json says otherwise.
    jsx: "automatic",
    define: { ...FREE_NAMES, "process.env.NODE_ENV": '"production"', "process.browser": "true", global: "globalThis" },
    ...(globals.length > 0 ? { inject: [GLOBALS_MODULE] } : {}),
    ...(followsAwait ? { supported: { "async-generator": false, "for-await": false } } : {}),
    loader: { ".txt": "text" },
    charset: "utf8",
    legalComments: "none",
    minify: false,
    keepNames: false,
    sourcemap: "external",
    sourcesContent: false,
    logLevel: "silent",
    plugins: [
      ...(mayRead === undefined ? [] : [guardPlugin(mayRead, own)]),
      shimPlugin(guestExports),
      nodeModulesPlugin(own, globals),
    ],
  } as const satisfies BuildOptions;
}
