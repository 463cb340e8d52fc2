/** What the command line says: results on standard output, faults on standard error, in words or as JSON. */

import { styleText } from "node:util";
import type { ErrorCode } from "../errors.ts";
import { GodwitError } from "../errors.ts";
import { UsageError } from "./usage.ts";

/** Exit codes of godwit itself. A program that runs in the foreground gives its own. */
export const EXIT = {
  ok: 0,
  error: 1,
  usage: 2,
  /** `run`, `restore` and `attach`, where 1 and 2 may be the program's: godwit failed, not the program. */
  failed: 125,
  /** The program or image cannot be run. */
  cannotRun: 126,
  /** There is no such program or image. */
  notFound: 127,
  /** The reader of the output went away: 128 and SIGPIPE's number, as a shell has it. */
  brokenPipe: 141,
} as const;

/** How the commands that run a program in the foreground end when it never ran. */
const FOREGROUND_EXIT: Partial<Record<ErrorCode, number>> = {
  ENOENT: EXIT.notFound,
  ENOEXEC: EXIT.cannotRun,
  EISDIR: EXIT.cannotRun,
  EIMAGE_CORRUPT: EXIT.cannotRun,
  EIMAGE_VERSION: EXIT.cannotRun,
  EIMAGE_ENGINE: EXIT.cannotRun,
  EIMAGE_LIMIT: EXIT.cannotRun,
};

export function exitCodeOf(error: unknown, foreground: boolean): number {
  if (error instanceof UsageError) return EXIT.usage;
  if (!foreground) return EXIT.error;
  return (error instanceof GodwitError ? FOREGROUND_EXIT[error.code] : undefined) ?? EXIT.failed;
}

/** Colour is for people at a terminal who did not ask for none (see no-color.org). */
export function hasColor(stream: NodeJS.WriteStream): boolean {
  const { NO_COLOR, TERM } = process.env;
  return stream.isTTY && (NO_COLOR === undefined || NO_COLOR === "") && TERM !== "dumb";
}

export function style(
  format: Parameters<typeof styleText>[0],
  text: string,
  stream: NodeJS.WriteStream = process.stdout,
): string {
  return hasColor(stream) ? styleText(format, text) : text;
}

export function print(text: string): void {
  process.stdout.write(text);
}

/** One line for programs; indented when a person looks on. */
export function printJson(value: unknown): void {
  print(`${JSON.stringify(value, null, process.stdout.isTTY ? 2 : 0)}\n`);
}

/** A remark on standard error. */
export function remark(text: string): void {
  process.stderr.write(`godwit: ${text}\n`);
}

/** Our own bugs are shown with their stack: whoever reports them will be asked for it. */
function messageOf(error: unknown): string {
  if (error instanceof GodwitError || error instanceof UsageError) return error.message;
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `internal error, please report it: ${text}`;
}

export function printError(error: unknown, json: boolean): void {
  if (json) {
    const code = error instanceof GodwitError ? error.code : error instanceof UsageError ? "EINVAL" : "ENODE";
    process.stderr.write(`${JSON.stringify({ error: { code, message: messageOf(error) } })}\n`);
    return;
  }
  process.stderr.write(`${style("red", "godwit:", process.stderr)} ${messageOf(error)}\n`);
}
