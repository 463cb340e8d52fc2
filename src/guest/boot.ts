/**
 * Evaluated once, when the template image is made; every process begins as a copy of that image. It makes no system
 * call and reads no clock, and leaves `__godwit` for the kernel: its entry points, the module's exports, the shared
 * words.
 */

import type { GuestEntryPoint } from "../abi/records.ts";
import { atomics } from "./atomics.ts";
import { refuseClone, structuredClone } from "./clone.ts";
import { consoleObject } from "./console.ts";
import { Crypto, crypto } from "./crypto.ts";
import { AbortController, AbortSignal, CustomEvent, Event, EventTarget } from "./event.ts";
import { defineGlobal, defineGlobalGetter, defineInterface, nameClass } from "./global.ts";
import * as exports from "./index.ts";
import { dispatchCompletion, sharedWords } from "./machine.ts";
import { dispatchMessage } from "./mailbox.ts";
import { Performance, PerformanceEntry, performanceObject } from "./performance.ts";
import { backtrace, describeError, reportRejection, unhandledRejection } from "./report.ts";
import { runSignal } from "./signal.ts";
import { TextDecoder, TextEncoder } from "./text.ts";
import { afterFork, runThread } from "./thread.ts";
import { dispatchTimer, timerFunctions } from "./timer.ts";
import { URL, URLSearchParams } from "./url.ts";

const interfaces = {
  URL, URLSearchParams, TextEncoder, TextDecoder, Event, CustomEvent, EventTarget, AbortController, AbortSignal,
  Crypto, Performance, PerformanceEntry,
};
for (const [name, each] of Object.entries(interfaces)) {
  defineInterface(name, each);
  refuseClone(each.prototype);
}
for (const [name, each] of Object.entries(exports)) {
  if (typeof each !== "function" || !/^[A-Z]/.test(name)) continue;
  nameClass(name, each);
  refuseClone(each.prototype as object);
}
defineGlobal("console", consoleObject, false);
defineGlobal("Atomics", atomics, false);
defineGlobalGetter("crypto", () => crypto);
defineGlobalGetter("performance", () => performanceObject);
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
