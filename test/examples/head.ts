/** The head of an example: the comment that says how to run it and what it prints. Tests hold it to its word. */

import { readFileSync } from "node:fs";

/** A command of the head, without `npx godwit`, and the lines that it is said to print. */
export interface Promised {
  readonly command: readonly string[];
  /** The file that is its standard input, or "". */
  readonly input: string;
  readonly output: readonly string[];
}

const INDENTED = /^ \* {5}(.*\S)$/;

/**
 * Reads what a head promises: an indented `npx godwit ...`, perhaps with `< FILE`, and if the text after it
 * begins with "prints", the indented lines that follow that.
 */
export function promisesOf(file: string): Promised[] {
  const source = readFileSync(file, "utf8");
  const lines = source.slice(0, source.indexOf("*/")).split("\n");
  const found: { command: string[]; input: string; output: string[] }[] = [];
  let isOutput = false;
  for (const text of lines) {
    const indented = INDENTED.exec(text)?.[1];
    if (indented?.startsWith("npx godwit ") === true) {
      const [line = ""] = indented.slice("npx godwit ".length).split(/ {2,}/); // what follows is said about it
      const [command = "", input = ""] = line.split(" < ");
      found.push({ command: command.split(" "), input, output: [] });
      isOutput = false;
    } else if (indented !== undefined && isOutput) {
      found.at(-1)?.output.push(indented);
    } else if (indented === undefined && text.trim() !== "*") {
      isOutput = text.startsWith(" * prints");
    }
  }
  return found;
}
