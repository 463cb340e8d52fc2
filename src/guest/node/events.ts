/** `node:events`: the package `events`, with what Node has come to offer since it was written. */

import Packaged from "events/events.js";
import { inspect } from "godwit";

type Listener = (...args: never[]) => void;
interface Emitter {
  on(name: PropertyKey, listener: Listener): this;
  once(name: PropertyKey, listener: Listener): this;
  off(name: PropertyKey, listener: Listener): this;
  emit(name: PropertyKey, ...args: unknown[]): boolean;
  listenerCount(name: PropertyKey): number;
  rawListeners(name: PropertyKey): Listener[];
  listeners(name: PropertyKey): Listener[];
  setMaxListeners(count: number): this;
  getMaxListeners(): number;
}
interface Target {
  addEventListener(name: string, listener: unknown, options?: object): void;
  removeEventListener(name: string, listener: unknown): void;
}
interface Signal extends Target {
  readonly aborted: boolean;
  readonly reason: unknown;
}
interface WithSignal {
  readonly signal?: Signal;
}

export const EventEmitter = Packaged as unknown as {
  new (): Emitter;
  readonly prototype: Emitter;
  defaultMaxListeners: number;
};
export const errorMonitor: unique symbol = Symbol("events.errorMonitor");

function unhandled(context: unknown): Error {
  return Object.assign(new Error(`Unhandled error. (${inspect(context)})`), { code: "ERR_UNHANDLED_ERROR", context });
}

const emit = EventEmitter.prototype.emit;
EventEmitter.prototype.emit = function (this: Emitter, name: PropertyKey, ...args: unknown[]): boolean {
  if (name === "error") {
    Reflect.apply(emit, this, [errorMonitor, ...args]);
    const [error] = args;
    if (!(error instanceof Error) && this.listenerCount("error") === 0) throw unhandled(error);
  }
  return Reflect.apply(emit, this, [name, ...args]);
};

function isTarget(value: unknown): value is Target {
  return typeof (value as Partial<Target> | null)?.addEventListener === "function";
}

function abortError(signal: Signal): Error {
  const error = new Error("The operation was aborted", { cause: signal.reason });
  return Object.assign(error, { name: "AbortError", code: "ABORT_ERR" });
}

/** Resolves with the arguments of the next event; rejects at `error`, and when the signal is aborted. */
export function once(emitter: Emitter | Target, name: string, { signal }: WithSignal = {}): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(abortError(signal));
    const clear = () => {
      signal?.removeEventListener("abort", onAbort);
      if (isTarget(emitter)) return emitter.removeEventListener(name, onEvent);
      emitter.off(name, onEvent);
      return emitter.off("error", onError);
    };
    const onEvent = (...args: unknown[]) => (clear(), resolve(args));
    const onError = (error: unknown) => (clear(), reject(error));
    const onAbort = () => (clear(), reject(abortError(signal as Signal)));
    signal?.addEventListener("abort", onAbort, { once: true });
    if (isTarget(emitter)) return emitter.addEventListener(name, onEvent);
    emitter.on(name, onEvent);
    if (name !== "error") emitter.on("error", onError);
    return undefined;
  });
}

/** Events to come, as an asynchronous iterator of their arguments. */
export function on(emitter: Emitter | Target, name: string, { signal }: WithSignal = {}) {
  if (signal?.aborted === true) throw abortError(signal);
  const events: unknown[][] = [];
  const waiting: { resolve: (result: IteratorResult<unknown[]>) => void; reject: (error: unknown) => void }[] = [];
  let failed: { readonly error: unknown } | undefined;
  let ended = false;
  const onEvent = (...args: unknown[]) => {
    const next = waiting.shift();
    if (next === undefined) events.push(args);
    else next.resolve({ value: args, done: false });
  };
  const onError = (error: unknown) => {
    const next = waiting.shift();
    if (next === undefined) failed = { error };
    else next.reject(error);
    clear();
  };
  const onAbort = () => onError(abortError(signal as Signal));
  const clear = () => {
    ended = true;
    signal?.removeEventListener("abort", onAbort);
    if (isTarget(emitter)) emitter.removeEventListener(name, onEvent);
    else emitter.off(name, onEvent).off("error", onError);
    for (const next of waiting.splice(0)) next.resolve({ value: undefined, done: true });
  };
  signal?.addEventListener("abort", onAbort, { once: true });
  if (isTarget(emitter)) emitter.addEventListener(name, onEvent);
  else {
    emitter.on(name, onEvent);
    if (name !== "error") emitter.on("error", onError);
  }
  return {
    next(): Promise<IteratorResult<unknown[]>> {
      const value = events.shift();
      if (value !== undefined) return Promise.resolve({ value, done: false });
      if (failed !== undefined) {
        const { error } = failed;
        failed = undefined;
        return Promise.reject(error);
      }
      if (ended) return Promise.resolve({ value: undefined, done: true });
      return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
    },
    return(): Promise<IteratorResult<unknown[]>> {
      clear();
      return Promise.resolve({ value: undefined, done: true });
    },
    throw(error: unknown): Promise<IteratorResult<unknown[]>> {
      onError(error);
      return Promise.resolve({ value: undefined, done: true });
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/** A copy of the listeners. Those of an `EventTarget` cannot be known. */
export function getEventListeners(emitter: Emitter, name: PropertyKey): Listener[] {
  return emitter.listeners(name);
}
export function listenerCount(emitter: Emitter, name: PropertyKey): number {
  return emitter.listenerCount(name);
}
export function getMaxListeners(emitter: Emitter): number {
  return emitter.getMaxListeners();
}
export function setMaxListeners(count = EventEmitter.defaultMaxListeners, ...emitters: (Emitter | Target)[]): void {
  if (emitters.length === 0) EventEmitter.defaultMaxListeners = count;
  for (const emitter of emitters) if (!isTarget(emitter)) emitter.setMaxListeners(count);
}
/** Calls `listener` when `signal` is aborted, or soon if it is. What is returned takes it back. */
export function addAbortListener(signal: Signal, listener: (event?: unknown) => void): Disposable {
  if (signal.aborted) queueMicrotask(() => listener());
  else signal.addEventListener("abort", listener, { once: true });
  return { [Symbol.dispose]: () => signal.removeEventListener("abort", listener) };
}
declare function queueMicrotask(callback: () => void): void;

export const defaultMaxListeners = EventEmitter.defaultMaxListeners;

Object.assign(EventEmitter, {
  EventEmitter,
  errorMonitor,
  once,
  on,
  getEventListeners,
  getMaxListeners,
  listenerCount,
  setMaxListeners,
  addAbortListener,
});
export default EventEmitter;
