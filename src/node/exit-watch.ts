/** Waits for processes' ends on behalf of clients that may go away first. */

import type { NodeControl } from "../abi/control.ts";
import type { ExitStatus } from "../abi/records.ts";
import { failure } from "../errors.ts";

interface Waiter {
  readonly resolve: (status: ExitStatus) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * One wait at the node for each process, however many clients wait: a client that leaves leaves nothing behind, so
 * that a process which never ends does not collect the traces of all who ever asked.
 */
export class ExitWatch {
  readonly #control: NodeControl;
  readonly #waiters = new Map<number, Set<Waiter>>();

  constructor(control: NodeControl) {
    this.#control = control;
  }

  /** The process's exit status. @throws GodwitError ECANCELED when `signal` aborts; what the node throws. */
  wait(pid: number, signal: AbortSignal): Promise<ExitStatus> {
    return new Promise((resolve, reject) => {
      const waiter = { resolve, reject };
      const leave = () => {
        this.#waiters.get(pid)?.delete(waiter);
        reject(failure("ECANCELED", "the client went away"));
      };
      if (signal.aborted) return leave();
      this.#waitersOf(pid).add(waiter);
      signal.addEventListener("abort", leave, { once: true });
    });
  }

  #waitersOf(pid: number): Set<Waiter> {
    const known = this.#waiters.get(pid);
    if (known !== undefined) return known;
    const waiters = new Set<Waiter>();
    this.#waiters.set(pid, waiters);
    this.#control
      .wait(pid)
      .finally(() => this.#waiters.delete(pid))
      .then(
        (status) => waiters.forEach((waiter) => waiter.resolve(status)),
        (error) => waiters.forEach((waiter) => waiter.reject(error)),
      );
    return waiters;
  }
}
