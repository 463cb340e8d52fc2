/** Globals that programs ask for out of habit, and what there is in a guest in their place. */

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { failure } from "../errors.ts";
import type { EngineManifest } from "../machine/engine.ts";

/** Where the build puts the engine, seen from `dist/src/node/`. */
const MANIFEST = fileURLToPath(new URL("../../engine/engine.json", import.meta.url));

/**
 * Every global that a program starts with, the language's own too.
 * @throws GodwitError EENGINE when the engine was not built.
 */
export async function guestGlobals(): Promise<ReadonlySet<string>> {
  try {
    const { guestGlobals } = JSON.parse(await readFile(MANIFEST, "utf8")) as EngineManifest;
    return new Set(guestGlobals);
  } catch (error) {
    throw failure("EENGINE", `cannot read the engine at ${MANIFEST}: build it with \`npm run build\``, error);
  }
}

const BROWSER = "it belongs to web pages; a guest has no page";
const OTHER_RUNTIME = 'it belongs to another runtime; use the module "godwit" and the globals of the web';
const COMMONJS = "it belongs to CommonJS modules; a program is an ES module: use `import`";

const INSTEAD: Readonly<Record<string, string>> = {
  Buffer: 'import it: import { Buffer } from "node:buffer"',
  Bun: OTHER_RUNTIME,
  Deno: OTHER_RUNTIME,
  EventSource: "read the response's body: `(await fetch(url)).body`",
  HTMLElement: BROWSER,
  Intl: "the engine has no Intl: format with a package that carries its own data",
  SharedWorker: '`Thread` of "godwit"',
  WebAssembly: "a guest compiles no WebAssembly: use a package in JavaScript",
  Worker: '`Thread` of "godwit"',
  XMLHttpRequest: "`fetch`",
  __dirname: "files are bundled before the program starts: import them, or name a path",
  __filename: "files are bundled before the program starts: import them, or name a path",
  alert: BROWSER,
  caches: BROWSER,
  document: BROWSER,
  exports: COMMONJS,
  importScripts: COMMONJS,
  indexedDB: BROWSER,
  localStorage: "keep it in the program's memory, which moves with the process, or in a file",
  location: BROWSER,
  module: COMMONJS,
  navigator: BROWSER,
  postMessage: '`send` of "godwit"',
  process: '`self`, `exit` and `onSignal` of "godwit"',
  require: COMMONJS,
  requestAnimationFrame: "`setTimeout`",
  self: '`globalThis`; the process itself is `self` of "godwit"',
  sessionStorage: "keep it in the program's memory, which moves with the process, or in a file",
  window: "`globalThis`",
};

/** The words for a name that is declared nowhere and that guests do not have. */
export function absentGlobal(name: string): string {
  const instead = Object.hasOwn(INSTEAD, name) ? INSTEAD[name] : undefined;
  if (instead === undefined) return `\`${name}\` is declared nowhere, and guests have no such global`;
  return `\`${name}\` does not exist in guests: ${instead.startsWith("`") ? "use " : ""}${instead}`;
}
