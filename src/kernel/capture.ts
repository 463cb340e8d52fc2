/**
 * The one mechanism. Everything that happens to a process (spawn, fork, checkpoint, restore, swap, a move) is a capture of
 * a process into an image, or the materialisation of an image as a process. There is one of each, here.
 */

import { assert } from "../assert.ts";
import type { Engine } from "../machine/engine.ts";
import { clearFreeMemory } from "../machine/free-memory.ts";
import { decodeImage, encodeImage, type Image } from "../machine/image.ts";
import {
  capturePages,
  materialise as fillMemory,
  type PageSet,
  type Template,
  templateOf,
} from "../machine/linear-memory.ts";
import { Processor } from "../machine/processor.ts";
import type { Traps } from "../machine/trap.ts";
import { createMemory, setGuard } from "./address-space.ts";
import type { Kernel } from "./kernel.ts";
import { Process } from "./process.ts";
import type { ProcessRecord } from "./process-record.ts";

/** An image whose state is a process record. */
export interface ProcessImage extends Image {
  readonly state: ProcessRecord;
}

const templates = new WeakMap<Engine, Template>();

export function templateFor(engine: Engine): Template {
  let template = templates.get(engine);
  if (template === undefined) {
    const { unwindBuffer, unwindBufferBytes } = engine.manifest.layout;
    template = templateOf(engine.template, unwindBuffer, unwindBufferBytes);
    templates.set(engine, template);
  }
  return template;
}

/** The image that a new process starts from: the template, and nothing else. */
export function birthImage(engine: Engine, record: ProcessRecord): ProcessImage {
  return {
    engine: engine.manifest.hash,
    memoryBytes: engine.manifest.memoryBytes,
    pages: [],
    zeroed: [],
    state: record,
  };
}

/** Captures a process at rest. It goes on unharmed; the image shares nothing with it. */
export function capture(kernel: Kernel, process: Process, hostNowMs: number): ProcessImage {
  const { memoryBytes, pages, zeroed } = pagesOf(kernel, process);
  return { engine: kernel.engine.manifest.hash, memoryBytes, pages, zeroed, state: process.save(hostNowMs) };
}

/** The pages of a process, which is brought back first if it was swapped out. */
function pagesOf(kernel: Kernel, process: Process): PageSet & { memoryBytes: number } {
  const { buffer } = kernel.memory(process);
  return { memoryBytes: buffer.byteLength, ...capturePages(buffer, templateFor(kernel.engine)) };
}

/**
 * Makes a process from an image. Its calls, timers and handles are still to be taken up (`Kernel.admit`). The image of a
 * new process can be in place already, in a processor made `ahead`.
 */
export function materialise(
  engine: Engine,
  image: ProcessImage,
  hostNowMs: number,
  traps: (process: Process) => Traps,
  ahead?: Processor,
): Process {
  const process = new Process(image.state, hostNowMs);
  if (ahead !== undefined) {
    ahead.traps = traps(process);
    give(process, ahead);
    return process;
  }
  const memory = createMemory(engine, image.memoryBytes, process.quotas.memoryBytes);
  fillMemory(memory.buffer, templateFor(engine), image);
  attach(engine, process, memory, traps);
  return process;
}

/** Gives a process its memory, filled by whoever had it before. */
export function attach(
  engine: Engine,
  process: Process,
  memory: WebAssembly.Memory,
  traps: (process: Process) => Traps,
): void {
  give(process, new Processor(engine, memory, traps(process)));
}

function give(process: Process, processor: Processor): void {
  processor.pollEveryCall = process.stress?.at === "call";
  process.memory = processor.memory;
  process.processor = processor;
  for (const thread of process.threads.values()) setGuard(processor, thread.context);
}

/** Lets go of a process's memory, and keeps an image of it. */
export function swapOut(kernel: Kernel, process: Process): void {
  clearFreeMemory(kernel.memory(process).buffer, kernel.engine.manifest.layout.heapBase);
  const pages = pagesOf(kernel, process);
  process.swapped = encodeImage({ engine: kernel.engine.manifest.hash, state: null, ...pages }, { compress: true });
  process.processor = undefined;
  process.memory = undefined;
}

/** Brings a process's memory back from what was kept of it. */
export function swapIn(engine: Engine, process: Process): WebAssembly.Memory {
  assert(process.swapped !== undefined, "a process has its memory or an image of it");
  const image = decodeImage(process.swapped);
  const memory = createMemory(engine, image.memoryBytes, process.quotas.memoryBytes);
  fillMemory(memory.buffer, templateFor(engine), image);
  process.memory = memory;
  process.swapped = undefined;
  return memory;
}
