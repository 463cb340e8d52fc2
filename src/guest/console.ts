/** The global `console`, on standard output and standard error. What needs more than a plain line is a part. */

import { nameClass } from "./class.ts";
import { syscall } from "./machine.ts";
import { CONSOLE_METHODS, part } from "./part.ts";
import { writeWhole } from "./utf8.ts";

export const STDOUT = 1;
export const STDERR = 2;

/** What stands before every line, inside `console.group`. */
export const group = { indentation: "" };

/** Prints lines with one `write`, so that those of different threads stay whole. */
export function print(handle: number, args: readonly unknown[]): void {
  let text =
    args.every(isPlain) && !String(args[0]).includes("%") ? args.map(String).join(" ") : part("inspect").format(args);
  if (text.includes("\n    at ")) text = syscall("mapStack", text);
  if (group.indentation !== "") text = group.indentation + text.replaceAll("\n", `\n${group.indentation}`);
  writeWhole(handle, `${text}\n`);
}

/** Whether it is printed as `String(value)`. */
function isPlain(value: unknown): boolean {
  return typeof value === "string" || (typeof value === "number" && value !== 0);
}

function log(...args: unknown[]): void {
  print(STDOUT, args);
}
function warn(...args: unknown[]): void {
  print(STDERR, args);
}

const methods: Record<string, (...args: never[]) => void> = {
  log,
  warn,
  info: log,
  debug: log,
  error: warn,
  dirxml: log,
};
for (const name of CONSOLE_METHODS) methods[name] = (...args) => part("console")[name](...args);
for (const name of ["log", "warn", ...CONSOLE_METHODS]) nameClass(name, methods[name] as object);

export const consoleObject: object = methods;
Object.defineProperty(consoleObject, Symbol.toStringTag, { value: "console", configurable: true });
