/** Errors as text: for the kernel's reports, and for threads that end by one. */

import { inspect } from "./inspect.ts";
import { stderr } from "./stream.ts";
import { withoutLibrary } from "./trace.ts";

/** Entry point: an error, or whatever else was thrown, as printable text. Never throws. */
export function describeError(error: unknown): string {
  try {
    return error instanceof Error ? inspect(error) : `Uncaught ${inspect(error)}`;
  } catch {
    return "Uncaught error that cannot be described";
  }
}

/** Entry point: the current stack, innermost frame first. */
export function backtrace(): string {
  return withoutLibrary(new Error().stack ?? "");
}

/** Tells standard error of an error that ended a thread but not its process. */
export function reportThreadError(name: string, error: unknown): void {
  try {
    stderr.write(`Uncaught in thread "${name}": ${describeError(error)}\n`);
  } catch {
    // Standard error is closed: `join` still tells.
  }
}

const rejections = new Map<Promise<unknown>, unknown>();

/** Entry point: a promise was rejected with nobody listening, or somebody listens now. */
export function reportRejection(promise: Promise<unknown>, reason: unknown, handled: unknown): void {
  if (handled) rejections.delete(promise);
  else rejections.set(promise, reason);
}

/** Entry point: the text of the first rejection that nobody handled, or "". */
export function unhandledRejection(): string {
  for (const [promise, reason] of rejections) {
    rejections.delete(promise);
    return `Unhandled rejection: ${describeError(reason)}`;
  }
  return "";
}
