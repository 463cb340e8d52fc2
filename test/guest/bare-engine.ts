/**
 * The guest library in the engine as it is shipped, without a kernel: for what needs no threads. Pure primitives are the
 * real ones, writes are collected, and every other call is recorded and answered from a script.
 */

import { readFileSync } from "node:fs";
import { type JSValueHandle, QuickJS } from "quickjs-wasi";
import { SYSCALLS, type Syscall, type SyscallName } from "../../src/abi/syscalls.ts";
import { GodwitError } from "../../src/errors.ts";
import { bundleLibrary, type GuestLibrary } from "../../scripts/guest-library.ts";
import {
  checksum,
  deflate,
  encodingName,
  urlParse,
  urlUpdate,
  utf8Decode,
  utf8Encode,
  type DecodeOptions,
} from "../../src/resources/codec.ts";

const root = new URL(import.meta.url.includes("/dist/") ? "../../../" : "../../", import.meta.url);
const NAMES = new Map(Object.entries<Syscall>(SYSCALLS).map(([name, { number }]) => [number, name as SyscallName]));

/** The wrapper's errors carry no code, so a failure crosses as an object and is thrown on the guest's side. */
const CODED_HOST = `{
  const host = globalThis.__host;
  delete globalThis.__host;
  globalThis.__godwit_host = (...args) => {
    const result = host(...args);
    if (result?.code === undefined) return result;
    throw Object.assign(new Error(result.message), result);
  };
}`;

export interface RecordedCall {
  readonly name: SyscallName;
  readonly callId: number;
  readonly arguments: readonly unknown[];
}
/** What a scripted call returns: plain values of the boundary, JSON as text. */
export type Answer = (call: RecordedCall) => unknown;

export class BareEngine {
  readonly vm: QuickJS;
  readonly calls: RecordedCall[] = [];
  /** Parts of the library that were loaded, in order. */
  readonly loads: string[] = [];
  /** Answers to calls that are not pure, by name. */
  readonly answers = new Map<SyscallName, Answer>();
  /** Text written to each handle. */
  readonly output = new Map<number, string>();
  /** Polls of the engine since this was last set to 0, in units of the engine's countdown. */
  polls = 0;

  readonly #library: GuestLibrary;

  private constructor(vm: QuickJS, library: GuestLibrary) {
    this.vm = vm;
    this.#library = library;
  }

  static async create(): Promise<BareEngine> {
    let count = (): unknown => undefined;
    const wasm = readFileSync(new URL("node_modules/quickjs-wasi/quickjs.wasm", root));
    const vm = await QuickJS.create({
      wasm,
      memoryLimit: 256 * 2 ** 20,
      interruptHandler: () => {
        count();
        return false;
      },
    });
    const library = await bundleLibrary();
    const engine = new BareEngine(vm, library);
    count = () => (engine.polls += 1);
    const host = vm.newFunction("host", (...args) => engine.#host(args));
    vm.setProp(vm.global, "__host", host);
    vm.evalCode(CODED_HOST, "setup.js").dispose();
    vm.evalCode(library.boot, "godwit:guest").dispose();
    if (engine.calls.length > 0)
      throw new Error(`the library made system calls while it was evaluated: ${JSON.stringify(engine.calls)}`);
    vm.evalCode("globalThis.godwit = __godwit.exports", "setup.js").dispose();
    return engine;
  }

  /** Evaluates an expression and returns its value, which must be JSON. */
  evaluate(expression: string): unknown {
    const handle = this.#evaluate(`JSON.stringify((() => { return ${expression}; })()) ?? "null"`);
    try {
      return JSON.parse(handle.toString());
    } finally {
      handle.dispose();
    }
  }

  /** Runs statements. */
  run(code: string): void {
    this.#evaluate(code).dispose();
    this.vm.executePendingJobs();
  }

  #evaluate(code: string): JSValueHandle {
    try {
      return this.vm.evalCode(code, "test.js");
    } catch (error) {
      const { name, message, stack } = error as Error;
      throw new Error(`${name}: ${message}\n${stack ?? ""}\nin: ${code}`, { cause: error });
    }
  }

  takeOutput(handle: number): string {
    const text = this.output.get(handle) ?? "";
    this.output.delete(handle);
    return text;
  }

  dispose(): void {
    this.vm.dispose();
  }

  #host(args: JSValueHandle[]): JSValueHandle {
    const [number, callId, ...rest]: unknown[] = args.map((handle) => this.vm.dump(handle));
    const name = NAMES.get(number as number);
    if (name === undefined) throw new Error(`no system call ${String(number)}`);
    const kinds = SYSCALLS[name].arguments;
    if (rest.length !== kinds.length) throw new Error(`${name} takes ${kinds.length} arguments, not ${rest.length}`);
    if (name === "libraryPart") return this.#part(rest[0] as string);
    try {
      return this.#value(this.#answer({ name, callId: callId as number, arguments: rest }));
    } catch (error) {
      if (!(error instanceof GodwitError)) throw error;
      return this.vm.hostToHandle({ code: error.code, message: error.message });
    }
  }

  #part(name: string): JSValueHandle {
    this.loads.push(name);
    const script = this.#library.parts[name];
    if (script === undefined) throw new Error(`no part ${name}`);
    return this.vm.evalCode(script, `godwit:guest/${name}`);
  }

  #answer(call: RecordedCall): unknown {
    const [a, b, c] = call.arguments;
    switch (call.name) {
      case "utf8Encode":
        return utf8Encode(a as string);
      case "utf8Decode":
        return utf8Decode(a as Uint8Array, JSON.parse(b as string) as DecodeOptions);
      case "encodingName":
        return encodingName(a as string);
      case "urlParse":
        return JSON.stringify(urlParse(a as string, b as string));
      case "urlUpdate":
        return JSON.stringify(urlUpdate(a as string, b as string, c as string));
      case "deflate":
        return deflate(a as Uint8Array, b as Uint8Array, c !== 0);
      case "checksum":
        return checksum(a as Uint8Array, b as string, c as number);
      case "randomBytes":
        return crypto.getRandomValues(new Uint8Array(a as number));
      case "mapStack":
        return a;
      case "write": {
        const bytes = b as Uint8Array;
        this.output.set(a as number, (this.output.get(a as number) ?? "") + Buffer.from(bytes).toString("utf8"));
        return bytes.length;
      }
      default: {
        this.calls.push(call);
        return this.answers.get(call.name)?.(call);
      }
    }
  }

  #value(value: unknown): JSValueHandle {
    if (value instanceof Uint8Array) return this.vm.newUint8Array(value);
    if (typeof value === "string") return this.vm.newString(value);
    if (typeof value === "number") return this.vm.newNumber(value);
    return this.vm.undefined;
  }
}
