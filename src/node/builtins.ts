/** Modules of Node.js that guests do not have, and what a program uses in their place. */

import { builtinModules } from "node:module";

const INSTEAD: Readonly<Record<string, string>> = {
  child_process: '`spawn` of "godwit", with --allow-run',
  cluster: '`fork` or `spawn` of "godwit"',
  dgram: "`fetch` and `WebSocket`, with --allow-net",
  dns: "`fetch`, which resolves names by itself, with --allow-net",
  domain: "`AsyncLocalStorage` of node:async_hooks",
  fs: 'the file functions of "godwit", with --allow-read and --allow-write',
  http: "`fetch`, and `export default { fetch }` to serve",
  http2: "`fetch`, and `export default { fetch }` to serve",
  https: "`fetch`, and `export default { fetch }` to serve",
  inspector: "`godwit inspect`",
  module: "static imports: they are bundled before the program starts",
  net: "`fetch` and `WebSocket`, with --allow-net",
  os: '`self` of "godwit"',
  readline: '`stdin` of "godwit", which reads lines',
  repl: '`stdin` of "godwit", which reads lines',
  tls: "`fetch` and `WebSocket` over https: and wss:, with --allow-net",
  tty: 'the standard streams of "godwit"',
  vm: "`new Function`, in the program's own world, or a process of its own by `spawn`",
  worker_threads: '`Thread` of "godwit"',
  zlib: "the globals `CompressionStream` and `DecompressionStream`",
};

const BARE = new Set(builtinModules);

/** Advice for an import of a Node.js module (`fs`, `node:fs/promises`), or undefined if `specifier` is none. */
export function adviceForBuiltin(specifier: string): string | undefined {
  const bare = specifier.startsWith("node:") ? specifier.slice("node:".length) : specifier;
  if (bare === specifier && !BARE.has(bare)) return undefined;
  const instead = INSTEAD[bare.split("/")[0] ?? bare];
  const what = `"${specifier}" is a module of Node.js that guests do not have`;
  return instead === undefined ? `${what}; nothing takes its place` : `${what}; use instead: ${instead}`;
}
