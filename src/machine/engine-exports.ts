/** The exports that the build keeps: exactly those of `EngineExports`, which the compiler checks. */

import type { EngineExports } from "./engine.ts";

/** Imports in which a thread may be stopped. */
export const SUSPENDING_IMPORTS = ["env.host_call", "env.host_interrupt"] as const;

type AddedByBuild = `asyncify_${string}` | "__stack_low";
type KeptExport = Exclude<keyof EngineExports, AddedByBuild>;

const KEPT: Readonly<Record<KeptExport, true>> = {
  __stack_pointer: true,
  qjs_eval: true,
  qjs_eval_bytecode: true,
  qjs_call: true,
  qjs_is_job_pending: true,
  qjs_execute_pending_job: true,
  qjs_new_string: true,
  qjs_new_number: true,
  qjs_new_array_buffer: true,
  qjs_new_uint8_array: true,
  qjs_get_undefined: true,
  qjs_get_float64: true,
  qjs_get_string_len: true,
  qjs_free_cstring: true,
  qjs_get_array_buffer: true,
  qjs_get_typed_array_buffer: true,
  qjs_typeof: true,
  qjs_is_exception: true,
  qjs_is_string: true,
  qjs_is_number: true,
  qjs_get_exception: true,
  qjs_new_error: true,
  qjs_get_prop_string: true,
  qjs_set_prop_string: true,
  qjs_throw: true,
  qjs_dup_value: true,
  qjs_free_value: true,
  qjs_promise_state: true,
  qjs_promise_result: true,
  qjs_is_promise: true,
  qjs_set_memory_limit: true,
  qjs_set_max_stack_size: true,
  qjs_run_gc: true,
  qjs_set_gc_threshold: true,
  qjs_compute_memory_usage: true,
  wasm_malloc: true,
  wasm_free: true,
};

export const KEPT_EXPORTS: readonly string[] = Object.keys(KEPT);
