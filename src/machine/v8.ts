/** V8 settings that the engine needs. To be applied before an engine is compiled, in every OS process that runs guests. */

import { setFlagsFromString } from "node:v8";

/**
 * V8 before version 12 gives up on good register allocation for functions as large as an interpreter, which halves its
 * speed and makes its native frames enormous (guest recursion ends after 18 calls). Later versions do better without the flag.
 */
export function prepareV8(): void {
  const major = Number.parseInt(process.versions.v8, 10);
  if (major < 12) setFlagsFromString("--no-turbo-use-mid-tier-regalloc-for-huge-functions");
}
