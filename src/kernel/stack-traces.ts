/** Stack traces of programs, in the lines of their own sources. */

import { mapStack, type ProgramMap, readProgramMap } from "../abi/stack-map.ts";
import type { Program } from "./protocol.ts";

export class StackTraces {
  /** Read when a program first needs its map; undefined for a program that has none. */
  readonly #maps = new WeakMap<Program, ProgramMap | undefined>();

  /** `text` with the frames of its stack traces in the program's own source lines. */
  map(program: Program, text: string): string {
    if (program.sourceMap === "") return text;
    if (!this.#maps.has(program)) this.#maps.set(program, readProgramMap(program.name, program.sourceMap));
    const map = this.#maps.get(program);
    return map === undefined ? text : mapStack(text, map);
  }
}
