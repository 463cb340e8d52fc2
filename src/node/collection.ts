/**
 * Memory that processes let go of is the garbage collector's to give back, and it does not know how much that is: it
 * sees small objects, behind which are an instance of the engine or a whole address space. An LWP tells it when.
 */

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { COLLECTION_LATE_MS, COLLECTION_PART, COLLECTION_SOON_MS } from "../limits.ts";

/**
 * Two whole collections: the second gives back the pages that the first emptied. V8 has it in contexts that are made
 * after the flag is set; the flag is of the OS process, and stays, as other LWPs may be at the same point.
 */
function collector(): () => void {
  setFlagsFromString("--expose-gc");
  const gc: unknown = runInNewContext("globalThis.gc");
  if (typeof gc !== "function") return () => {};
  return () => {
    gc();
    gc();
  };
}

export class Collection {
  readonly #collectGarbage = collector();
  #lastMs = 0;
  /** What had been let go of at the last collection. */
  #lastCount = 0;

  /**
   * Called by an LWP that idles at `nowMs`, has `living` processes and has let go of memory `letGo` times: collects if
   * it is time to, and returns when to call again; Infinity for not before more is let go. A collection takes the longer
   * the more lives, so it comes soon only if what is gone is worth it.
   */
  collect(nowMs: number, living: number, letGo: number): number {
    const gone = letGo - this.#lastCount;
    if (gone === 0) return Infinity;
    const dueMs = this.#lastMs + (gone * COLLECTION_PART > living ? COLLECTION_SOON_MS : COLLECTION_LATE_MS);
    if (nowMs < dueMs) return dueMs;
    this.#lastMs = nowMs;
    this.#lastCount = letGo;
    this.#collectGarbage();
    return Infinity;
  }
}
