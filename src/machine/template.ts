/** The template image: the memory of an engine that has been booted, with the guest library loaded. */

import { GUEST_ENTRY_POINTS } from "../abi/records.ts";
import { HOST_FUNCTION } from "../abi/syscalls.ts";
import { assert } from "../assert.ts";
import { failure } from "../errors.ts";
import { MAIN_STACK_BYTES, PAGE_BYTES, STACK_RESERVE_BYTES, UNWIND_BUFFER_BYTES } from "../limits.ts";
import { BareEngine, type BareExports, type BareHost } from "./bare-engine.ts";
import type { EngineManifest } from "./engine.ts";
import { clearFreeMemory } from "./free-memory.ts";
import { probe } from "./probe.ts";

export interface Template {
  /** The whole address space, as it is at rest. */
  readonly memory: Uint8Array;
  readonly manifest: Omit<EngineManifest, "hash" | "formatVersion">;
}

export interface GuestLibrary {
  /** The script that the template is made with. */
  readonly boot: string;
  /** Scripts that processes load later, by name. */
  readonly parts: Readonly<Record<string, string>>;
}

/** What the guest library leaves in the global object for the kernel. */
const LIBRARY = "__godwit";
/** What the guest library finds there while it is loaded: the function that makes system calls. */
const HOST_GLOBAL = "__godwit_host";
const LIBRARY_NAME = "godwit:guest";
const DESCRIPTOR_BYTES = 8;

const NO_HOST: BareHost = {
  hostCall: () => {
    throw failure(
      "EENGINE",
      "the guest library made a system call while it was loaded: it may only make them once a process runs",
    );
  },
  interrupt: () => undefined,
};

/** An engine with the guest library in it. */
function boot(module: WebAssembly.Module, library: GuestLibrary): BareEngine {
  const engine = new BareEngine(module, NO_HOST);
  const { exports } = engine;
  exports.qjs_set_interrupt_handler(1);
  exports.qjs_set_promise_rejection_handler(1);
  exports.qjs_set_module_loader(0);
  exports.qjs_set_max_stack_size(MAIN_STACK_BYTES - STACK_RESERVE_BYTES);

  const host = engine.hostFunction(HOST_FUNCTION);
  engine.setGlobal(HOST_GLOBAL, host);
  exports.qjs_free_value(host);
  engine.runCompiled(new BareEngine(module, NO_HOST).compile(library.boot, LIBRARY_NAME), LIBRARY_NAME);
  if (exports.qjs_is_job_pending() !== 0)
    throw failure("EENGINE", "the guest library left promise jobs behind when it was loaded");
  engine.run(
    `delete globalThis.${HOST_GLOBAL}; Object.defineProperty(globalThis, "${LIBRARY}", { enumerable: false, writable: false, configurable: false });`,
    LIBRARY_NAME,
  );
  return engine;
}

/** Asked of an engine of its own, since the answer leaves traces in memory. */
function globalNames(engine: BareEngine): string[] {
  const names = engine.text(engine.evaluate("Object.getOwnPropertyNames(globalThis).join()", LIBRARY_NAME));
  return names
    .split(",")
    .filter((name) => name !== LIBRARY)
    .sort();
}

/** Boots an engine and loads the guest library. Deterministic: the same inputs give the same bytes. */
export function bootTemplate(module: WebAssembly.Module, library: GuestLibrary): Template {
  const layout = probe(module);
  assert(layout.mainStackHigh - layout.mainStackLow === MAIN_STACK_BYTES, "limits.ts states the engine's main stack");
  const engine = boot(module, library);
  const { exports } = engine;
  const global = exports.qjs_get_global();
  const left = engine.property(global, LIBRARY);
  const entryPoints = engine.property(left, "entryPoints");
  const handles = Object.fromEntries([
    ["undefined", exports.qjs_get_undefined()],
    ...GUEST_ENTRY_POINTS.map((name) => [name, functionOf(engine, entryPoints, name)]),
  ]);
  const words = engine.property(left, "sharedWords");
  const exported = engine.property(left, "exports");
  const sharedWords = engine.elementsOf(words);
  const guestExports = engine.propertyNames(exported);
  for (const value of [exported, words, entryPoints, left, global]) exports.qjs_free_value(value);
  const unwindBuffer = allocateToPageEnd(exports, UNWIND_BUFFER_BYTES);
  const unwindDescriptor = exports.wasm_malloc(DESCRIPTOR_BYTES);
  if (unwindBuffer === 0 || unwindDescriptor === 0)
    throw failure("EENGINE", "the engine has no room for the unwind buffer");
  engine.finish();
  exports.qjs_run_gc();
  if (!clearFreeMemory(exports.memory.buffer, layout.heapBase))
    throw failure("EENGINE", "the engine's heap is not made of the chunks that its free memory is known by");

  const memory = new Uint8Array(exports.memory.buffer).slice();
  // What calls left on the stack, and a block's former user in it, is of no meaning; a page of zeros costs nothing.
  memory.fill(0, layout.mainStackLow, layout.mainStackHigh);
  memory.fill(0, unwindBuffer, pageEnd(unwindBuffer + UNWIND_BUFFER_BYTES));
  return {
    memory,
    manifest: {
      quickjsVersion: versionOf(engine),
      layout: { ...layout, sharedWords, unwindBuffer, unwindBufferBytes: UNWIND_BUFFER_BYTES, unwindDescriptor },
      handles: handles as EngineManifest["handles"],
      guestExports,
      guestGlobals: globalNames(boot(module, library)),
      guestParts: Object.fromEntries(
        Object.entries(library.parts).map(([name, script]) => [name, compiled(module, script, name)]),
      ),
      memoryBytes: memory.length,
    },
  };
}

/**
 * A block that goes on to the end of its last page: what the allocator notes behind it is in the page of what follows. Zero
 * when there is no room.
 */
function allocateToPageEnd(exports: BareExports, sizeBytes: number): number {
  const tried = exports.wasm_malloc(sizeBytes);
  if (tried === 0) return 0;
  exports.wasm_free(tried);
  return exports.wasm_malloc(pageEnd(tried + sizeBytes) - tried);
}

/** The end of the page that ends at `address`, or has it within. */
function pageEnd(address: number): number {
  return Math.ceil(address / PAGE_BYTES) * PAGE_BYTES;
}

/** Parts are kept compiled, without their source text: a part that is loaded costs its process half as much. */
function compiled(module: WebAssembly.Module, script: string, name: string): string {
  return Buffer.from(new BareEngine(module, NO_HOST).compile(script, `${LIBRARY_NAME}/${name}`)).toString("base64");
}

function functionOf(engine: BareEngine, entryPoints: number, name: string): number {
  const value = engine.property(entryPoints, name);
  if (engine.exports.qjs_is_function(value) === 0)
    throw failure("EENGINE", `the guest library has no entry point ${name}`);
  return value;
}

function versionOf(engine: BareEngine): string {
  const memory = new Uint8Array(engine.exports.memory.buffer);
  const start = engine.exports.qjs_get_quickjs_version();
  return new TextDecoder().decode(memory.slice(start, memory.indexOf(0, start)));
}
