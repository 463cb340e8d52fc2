/** A thin host for one thread in the built engine: enough to stop it anywhere and go on in another instance. */

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { assert } from "../../src/assert.ts";
import { STACK_RESERVE_BYTES, WASM_PAGE_BYTES } from "../../src/limits.ts";
import type { EngineExports, EngineManifest } from "../../src/machine/engine.ts";

export interface TestEngine {
  readonly module: WebAssembly.Module;
  readonly manifest: EngineManifest;
  readonly template: Uint8Array;
}

const ENGINE_DIRECTORY = fileURLToPath(new URL("../../engine", import.meta.url));

export async function loadEngine(directory = ENGINE_DIRECTORY): Promise<TestEngine> {
  const [engine, template, manifest] = await Promise.all(
    ["engine.wasm", "template.bin", "engine.json"].map((name) => readFile(`${directory}/${name}`)),
  );
  assert(engine !== undefined && template !== undefined && manifest !== undefined, "three files");
  return { module: await WebAssembly.compile(engine), manifest: JSON.parse(manifest.toString("utf8")), template };
}

export interface MachineOptions {
  /** Asked at every poll and at every call of `hostCall()`: true stops the thread there. */
  readonly stop?: () => boolean;
  /** Where a stopped thread goes on: here, in a fresh instance over the same memory, or over a copy of it. */
  readonly moveTo?: "here" | "instance" | "copy";
  /** Every call and back edge is a poll. */
  readonly pollAlways?: boolean;
  /** The C stack's low end, where it is not the main stack's. */
  readonly stackLow?: number;
}

type Entry = "qjs_eval" | "qjs_call" | "qjs_execute_pending_job";

const NORMAL = 0;
const UNWINDING = 1;
const REWINDING = 2;
const MEMORY_MAXIMUM_PAGES = 65_536;

export class Machine {
  readonly engine: TestEngine;
  memory: WebAssembly.Memory;
  exports: EngineExports;
  stops = 0;
  polls = 0;
  /** The largest record of frames that a stop left, and the C stack it had in use, in bytes. */
  readonly deepest = { frames: 0, stack: 0 };
  readonly #options: MachineOptions;
  /** Whether the host itself runs guest code, which nobody would rewind. */
  #unstoppable = false;

  constructor(engine: TestEngine, options: MachineOptions = {}) {
    this.engine = engine;
    this.#options = options;
    this.memory = newMemory(engine.template.length);
    new Uint8Array(this.memory.buffer).set(engine.template);
    this.exports = this.#instantiate();
    const { layout } = engine.manifest;
    this.#setWord(layout.stackTop, layout.mainStackHigh);
    this.#setWord(layout.stackLimit, (options.stackLow ?? layout.mainStackLow) + STACK_RESERVE_BYTES);
  }

  /** Runs a script and all jobs it leads to; returns `globalThis.result` as text, or the error that was thrown. */
  run(source: string): string {
    const value = this.evaluate(source);
    if (this.exports.qjs_is_exception(value) !== 0) return `thrown: ${this.#text(this.exports.qjs_get_exception())}`;
    this.exports.qjs_free_value(value);
    while (this.exports.qjs_is_job_pending() !== 0)
      this.#enter("qjs_execute_pending_job", () => this.exports.qjs_execute_pending_job());
    return this.#text(this.evaluate("String(globalThis.result)"));
  }

  evaluate(source: string): number {
    const code = this.#allocate(source);
    const name = this.#allocate("test");
    const value = this.#enter("qjs_eval", () => this.exports.qjs_eval(code.address, code.length, name.address, 0));
    this.exports.wasm_free(code.address);
    this.exports.wasm_free(name.address);
    return value;
  }

  #enter(entry: Entry, start: () => number): number {
    const { layout } = this.engine.manifest;
    if (this.#options.pollAlways === true) this.#setWord(layout.interruptCounter, 1);
    this.exports.__stack_pointer.value = layout.mainStackHigh;
    this.exports.__stack_low.value = this.#options.stackLow ?? layout.mainStackLow;
    let value = start();
    while (this.exports.asyncify_get_state() === UNWINDING) {
      this.exports.asyncify_stop_unwind();
      this.#stopped();
      this.exports.asyncify_start_rewind(layout.unwindDescriptor);
      value =
        entry === "qjs_eval"
          ? this.exports.qjs_eval(0, 0, 0, 0)
          : entry === "qjs_call"
            ? this.exports.qjs_call(0, 0, 0, 0)
            : this.exports.qjs_execute_pending_job();
    }
    assert(this.exports.asyncify_get_state() === NORMAL, "an entry that returned is at rest");
    return value;
  }

  #stopped(): void {
    const { layout } = this.engine.manifest;
    this.stops++;
    const stackPointer = this.exports.__stack_pointer.value;
    this.deepest.frames = Math.max(this.deepest.frames, this.#word(layout.unwindDescriptor) - layout.unwindBuffer);
    this.deepest.stack = Math.max(this.deepest.stack, layout.mainStackHigh - stackPointer);
    if (this.#options.moveTo === "copy") {
      this.memory = this.#copiedMemory();
    }
    if (this.#options.moveTo !== "here") this.exports = this.#instantiate();
    this.exports.__stack_pointer.value = stackPointer;
    this.exports.__stack_low.value = this.#options.stackLow ?? layout.mainStackLow;
  }

  /** Everything but what lies unused: the unwind buffer's rest. */
  #copiedMemory(): WebAssembly.Memory {
    const { layout } = this.engine.manifest;
    const from = new Uint8Array(this.memory.buffer);
    const copy = newMemory(from.length);
    const to = new Uint8Array(copy.buffer);
    to.set(from.subarray(0, this.#word(layout.unwindDescriptor)));
    const afterBuffer = layout.unwindBuffer + layout.unwindBufferBytes;
    to.set(from.subarray(afterBuffer), afterBuffer);
    return copy;
  }

  #instantiate(): EngineExports {
    const unused = () => 0;
    const instance = new WebAssembly.Instance(this.engine.module, {
      env: {
        memory: this.memory,
        host_call: () => (this.#poll() ? 0 : this.exports.qjs_get_undefined()),
        host_interrupt: () => {
          if (this.#options.pollAlways === true) this.#setWord(this.engine.manifest.layout.interruptCounter, 1);
          this.#poll();
          return 0;
        },
        host_promise_rejection: (promise: number, reason: number) => {
          this.exports.qjs_free_value(promise);
          this.exports.qjs_free_value(reason);
        },
        host_module_normalize: unused,
        host_module_load: unused,
        host_get_timezone_offset: unused,
      },
      wasi_snapshot_preview1: {
        clock_time_get: (_clock: number, _precision: bigint, out: number) => {
          new DataView(this.memory.buffer).setBigUint64(out, 0n, true);
          return 0;
        },
        random_get: unused,
        fd_close: unused,
        fd_fdstat_get: unused,
        fd_seek: unused,
        fd_write: unused,
      },
    });
    return instance.exports as EngineExports;
  }

  /** At a point where a thread can be stopped: stops it and returns true, or goes on. */
  #poll(): boolean {
    const { layout } = this.engine.manifest;
    if (this.exports.asyncify_get_state() === REWINDING) {
      this.exports.asyncify_stop_rewind();
      assert(this.#word(layout.unwindDescriptor) === layout.unwindBuffer, "a rewind takes every frame that was saved");
      return false;
    }
    this.polls++;
    if (this.#unstoppable || this.#options.stop?.() !== true) return false;
    this.#setWord(layout.unwindDescriptor, layout.unwindBuffer);
    this.#setWord(layout.unwindDescriptor + 4, layout.unwindBuffer + layout.unwindBufferBytes);
    this.exports.asyncify_start_unwind(layout.unwindDescriptor);
    return true;
  }

  #allocate(text: string): { readonly address: number; readonly length: number } {
    const bytes = new TextEncoder().encode(text);
    const address = this.exports.wasm_malloc(bytes.length + 1);
    const memory = new Uint8Array(this.memory.buffer);
    memory.set(bytes, address);
    memory[address + bytes.length] = 0;
    return { address, length: bytes.length };
  }

  #text(value: number): string {
    const out = this.exports.wasm_malloc(4);
    this.#unstoppable = true;
    const address = this.exports.qjs_get_string_len(value, out);
    this.#unstoppable = false;
    const bytes = new Uint8Array(this.memory.buffer, address, this.#word(out)).slice();
    this.exports.qjs_free_cstring(address);
    this.exports.qjs_free_value(value);
    this.exports.wasm_free(out);
    return new TextDecoder().decode(bytes);
  }

  #word(address: number): number {
    return new DataView(this.memory.buffer).getUint32(address, true);
  }

  #setWord(address: number, value: number): void {
    new DataView(this.memory.buffer).setUint32(address, value, true);
  }
}

function newMemory(bytes: number): WebAssembly.Memory {
  return new WebAssembly.Memory({
    initial: Math.ceil(bytes / WASM_PAGE_BYTES),
    maximum: MEMORY_MAXIMUM_PAGES,
    shared: true,
  });
}
