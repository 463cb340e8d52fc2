/**
 * The disturbed run: corpus programs in the suspendable engine, stopped at polls and continued, now and then in a
 * fresh instance over a memory that was captured and materialised as for a move.
 */

import { assert, present } from "../../src/assert.ts";
import { ADDRESS_SPACE_MAX_BYTES, STACK_RESERVE_BYTES, WASM_PAGE_BYTES } from "../../src/limits.ts";
import type { Engine } from "../../src/machine/engine.ts";
import { capturePages, materialise, type Template, templateOf, UNCHANGED } from "../../src/machine/linear-memory.ts";
import { Processor, type Stop, type ThreadContext } from "../../src/machine/processor.ts";
import type { Traps } from "../../src/machine/trap.ts";
import { STACK_BYTES } from "./oracle.ts";
import { type CorpusProgram, outputOf, PRELUDE, RECORDERS, uncaughtOf } from "./program.ts";

const OUTPUT_MAX_BYTES = 2 ** 20;
const THREAD_BYTES = STACK_BYTES + STACK_RESERVE_BYTES;

export interface Disturbance {
  /** Every call and back edge is a poll, instead of one in about ten thousand. */
  readonly pollEveryCall: boolean;
  /** Every so many stops the programs go on in a fresh instance; at least, when moves thin out. */
  readonly moveEvery: number;
  /** The longer a program runs, the rarer its moves: each gap is at least {@link THINNING} of the stops before it. */
  readonly thinOut: boolean;
}
const THINNING = 0.02;

export interface DisturbedRun {
  /** For each program. */
  readonly outputs: readonly string[];
  readonly stops: number;
  readonly moves: number;
}

/**
 * Runs programs, each on a thread of its own in one address space, taking turns at every poll; then their jobs on the
 * first thread. One program runs as it is; several have to be functions of their recorders.
 */
export function runSuspended(
  engine: Engine,
  programs: readonly CorpusProgram[],
  disturbance: Disturbance,
): DisturbedRun {
  assert(programs.length <= RECORDERS, "there is a recorder for each program");
  return new SuspendedRun(engine, disturbance).run(programs);
}

class SuspendedRun {
  readonly #engine: Engine;
  readonly #template: Template;
  readonly #disturbance: Disturbance;
  readonly #threads: readonly ThreadContext[];
  #processor: Processor;
  /** Where the next move goes: the memory that the last one left. */
  #spare: WebAssembly.Memory;
  #stops = 0;
  #moves = 0;
  #nextMove: number;

  constructor(engine: Engine, disturbance: Disturbance) {
    this.#engine = engine;
    this.#template = templateOf(engine.template);
    this.#disturbance = disturbance;
    this.#nextMove = disturbance.moveEvery;
    this.#spare = this.#newMemory();
    const memory = this.#newMemory();
    materialise(memory.buffer, this.#template, UNCHANGED);
    this.#processor = new Processor(engine, memory, TRAPS);
    const { mainStackHigh } = engine.manifest.layout;
    this.#threads = Array.from({ length: RECORDERS }, (_, index) => {
      const stackHigh = mainStackHigh - index * THREAD_BYTES;
      return { stackLow: stackHigh - THREAD_BYTES, stackHigh, stopped: undefined };
    });
  }

  run(programs: readonly CorpusProgram[]): DisturbedRun {
    const main = present(this.#threads[0], "main thread");
    this.#evaluate(main, PRELUDE, "prelude.js");
    this.#processor.pollEveryCall = this.#disturbance.pollEveryCall;
    const threads = this.#threads.slice(0, programs.length);
    const starts = threads.map((thread, index) => () => {
      const { source, name } = present(programs[index], "program");
      return this.#processor.evaluate(thread, source, `${name}.js`, 0);
    });
    this.#takeTurns(threads, starts, (index, value) => this.#reportUncaught(index, value));
    while (this.#processor.hasJobs()) {
      const outcome = this.#toEnd(main, this.#processor.runJob(main));
      assert(outcome >= 0, "no job of the corpus throws");
    }
    const outputs = programs.map((_, index) => this.#text(this.#evaluate(main, outputOf(index), "output.js")));
    return { outputs, stops: this.#stops, moves: this.#moves };
  }

  /** Runs each thread up to its next stop, round and round, until all have returned. */
  #takeTurns(
    threads: readonly ThreadContext[],
    starts: readonly (() => Stop)[],
    onReturn: (index: number, value: number) => void,
  ): void {
    const returned = new Set<number>();
    for (let turn = 0; returned.size < threads.length; turn++) {
      const index = turn % threads.length;
      if (returned.has(index)) continue;
      const thread = present(threads[index], "thread");
      const stop = turn < threads.length ? present(starts[index], "start")() : this.#processor.resume(thread);
      if (stop.kind === "returned") {
        returned.add(index);
        onReturn(index, stop.value);
      } else this.#noteStop(stop);
    }
  }

  #reportUncaught(index: number, value: number): void {
    if (this.#processor.exports.qjs_is_exception(value) === 0) return;
    const thread = present(this.#threads[index], "thread");
    const error = this.#processor.onKernelStack(() => this.#processor.exports.qjs_get_exception());
    const report = this.#evaluate(thread, uncaughtOf(index), "output.js");
    this.#toEnd(thread, this.#processor.call(thread, report, [{ handle: error }]));
  }

  #evaluate(thread: ThreadContext, source: string, name: string): number {
    return this.#toEnd(thread, this.#processor.evaluate(thread, source, name, 0));
  }

  #toEnd(thread: ThreadContext, first: Stop): number {
    let stop = first;
    while (stop.kind !== "returned") {
      this.#noteStop(stop);
      stop = this.#processor.resume(thread);
    }
    return stop.value;
  }

  #noteStop(stop: Stop): void {
    assert(stop.kind === "preempted", "a corpus program makes no system call");
    this.#stops++;
    if (this.#stops < this.#nextMove) return;
    const { moveEvery, thinOut } = this.#disturbance;
    this.#nextMove += thinOut ? Math.max(moveEvery, Math.floor(this.#stops * THINNING)) : moveEvery;
    this.#move();
  }

  #move(): void {
    const source = this.#processor.memory;
    const target = this.#spare;
    Buffer.from(target.buffer).fill(0);
    const missingBytes = source.buffer.byteLength - target.buffer.byteLength;
    if (missingBytes > 0) target.grow(missingBytes / WASM_PAGE_BYTES);
    materialise(target.buffer, this.#template, capturePages(source.buffer, this.#template));
    // What is left behind must not matter: whoever still reads it finds rubbish.
    Buffer.from(source.buffer).fill(0xa5);
    this.#spare = source;
    this.#processor = new Processor(this.#engine, target, TRAPS);
    this.#processor.pollEveryCall = this.#disturbance.pollEveryCall;
    this.#moves++;
  }

  #text(handle: number): string {
    return this.#processor.onKernelStack(() => this.#processor.values.text(handle, OUTPUT_MAX_BYTES));
  }

  #newMemory(): WebAssembly.Memory {
    const initial = this.#engine.manifest.memoryBytes / WASM_PAGE_BYTES;
    return new WebAssembly.Memory({ initial, maximum: ADDRESS_SPACE_MAX_BYTES / WASM_PAGE_BYTES, shared: true });
  }
}

/** A kernel that stops the thread at every poll, and gives it nothing. */
const TRAPS: Traps = {
  syscall: () => ({ kind: "error", code: "ENOSYS", message: "the corpus makes no system call" }),
  delivery: () => ({ kind: "result", value: undefined }),
  poll: () => true,
  realTimeMs: () => 0,
  monotonicMs: () => 0,
  randomBytes: (into) => void into.fill(0),
  rejectionNoted: () => {},
  engineOutput: () => {},
};
