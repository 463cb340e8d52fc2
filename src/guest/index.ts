/**
 * The module `"godwit"`: what a program that runs as a process of godwit can do beyond JavaScript itself. Every call
 * blocks its own thread only, so none needs an `await`; those that can wait long have a twin in {@link promises}.
 *
 * @module
 */

import { promised, type WaitOptions } from "./machine.ts";
import { receiveSteps, sendAsync, type Message } from "./mailbox.ts";
import { waitSteps, type ExitStatus } from "./process.ts";
import { sleepSteps } from "./clock.ts";

export type { CodedError, WaitOptions } from "./machine.ts";
export type { ErrorCode } from "../errors.ts";
export { Thread, ThreadLocal, sleep } from "./thread.ts";
export type { ThreadOptions } from "./thread.ts";
export { Condition, Mutex } from "./mutex.ts";
export { Semaphore } from "./semaphore.ts";
export { RwLock } from "./rwlock.ts";
export { checkpoint, exec, exit, fork, kill, self, spawn, wait } from "./process.ts";
export type { Capabilities, CheckpointResult, ExitStatus, ForkOptions, ProcessSelf, Quotas, SignalName, SpawnOptions } from "./process.ts";
export { onSignal } from "./signal.ts";
export type { SignalHandler } from "./signal.ts";
export { lookup, onMessage, receive, register, send } from "./mailbox.ts";
export type { Message } from "./mailbox.ts";
export { monotonic, now } from "./clock.ts";
export { randomBytes } from "./random.ts";
export { inspect } from "./inspect.ts";
export type { InspectOptions } from "./inspect.ts";

/** Calls that wait, as promises: the event-loop thread goes on meanwhile. */
export const promises = {
  sleep: (ms: number): Promise<void> => promised(sleepSteps(ms)),
  wait: (pid?: number, options?: WaitOptions): Promise<ExitStatus | undefined> => promised(waitSteps(pid, options)),
  receive: <T = unknown>(options?: WaitOptions): Promise<Message<T> | undefined> => promised(receiveSteps(options)) as Promise<Message<T> | undefined>,
  send: sendAsync,
};
