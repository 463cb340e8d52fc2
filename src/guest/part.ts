/**
 * Parts of the library that a process loads when it first needs them, so that one that does not is spared their memory.
 * A part is a script of its own, built from `parts/NAME.ts`, evaluated at most once in a process. It reaches the rest of
 * the library through `core.ts` only.
 */

import { syscall } from "./machine.ts";
import { Mutex } from "./mutex.ts";
import { nameClass, refuseClone, shapeInterface } from "./class.ts";

/** What a part is: the module that its script returns. */
interface Parts {
  readonly clone: typeof import("./parts/clone.ts");
  readonly console: typeof import("./parts/console.ts");
  readonly crypto: typeof import("./parts/crypto.ts");
  readonly atomics: typeof import("./parts/atomics.ts");
  readonly event: typeof import("./parts/event.ts");
  readonly inspect: typeof import("./parts/inspect.ts");
  readonly io: typeof import("./parts/io.ts");
  readonly performance: typeof import("./parts/performance.ts");
  readonly synchronise: typeof import("./parts/synchronise.ts");
  readonly text: typeof import("./parts/text.ts");
  readonly url: typeof import("./parts/url.ts");
}
export type PartName = keyof Parts;

/** Parts whose classes are the web's. */
const WEB: readonly PartName[] = ["crypto", "event", "performance", "text", "url"];

const loaded = new Map<string, object>();
const loading = new Mutex();
// A part is the library's own text, from the engine that the process runs on; called by another name, it is evaluated
// in the global scope.
// oxlint-disable-next-line no-eval
const evaluate = eval;

/** The exports of a part. */
export function part<N extends PartName>(name: N): Parts[N] {
  return (loaded.get(name) ?? load(name)) as Parts[N];
}

function load(name: PartName): object {
  // A part that needs another while it is evaluated has the lock already.
  if (loading.isHeld) return loadOnce(name);
  return loading.withLock(() => loadOnce(name));
}

function loadOnce(name: PartName): object {
  const present = loaded.get(name);
  if (present !== undefined) return present;
  const exports = evaluate(syscall("libraryPart", name)) as Record<string, unknown>;
  for (const [key, value] of Object.entries(exports)) {
    if (typeof value !== "function") continue;
    nameClass(key, value);
    if (!/^[A-Z]/.test(key)) continue;
    refuseClone(value.prototype as object);
    if (WEB.includes(name)) shapeInterface(key, value as Parameters<typeof shapeInterface>[1]);
  }
  loaded.set(name, exports);
  return exports;
}
