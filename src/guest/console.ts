/** The global `console`, on standard output and standard error. */

import { inspect } from "./inspect.ts";
import { syscall } from "./machine.ts";

function line(handle: number, args: unknown[]): void {
  const text = args.map((argument) => (typeof argument === "string" ? argument : inspect(argument))).join(" ");
  let bytes = syscall("utf8Encode", `${text}\n`);
  while (bytes.length > 0) bytes = bytes.subarray(syscall("write", handle, bytes));
}

export const consoleObject = {
  log: (...args: unknown[]): void => line(1, args),
  info: (...args: unknown[]): void => line(1, args),
  debug: (...args: unknown[]): void => line(1, args),
  warn: (...args: unknown[]): void => line(2, args),
  error: (...args: unknown[]): void => line(2, args),
};
