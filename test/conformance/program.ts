/**
 * A corpus program and its output, the same in every engine: `print` collects lines inside the guest, so that nothing
 * but the language itself is at work while it runs.
 */

import { readdirSync, readFileSync } from "node:fs";

export interface CorpusProgram {
  /** File name without `.js`. */
  readonly name: string;
  readonly source: string;
}

const folder = new URL("../../../test/corpus/", import.meta.url);

/** Every program of test/corpus, by name. */
export function corpus(): CorpusProgram[] {
  const names = readdirSync(folder).filter((name) => name.endsWith(".js"));
  return names.sort().map((name) => ({ name: name.slice(0, -3), source: readFileSync(new URL(name, folder), "utf8") }));
}

/**
 * Evaluated before a program. It keeps hold of the built-ins it needs, as a program may replace them.
 * - `print(...values)` adds a line;
 * - `__uncaught(error)` adds what a program that ended with an uncaught error would have printed;
 * - `__output()` returns all lines.
 */
export const PRELUDE = `(() => {
  const text = String, lines = [], define = Object.defineProperty, errorToString = Error.prototype.toString, ErrorClass = Error;
  const join = (values) => { let line = ""; for (let i = 0; i < values.length; i++) line += (i ? " " : "") + text(values[i]); return line; };
  const add = (line) => { define(lines, lines.length, { __proto__: null, value: line, writable: true, enumerable: true, configurable: true }); };
  const offer = (name, value) => define(globalThis, name, { __proto__: null, value, writable: true, configurable: true });
  offer("print", (...values) => add(join(values)));
  offer("__uncaught", (error) => {
    add("Uncaught " + (error instanceof ErrorClass ? errorToString.call(error) : text(error)));
    if (error instanceof ErrorClass) add(text(error.stack));
  });
  offer("__output", () => { let all = ""; for (let i = 0; i < lines.length; i++) all += (i ? "\\n" : "") + lines[i]; return all; });
})();`;
