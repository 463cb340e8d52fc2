/** Stacks as text, without the frames of this library, which say nothing to its users. */

/** `    at name (FILE:line:column)` */
const FRAME_FILE = /\(?([^\s()]+):\d+:\d+\)?$/;

/** The name this library was evaluated under. */
const libraryFile = FRAME_FILE.exec((new Error("here").stack ?? "").split("\n", 1)[0] ?? "")?.[1] ?? "";

/** The lines of `stack` that are the program's own; the whole stack when none is. */
export function withoutLibrary(stack: string): string {
  const lines = stack.split("\n").filter((line) => line !== "");
  const own = lines.filter((line) => FRAME_FILE.exec(line)?.[1] !== libraryFile);
  return (own.length > 0 ? own : lines).join("\n");
}
