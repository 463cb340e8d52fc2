/**
 * The engine as it is shipped, before it is made suspendable, over a memory of its own: what the template image is
 * booted in and what probing looks into. Its memory is the suspendable engine's, word for word.
 */

import { assert } from "../assert.ts";
import { failure } from "../errors.ts";
import type { EngineExports } from "./engine.ts";

/** The exports that booting and probing need besides those that stay. */
export interface BareExports extends Omit<EngineExports, `asyncify_${string}` | "__stack_low"> {
  readonly memory: WebAssembly.Memory;
  _initialize(): void;
  qjs_init(): number;
  qjs_get_quickjs_version(): number;
  qjs_get_runtime_ptr(): number;
  qjs_get_context_ptr(): number;
  qjs_set_interrupt_handler(enable: number): void;
  qjs_set_promise_rejection_handler(enable: number): void;
  qjs_set_module_loader(enable: number): void;
  qjs_new_host_function(name: number, length: number, argumentCount: number): number;
  qjs_is_function(value: number): number;
  qjs_compile(
    code: number,
    length: number,
    file: number,
    evalFlags: number,
    writeFlags: number,
    lengthOut: number,
  ): number;
  qjs_get_global(): number;
  qjs_get_prop_string(object: number, name: number): number;
  qjs_get_own_property_names(object: number): number;
  qjs_get_prop_uint32(object: number, index: number): number;
}

/** What the bare engine may ask of its host. Anything else it asks is an error: booting is deterministic. */
export interface BareHost {
  hostCall(): void;
  interrupt(): void;
}

const EVAL_GLOBAL_STRICT = 1 << 3;
/** Leaves the source text out: `toString` of the library's functions does not show it, and it is the larger half. */
const WRITE_STRIP_SOURCE = 1 << 4;
/** Words for results that the engine returns by reference. */
const OUT_WORDS = 4;

export class BareEngine {
  readonly exports: BareExports;
  readonly #out: number;

  /** Starts an engine up to an empty JavaScript context. `before` sees it when nothing has been allocated yet. */
  constructor(module: WebAssembly.Module, host: BareHost, before?: (exports: BareExports) => void) {
    const refuse = (what: string) => (): never => {
      throw failure(
        "EENGINE",
        `the engine ${what} while its template was made: the guest library must not do that when it is loaded`,
      );
    };
    const instance = new WebAssembly.Instance(module, {
      env: {
        host_call: () => {
          host.hostCall();
          return this.exports.qjs_get_undefined();
        },
        host_interrupt: () => {
          host.interrupt();
          return 0;
        },
        host_promise_rejection: refuse("rejected a promise"),
        host_module_normalize: refuse("imported a module"),
        host_module_load: refuse("imported a module"),
        host_get_timezone_offset: () => 0,
      },
      wasi_snapshot_preview1: {
        clock_time_get: (_clock: number, _precision: bigint, out: number) => {
          new DataView(this.exports.memory.buffer).setBigUint64(out, 0n, true);
          return 0;
        },
        random_get: (address: number, length: number) => {
          new Uint8Array(this.exports.memory.buffer, address, length).fill(0);
          return 0;
        },
        fd_close: refuse("closed a file"),
        fd_fdstat_get: refuse("looked at a file"),
        fd_seek: refuse("moved in a file"),
        fd_write: refuse("wrote to a file"),
      },
    });
    this.exports = instance.exports as BareExports;
    this.exports._initialize();
    before?.(this.exports);
    if (this.exports.qjs_init() !== 0) throw failure("EENGINE", "the JavaScript engine did not start");
    this.#out = this.exports.wasm_malloc(OUT_WORDS * 4);
  }

  /** Frees what the constructor allocated for its own use. */
  finish(): void {
    this.exports.wasm_free(this.#out);
  }

  word(address: number): number {
    return new DataView(this.exports.memory.buffer).getUint32(address, true);
  }

  setWord(address: number, value: number): void {
    new DataView(this.exports.memory.buffer).setUint32(address, value, true);
  }

  /** Evaluates a script; returns a handle of its value. Throws EENGINE with the guest's error when it throws. */
  evaluate(source: string, name: string): number {
    const [code, length] = this.allocateText(source);
    const [file] = this.allocateText(name);
    const value = this.exports.qjs_eval(code, length, file, EVAL_GLOBAL_STRICT);
    this.exports.wasm_free(code);
    this.exports.wasm_free(file);
    this.#check(value, name);
    return value;
  }

  #check(value: number, name: string): void {
    if (this.exports.qjs_is_exception(value) === 0) return;
    const error = this.exports.qjs_get_exception();
    throw failure(
      "EENGINE",
      `${name} failed while the engine's template was made: ${this.text(error)}\n${this.text(this.property(error, "stack"))}`,
    );
  }

  /** Compiles a script; the result can be run by any engine of the same build. Throws EENGINE. */
  compile(source: string, name: string): Uint8Array {
    const [code, length] = this.allocateText(source);
    const [file] = this.allocateText(name);
    const address = this.exports.qjs_compile(code, length, file, EVAL_GLOBAL_STRICT, WRITE_STRIP_SOURCE, this.#out);
    if (address === 0)
      throw failure("EENGINE", `${name} does not compile: ${this.text(this.exports.qjs_get_exception())}`);
    return new Uint8Array(this.exports.memory.buffer, address, this.word(this.#out)).slice();
  }

  /** Runs what `compile` made, for its effect. Throws EENGINE with the guest's error when it throws. */
  runCompiled(bytecode: Uint8Array, name: string): void {
    const address = this.exports.wasm_malloc(bytecode.length);
    new Uint8Array(this.exports.memory.buffer).set(bytecode, address);
    const value = this.exports.qjs_eval_bytecode(address, bytecode.length);
    this.exports.wasm_free(address);
    this.#check(value, name);
    this.exports.qjs_free_value(value);
  }

  /** Evaluates a script for its effect. */
  run(source: string, name: string): void {
    this.exports.qjs_free_value(this.evaluate(source, name));
  }

  /** A handle of a property. The caller frees it. */
  property(object: number, name: string): number {
    const [text] = this.allocateText(name);
    const value = this.exports.qjs_get_prop_string(object, text);
    this.exports.wasm_free(text);
    return value;
  }

  setGlobal(name: string, value: number): void {
    const [text] = this.allocateText(name);
    const global = this.exports.qjs_get_global();
    this.exports.qjs_set_prop_string(global, text, value);
    this.exports.qjs_free_value(global);
    this.exports.wasm_free(text);
  }

  hostFunction(name: string): number {
    const [text, length] = this.allocateText(name);
    const value = this.exports.qjs_new_host_function(text, length, 0);
    this.exports.wasm_free(text);
    return value;
  }

  number(value: number): number {
    return this.exports.qjs_get_float64(value);
  }

  /** The text of a value, which is freed. */
  text(value: number): string {
    const address = this.exports.qjs_get_string_len(value, this.#out);
    const bytes = new Uint8Array(this.exports.memory.buffer, address, this.word(this.#out)).slice();
    this.exports.qjs_free_cstring(address);
    this.exports.qjs_free_value(value);
    return new TextDecoder().decode(bytes);
  }

  /** Names of an object's own enumerable properties, sorted. */
  propertyNames(object: number): string[] {
    const names = this.exports.qjs_get_own_property_names(object);
    const length = this.property(names, "length");
    const found: string[] = [];
    for (let i = 0; i < this.number(length); i++) found.push(this.text(this.exports.qjs_get_prop_uint32(names, i)));
    this.exports.qjs_free_value(length);
    this.exports.qjs_free_value(names);
    return found.sort();
  }

  /** Address of a typed array's first element. */
  elementsOf(array: number): number {
    const offsetOut = this.#out;
    const buffer = this.exports.qjs_get_typed_array_buffer(array, offsetOut, offsetOut + 4, offsetOut + 8);
    assert(this.exports.qjs_is_exception(buffer) === 0, "a typed array has a buffer");
    const offset = this.word(offsetOut);
    const address = this.exports.qjs_get_array_buffer(buffer, offsetOut) + offset;
    this.exports.qjs_free_value(buffer);
    return address;
  }

  /** Text as the engine takes it: UTF-8 with a zero byte at its end. The caller frees the address. */
  allocateText(text: string): [address: number, length: number] {
    const bytes = new TextEncoder().encode(text);
    const address = this.exports.wasm_malloc(bytes.length + 1);
    const memory = new Uint8Array(this.exports.memory.buffer);
    memory.set(bytes, address);
    memory[address + bytes.length] = 0;
    return [address, bytes.length];
  }
}
