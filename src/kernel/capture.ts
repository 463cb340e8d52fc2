/**
 * The one mechanism. Everything that happens to a process (spawn, fork, checkpoint, restore, swap, a move) is a capture of
 * a process into an image, or the materialisation of an image as a process. There is one of each, here.
 */

import { assert } from "../assert.ts";
import type { Engine } from "../machine/engine.ts";
import { clearFreeMemory } from "../machine/free-memory.ts";
import { encodeImage, type Image } from "../machine/image.ts";
import { capturePages, materialise as fillMemory, type PageSet, type Template, templateOf } from "../machine/linear-memory.ts";
import { Processor, type Traps } from "../machine/processor.ts";
import { createMemory, setGuard } from "./address-space.ts";
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
  return { engine: engine.manifest.hash, memoryBytes: engine.manifest.memoryBytes, pages: [], zeroed: [], state: record };
}

/** Captures a process at rest. It goes on unharmed; the image shares nothing with it. */
export function capture(engine: Engine, process: Process, hostNowMs: number): ProcessImage {
  const { memoryBytes, pages, zeroed } = residentPages(engine, process);
  return { engine: engine.manifest.hash, memoryBytes, pages, zeroed, state: process.save(hostNowMs) };
}

/** The pages of a process, whether it is swapped out or not. */
function residentPages(engine: Engine, process: Process): PageSet & { memoryBytes: number } {
  assert(process.processor !== undefined, "a captured process is swapped in first");
  const memory = process.processor.memory.buffer;
  return { memoryBytes: memory.byteLength, ...capturePages(memory, templateFor(engine)) };
}

/** Makes a process from an image. Its calls, timers and handles are still to be taken up (`Kernel.admit`). */
export function materialise(engine: Engine, image: ProcessImage, hostNowMs: number, traps: (process: Process) => Traps): Process {
  const process = new Process(image.state, hostNowMs);
  const memory = createMemory(engine, image.memoryBytes, process.quotas.memoryBytes);
  fillMemory(memory.buffer, templateFor(engine), image);
  attach(engine, process, memory, traps);
  return process;
}

/** Gives a process its memory, filled by whoever had it before. */
export function attach(engine: Engine, process: Process, memory: WebAssembly.Memory, traps: (process: Process) => Traps): void {
  const processor = new Processor(engine, memory, traps(process));
  process.processor = processor;
  for (const thread of process.threads.values()) setGuard(processor, thread.context);
}

/** Lets go of a process's memory; returns what is kept of it. */
export function swapOut(engine: Engine, process: Process): Uint8Array {
  const { processor } = process;
  assert(processor !== undefined, "a process is swapped out once at a time");
  processor.onKernelStack(() => clearFreeMemory(processor.exports, processor.memory));
  const pages = residentPages(engine, process);
  const image = encodeImage({ engine: engine.manifest.hash, state: null, ...pages }, { compress: true });
  process.processor = undefined;
  process.swapped = image;
  return image;
}
