/** The calls that may wait, as promises. */

import type { ExitStatus } from "../../abi/records.ts";
import { type Message, promised, receiveSteps, sendAsync, step, type WaitOptions, waitSteps } from "../core.ts";
import { filePromises } from "./file.ts";

/** The calls that may wait, for `await`: the event-loop thread goes on meanwhile. Streams and files have `...Async` methods. */
export const promises = {
  /** Like {@link sleep}. */
  sleep: (ms: number): Promise<void> => promised(step("sleep", ms)),
  /** Like {@link wait}. */
  wait: (pid?: number, options?: WaitOptions): Promise<ExitStatus | undefined> => promised(waitSteps(pid, options)),
  /** Like {@link receive}. */
  receive: <T = unknown>(options?: WaitOptions): Promise<Message<T> | undefined> =>
    promised(receiveSteps(options)) as Promise<Message<T> | undefined>,
  /** Like {@link send}. */
  send: sendAsync,
  ...filePromises,
};
