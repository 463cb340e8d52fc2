/** Signals: each is handled by a thread of its own, so a handler runs even while the program spins. */

import { SIGNALS, type SignalName } from "../abi/records.ts";
import { syscall } from "./machine.ts";
import { reportError } from "./report.ts";
import { runAdopted } from "./thread.ts";

export type SignalHandler = (signal: SignalName) => void;

const handlers = new Map<SignalName, SignalHandler>();

/**
 * Says what a signal does to this process: call a function, nothing (`"ignore"`), or what it does by itself
 * (`"default"`). The function runs on a thread of its own, beside whatever the program is doing. SIGKILL and SIGSTOP
 * cannot be changed.
 *
 * @throws `EPERM` for SIGKILL and SIGSTOP.
 *
 * @example
 * onSignal("SIGINT", () => {
 *   console.log("stopping");
 *   exit(0);
 * });
 */
export function onSignal(name: SignalName, action: SignalHandler | "ignore" | "default"): void {
  if (!SIGNALS.includes(name)) throw new RangeError(`${String(name)} is no signal: use one of ${SIGNALS.join(", ")}`);
  if (typeof action === "function") {
    const before = handlers.get(name);
    handlers.set(name, action);
    try {
      syscall("signalAction", name, "handle");
    } catch (error) {
      if (before === undefined) handlers.delete(name);
      else handlers.set(name, before);
      throw error;
    }
  } else if (action === "ignore" || action === "default") {
    syscall("signalAction", name, action);
    handlers.delete(name);
  } else {
    throw new TypeError('the action of a signal is a function, "ignore" or "default"');
  }
}

/** Entry point: the body of a signal's thread. */
export function runSignal(name: SignalName): void {
  runAdopted(() => {
    try {
      handlers.get(name)?.(name);
    } catch (error) {
      reportError(error, `Uncaught in the handler of ${name}: `);
    }
  });
}
