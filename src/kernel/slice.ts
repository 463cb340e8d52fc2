/** A slice: one thread's turn on the LWP, and until when it lasts. */

import { HOST_TURN_MS, QUANTUM_MS } from "../limits.ts";
import type { Kernel } from "./kernel.ts";
import type { Process } from "./process.ts";
import type { Thread } from "./thread.ts";

export class Slice {
  readonly process: Process;
  readonly thread: Thread;
  readonly startMs: number;
  /** The LWP's own turn is over then, whoever runs. */
  readonly #untilMs: number;
  /** On the host's clock. */
  #endMs = 0;
  #isCut = false;

  constructor(kernel: Kernel, process: Process, thread: Thread, startMs: number, untilMs: number) {
    this.process = process;
    this.thread = thread;
    this.startMs = startMs;
    this.#untilMs = untilMs;
    this.reckon(kernel);
  }

  /** Its end, reckoned anew: others have become ready, or a deadline was added. */
  reckon(kernel: Kernel): void {
    const contended = kernel.scheduler.hasOtherThan(this.process) || this.process.hasOtherReadyThan(this.thread);
    const quantumMs = contended ? this.startMs + QUANTUM_MS : Infinity;
    const hostMs = kernel.hostOperations > 0 ? this.startMs + HOST_TURN_MS : Infinity;
    this.#endMs = Math.min(quantumMs, hostMs, kernel.deadlines.nextMs(), this.#untilMs);
  }

  /** Ends it at the next poll: a thread of higher priority is ready. */
  cut(): void {
    this.#isCut = true;
  }

  isOver(nowMs: number): boolean {
    return this.#isCut || nowMs >= this.#endMs;
  }
}
