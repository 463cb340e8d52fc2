/** What feeds the event-loop thread: timers, subscriptions, and reasons to go on. */

import { failure } from "../../errors.ts";
import { TIMERS_MAX } from "../../limits.ts";
import { startTimer } from "../timer.ts";
import type { Kernel } from "../kernel.ts";
import type { Process } from "../process.ts";
import { hold } from "../quiescence.ts";
import { bytesAt, delayAt, type Handlers, integerBetween, numberAt, stringAt } from "./arguments.ts";

const REASONS_MAX = 2 ** 31 - 1;

export const eventCalls = {
  timerStart(kernel, call) {
    const { process } = call;
    const id = integerBetween(numberAt(call, 0), 0, Number.MAX_SAFE_INTEGER, "a timer's id");
    const delayMs = delayAt(call, 1);
    if (process.timers.size + process.firedTimers.size >= TIMERS_MAX)
      throw failure("EAGAIN", `${TIMERS_MAX} timers are running: let some fire first`);
    const dueMs = process.clockMs(kernel.host.monotonicMs()) + delayMs;
    startTimer(kernel, process, { id, dueMs, repeatMs: numberAt(call, 2) === 0 ? 0 : Math.max(1, delayMs) });
    call.succeed();
  },

  timerStop(kernel, call) {
    call.process.timers.delete(numberAt(call, 0));
    call.succeed();
    kernel.reconsider(call.process);
  },

  keepAlive(kernel, call) {
    const { process } = call;
    const change = integerBetween(numberAt(call, 0), -REASONS_MAX, REASONS_MAX, "a change of the reasons to go on");
    process.keepAlive = Math.min(REASONS_MAX, Math.max(0, process.keepAlive + change));
    call.succeed();
    kernel.reconsider(process);
  },

  subscribe(kernel, call) {
    const { process } = call;
    const source = stringAt(call, 0);
    if (source !== "message") throw failure("EINVAL", `there is no event source ${source}`);
    process.messageEvents = numberAt(call, 1) !== 0;
    call.succeed();
    if (process.mailbox.length > 0) kernel.postMessageEvent(process);
  },

  urgentTake(_kernel, call) {
    call.succeed(call.process.urgent.splice(0));
  },

  keptTake(_kernel, call) {
    const { process } = call;
    call.succeed(process.keptState);
    process.keptState = new Uint8Array();
  },

  keptGive(kernel, call) {
    const { process } = call;
    if (!process.keptAsked) throw failure("EINVAL", "nobody has asked for what this process keeps");
    const reason = stringAt(call, 0);
    const state = bytesAt(call, 1);
    process.keptAsked = false;
    call.succeed();
    // What it does from here on would not be in the state.
    if (reason === "") hold(kernel, process, "kept");
    kernel.host.post({ op: "kept", pid: process.pid, reason, state });
  },
} satisfies Partial<Handlers>;

/** Has the program give the state that it keeps, when it is back at its event loop. */
export function askKept(kernel: Kernel, process: Process): void {
  if (process.keptAsked) return;
  process.keptAsked = true;
  kernel.postEvent(process, { kind: "kept" });
}
