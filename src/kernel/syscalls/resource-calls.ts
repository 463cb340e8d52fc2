/** Resources that a process has made for itself: scratch directories and caches. */

import type { CacheRequest, ResourceRequest } from "../../abi/records.ts";
import { failure } from "../../errors.ts";
import { CACHE_MAX_BYTES, CACHES_MAX, HANDLES_MAX, SCRATCHES_MAX } from "../../limits.ts";
import { Cache } from "../cache.ts";
import type { Call } from "../call.ts";
import type { Process } from "../process.ts";
import type { Binding } from "../resource.ts";
import { Scratch } from "../scratch.ts";
import { bytesAt, type Handlers, integerBetween, numberAt, objectAt, stringAt } from "./arguments.ts";

const BINDINGS: readonly Binding[] = ["identifier", "value", "type"];

function bindingOf(asked: unknown, otherwise: Binding): Binding {
  if (asked === undefined) return otherwise;
  const binding = BINDINGS.find((known) => known === asked);
  if (binding !== undefined) return binding;
  throw failure("EINVAL", `a binding is one of ${BINDINGS.join(", ")}`);
}

/** Throws EMFILE when the process has as many of a kind as it may, or no handle left. */
function checkRoom({ handles }: Process, kind: string, most: number): void {
  if (handles.full) throw failure("EMFILE", `this process has ${HANDLES_MAX} handles open: close one first`);
  if (handles.all().filter((one) => one.kind === kind).length >= most)
    throw failure("EMFILE", `a process has at most ${most} of the kind ${kind}: close one first`);
}

function cacheAt(call: Call): Cache {
  const handle = numberAt(call, 0);
  const resource = call.process.handles.get(handle);
  if (resource instanceof Cache) return resource;
  throw failure("EINVAL", `handle ${handle} is a ${resource.kind}, and not a cache`);
}

export const resourceCalls = {
  scratchOpen(kernel, call) {
    const { process } = call;
    const binding = bindingOf(objectAt<ResourceRequest>(call, 0).binding, "type");
    checkRoom(process, "scratch", SCRATCHES_MAX);
    const { files } = kernel.host;
    kernel.perform(call, async () => {
      const scratch = new Scratch(files, await files.makeScratch([]), binding);
      try {
        if (call.ended || process.ended) throw failure("ECANCELED", "the process is over");
        checkRoom(process, "scratch", SCRATCHES_MAX);
        return (scratch.handle = process.handles.add(scratch));
      } catch (error) {
        await scratch.close();
        throw error;
      }
    });
  },

  cacheOpen(_kernel, call) {
    const { binding, maxBytes = CACHE_MAX_BYTES } = objectAt<CacheRequest>(call, 0);
    checkRoom(call.process, "cache", CACHES_MAX);
    const cache = new Cache({
      kind: "cache",
      binding: bindingOf(binding, "identifier"),
      maxBytes: integerBetween(maxBytes, 1, CACHE_MAX_BYTES, "a cache's size in bytes"),
      entries: [],
    });
    call.succeed(call.process.handles.add(cache));
  },

  cacheGet(_kernel, call) {
    call.succeed(cacheAt(call).get(stringAt(call, 1)) ?? new Uint8Array(0));
  },

  cacheSet(_kernel, call) {
    cacheAt(call).set(stringAt(call, 1), bytesAt(call, 2).slice());
    call.succeed();
  },

  cacheDelete(_kernel, call) {
    call.succeed(cacheAt(call).delete(stringAt(call, 1)) ? 1 : 0);
  },

  cacheKeys(_kernel, call) {
    call.succeed(cacheAt(call).keys());
  },
} satisfies Partial<Handlers>;
