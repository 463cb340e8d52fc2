/** Maps the stack frames of a guest's errors, which name lines of its bundle, to lines of its own source files. */

import { TraceMap, originalPositionFor } from "@jridgewell/trace-mapping";

/** One program's map, read once and kept with it. */
export interface ProgramMap {
  /** The file that unmapped frames name. */
  readonly name: string;
  readonly trace: TraceMap;
}

/** Reads a source map. Text that is no source map gives undefined: frames then stay as they are. */
export function readProgramMap(name: string, sourceMap: string): ProgramMap | undefined {
  try {
    return { name, trace: new TraceMap(sourceMap) };
  } catch {
    return undefined;
  }
}

/** "    at f (name:line:column)", or "    at name:line:column" without a function; " {" follows when an error's properties do. Columns count from 1. */
const FRAME = /^(\s*at (?:.* \()?)([^()\n]+):(\d+):(\d+)(\)?(?: \{)?)$/;

function mapLine(line: string, map: ProgramMap): string {
  const [, head, file, row, column, tail] = FRAME.exec(line) ?? [];
  if (head === undefined || file !== map.name || row === undefined || column === undefined) return line;
  const position = { line: Number(row), column: Number(column) - 1 };
  if (position.line < 1 || position.column < 0) return line;
  const original = originalPositionFor(map.trace, position);
  if (original.source === null || original.line === null || original.column === null) return line;
  return `${head}${original.source}:${original.line}:${original.column + 1}${tail ?? ""}`;
}

/**
 * Replaces the positions in every stack frame of `text` that lies in the program's bundle. All other lines, and frames
 * of other files, are left alone, so that an error's whole text (message, stack, causes) can be given.
 */
export function mapStack(text: string, map: ProgramMap): string {
  return text
    .split("\n")
    .map((line) => mapLine(line, map))
    .join("\n");
}
