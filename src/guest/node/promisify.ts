/** Callbacks as promises and the reverse: `util.promisify` and `util.callbackify`. */

type Callable = (this: unknown, ...args: unknown[]) => unknown;

/** Timers take their callback first; a promise of one is given its delay and its value. */
const globals = globalThis as unknown as {
  setTimeout(callback: (value: unknown) => void, delayMs: unknown, value: unknown): number;
  setImmediate(callback: (value: unknown) => void, value: unknown): number;
};
function timerPromise(original: unknown): Callable | undefined {
  if (original === globals.setTimeout)
    return (delayMs, value) => new Promise((resolve) => globals.setTimeout(resolve, delayMs, value));
  if (original === globals.setImmediate)
    return (value) => new Promise((resolve) => globals.setImmediate(resolve, value));
  return undefined;
}

const CUSTOM = Symbol.for("nodejs.util.promisify.custom");

function assertFunction(value: unknown, name: string): asserts value is Callable {
  if (typeof value === "function") return;
  const message = `The "${name}" argument must be of type function. Received ${value === null ? "null" : typeof value}`;
  throw Object.assign(new TypeError(message), { code: "ERR_INVALID_ARG_TYPE" });
}

function promised(original: unknown): Callable {
  assertFunction(original, "original");
  const custom = timerPromise(original) ?? (original as unknown as Record<symbol, unknown>)[CUSTOM];
  if (custom !== undefined) {
    assertFunction(custom, "util.promisify.custom");
    return Object.defineProperty(custom, CUSTOM, { value: custom, configurable: true });
  }
  const asPromise = function (this: unknown, ...args: unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const settle = (error: unknown, value: unknown): void => {
        if (error) reject(error);
        else resolve(value);
      };
      Reflect.apply(original, this, [...args, settle]);
    });
  };
  Object.setPrototypeOf(asPromise, Object.getPrototypeOf(original) as object);
  Object.defineProperty(asPromise, CUSTOM, { value: asPromise, configurable: true });
  return Object.defineProperties(asPromise, Object.getOwnPropertyDescriptors(original));
}

/** A function that returns a promise, made of one that takes a callback of an error and a value. */
export const promisify = /* @__PURE__ */ Object.assign(promised, { custom: CUSTOM });

/** A function that takes such a callback, made of one that returns a promise. */
export function callbackify(original: unknown): Callable {
  assertFunction(original, "original");
  return function (this: unknown, ...args: unknown[]): void {
    const callback = args.pop();
    assertFunction(callback, "last argument");
    // Out of the promise: what the callback throws is its own error, and not a rejection.
    const later = (...results: unknown[]) =>
      globals.setTimeout(() => Reflect.apply(callback, this, results), 0, undefined);
    (Reflect.apply(original, this, args) as Promise<unknown>).then(
      (value) => later(null, value),
      (error: unknown) => later(error || falsyReason(error)),
    );
  };
}

function falsyReason(reason: unknown): Error {
  return Object.assign(new Error("Promise was rejected with falsy value"), {
    code: "ERR_FALSY_VALUE_REJECTION",
    reason,
  });
}
