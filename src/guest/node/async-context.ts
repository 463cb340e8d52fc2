/**
 * What is carried from where a callback was given to where it runs: the stores of every `AsyncLocalStorage`. Importing
 * this makes promises, timers and microtasks carry them, as Node's do; it is evaluated only in programs that import
 * `node:async_hooks`. In those the compiler writes async functions with promises, whose `then` is followed here.
 */

import { ThreadLocal } from "godwit";

/** Stores by their `AsyncLocalStorage`. Never changed once made: every callback that was given meanwhile holds it. */
export type Frame = ReadonlyMap<object, unknown>;
type Callback = (...args: never[]) => unknown;

const NONE: Frame = new Map();
const current = new ThreadLocal<Frame>(() => NONE);

export function currentFrame(): Frame {
  return current.get();
}

/** From here to the end of what surrounds it: a callback, or {@link runIn}. */
export function enterFrame(frame: Frame): void {
  current.set(frame);
}

export function runIn<R>(frame: Frame, callback: (...args: never[]) => R, receiver: unknown, args: unknown[]): R {
  const before = current.get();
  current.set(frame);
  try {
    return Reflect.apply(callback, receiver, args) as R;
  } finally {
    current.set(before);
  }
}

/** `callback`, to be run in today's frame. What is no function is handed on. */
export function carried<T>(callback: T): T {
  if (typeof callback !== "function") return callback;
  const frame = current.get();
  const carrier = function (this: unknown, ...args: unknown[]): unknown {
    return runIn(frame, callback as unknown as Callback, this, args);
  };
  return carrier as T;
}

const NativePromise = Promise;
const nativeThen = NativePromise.prototype.then;

/**
 * What a promise is resolved with. A thenable's `then` is called later, by the engine; it, too, runs in the frame in
 * which the promise was resolved: a query of a database starts there.
 */
function resolution(value: unknown): unknown {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return value;
  const frame = current.get();
  if (frame === NONE) return value;
  const given = (value as { readonly then?: unknown }).then;
  if (typeof given !== "function" || given === then) return value;
  const run = (...args: unknown[]): unknown => runIn(frame, given as Callback, value, args);
  // oxlint-disable-next-line unicorn/no-thenable -- it stands for one
  return { then: run };
}

function reaction(callback: unknown): unknown {
  if (typeof callback !== "function") return callback;
  const frame = current.get();
  return (value: unknown) => runIn(frame, () => resolution(callback(value)), undefined, []);
}

function then(this: Promise<unknown>, onFulfilled?: unknown, onRejected?: unknown): unknown {
  return Reflect.apply(nativeThen, this, [reaction(onFulfilled), reaction(onRejected)]);
}

type Executor = (resolve: (value: unknown) => void, reject: (reason: unknown) => void) => void;

function following(executor: Executor): Executor {
  return (resolve, reject) =>
    executor((value) => {
      let given;
      try {
        given = resolution(value);
      } catch (error) {
        return reject(error);
      }
      return resolve(given);
    }, reject);
}

const FollowedPromise: PromiseConstructor = new Proxy(NativePromise, {
  construct(target, [executor, ...rest]: [unknown, ...unknown[]], newTarget) {
    const given = typeof executor === "function" ? following(executor as Executor) : executor;
    return Reflect.construct(target, [given, ...rest], newTarget === FollowedPromise ? target : newTarget) as object;
  },
});

function replace(object: object, name: PropertyKey, value: unknown): void {
  const { enumerable = false } = Object.getOwnPropertyDescriptor(object, name) ?? {};
  Object.defineProperty(object, name, { value, writable: true, enumerable, configurable: true });
}

replace(NativePromise.prototype, "then", then);
replace(NativePromise.prototype, "constructor", FollowedPromise);
// What `then` makes is the engine's own, without the way round.
Object.defineProperty(NativePromise, Symbol.species, {
  get(this: unknown) {
    return this === FollowedPromise ? NativePromise : this;
  },
  configurable: true,
});
replace(globalThis, "Promise", FollowedPromise);

const scheduling = globalThis as unknown as Record<string, Callback>;
for (const name of ["setTimeout", "setInterval", "setImmediate", "queueMicrotask"]) {
  const original = scheduling[name];
  if (original === undefined) continue;
  const followed = (callback: unknown, ...rest: never[]): unknown => original(carried(callback) as never, ...rest);
  replace(followed, "name", name);
  replace(globalThis, name, followed);
}
