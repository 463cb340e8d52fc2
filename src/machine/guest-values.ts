/**
 * Values that cross between host and guest: handles are addresses of JSValues in the guest's heap. Reading a value
 * never runs guest code (only primitives and byte arrays are read), so it is safe in the middle of a system call.
 */

import { assert } from "../assert.ts";
import type { EngineExports } from "./engine.ts";

/** A result that the kernel hands to a guest. */
export type GuestResult = number | string | Uint8Array | undefined | { readonly handle: number };
/** An argument of a guest function that the kernel calls. A handle given here is consumed. */
export type GuestArgument = GuestResult;

export class GuestValues {
  readonly #exports: EngineExports;
  readonly #memory: WebAssembly.Memory;
  readonly #undefined: number;

  constructor(exports: EngineExports, memory: WebAssembly.Memory, undefinedHandle: number) {
    this.#exports = exports;
    this.#memory = memory;
    this.#undefined = undefinedHandle;
  }

  /** The number in place `index` of an argument vector, or undefined when it is not a number. */
  number(argv: number, index: number): number | undefined {
    const handle = this.#word(argv + index * 4);
    return this.#exports.qjs_is_number(handle) === 0 ? undefined : this.#exports.qjs_get_float64(handle);
  }

  string(argv: number, index: number, maxBytes: number): string | undefined {
    const text = this.stringBytes(argv, index, maxBytes);
    return text === undefined ? undefined : Buffer.from(text.buffer, text.byteOffset, text.byteLength).toString("utf8");
  }

  /** The bytes (WTF-8) of a string in place `index`, copied; undefined when it is not a string of at most `maxBytes`. */
  stringBytes(argv: number, index: number, maxBytes: number): Uint8Array<ArrayBuffer> | undefined {
    return this.textBytes(this.#word(argv + index * 4), maxBytes);
  }

  textBytes(handle: number, maxBytes: number): Uint8Array<ArrayBuffer> | undefined {
    if (this.#exports.qjs_is_string(handle) === 0) return undefined;
    return this.#scratch(4, (lengthOut) => {
      const address = this.#exports.qjs_get_string_len(handle, lengthOut) >>> 0;
      if (address === 0) return undefined;
      const length = this.#word(lengthOut);
      const copy = length <= maxBytes ? new Uint8Array(this.#bytes(address, length)) : undefined;
      this.#exports.qjs_free_cstring(address);
      return copy;
    });
  }

  /** A printable text of a string handle, bounded; "" when it is not a string. */
  text(handle: number, maxBytes: number): string {
    const bytes = this.textBytes(handle, maxBytes);
    return bytes === undefined ? "" : Buffer.from(bytes.buffer).toString("utf8");
  }

  /** A property that is a string, bounded; "" when it is not. Only for objects of the engine's own making: a getter would run. */
  textProperty(object: number, name: string, maxBytes: number): string {
    const key = this.allocateText(name);
    const value = this.#exports.qjs_get_prop_string(object, key.address);
    this.#exports.wasm_free(key.address);
    const text = this.text(value, maxBytes);
    this.#exports.qjs_free_value(value);
    return text;
  }

  /** Where the bytes of a typed array in place `index` are, or undefined when it is none. */
  byteRange(argv: number, index: number): { readonly address: number; readonly length: number } | undefined {
    return this.#scratch(16, (out) => {
      const buffer = this.#exports.qjs_get_typed_array_buffer(this.#word(argv + index * 4), out, out + 4, out + 8);
      if (this.#exports.qjs_is_exception(buffer) !== 0) {
        this.#exports.qjs_free_value(buffer);
        this.clearException();
        return undefined;
      }
      const start = this.#exports.qjs_get_array_buffer(buffer, out + 12) >>> 0;
      const bufferLength = this.#word(out + 12);
      this.#exports.qjs_free_value(buffer);
      const [offset, length] = [this.#word(out), this.#word(out + 4)];
      if (offset + length > bufferLength) return undefined;
      return { address: start + offset, length };
    });
  }

  /** A copy of the bytes of a typed array in place `index`. */
  bytes(argv: number, index: number, maxBytes: number): Uint8Array<ArrayBuffer> | undefined {
    const range = this.byteRange(argv, index);
    if (range === undefined || range.length > maxBytes) return undefined;
    return new Uint8Array(this.#bytes(range.address, range.length));
  }

  /** A handle of a new value; 0 with an exception pending in the guest when there is no memory for it. */
  create(value: GuestResult): number {
    if (value === undefined) return this.#exports.qjs_dup_value(this.#undefined);
    if (typeof value === "number") return this.#exports.qjs_new_number(value);
    if (typeof value === "object" && "handle" in value) return value.handle;
    const text = typeof value === "string";
    const data = text ? Buffer.from(value, "utf8") : value;
    const address = this.#exports.wasm_malloc(Math.max(1, data.length)) >>> 0;
    if (address === 0) return this.throwError("ENOMEM", "no memory for the result of a system call");
    this.#bytes(address, data.length).set(data);
    const handle = text
      ? this.#exports.qjs_new_string(address, data.length)
      : this.#exports.qjs_new_uint8_array(address, data.length);
    this.#exports.wasm_free(address);
    if (handle === 0 || this.#exports.qjs_is_exception(handle) === 0) return handle;
    this.#exports.qjs_free_value(handle);
    return 0;
  }

  /** Forgets what was thrown last in the guest. */
  clearException(): void {
    this.#exports.qjs_free_value(this.#exports.qjs_get_exception());
  }

  /** A handle of a new Error with a code; 0 with an exception pending when there is no memory for it. */
  error(code: string, message: string): number {
    const error = this.#exports.qjs_new_error();
    if (error === 0 || this.#exports.qjs_is_exception(error) !== 0) return 0;
    this.#setText(error, "message", message);
    this.#setText(error, "code", code);
    return error;
  }

  /** Throws an Error with a code inside the guest; returns what an import returns to say so. */
  throwError(code: string, message: string): 0 {
    const error = this.error(code, message);
    if (error === 0) return 0;
    const thrown = this.#exports.qjs_throw(error);
    this.#exports.qjs_free_value(thrown);
    this.#exports.qjs_free_value(error);
    return 0;
  }

  /** An argument vector for `qjs_call`, and the handles to release when the call returns. What there is no memory for is undefined. */
  arguments(args: readonly GuestArgument[]): { readonly values: number[]; readonly argv: number } {
    const argv = this.#exports.wasm_malloc(Math.max(4, args.length * 4)) >>> 0;
    assert(argv !== 0, "the kernel's reserve of guest memory holds an argument vector");
    const values = args.map((arg) => this.create(arg));
    const view = new DataView(this.#memory.buffer);
    values.forEach((value, i) => view.setUint32(argv + i * 4, value, true));
    return { values, argv };
  }

  /** Text with a zero byte behind it, for the engine to read; the caller frees it. */
  allocateText(text: string): { readonly address: number; readonly length: number } {
    const data = Buffer.from(text, "utf8");
    const address = this.#exports.wasm_malloc(data.length + 1) >>> 0;
    if (address === 0) throw new RangeError(`no guest memory for ${data.length} bytes of source`);
    this.#bytes(address, data.length).set(data);
    this.#bytes(address + data.length, 1)[0] = 0;
    return { address, length: data.length };
  }

  #setText(object: number, name: string, text: string): void {
    const value = this.create(text);
    if (value === 0) return;
    const key = this.allocateText(name);
    this.#exports.qjs_set_prop_string(object, key.address, value);
    this.#exports.wasm_free(key.address);
    this.#exports.qjs_free_value(value);
  }

  #scratch<T>(lengthBytes: number, use: (address: number) => T | undefined): T | undefined {
    const address = this.#exports.wasm_malloc(lengthBytes) >>> 0;
    if (address === 0) return undefined;
    const result = use(address);
    this.#exports.wasm_free(address);
    return result;
  }

  #word(address: number): number {
    return new DataView(this.#memory.buffer).getUint32(address, true);
  }

  #bytes(address: number, length: number): Uint8Array {
    return new Uint8Array(this.#memory.buffer, address, length);
  }
}
