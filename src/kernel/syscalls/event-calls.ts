/** What feeds the event-loop thread: timers, subscriptions, and reasons to go on. */

import { failure } from "../../errors.ts";
import { TIMERS_MAX } from "../../limits.ts";
import { type Handlers, numberAt, stringAt } from "./arguments.ts";

export const eventCalls = {
  timerStart(kernel, call) {
    const { process } = call;
    const [id, delayMs] = [numberAt(call, 0), numberAt(call, 1)];
    if (process.timers.size >= TIMERS_MAX) throw failure("EAGAIN", `${TIMERS_MAX} timers are running: let some fire first`);
    if (!(delayMs >= 0) || delayMs === Infinity) throw failure("EINVAL", `a timer's delay is a number of milliseconds, not ${delayMs}`);
    const nowMs = process.clockMs(kernel.host.monotonicMs());
    kernel.startTimer(process, id, nowMs + delayMs, numberAt(call, 2) === 0 ? 0 : Math.max(1, delayMs));
    call.succeed();
  },

  timerStop(kernel, call) {
    call.process.timers.delete(numberAt(call, 0));
    call.succeed();
    kernel.reconsider(call.process);
  },

  keepAlive(kernel, call) {
    call.process.keepAlive = Math.max(0, call.process.keepAlive + Math.trunc(numberAt(call, 0)));
    call.succeed();
    kernel.reconsider(call.process);
  },

  subscribe(kernel, call) {
    const { process } = call;
    const source = stringAt(call, 0);
    if (source !== "message") throw failure("EINVAL", `there is no event source ${source}`);
    process.messageEvents = numberAt(call, 1) !== 0;
    call.succeed();
    if (process.messageEvents && process.mailbox.length > 0) kernel.postEvent(process, { kind: "message" });
  },
} satisfies Partial<Handlers>;
