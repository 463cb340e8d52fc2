/** The global `console`, on standard output and standard error. */

import { nowMs } from "./clock.ts";
import { format } from "./format.ts";
import { inspect, type InspectOptions } from "./inspect.ts";
import { stderr, stdout, type OutputStream } from "./stream.ts";
import { table } from "./table.ts";
import { withoutLibrary } from "./trace.ts";

const GROUP_INDENTATION = 2;
let groupDepth = 0;
const counts = new Map<string, number>();
const timersMs = new Map<string, number>();

/** One `write` a call, so that lines of different threads stay whole. */
function print(stream: OutputStream, text: string): void {
  const indentation = " ".repeat(groupDepth * GROUP_INDENTATION);
  stream.write(`${groupDepth === 0 ? text : indentation + text.replaceAll("\n", `\n${indentation}`)}\n`);
}

function elapsed(label: string): string | undefined {
  const start = timersMs.get(label);
  if (start === undefined) {
    print(stderr, `Warning: No such label '${label}' for console.time()`);
    return undefined;
  }
  const ms = nowMs() - start;
  return ms < 1000 ? `${ms.toFixed(3)}ms` : `${(ms / 1000).toFixed(3)}s`;
}

const methods = {
  log(...args: unknown[]): void {
    print(stdout, format(args));
  },
  warn(...args: unknown[]): void {
    print(stderr, format(args));
  },
  dir(value: unknown, options?: InspectOptions): void {
    print(stdout, inspect(value, options));
  },
  trace(...args: unknown[]): void {
    const title = args.length === 0 ? "Trace" : `Trace: ${format(args)}`;
    print(stderr, `${title}\n${withoutLibrary(new Error().stack ?? "")}`);
  },
  assert(condition?: unknown, ...args: unknown[]): void {
    if (condition) return;
    if (typeof args[0] === "string") args[0] = `Assertion failed: ${args[0]}`;
    else args.unshift("Assertion failed");
    print(stderr, format(args));
  },
  count(label: unknown = "default"): void {
    const key = String(label);
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    print(stdout, `${key}: ${count}`);
  },
  countReset(label: unknown = "default"): void {
    if (!counts.delete(String(label))) print(stderr, `Warning: Count for '${String(label)}' does not exist`);
  },
  time(label: unknown = "default"): void {
    const key = String(label);
    if (timersMs.has(key)) print(stderr, `Warning: Label '${key}' already exists for console.time()`);
    else timersMs.set(key, nowMs());
  },
  timeLog(label: unknown = "default", ...args: unknown[]): void {
    const text = elapsed(String(label));
    if (text !== undefined) print(stdout, format([`${String(label)}: ${text}`.replaceAll("%", "%%"), ...args]));
  },
  timeEnd(label: unknown = "default"): void {
    const text = elapsed(String(label));
    timersMs.delete(String(label));
    if (text !== undefined) print(stdout, `${String(label)}: ${text}`);
  },
  group(...args: unknown[]): void {
    if (args.length > 0) print(stdout, format(args));
    groupDepth += 1;
  },
  groupEnd(): void {
    groupDepth = Math.max(0, groupDepth - 1);
  },
  table(data: unknown, columns?: readonly string[]): void {
    print(stdout, table(data, columns) ?? format([data]));
  },
};

const { log, warn, group } = methods;

export const consoleObject: object = Object.assign({}, methods, { info: log, debug: log, error: warn, dirxml: log, groupCollapsed: group });
Object.defineProperty(consoleObject, Symbol.toStringTag, { value: "console", configurable: true });
