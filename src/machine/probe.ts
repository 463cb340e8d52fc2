/**
 * Finds out by experiment where the engine keeps what the kernel must read and write: fields of the JSRuntime and the
 * JSContext. Each is found by how it behaves, and the build fails unless exactly one word behaves that way.
 */

import { failure } from "../errors.ts";
import { HOST_FUNCTION } from "../abi/syscalls.ts";
import { BareEngine } from "./bare-engine.ts";
import type { EngineLayout } from "./engine.ts";

export type ProbedLayout = Pick<
  EngineLayout,
  | "currentFrame"
  | "stackTop"
  | "stackLimit"
  | "interruptCounter"
  | "randomState"
  | "staticLow"
  | "staticHigh"
  | "mainStackLow"
  | "mainStackHigh"
  | "heapBase"
  | "stackPointer"
>;

/** How much of the JSRuntime and of the JSContext is looked at. */
const SCANNED_BYTES = 4096;
/** Two sizes of stack to tell the fields of the stack check by. */
const STACK_SIZES = [200_000, 500_000] as const;
const NAME = "godwit:probe";

/** Probes a fresh engine, which is of no other use afterwards. */
export function probe(module: WebAssembly.Module): ProbedLayout {
  const memory = memoryLayout(module);
  const samples: number[][] = [];
  let polls = 0;
  const engine = new BareEngine(module, {
    hostCall: () =>
      samples.push(
        scan(engine, engine.exports.qjs_get_runtime_ptr()),
        scan(engine, engine.exports.qjs_get_context_ptr()),
      ),
    interrupt: () => void polls++,
  });
  engine.exports.qjs_set_interrupt_handler(1);
  engine.setGlobal("probe", engine.hostFunction(HOST_FUNCTION));
  const inStack = (address: number): boolean => address > memory.mainStackLow && address < memory.mainStackHigh;
  const sampled = (source: string): number[][] => {
    samples.length = 0;
    engine.run(source, NAME);
    return samples;
  };
  const runtime = engine.exports.qjs_get_runtime_ptr();
  const context = engine.exports.qjs_get_context_ptr();

  const atRest = scan(engine, runtime);
  const [shallow = [], , deep = []] = sampled(
    "function call(n) { if (n === 0) probe(); else call(n - 1); } call(0); call(9);",
  );
  const currentFrame = only(
    "the current frame",
    runtime,
    (at) =>
      atRest[at] === 0 && inStack(shallow[at] ?? 0) && inStack(deep[at] ?? 0) && (deep[at] ?? 0) < (shallow[at] ?? 0),
  );

  const [smaller, larger] = STACK_SIZES.map((bytes) => {
    engine.exports.qjs_set_max_stack_size(bytes);
    return scan(engine, runtime);
  });
  const stackLimit = only(
    "the stack's limit",
    runtime,
    (at) =>
      (smaller?.[at] ?? 0) - (larger?.[at] ?? 0) === STACK_SIZES[1] - STACK_SIZES[0] && inStack(larger?.[at] ?? 0),
  );
  const top = engine.word(stackLimit) + STACK_SIZES[1];
  const stackTop = only("the stack's top", runtime, (at) => smaller?.[at] === top && larger?.[at] === top);

  const interruptCounter = findCounter(context, sampled);
  engine.setWord(interruptCounter, 1);
  polls = 0;
  engine.run("call(3)", NAME);
  if (polls !== 1)
    throw failure("EENGINE", `the word taken for the interrupt countdown is not: setting it to 1 made ${polls} polls`);

  return {
    ...memory,
    currentFrame,
    stackTop,
    stackLimit,
    interruptCounter,
    randomState: findRandomState(engine, context),
  };
}

/** The countdown goes down by so many branches for each turn of a loop: over 600 turns by 500 times as much more than over 100. */
function findCounter(context: number, sampled: (source: string) => number[][]): number {
  const loop = (count: number): string => `probe(); for (let i = 0; i < ${count}; i++); probe();`;
  const drop = (source: string): number[] => {
    const [, before = [], , after = []] = sampled(source);
    return before.map((value, at) => value - (after[at] ?? 0));
  };
  const [few, many] = [drop(loop(100)), drop(loop(600))];
  return only("the interrupt countdown", context, (at) =>
    [1, 2, 3].some(
      (branches) =>
        Math.abs((few[at] ?? 0) - branches * 100) < 10 && (many[at] ?? 0) - (few[at] ?? 0) === branches * 500,
    ),
  );
}

/** Math.random's state goes through the steps of xorshift64*. */
function findRandomState(engine: BareEngine, context: number): number {
  const states = (): bigint[] => {
    const view = new DataView(engine.exports.memory.buffer, context, SCANNED_BYTES + 8);
    return Array.from({ length: SCANNED_BYTES / 4 }, (_, at) => view.getBigUint64(at * 4, true));
  };
  const before = states();
  engine.run("Math.random()", NAME);
  const after = states();
  const step = (state: bigint): bigint => {
    const mask = (1n << 64n) - 1n;
    let x = state ^ (state >> 12n);
    x ^= (x << 25n) & mask;
    return x ^ (x >> 27n);
  };
  return only(
    "the state of Math.random",
    context,
    (at) => before[at] !== 0n && before[at] !== after[at] && step(before[at] ?? 0n) === after[at],
  );
}

function scan(engine: BareEngine, address: number): number[] {
  return [...new Uint32Array(engine.exports.memory.buffer, address, SCANNED_BYTES / 4)];
}

/** The address of the one scanned word for which `matches` holds. */
function only(what: string, base: number, matches: (at: number) => boolean): number {
  const found = Array.from({ length: SCANNED_BYTES / 4 }, (_, at) => at).filter(matches);
  const [at] = found;
  if (at !== undefined && found.length === 1) return base + at * 4;
  throw failure(
    "EENGINE",
    `probing found ${found.length} words that could be ${what} instead of one (${found.join(", ")}): the engine has changed, and probe.ts must follow`,
  );
}

type MemoryLayout = Pick<
  EngineLayout,
  "staticLow" | "staticHigh" | "mainStackLow" | "mainStackHigh" | "heapBase" | "stackPointer"
>;

/** The C allocator puts its first block right behind its own header at the heap's start. */
const FIRST_BLOCK_OFFSET = 16;

/** The linker lays out memory as: C stack from 0 up to the stack pointer's first value, static data, heap. */
function memoryLayout(module: WebAssembly.Module): MemoryLayout {
  let stackPointer = 0;
  let first = 0;
  const engine = new BareEngine(module, { hostCall: () => undefined, interrupt: () => undefined }, (exports) => {
    stackPointer = exports.__stack_pointer.value;
    first = exports.wasm_malloc(1);
  });
  const heapBase = first - FIRST_BLOCK_OFFSET;
  if (heapBase <= stackPointer || heapBase % 16 !== 0 || engine.exports.qjs_get_runtime_ptr() < heapBase) {
    throw failure(
      "EENGINE",
      `the engine's memory is not laid out as stack, static data, heap (stack pointer ${stackPointer}, first block ${first})`,
    );
  }
  return {
    stackPointer,
    mainStackLow: 0,
    mainStackHigh: stackPointer,
    staticLow: stackPointer,
    staticHigh: heapBase,
    heapBase,
  };
}
