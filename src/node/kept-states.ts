/** Who waits for the state that a program keeps: the answer comes from wherever the process is by then. */

import { failure } from "../errors.ts";
import type { FromLwp } from "../kernel/protocol.ts";
import { KEPT_MAX_BYTES, KEPT_TIMEOUT_MS } from "../limits.ts";

interface Waiting {
  readonly resolve: (state: Uint8Array) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

export class KeptStates {
  readonly #waiting = new Map<number, Waiting[]>();
  readonly #goOn: (pid: number) => void;

  /** @param goOn lets a process go on that has given what nobody takes */
  constructor(goOn: (pid: number) => void) {
    this.#goOn = goOn;
  }

  /**
   * @param tell asks the process; what it throws is thrown
   * @throws GodwitError EINVAL, EMSGSIZE, ETIMEDOUT, ESRCH
   */
  async ask(pid: number, tell: () => void): Promise<Uint8Array> {
    tell();
    return new Promise((resolve, reject) => {
      const late = failure(
        "ETIMEDOUT",
        `process ${pid} did not come back to its event loop within ${KEPT_TIMEOUT_MS / 1000} s to give what it keeps: a program that keeps state must not block its first thread for long`,
      );
      const timer = setTimeout(() => this.#settle(pid, (waiting) => waiting.reject(late)), KEPT_TIMEOUT_MS);
      this.#waiting.set(pid, [...(this.#waiting.get(pid) ?? []), { resolve, reject, timer }]);
    });
  }

  told({ pid, reason, state }: Extract<FromLwp, { op: "kept" }>): void {
    const isTaken = this.#waiting.has(pid) && state.length <= KEPT_MAX_BYTES;
    if (reason === "" && !isTaken) this.#goOn(pid);
    this.#settle(pid, ({ resolve, reject }) => {
      if (reason !== "") reject(failure("EINVAL", `process ${pid} cannot give what it keeps: ${reason}`));
      else if (state.length > KEPT_MAX_BYTES)
        reject(
          failure("EMSGSIZE", `process ${pid} keeps ${state.length} bytes, and at most ${KEPT_MAX_BYTES} are taken`),
        );
      else resolve(state);
    });
  }

  ended(pid: number): void {
    this.#settle(pid, ({ reject }) => reject(failure("ESRCH", `process ${pid} has ended`)));
  }

  #settle(pid: number, how: (waiting: Waiting) => void): void {
    const all = this.#waiting.get(pid) ?? [];
    this.#waiting.delete(pid);
    for (const waiting of all) {
      clearTimeout(waiting.timer);
      how(waiting);
    }
  }
}
