/** What the parts that are loaded later may use of the library that every process has. */

export { type Cell, compareExchange, Deadline, newCell, takeOne, waitOn, wake } from "./cell.ts";
export { notCloneable } from "./class.ts";
export { nowMs } from "./clock.ts";
export { group, print, STDERR, STDOUT } from "./console.ts";
export {
  blocking,
  coded,
  currentTid,
  hasCode,
  promised,
  sharedWords,
  step,
  type Steps,
  syscall,
  syscallAsync,
  syscallThen,
  timeoutOf,
  type WaitOptions,
} from "./machine.ts";
export { type Message, receiveSteps, sendAsync } from "./mailbox.ts";
export { Mutex } from "./mutex.ts";
export { loadedPart, part } from "./part.ts";
export { exit, forkAs, waitSteps } from "./process.ts";
export { randomBytes } from "./random.ts";
export { reportError } from "./report.ts";
export { onSignal } from "./signal.ts";
export { sleep, Thread } from "./thread.ts";
export { timerFunctions } from "./timer.ts";
export { withoutLibrary } from "./trace.ts";
export { dataBytes, joined, utf8Bytes } from "./utf8.ts";
