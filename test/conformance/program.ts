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

/** How many programs can record their output side by side. */
export const RECORDERS = 4;

/**
 * Evaluated before a program; makes the recorders `__recorders` and the first one's `print`. It keeps hold of the
 * built-ins it needs, as a program may replace them. A recorder has
 * - `print(...values)`, which adds a line;
 * - `uncaught(error)`, which adds what a program that ended with an uncaught error would have printed;
 * - `output()`, which returns all lines.
 */
export const PRELUDE = `(() => {
  const text = String, define = Object.defineProperty, errorToString = Error.prototype.toString, ErrorClass = Error;
  const set = (object, name, value) => define(object, name, { __proto__: null, value, writable: true, enumerable: false, configurable: true });
  const join = (values, by) => { let all = ""; for (let i = 0; i < values.length; i++) all += (i ? by : "") + text(values[i]); return all; };
  const recorder = () => {
    const lines = [], add = (line) => set(lines, lines.length, line);
    return {
      print: (...values) => void add(join(values, " ")),
      uncaught: (error) => {
        add("Uncaught " + (error instanceof ErrorClass ? errorToString.call(error) : text(error)));
        if (error instanceof ErrorClass) add(text(error.stack));
      },
      output: () => join(lines, "\\n"),
    };
  };
  set(globalThis, "__recorders", [${"recorder(), ".repeat(RECORDERS)}]);
  set(globalThis, "print", __recorders[0].print);
})();`;

/** Text of the guest's function that records an uncaught error, or returns the output, of recorder `index`. */
export const uncaughtOf = (index: number): string => `__recorders[${index}].uncaught`;
export const outputOf = (index: number): string => `__recorders[${index}].output()`;

/**
 * The same program as a function of its `print`, so that several can run in one address space. Its first line, a
 * comment, stays the first line: positions in stacks are the same.
 */
export function asFunction({ name, source }: CorpusProgram, index: number): CorpusProgram {
  return { name, source: `(function (print) {${source}})(__recorders[${index}].print);` };
}
