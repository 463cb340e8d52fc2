/** Stacks as text, without the frames of this library, which say nothing to its users. */

/** `    at name (FILE:line:column)` */
const FRAME_FILE = /\(?([^\s()]+):\d+:\d+\)?$/;

/** The name this library was evaluated under. */
const libraryFile = FRAME_FILE.exec((new Error("here").stack ?? "").split("\n", 1)[0] ?? "")?.[1] ?? "";

/** Parts of the library that are loaded later have names below its own. */
function isLibrary(file: string | undefined): boolean {
  return file === libraryFile || file?.startsWith(`${libraryFile}/`) === true;
}

/** The lines of `stack` that are the program's own; the whole stack when none is. */
export function withoutLibrary(stack: string): string {
  const lines = stack.split("\n").filter((line) => line !== "");
  const own = lines.filter((line) => !isLibrary(FRAME_FILE.exec(line)?.[1]));
  return (own.length > 0 ? own : lines).join("\n");
}

/**
 * Lets programs give an error any stack: the engine's setter takes strings alone, where V8's errors have a property of
 * their own, and packages clear it.
 */
export function acceptAnyStack(): void {
  const { prototype } = Error;
  const descriptor = Object.getOwnPropertyDescriptor(prototype, "stack");
  const set = descriptor?.set;
  Object.defineProperty(prototype, "stack", {
    ...descriptor,
    set(this: unknown, value: unknown) {
      if (typeof value === "string" || typeof this !== "object" || this === null) set?.call(this, value);
      else Object.defineProperty(this, "stack", { value, writable: true, configurable: true });
    },
  });
}
