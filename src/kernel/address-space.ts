/**
 * The address space of a process: regions of one linear memory that do not overlap. Static data, the kernel's stack and
 * the main stack are where the engine's linker put them; the heap grows up to the memory's end; each further thread's
 * stack is a block of the heap. Below every stack lie a reserve that the engine's own check keeps free, and a guard word.
 */

import type { RegionInfo } from "../abi/control.ts";
import { failure } from "../errors.ts";
import { WASM_PAGE_BYTES } from "../limits.ts";
import type { Engine } from "../machine/engine.ts";
import { residentBytes } from "../machine/linear-memory.ts";
import { KERNEL_STACK_BYTES, type Processor, type ThreadContext } from "../machine/processor.ts";
import type { Thread } from "./thread.ts";

/** What a stack's lowest word holds; a thread that overwrote it has overrun its stack. */
const GUARD_WORD = 0x6f647769;
const GUARD_BYTES = 16;
/** Room above the quota for stacks and for what the allocator loses between blocks: the quota itself is held by the engine. */
const SLACK_BYTES = 16 * 2 ** 20;

/** The largest address space of a process with this quota. */
export function memoryMaxBytes(engine: Engine, quotaBytes: number): number {
  return Math.min(2 ** 32, engine.manifest.memoryBytes + Math.ceil(quotaBytes * 1.25) + SLACK_BYTES);
}

/** Fresh, zeroed memory for a process of this quota, with room for `memoryBytes` at once. Throws ENOMEM. */
export function createMemory(engine: Engine, memoryBytes: number, quotaBytes: number): WebAssembly.Memory {
  const maximumBytes = memoryMaxBytes(engine, quotaBytes);
  if (memoryBytes > maximumBytes) {
    throw failure(
      "ENOMEM",
      `the process needs ${memoryBytes} bytes of memory, its quota allows ${maximumBytes}: raise --memory`,
    );
  }
  const pages = (sizeBytes: number) => Math.ceil(sizeBytes / WASM_PAGE_BYTES);
  try {
    return new WebAssembly.Memory({ initial: pages(memoryBytes), maximum: pages(maximumBytes), shared: true });
  } catch (error) {
    throw failure(
      "ENOMEM",
      "the machine has no room for one more address space: end some processes, or let idle ones be swapped out sooner",
      error,
    );
  }
}

/** The main thread's stack: the engine's, above the part that the kernel keeps. */
export function mainStack(engine: Engine): ThreadContext {
  const { mainStackLow, mainStackHigh } = engine.manifest.layout;
  return { stackLow: mainStackLow + KERNEL_STACK_BYTES, stackHigh: mainStackHigh, stopped: undefined };
}

/** Takes a stack from the heap. Throws ENOMEM when there is none to be had. */
export function allocateStack(processor: Processor, sizeBytes: number): ThreadContext {
  const low = processor.exports.wasm_malloc(sizeBytes) >>> 0;
  if (low === 0)
    throw failure("ENOMEM", `no memory for a stack of ${sizeBytes} bytes: raise --memory or use fewer threads`);
  return { stackLow: low, stackHigh: (low + sizeBytes) & ~15, stopped: undefined };
}

export function freeStack(processor: Processor, context: ThreadContext): void {
  processor.onKernelStack(() => processor.exports.wasm_free(context.stackLow));
}

export function setGuard(processor: Processor, context: ThreadContext): void {
  processor.writeWord(guardAddress(context), GUARD_WORD);
}

/** Whether a thread has kept within its stack. */
export function guardHolds(processor: Processor, context: ThreadContext): boolean {
  return processor.readWord(guardAddress(context)) === GUARD_WORD;
}

function guardAddress(context: ThreadContext): number {
  return (context.stackLow + GUARD_BYTES) & ~15;
}

/** The region table, by address. */
export function regions(
  engine: Engine,
  memory: WebAssembly.Memory,
  threads: Iterable<Thread>,
  limitBytes: number,
): RegionInfo[] {
  const { layout } = engine.manifest;
  const region = (
    kind: RegionInfo["kind"],
    start: number,
    end: number,
    grows: RegionInfo["grows"],
    limit: number,
    tid?: number,
  ): RegionInfo => ({
    kind,
    start,
    end,
    grows,
    limit,
    residentBytes: residentBytes(memory.buffer, start, end),
    ...(tid === undefined ? {} : { tid }),
  });
  const table = [region("static", layout.staticLow, layout.staticHigh, "no", layout.staticHigh)];
  for (const thread of threads) {
    const { stackLow, stackHigh } = thread.context;
    const kind = thread.kind === "main" ? "main-stack" : "thread-stack";
    table.push(region(kind, stackLow, stackHigh, "down", stackLow, thread.tid));
  }
  table.push(region("heap", layout.heapBase, memory.buffer.byteLength, "up", limitBytes));
  return table.sort((a, b) => a.start - b.start || b.end - a.end);
}
