/**
 * Evaluated once, when the template image is made; every process begins as a copy of that image. It makes no system
 * call and reads no clock, and leaves `__godwit`: for the kernel its entry points and the shared words, for programs the
 * module's exports, for the library's own parts its core.
 */

import type { GuestEntryPoint } from "../abi/records.ts";
import { nameClass } from "./class.ts";
import { consoleObject } from "./console.ts";
import { exports } from "./exports.ts";
import { defineGlobal, defineLazyGlobal } from "./global.ts";
import { dispatchCompletion, sharedWords } from "./machine.ts";
import { dispatchMessage } from "./mailbox.ts";
import { part, type PartName } from "./part.ts";
import { backtrace, describeError, reportError, reportRejection, unhandledRejection } from "./report.ts";
import { shared } from "./shared.ts";
import { runSignal } from "./signal.ts";
import { afterFork, runThread } from "./thread.ts";
import { dispatchTimer, timerFunctions } from "./timer.ts";
import { acceptAnyStack } from "./trace.ts";

acceptAnyStack();
defineGlobal("console", consoleObject, false);
for (const [name, value] of Object.entries(timerFunctions)) defineGlobal(name, value, true);

const lazy = {
  url: ["URL", "URLSearchParams"],
  text: ["TextEncoder", "TextDecoder"],
  event: ["Event", "CustomEvent", "EventTarget", "AbortController", "AbortSignal"],
  blob: ["Blob", "File"],
  ports: ["MessageChannel", "MessageEvent", "MessagePort"],
  fetch: ["fetch", "Headers", "Request", "Response"],
  form: ["FormData"],
  websocket: ["CloseEvent", "ErrorEvent", "WebSocket"],
  streams: [
    "ByteLengthQueuingStrategy",
    "CountQueuingStrategy",
    "ReadableByteStreamController",
    "ReadableStream",
    "ReadableStreamBYOBReader",
    "ReadableStreamBYOBRequest",
    "ReadableStreamDefaultController",
    "ReadableStreamDefaultReader",
    "TextDecoderStream",
    "TextEncoderStream",
    "TransformStream",
    "TransformStreamDefaultController",
    "WritableStream",
    "WritableStreamDefaultController",
    "WritableStreamDefaultWriter",
  ],
  compression: ["CompressionStream", "DecompressionStream"],
  performance: ["Performance", "PerformanceEntry", "PerformanceMark", "PerformanceMeasure", "performance"],
  crypto: ["Crypto", "crypto"],
  subtle: ["CryptoKey", "SubtleCrypto"],
  atomics: ["Atomics"],
} as const satisfies Partial<Record<PartName, readonly string[]>>;
for (const [from, names] of Object.entries(lazy)) {
  for (const name of names) defineLazyGlobal(name, from as PartName);
}
/** With the length of the web's, to which the second argument does not count. */
function structuredClone(_value: unknown): unknown {
  return part("clone").structuredClone(...(arguments as unknown as [unknown]));
}
nameClass("structuredClone", structuredClone);
defineGlobal("structuredClone", structuredClone, true);

defineGlobal("self", globalThis, true);
defineGlobal("navigator", { userAgent: "godwit" }, true);
/** Tells of an error as an uncaught one is told of, and goes on. */
function tellOfError(error: unknown): void {
  if (arguments.length === 0) throw new TypeError("reportError needs an error");
  reportError(error);
}
nameClass("reportError", tellOfError);
defineGlobal("reportError", tellOfError, true);

const entryPoints: Record<GuestEntryPoint, (...args: never[]) => unknown> = {
  runThread,
  runSignal,
  dispatchTimer,
  dispatchCompletion,
  dispatchMessage,
  dispatchKept: () => part("keep").giveKept(),
  reportRejection,
  unhandledRejection,
  describeError,
  backtrace,
  afterFork,
};

Object.defineProperty(globalThis, "__godwit", {
  value: { entryPoints, exports, sharedWords, core: shared },
  configurable: true,
});
