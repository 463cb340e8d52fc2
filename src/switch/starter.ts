/** A service that scales to zero: a process is started when a client comes and there is none, and ended when none comes. */

import type { ServiceStart, SpawnOptions } from "../abi/control.ts";
import type { ExitStatus, SignalName } from "../abi/records.ts";
import { SERVICE_GRACE_MS, SERVICE_IDLE_LOOK_MS, SERVICE_RESTART_MS } from "../limits.ts";

/** Processes of this node. */
export interface Processes {
  spawn(options: SpawnOptions): Promise<number>;
  signal(pid: number, signal: SignalName): Promise<void>;
  /** @throws GodwitError EREMOTE when its home moves. */
  wait(pid: number): Promise<ExitStatus>;
}

interface Surroundings {
  readonly processes: Processes;
  /** Whether the service has a process, wherever. */
  isServed(): boolean;
  /** Whether clients wait for one. */
  isWanted(): boolean;
  /** Takes a process out of the service, if it has had no client for so long. */
  retire(pid: number, idleMs: number): boolean;
}

export class Starter {
  readonly #start: ServiceStart;
  readonly #around: Surroundings;
  /** One is being started, or serves. One that was ended for want of clients is not counted any more. */
  #current: { isRetired: boolean } | undefined;
  #notBeforeMs = 0;
  #later: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(start: ServiceStart, around: Surroundings) {
    this.#start = start;
    this.#around = around;
  }

  /** A client waits for a process. */
  wanted(): void {
    if (this.#isOver || this.#current !== undefined || this.#around.isServed()) return;
    const waitMs = this.#notBeforeMs - performance.now();
    if (waitMs > 0) {
      this.#later ??= setTimeout(() => {
        this.#later = undefined;
        if (this.#around.isWanted()) this.wanted();
      }, waitMs);
      return;
    }
    const current = { isRetired: false };
    this.#current = current;
    void this.#run(current);
  }

  /** From its start to its end, or its home's move. One that fails is not started again at once. */
  async #run(current: { isRetired: boolean }): Promise<void> {
    let look: NodeJS.Timeout | undefined;
    try {
      const pid = await this.#around.processes.spawn(this.#start.program);
      look = setInterval(() => this.#look(pid, current), Math.min(this.#start.idleMs / 2, SERVICE_IDLE_LOOK_MS));
      await this.#around.processes.wait(pid);
    } catch {
      // It could not be started, or is another node's: clients wait as they do for any that is not there.
    }
    clearInterval(look);
    if (current.isRetired) return;
    this.#current = undefined;
    this.#notBeforeMs = performance.now() + SERVICE_RESTART_MS;
    if (this.#around.isWanted()) this.wanted();
  }

  #look(pid: number, current: { isRetired: boolean }): void {
    if (current.isRetired || !this.#around.retire(pid, this.#start.idleMs)) return;
    // The next client is for another process, which may be started while this one ends.
    current.isRetired = true;
    this.#current = undefined;
    const signal = (name: SignalName) => void this.#around.processes.signal(pid, name).catch(() => {}); // it may have ended
    signal("SIGTERM");
    setTimeout(() => signal("SIGKILL"), SERVICE_GRACE_MS).unref();
  }

  /** Starts no more. What serves is ended when it has no clients. */
  close(): void {
    this.#isOver = true;
    clearTimeout(this.#later);
  }
}
