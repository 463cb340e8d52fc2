/**
 * Evaluated once, when the template image is made; every process begins as a copy of that image. It makes no system
 * call and reads no clock, and leaves `__godwit` for the kernel: its entry points, the module's exports, the shared
 * words.
 */

import type { GuestEntryPoint } from "../abi/records.ts";
import { structuredClone } from "./clone.ts";
import { consoleObject } from "./console.ts";
import { defineGlobal } from "./global.ts";
import * as exports from "./index.ts";
import { dispatchCompletion, sharedWords } from "./machine.ts";
import { dispatchMessage } from "./mailbox.ts";
import { backtrace, describeError, reportRejection, unhandledRejection } from "./report.ts";
import { runSignal } from "./signal.ts";
import { afterFork, runThread } from "./thread.ts";
import { dispatchTimer, timerFunctions } from "./timer.ts";

defineGlobal("console", consoleObject, false);
defineGlobal("structuredClone", structuredClone, true);
for (const [name, value] of Object.entries(timerFunctions)) defineGlobal(name, value, true);

const entryPoints: Record<GuestEntryPoint, (...args: never[]) => unknown> = {
  runThread,
  runSignal,
  dispatchTimer,
  dispatchCompletion,
  dispatchMessage,
  reportRejection,
  unhandledRejection,
  describeError,
  backtrace,
  afterFork,
};

Object.defineProperty(globalThis, "__godwit", {
  value: { entryPoints, exports: { ...exports }, sharedWords },
  configurable: true,
});
