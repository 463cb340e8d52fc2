/** The head of an example: the comment that says how to run it and what it prints. Tests hold it to its word. */

import { readFileSync } from "node:fs";

/** A command of the head, without `npx`, and the lines that it is said to print. */
export interface Promised {
  readonly command: readonly string[];
  readonly output: readonly string[];
}

const INDENTED = /^ \* {5}(\S.*)$/;

/**
 * Reads what a head promises: an indented `npx godwit ...` (it may be the end of a pipe), and if the text after it
 * begins with "prints", the indented lines that follow that.
 */
export function promisesOf(file: string): Promised[] {
  const source = readFileSync(file, "utf8");
  const lines = source.slice(0, source.indexOf("*/")).split("\n");
  const found: { command: string[]; output: string[] }[] = [];
  let isOutput = false;
  for (const line of lines) {
    const indented = INDENTED.exec(line)?.[1];
    if (indented?.startsWith("npx godwit ") === true) {
      found.push({ command: indented.split(/ {2,}/)[0]?.split(" ").slice(2) ?? [], output: [] });
      isOutput = false;
    } else if (indented !== undefined && isOutput) {
      found.at(-1)?.output.push(indented);
    } else if (indented === undefined && line.trim() !== "*") {
      isOutput = line.startsWith(" * prints");
    }
  }
  return found;
}
