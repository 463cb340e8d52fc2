/** Node.js modules that programs ask for out of habit, and what a godwit program uses in their place. */

import { builtinModules } from "node:module";

const INSTEAD: Readonly<Record<string, string>> = {
  assert: "throw an error, or install the npm package `assert`",
  async_hooks: 'a thread-local variable of "godwit"',
  buffer: "`Uint8Array`, `TextEncoder` and `TextDecoder`, or install the npm package `buffer`",
  child_process: '`spawn` of "godwit", with --allow-run',
  cluster: '`fork` or `spawn` of "godwit"',
  console: "the global `console`",
  crypto: "the global `crypto`",
  events: "the global `EventTarget`, or install the npm package `events`",
  fs: 'the file functions of "godwit", with --allow-read and --allow-write',
  module: "static imports: they are bundled before the program starts",
  os: '`self` of "godwit"',
  path: "install the npm package `path-browserify`",
  perf_hooks: "the global `performance`",
  process: '`self`, `exit`, `onSignal` and the standard streams of "godwit"',
  querystring: "the global `URLSearchParams`",
  readline: '`stdin` of "godwit", which reads lines',
  stream: 'the standard streams and files of "godwit"',
  string_decoder: "the global `TextDecoder` with `{ stream: true }`",
  timers: "the global `setTimeout` and `setInterval`",
  tty: 'the standard streams of "godwit"',
  url: "the global `URL` and `URLSearchParams`",
  util: "the globals `structuredClone`, `TextEncoder` and `console`",
  worker_threads: '`Thread` of "godwit"',
};

const BARE = new Set(builtinModules);

/** Advice for an import of a Node.js module (`fs`, `node:fs/promises`), or undefined if `specifier` is none. */
export function adviceForBuiltin(specifier: string): string | undefined {
  const bare = specifier.startsWith("node:") ? specifier.slice("node:".length) : specifier;
  if (bare === specifier && !BARE.has(bare)) return undefined;
  const instead = INSTEAD[bare.split("/")[0] ?? bare];
  const what = `"${specifier}" is a module of Node.js, and a godwit program does not run in Node.js`;
  return instead === undefined ? `${what}; nothing takes its place` : `${what}; use instead: ${instead}`;
}
