/** Threads: creation, joining, priorities, sleep, and the futex that every lock is built on. */

import type { ThreadRequest, ThreadSelf } from "../../abi/records.ts";
import { failure } from "../../errors.ts";
import {
  NAME_MAX_CHARS,
  PRIORITY_MAX,
  PRIORITY_MIN,
  THREAD_STACK_MAX_BYTES,
  THREAD_STACK_MIN_BYTES,
} from "../../limits.ts";
import { allocateStack, setGuard } from "../address-space.ts";
import { Thread } from "../thread.ts";
import { delayAt, integerBetween, type Handlers, numberAt, objectAt, timeoutAt } from "./arguments.ts";

/** What futexWait returns. */
const WOKEN = 0;
const TIMED_OUT = 1;
const DIFFERED = 2;

export const threadCalls = {
  threadCreate(kernel, call) {
    const { process } = call;
    const request = objectAt<ThreadRequest>(call, 1);
    if (process.threads.size >= process.quotas.threadsMax) {
      throw failure(
        "EPROCLIM",
        `this process may have ${process.quotas.threadsMax} threads: join some, or raise --threads`,
      );
    }
    const stackBytes = integerBetween(request.stackBytes, THREAD_STACK_MIN_BYTES, THREAD_STACK_MAX_BYTES, "stackBytes");
    const priority = integerBetween(request.priority, PRIORITY_MIN, PRIORITY_MAX, "priority");
    const slot = integerBetween(numberAt(call, 0), 0, Number.MAX_SAFE_INTEGER, "a slot");
    const processor = kernel.resident(process);
    const context = allocateStack(processor, stackBytes);
    setGuard(processor, context);
    const tid = process.nextTid++;
    const name = (typeof request.name === "string" ? request.name : `thread-${tid}`).slice(0, NAME_MAX_CHARS);
    const thread = new Thread({
      tid,
      name,
      kind: "body",
      phase: { kind: "body", slot },
      context,
      priority,
      daemon: request.daemon === true,
    });
    process.threads.set(tid, thread);
    call.succeed(tid);
    kernel.wake(process, thread);
  },

  threadJoin(kernel, call) {
    const target = call.process.threads.get(numberAt(call, 0));
    const timeoutMs = timeoutAt(call, 1);
    if (target === undefined) return call.succeed(1);
    if (target === call.thread) throw failure("EDEADLK", "a thread cannot join itself");
    if (timeoutMs === 0) return call.succeed(0);
    target.joiners.add(call);
    call.abandon = () => target.joiners.delete(call);
    if (timeoutMs > 0) kernel.expire(call, timeoutMs, () => call.succeed(0));
  },

  threadInfo(_kernel, call) {
    const thread = call.process.threads.get(numberAt(call, 0));
    if (thread === undefined) return call.succeed(null);
    const { tid, name, priority } = thread;
    const state = thread === call.thread ? "running" : thread.state;
    call.succeed({ tid, name, priority, state } satisfies ThreadSelf);
  },

  threadPriority(kernel, call) {
    const thread = call.process.threads.get(numberAt(call, 0));
    if (thread === undefined) throw failure("ESRCH", `there is no thread ${numberAt(call, 0)} in this process`);
    thread.priority = integerBetween(numberAt(call, 1), PRIORITY_MIN, PRIORITY_MAX, "priority");
    call.succeed();
    kernel.reckonSlice();
  },

  yield(kernel, call) {
    const { process, thread } = call;
    if (!process.hasOtherReadyThan(thread) && !kernel.scheduler.hasOtherThan(process)) return call.succeed();
    process.yieldThread(thread);
    kernel.expire(call, 0, () => call.succeed());
  },

  sleep(kernel, call) {
    kernel.expire(call, delayAt(call, 0), () => call.succeed());
  },

  futexWait(kernel, call) {
    const address = numberAt(call, 0);
    const timeoutMs = timeoutAt(call, 2);
    const { process } = call;
    if (!call.again && kernel.resident(process).readWord(address) !== (numberAt(call, 1) | 0))
      return call.succeed(DIFFERED);
    if (timeoutMs === 0) return call.succeed(TIMED_OUT);
    const waiters = process.futexes.get(address) ?? [];
    process.futexes.set(address, waiters);
    waiters.push(call);
    call.abandon = () => {
      const index = waiters.indexOf(call);
      if (index >= 0) waiters.splice(index, 1);
      if (waiters.length === 0 && process.futexes.get(address) === waiters) process.futexes.delete(address);
    };
    if (timeoutMs > 0) kernel.expire(call, timeoutMs, () => call.succeed(TIMED_OUT));
  },

  futexWake(_kernel, call) {
    const waiters = call.process.futexes.get(numberAt(call, 0)) ?? [];
    const woken = waiters.slice(0, integerBetween(numberAt(call, 1), 0, Number.MAX_SAFE_INTEGER, "how many to wake"));
    for (const waiter of woken) waiter.succeed(WOKEN);
    call.succeed(woken.length);
  },
} satisfies Partial<Handlers>;
