/**
 * The engine: the suspendable WebAssembly module, the template image it was booted into, and what probing found out
 * about its data structures. Built by `scripts/build-engine.ts` into `dist/engine/`, loaded from there.
 */

import type { GuestEntryPoint } from "../abi/records.ts";

/** Addresses and offsets that the build found by probing the booted template; absolute addresses in linear memory. */
export interface EngineLayout {
  /** JSRuntime field: the innermost JavaScript frame of the thread that is running. */
  readonly currentFrame: number;
  /** JSRuntime fields for the native stack check: where the stack starts and the lowest address allowed. */
  readonly stackTop: number;
  readonly stackLimit: number;
  /** JSContext field: polls are taken when this countdown reaches zero; 1 makes the next call or back edge a poll. */
  readonly interruptCounter: number;
  /** JSContext field, 8 bytes: the state of Math.random. */
  readonly randomState: number;
  /** First word of the page that kernel and guest share (`SHARED_WORDS`). */
  readonly sharedWords: number;
  /** Static data ends here, the main stack is [mainStackLow, mainStackHigh), the heap starts at heapBase. */
  readonly staticLow: number;
  readonly staticHigh: number;
  readonly mainStackLow: number;
  readonly mainStackHigh: number;
  readonly heapBase: number;
  /** The stack pointer of a thread-less engine. */
  readonly stackPointer: number;
  /** Where a stop unwinds into: a scratch buffer in the heap, from which the kernel copies the frames out. */
  readonly unwindBuffer: number;
  readonly unwindBufferBytes: number;
  /** 8 bytes: the descriptor (current, end) that the engine's unwind and rewind take. */
  readonly unwindDescriptor: number;
}

/** `dist/engine/engine.json`. */
export interface EngineManifest {
  readonly formatVersion: 1;
  /** SHA-256 (hex) over engine.wasm, the template's memory and the library's parts: what images name as their engine. */
  readonly hash: string;
  readonly quickjsVersion: string;
  readonly layout: EngineLayout;
  /** Handles (addresses of JSValues that live in the template) of the functions that the kernel calls, and `undefined`. */
  readonly handles: Readonly<Record<GuestEntryPoint | "undefined", number>>;
  /** What `import { ... } from "godwit"` offers. */
  readonly guestExports: readonly string[];
  /** Every global name that a program starts with, the language's own too. */
  readonly guestGlobals: readonly string[];
  /** Parts of the guest library that a process loads when it first needs them, by name: bytecode of this engine, base64. */
  readonly guestParts: Readonly<Record<string, string>>;
  /** Size of the template's address space in bytes. */
  readonly memoryBytes: number;
}

/** The exports that the kernel uses; everything else is stripped from the module. */
export interface EngineExports {
  readonly __stack_pointer: WebAssembly.Global;
  /** The low end of the running thread's C stack: the engine traps rather than go below it. 0 guards nothing. */
  readonly __stack_low: WebAssembly.Global;
  asyncify_start_unwind(descriptor: number): void;
  asyncify_stop_unwind(): void;
  asyncify_start_rewind(descriptor: number): void;
  asyncify_stop_rewind(): void;
  asyncify_get_state(): number;
  qjs_eval_bytecode(code: number, length: number): number;
  qjs_eval(code: number, length: number, filename: number, flags: number): number;
  qjs_call(func: number, self: number, argc: number, argv: number): number;
  qjs_is_job_pending(): number;
  qjs_execute_pending_job(): number;
  qjs_new_string(text: number, length: number): number;
  qjs_new_number(value: number): number;
  qjs_new_array_buffer(data: number, length: number): number;
  qjs_new_uint8_array(data: number, length: number): number;
  qjs_get_undefined(): number;
  qjs_get_float64(value: number): number;
  qjs_get_string_len(value: number, lengthOut: number): number;
  qjs_free_cstring(text: number): void;
  qjs_get_array_buffer(value: number, lengthOut: number): number;
  qjs_get_typed_array_buffer(value: number, offsetOut: number, lengthOut: number, bytesPerElementOut: number): number;
  qjs_typeof(value: number): number;
  qjs_is_exception(value: number): number;
  qjs_is_string(value: number): number;
  qjs_is_number(value: number): number;
  qjs_get_exception(): number;
  qjs_new_error(): number;
  qjs_get_prop_string(object: number, name: number): number;
  qjs_set_prop_string(object: number, name: number, value: number): number;
  qjs_throw(value: number): number;
  qjs_dup_value(value: number): number;
  qjs_free_value(value: number): void;
  qjs_promise_state(promise: number): number;
  qjs_promise_result(promise: number): number;
  qjs_is_promise(value: number): number;
  qjs_set_memory_limit(bytes: number): void;
  qjs_set_max_stack_size(bytes: number): void;
  qjs_run_gc(): void;
  qjs_set_gc_threshold(bytes: number): void;
  qjs_compute_memory_usage(out: number): void;
  wasm_malloc(bytes: number): number;
  wasm_free(address: number): void;
}

/** A loaded engine: compiled once for each OS process, shared by all its LWPs. */
export interface Engine {
  readonly module: WebAssembly.Module;
  readonly manifest: EngineManifest;
  /** The template's address space, on shared memory: one copy for all LWPs. */
  readonly template: Uint8Array<SharedArrayBuffer>;
}
