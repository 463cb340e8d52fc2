/**
 * A processor executes the threads of one address space, one at a time: an instance of the engine over one linear
 * memory. Its registers are the stack pointer, the engine's innermost JavaScript frame and the native stack check's
 * limits; a thread context holds them while the thread does not run, with the frames that a stop unwound.
 */

import type { GuestEntryPoint } from "../abi/records.ts";
import { assert } from "../assert.ts";
import { STACK_RESERVE_BYTES, UNSTOPPABLE_POLLS_MAX } from "../limits.ts";
import type { Engine, EngineExports } from "./engine.ts";
import { GuestValues, type GuestArgument } from "./guest-values.ts";
import { systemInterface } from "./system-interface.ts";
import type { SyscallOutcome, Traps } from "./trap.ts";

/** The stack of whatever the kernel itself calls in a guest: the low end of the main stack, which the main thread leaves free. */
export const KERNEL_STACK_BYTES = 64 * 1024;

/** Which export a thread was started with: a rewind enters by the same one. */
export type Entry = "qjs_eval" | "qjs_call" | "qjs_execute_pending_job";

/** A thread's registers and frames while it does not run. Plain data: this is what an image holds of a thread. */
export interface ThreadContext {
  readonly stackLow: number;
  readonly stackHigh: number;
  /** Undefined between two entries: nothing of the thread is on its stack. */
  stopped: StoppedContext | undefined;
}

export interface StoppedContext {
  readonly entry: Entry;
  readonly stackPointer: number;
  readonly currentFrame: number;
  /** What the engine unwound into its buffer. */
  readonly frames: Uint8Array;
  /** Handles and allocations that live as long as the entry, released when it returns. */
  readonly values: readonly number[];
  readonly allocations: readonly number[];
}

/** How an execution came to rest. */
export type Stop =
  /** The entry returned: a handle (or the plain number of `qjs_execute_pending_job`). */
  | { readonly kind: "returned"; readonly value: number }
  /** The thread blocked in a system call. */
  | { readonly kind: "blocked" }
  /** The kernel stopped it at a poll. */
  | { readonly kind: "preempted" };

const RUNNING = 0;
const UNWINDING = 1;
const REWINDING = 2;

export class Processor {
  readonly values: GuestValues;
  readonly memory: WebAssembly.Memory;
  readonly #engine: Engine;
  readonly #exports: EngineExports;
  #traps: Traps;
  /** Stress: every call and back edge of the guest is a poll. */
  pollEveryCall = false;
  /**
   * Set on a copy that is made to be looked into: its thread is interrupted where it stopped, which makes the engine
   * note the line it was at, and told the error that came of it. What it interrupts is of no further use.
   */
  autopsy: ((error: number) => void) | undefined;
  /** The engine's own state, mirrored: it changes only by our calls. */
  #state = RUNNING;
  #rewindBytes = 0;
  #stoppedBy: "blocked" | "preempted" = "blocked";
  /** Above zero while the host calls into the guest from an import or on the kernel stack: no stop can be taken. */
  #unstoppable = 0;
  /** Polls since then: a guest function that the host calls and that goes on for too long is interrupted. */
  #unstoppablePolls = 0;
  #words: Int32Array;

  constructor(engine: Engine, memory: WebAssembly.Memory, traps: Traps) {
    this.#engine = engine;
    this.#traps = traps;
    this.memory = memory;
    this.#words = new Int32Array(memory.buffer);
    const instance = new WebAssembly.Instance(engine.module, this.#imports());
    this.#exports = instance.exports as EngineExports;
    this.values = new GuestValues(this.#exports, memory, engine.manifest.handles.undefined);
  }

  /** For a processor that was made before its process. */
  set traps(traps: Traps) {
    this.#traps = traps;
  }

  get exports(): EngineExports {
    return this.#exports;
  }

  readWord(address: number): number {
    this.#refresh(address);
    return this.#words[address >>> 2] ?? 0;
  }

  writeWord(address: number, value: number): void {
    this.#refresh(address);
    this.#words[address >>> 2] = value;
  }

  /** Evaluates a module on a thread; its entry returns a handle of the promise of its namespace. */
  evaluate(context: ThreadContext, source: string, name: string, flags: number): Stop {
    const code = this.onKernelStack(() => this.values.allocateText(source));
    const file = this.onKernelStack(() => this.values.allocateText(name));
    return this.#enter(context, "qjs_eval", [], [code.address, file.address], () =>
      this.#exports.qjs_eval(code.address, code.length, file.address, flags),
    );
  }

  /** Calls a guest function by its handle. */
  call(context: ThreadContext, func: number, args: readonly GuestArgument[]): Stop {
    const { values, argv } = this.onKernelStack(() => this.values.arguments(args));
    const self = this.#engine.manifest.handles.undefined;
    return this.#enter(context, "qjs_call", values, [argv], () =>
      this.#exports.qjs_call(func, self, args.length, argv),
    );
  }

  callEntryPoint(context: ThreadContext, entryPoint: GuestEntryPoint, args: readonly GuestArgument[]): Stop {
    return this.call(context, this.#engine.manifest.handles[entryPoint], args);
  }

  /** Runs one promise job; its entry returns 1, 0 when there was none, below 0 when it threw. */
  runJob(context: ThreadContext): Stop {
    return this.#enter(context, "qjs_execute_pending_job", [], [], () => this.#exports.qjs_execute_pending_job());
  }

  hasJobs(): boolean {
    return this.onKernelStack(() => this.#exports.qjs_is_job_pending() !== 0);
  }

  /** Goes on where the thread stopped. */
  resume(context: ThreadContext): Stop {
    const stopped = context.stopped;
    assert(stopped !== undefined, "a resumed thread has a stopped context");
    context.stopped = undefined;
    const { layout } = this.#engine.manifest;
    assert(stopped.frames.length <= layout.unwindBufferBytes, "unwound frames fit the buffer");
    new Uint8Array(this.memory.buffer).set(stopped.frames, layout.unwindBuffer);
    this.#setDescriptor(layout.unwindBuffer + stopped.frames.length);
    this.#load(context, stopped.stackPointer, stopped.currentFrame);
    this.#state = REWINDING;
    this.#rewindBytes = stopped.frames.length;
    this.#exports.asyncify_start_rewind(layout.unwindDescriptor);
    const reenter = {
      qjs_eval: () => this.#exports.qjs_eval(0, 0, 0, 0),
      qjs_call: () => this.#exports.qjs_call(0, 0, 0, 0),
      qjs_execute_pending_job: () => this.#exports.qjs_execute_pending_job(),
    }[stopped.entry];
    return this.#execute(context, stopped.entry, stopped.values, stopped.allocations, reenter);
  }

  /** Runs `action`, which may call the engine's exports, on the kernel stack while no thread executes. */
  onKernelStack<T>(action: () => T): T {
    if (this.#unstoppable > 0) return action();
    const { layout } = this.#engine.manifest;
    const low = layout.mainStackLow;
    const high = low + KERNEL_STACK_BYTES;
    return this.#withRegisters({ stackLow: low, stackHigh: high, stopped: undefined }, high, 0, action);
  }

  /** Runs `action` on the kernel stack, with the JavaScript frames of a stopped thread beneath it. */
  onStackOf<T>(context: ThreadContext, action: () => T): T {
    const { layout } = this.#engine.manifest;
    const low = layout.mainStackLow;
    const high = low + KERNEL_STACK_BYTES;
    const kernel: ThreadContext = { stackLow: low, stackHigh: high, stopped: undefined };
    return this.#withRegisters(kernel, high, context.stopped?.currentFrame ?? 0, action);
  }

  /** Calls a guest function that cannot be stopped, from inside a trap or on the kernel stack; returns its handle. */
  callNow(entryPoint: GuestEntryPoint, args: readonly GuestArgument[]): number {
    this.#forbidStops();
    try {
      const { values, argv } = this.values.arguments(args);
      const { handles } = this.#engine.manifest;
      const result = this.#exports.qjs_call(handles[entryPoint], handles.undefined, args.length, argv);
      for (const value of values) this.#exports.qjs_free_value(value);
      this.#exports.wasm_free(argv);
      return result;
    } finally {
      this.#allowStops();
    }
  }

  /** Evaluates a part of the guest library, inside a trap; a handle of its value, or 0 with an exception pending. */
  evaluateNow(bytecode: Uint8Array): number {
    const address = this.#exports.wasm_malloc(bytecode.length) >>> 0;
    if (address === 0) return this.values.throwError("ENOMEM", "no memory for a part of the library: raise --memory");
    const bytes = new Uint8Array(this.memory.buffer, address, bytecode.length);
    bytes.set(bytecode);
    const value = this.#exports.qjs_eval_bytecode(address, bytecode.length);
    bytes.fill(0);
    this.#exports.wasm_free(address);
    if (value === 0 || this.#exports.qjs_is_exception(value) === 0) return value;
    this.#exports.qjs_free_value(value);
    return 0;
  }

  #forbidStops(): void {
    if (this.#unstoppable++ === 0) this.#unstoppablePolls = 0;
  }

  #allowStops(): void {
    if (--this.#unstoppable === 0 && this.pollEveryCall)
      this.writeWord(this.#engine.manifest.layout.interruptCounter, 1);
  }

  #withRegisters<T>(context: ThreadContext, stackPointer: number, frame: number, action: () => T): T {
    assert(this.#state === RUNNING, "the kernel calls a guest only at rest");
    this.#load(context, stackPointer, frame);
    this.#forbidStops();
    try {
      return action();
    } finally {
      this.#allowStops();
    }
  }

  #load(context: ThreadContext, stackPointer: number, currentFrame: number): void {
    const { layout } = this.#engine.manifest;
    this.#exports.__stack_pointer.value = stackPointer;
    this.#exports.__stack_low.value = context.stackLow;
    this.#refresh(layout.stackTop);
    const words = this.#words;
    words[layout.currentFrame >>> 2] = currentFrame;
    words[layout.stackTop >>> 2] = context.stackHigh;
    words[layout.stackLimit >>> 2] = context.stackLow + STACK_RESERVE_BYTES;
    if (this.pollEveryCall) this.writeWord(this.#engine.manifest.layout.interruptCounter, 1);
  }

  #enter(
    context: ThreadContext,
    entry: Entry,
    values: readonly number[],
    allocations: readonly number[],
    run: () => number,
  ): Stop {
    assert(context.stopped === undefined, "a thread enters the engine once at a time");
    this.#load(context, context.stackHigh, 0);
    return this.#execute(context, entry, values, allocations, run);
  }

  #execute(
    context: ThreadContext,
    entry: Entry,
    values: readonly number[],
    allocations: readonly number[],
    run: () => number,
  ): Stop {
    const value = run();
    if (this.#state === UNWINDING) {
      this.#exports.asyncify_stop_unwind();
      this.#state = RUNNING;
      context.stopped = {
        entry,
        stackPointer: this.#exports.__stack_pointer.value,
        currentFrame: this.readWord(this.#engine.manifest.layout.currentFrame),
        frames: this.#takeFrames(),
        values,
        allocations,
      };
      return { kind: this.#stoppedBy };
    }
    assert(this.#state === RUNNING, "a returned entry is at rest");
    if (values.length + allocations.length > 0) {
      this.onKernelStack(() => {
        for (const handle of values) this.#exports.qjs_free_value(handle);
        for (const address of allocations) this.#exports.wasm_free(address);
      });
    }
    return { kind: "returned", value };
  }

  /** Copies the unwound frames out and leaves zeros: pages used by a stop do not become part of an image. */
  #takeFrames(): Uint8Array {
    const { layout } = this.#engine.manifest;
    const end = this.readWord(layout.unwindDescriptor);
    assert(
      end >= layout.unwindBuffer && end <= layout.unwindBuffer + layout.unwindBufferBytes,
      "unwound frames stay in the buffer",
    );
    const used = new Uint8Array(this.memory.buffer, layout.unwindBuffer, end - layout.unwindBuffer);
    const frames = new Uint8Array(used.length);
    frames.set(used);
    used.fill(0);
    return frames;
  }

  #setDescriptor(current: number): void {
    const { layout } = this.#engine.manifest;
    this.writeWord(layout.unwindDescriptor, current);
    this.writeWord(layout.unwindDescriptor + 4, layout.unwindBuffer + layout.unwindBufferBytes);
  }

  #beginStop(by: "blocked" | "preempted"): void {
    const { layout } = this.#engine.manifest;
    this.#setDescriptor(layout.unwindBuffer);
    this.#stoppedBy = by;
    this.#state = UNWINDING;
    this.#exports.asyncify_start_unwind(layout.unwindDescriptor);
  }

  #endRewind(): void {
    const { layout } = this.#engine.manifest;
    this.#exports.asyncify_stop_rewind();
    this.#state = RUNNING;
    const end = this.readWord(layout.unwindDescriptor);
    assert(end === layout.unwindBuffer, "a rewind takes every frame that the stop saved");
    new Uint8Array(this.memory.buffer, layout.unwindBuffer, this.#rewindBytes).fill(0);
  }

  #hostCall(argc: number, argv: number): number {
    if (this.#state === REWINDING) {
      this.#endRewind();
      return this.#answer(this.#traps.delivery());
    }
    if (this.#unstoppable > 0)
      return this.#answer({ kind: "error", code: "EPERM", message: "no system call can be made here" });
    this.#forbidStops();
    let outcome: SyscallOutcome;
    try {
      const number = argc > 0 ? this.values.number(argv, 0) : undefined;
      const callId = argc > 1 ? this.values.number(argv, 1) : undefined;
      outcome =
        number === undefined || callId === undefined
          ? { kind: "error", code: "EINVAL", message: "a system call takes a number and a call id" }
          : this.#traps.syscall(number, callId, this.values, argv, argc);
    } finally {
      this.#allowStops();
    }
    if (outcome.kind === "block") {
      this.#beginStop("blocked");
      return 0;
    }
    return this.#answer(outcome);
  }

  #answer(outcome: SyscallOutcome): number {
    assert(outcome.kind !== "block", "an answer is a result or an error");
    this.#forbidStops();
    try {
      if (outcome.kind === "result") return this.values.create(outcome.value);
      return this.values.throwError(outcome.code, outcome.message);
    } finally {
      this.#allowStops();
    }
  }

  #hostInterrupt(): number {
    if (this.#unstoppable > 0 && this.autopsy === undefined)
      return ++this.#unstoppablePolls > UNSTOPPABLE_POLLS_MAX ? 1 : 0;
    if (this.pollEveryCall) this.writeWord(this.#engine.manifest.layout.interruptCounter, 1);
    if (this.#state === REWINDING) {
      this.#endRewind();
      return this.autopsy === undefined ? 0 : 1;
    }
    if (this.autopsy !== undefined) return 1;
    if (this.#traps.poll()) this.#beginStop("preempted");
    return 0;
  }

  #imports(): WebAssembly.Imports {
    return {
      env: {
        memory: this.memory,
        host_call: (_name: number, _length: number, _self: number, argc: number, argv: number) =>
          this.#hostCall(argc, argv >>> 0),
        host_interrupt: () => this.#hostInterrupt(),
        host_promise_rejection: (promise: number, reason: number, handled: number) =>
          this.#promiseRejection(promise, reason, handled),
        host_module_normalize: () => 0,
        host_module_load: () => 0,
        // Guests live in UTC: a process keeps its time zone wherever it moves.
        host_get_timezone_offset: () => 0,
      },
      wasi_snapshot_preview1: systemInterface(this.memory, () => this.#traps),
    };
  }

  /** The engine tells of a rejection while it is inside a promise operation: the guest library notes it at once. */
  #promiseRejection(promise: number, reason: number, handled: number): void {
    if (this.autopsy !== undefined) return this.autopsy(reason);
    const flag = this.#exports.qjs_new_number(handled);
    const result = this.callNow("reportRejection", [{ handle: promise }, { handle: reason }, { handle: flag }]);
    this.#exports.qjs_free_value(result);
    this.#traps.rejectionNoted();
  }

  /** A memory that grew has a new buffer; views of the old one end where it ended. */
  #refresh(address: number): void {
    if (address >= this.#words.byteLength) this.#words = new Int32Array(this.memory.buffer);
  }
}
