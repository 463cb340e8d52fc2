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
import { filePromises } from "./file.ts";

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
export type { Message, SendOptions } from "./mailbox.ts";
export { monotonic, now } from "./clock.ts";
export { randomBytes } from "./random.ts";
export { inspect } from "./inspect.ts";
export type { InspectOptions } from "./inspect.ts";
export { InputStream, OutputStream, stderr, stdin, stdout } from "./stream.ts";
export { exists, File, makeDirectory, open, readDirectory, readFile, remove, rename, stat, writeFile } from "./file.ts";
export type { DirectoryEntry, FileStatus, OpenOptions, WriteOptions } from "./file.ts";

/** The calls that may wait, for `await`: the event-loop thread goes on meanwhile. Streams and files have `...Async` methods. */
export const promises = {
  /** Like {@link sleep}. */
  sleep: (ms: number): Promise<void> => promised(sleepSteps(ms)),
  /** Like {@link wait}. */
  wait: (pid?: number, options?: WaitOptions): Promise<ExitStatus | undefined> => promised(waitSteps(pid, options)),
  /** Like {@link receive}. */
  receive: <T = unknown>(options?: WaitOptions): Promise<Message<T> | undefined> => promised(receiveSteps(options)) as Promise<Message<T> | undefined>,
  /** Like {@link send}. */
  send: sendAsync,
  ...filePromises,
};
