/** Errors as text: for the kernel's reports, and for threads and listeners that end by one. */

import { syscall } from "./machine.ts";
import { part } from "./part.ts";
import { withoutLibrary } from "./trace.ts";
import { writeWhole } from "./utf8.ts";

/** Entry point: an error, or whatever else was thrown, as printable text. Never throws. */
export function describeError(error: unknown): string {
  try {
    const { inspect } = part("inspect");
    return error instanceof Error ? inspect(error) : `Uncaught ${inspect(error)}`;
  } catch {
    return plainText(error);
  }
}

/** When there is no memory or stack left for more, or `error` throws whenever it is looked at. */
function plainText(error: unknown): string {
  try {
    return error instanceof Error
      ? `${String(error)}\n${withoutLibrary(String(error.stack))}`
      : `Uncaught ${String(error)}`;
  } catch {
    return "Uncaught error that cannot be described";
  }
}

/** Entry point: the current stack, innermost frame first. */
export function backtrace(): string {
  return withoutLibrary(new Error("here").stack ?? "");
}

/** Tells standard error of an error that ends neither its thread nor its process, or only the thread. */
export function reportError(error: unknown, where = ""): void {
  try {
    writeWhole(2, `${syscall("mapStack", where + describeError(error))}\n`);
  } catch {
    // Standard error is closed, and there is nobody else to tell.
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
