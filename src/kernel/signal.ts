/** Signals as they arrive: what each does by itself, and the threads that handlers run on. */

import type { SignalName, UrgentRecord } from "../abi/records.ts";
import { GodwitError } from "../errors.ts";
import { PRIORITY_MAX, THREAD_STACK_MIN_BYTES, URGENT_MAX } from "../limits.ts";
import { allocateStack, setGuard } from "./address-space.ts";
import type { Kernel } from "./kernel.ts";
import type { Process } from "./process.ts";
import { hold, release } from "./quiescence.ts";
import { Thread } from "./thread.ts";

/** POSIX's numbers, for exit codes. */
const SIGNAL_NUMBERS: Readonly<Record<SignalName, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGUSR2: 12,
  SIGTERM: 15,
  SIGCHLD: 17,
  SIGCONT: 18,
  SIGSTOP: 19,
  SIGURG: 23,
};

/** What does nothing by itself. */
const HARMLESS: readonly SignalName[] = ["SIGCHLD", "SIGCONT", "SIGURG"];

/** A signal arrives: a handler runs on a thread of its own, above all others, so that it gets through a busy loop. */
export function signal(kernel: Kernel, process: Process, name: SignalName): void {
  if (name === "SIGSTOP") return hold(kernel, process, "pause");
  if (name === "SIGCONT") release(kernel, process, "pause");
  const action = name === "SIGKILL" ? undefined : process.signals.get(name);
  if (action === "ignore") return;
  if (action === "handle") return handle(kernel, process, name);
  if (!HARMLESS.includes(name)) end(kernel, process, name);
}

/**
 * Something came out of band: SIGURG's handler, if there is one, takes it. Of what anybody outside can send, only so much waits.
 */
export function urgent(kernel: Kernel, process: Process, event: UrgentRecord): void {
  if (process.signals.get("SIGURG") !== "handle") return;
  const { length } = process.urgent.filter(({ kind }) => kind !== "left");
  if (event.kind !== "left" && length >= URGENT_MAX) return;
  process.urgent.push(event);
  handle(kernel, process, "SIGURG");
}

function end(kernel: Kernel, process: Process, name: SignalName, reason?: string): void {
  const code = 128 + SIGNAL_NUMBERS[name];
  kernel.end(process, { pid: process.pid, code, signal: name, ...(reason === undefined ? {} : { reason }) });
}

/** As in UNIX: while a handler runs, its signal waits, and however often it came meanwhile, the handler runs once more. */
function handle(kernel: Kernel, process: Process, name: SignalName): void {
  const isHandled = [...process.threads.values()].some(({ phase }) => phase.kind === "signal" && phase.signal === name);
  if (isHandled) {
    process.pendingSignals.add(name);
    return;
  }
  try {
    startHandler(kernel, process, name);
  } catch (error) {
    if (!(error instanceof GodwitError)) throw error;
    if (!HARMLESS.includes(name)) end(kernel, process, name, `no memory for the handler of ${name}`);
  }
}

function startHandler(kernel: Kernel, process: Process, name: SignalName): void {
  const processor = kernel.resident(process);
  const context = processor.onKernelStack(() => allocateStack(processor, THREAD_STACK_MIN_BYTES * 2));
  setGuard(processor, context);
  const tid = process.nextTid++;
  const thread = new Thread({
    tid,
    name,
    kind: "signal",
    phase: { kind: "signal", signal: name },
    context,
    priority: PRIORITY_MAX,
    daemon: true,
  });
  process.threads.set(tid, thread);
  kernel.wake(process, thread);
}

/** The thread of a handler has ended. */
export function signalHandled(kernel: Kernel, process: Process, name: SignalName): void {
  if (process.pendingSignals.delete(name)) signal(kernel, process, name);
}
