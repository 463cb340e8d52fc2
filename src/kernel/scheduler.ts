/**
 * The scheduler of one LWP: fair shares in two levels. The ready process with the least weighted processor time goes
 * first (its weight is its share), and in it the ready thread with the least (its weight grows with its priority). Who
 * wakes up starts at the floor, so that it neither waits for those that ran while it slept nor is paid for its sleep.
 * (Virtual-time fair queueing as in Stoica et al., "A proportional share resource allocation algorithm", RTSS 1996.)
 */

import type { Process } from "./process.ts";
import type { Thread } from "./thread.ts";

export class Scheduler {
  readonly #ready = new Set<Process>();
  /** The virtual time of the process that ran last: the floor for those that wake up. */
  #floorMs = 0;

  get readyCount(): number {
    return this.#ready.size;
  }

  ready(): Iterable<Process> {
    return this.#ready;
  }

  /** Whether anything but this process could run now. */
  hasOtherThan(process: Process): boolean {
    return this.#ready.size > (this.#ready.has(process) ? 1 : 0);
  }

  /** Puts the process among the ready ones or takes it out, as its threads say. */
  update(process: Process): void {
    if (!process.runnable) {
      this.#ready.delete(process);
      return;
    }
    if (this.#ready.has(process)) return;
    process.virtualMs = Math.max(process.virtualMs, this.#floorMs);
    this.#ready.add(process);
  }

  remove(process: Process): void {
    this.#ready.delete(process);
  }

  /** The process to run now. */
  pick(): Process | undefined {
    let first: Process | undefined;
    for (const process of this.#ready) {
      if (first === undefined || process.virtualMs < first.virtualMs) first = process;
    }
    if (first !== undefined) this.#floorMs = Math.max(this.#floorMs, first.virtualMs);
    return first;
  }

  /** Accounts for processor time that a thread used. */
  charge(process: Process, thread: Thread, usedMs: number): void {
    process.virtualMs += (usedMs * 100) / process.quotas.cpuShare;
    process.cpuMs += usedMs;
    thread.virtualMs += usedMs / thread.weight;
    thread.cpuMs += usedMs;
  }
}
