/** `core.ts` as an object. A bundler makes a getter for each name of a namespace that is used as a value. */

import { compareExchange, Deadline, newCell, takeOne, waitOn, wake } from "./cell.ts";
import { notCloneable } from "./class.ts";
import { nowMs } from "./clock.ts";
import { group, print, STDERR, STDOUT } from "./console.ts";
import type * as core from "./core.ts";
import {
  blocking,
  coded,
  currentTid,
  hasCode,
  promised,
  sharedWords,
  step,
  syscall,
  syscallAsync,
  syscallThen,
  timeoutOf,
} from "./machine.ts";
import { receiveSteps, sendAsync } from "./mailbox.ts";
import { Mutex } from "./mutex.ts";
import { loadedPart, part } from "./part.ts";
import { exit, forkAs, waitSteps } from "./process.ts";
import { randomBytes } from "./random.ts";
import { reportError } from "./report.ts";
import { onSignal } from "./signal.ts";
import { sleep, Thread } from "./thread.ts";
import { timerFunctions } from "./timer.ts";
import { withoutLibrary } from "./trace.ts";
import { dataBytes, joined, utf8Bytes } from "./utf8.ts";

export const shared: typeof core = {
  compareExchange,
  Deadline,
  newCell,
  takeOne,
  waitOn,
  wake,
  notCloneable,
  nowMs,
  group,
  print,
  STDERR,
  STDOUT,
  blocking,
  coded,
  currentTid,
  hasCode,
  promised,
  sharedWords,
  step,
  syscall,
  syscallAsync,
  syscallThen,
  timeoutOf,
  receiveSteps,
  sendAsync,
  Mutex,
  loadedPart,
  part,
  exit,
  forkAs,
  waitSteps,
  randomBytes,
  reportError,
  onSignal,
  sleep,
  Thread,
  timerFunctions,
  withoutLibrary,
  dataBytes,
  joined,
  utf8Bytes,
};
