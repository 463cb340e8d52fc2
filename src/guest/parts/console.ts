/** What `console` does beyond printing lines. */

import { group as current, nowMs, part, print, STDERR, STDOUT, withoutLibrary } from "../core.ts";
import type { InspectOptions } from "./inspector.ts";

const INDENTATION = "  ";
const counts = new Map<string, number>();
const timersMs = new Map<string, number>();

function elapsed(label: string, method: string): string | undefined {
  const start = timersMs.get(label);
  if (start === undefined) {
    print(STDERR, [`Warning: No such label '${label}' for console.${method}()`]);
    return undefined;
  }
  const ms = nowMs() - start;
  return ms < 1000 ? `${ms.toFixed(3)}ms` : `${(ms / 1000).toFixed(3)}s`;
}

export function dir(value: unknown, options?: InspectOptions): void {
  print(STDOUT, ["%s", part("inspect").inspect(value, options)]);
}

export function trace(...args: unknown[]): void {
  const title = args.length === 0 ? "Trace" : `Trace: ${part("inspect").format(args)}`;
  print(STDERR, ["%s", `${title}\n${withoutLibrary(new Error("here").stack ?? "")}`]);
}

export function assert(condition?: unknown, ...args: unknown[]): void {
  if (condition) return;
  if (typeof args[0] === "string") args[0] = `Assertion failed: ${args[0]}`;
  else args.unshift("Assertion failed");
  print(STDERR, args);
}

export function count(label: unknown = "default"): void {
  const key = String(label);
  const times = (counts.get(key) ?? 0) + 1;
  counts.set(key, times);
  print(STDOUT, ["%s", `${key}: ${times}`]);
}

export function countReset(label: unknown = "default"): void {
  if (!counts.delete(String(label))) print(STDERR, ["%s", `Warning: Count for '${String(label)}' does not exist`]);
}

export function time(label: unknown = "default"): void {
  const key = String(label);
  if (timersMs.has(key)) print(STDERR, ["%s", `Warning: Label '${key}' already exists for console.time()`]);
  else timersMs.set(key, nowMs());
}

export function timeLog(label: unknown = "default", ...args: unknown[]): void {
  const text = elapsed(String(label), "timeLog");
  if (text !== undefined) print(STDOUT, ["%s", `${String(label)}: ${text}`, ...args]);
}

export function timeEnd(label: unknown = "default"): void {
  const text = elapsed(String(label), "timeEnd");
  timersMs.delete(String(label));
  if (text !== undefined) print(STDOUT, ["%s", `${String(label)}: ${text}`]);
}

export function group(...args: unknown[]): void {
  if (args.length > 0) print(STDOUT, args);
  current.indentation += INDENTATION;
}

export { group as groupCollapsed };

export function groupEnd(): void {
  current.indentation = current.indentation.slice(INDENTATION.length);
}

export function table(data: unknown, columns?: readonly string[]): void {
  const text = part("inspect").table(data, columns);
  print(STDOUT, text === undefined ? [data] : ["%s", text]);
}
