/** Processors made ahead, while the LWP idles, for processes to come: making one is most of what a start costs. */

import { GodwitError } from "../errors.ts";
import { MEMORY_DEFAULT_BYTES, NURSERY_MAX } from "../limits.ts";
import type { Engine } from "../machine/engine.ts";
import { materialise as fillMemory, UNCHANGED } from "../machine/linear-memory.ts";
import { Processor } from "../machine/processor.ts";
import { createMemory } from "./address-space.ts";
import { templateFor } from "./capture.ts";
import { NO_TRAPS } from "./process-traps.ts";

export class Nursery {
  readonly #engine: Engine;
  /** Over memories that are filled with the template, for processes of the usual quota. */
  readonly #processors: Processor[] = [];

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Makes one processor. False when there are enough, or no room for one: whoever needs it will be told. */
  prepare(): boolean {
    if (this.#processors.length >= NURSERY_MAX) return false;
    try {
      const memory = createMemory(this.#engine, this.#engine.manifest.memoryBytes, MEMORY_DEFAULT_BYTES);
      fillMemory(memory.buffer, templateFor(this.#engine), UNCHANGED);
      this.#processors.push(new Processor(this.#engine, memory, NO_TRAPS));
      return true;
    } catch (error) {
      if (error instanceof GodwitError || error instanceof RangeError) return false;
      throw error;
    }
  }

  /** A processor for a new process of this quota of memory, if there is one. */
  take(quotaBytes: number): Processor | undefined {
    return quotaBytes === MEMORY_DEFAULT_BYTES ? this.#processors.pop() : undefined;
  }
}
