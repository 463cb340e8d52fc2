/** `node:timers/promises`. */

interface Signal {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(name: "abort", listener: () => void, options?: object): void;
  removeEventListener(name: "abort", listener: () => void): void;
}
interface Options {
  readonly signal?: Signal;
}
const web = globalThis as unknown as {
  setTimeout(callback: () => void, delayMs: unknown): number;
  setImmediate(callback: () => void): number;
  clearTimeout(id: number): void;
};

function abortError(signal: Signal): Error {
  const error = new Error("The operation was aborted", { cause: signal.reason });
  return Object.assign(error, { name: "AbortError", code: "ABORT_ERR" });
}

function later<T>(start: (callback: () => void) => number, value: T, { signal }: Options): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(abortError(signal));
    const onAbort = () => {
      web.clearTimeout(timer);
      reject(abortError(signal as Signal));
    };
    const timer = start(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve(value);
    });
    signal?.addEventListener("abort", onAbort, { once: true });
    return undefined;
  });
}

export function setTimeout<T>(delayMs?: number, value?: T, options: Options = {}): Promise<T> {
  return later((callback) => web.setTimeout(callback, delayMs), value as T, options);
}
export function setImmediate<T>(value?: T, options: Options = {}): Promise<T> {
  return later((callback) => web.setImmediate(callback), value as T, options);
}
/** Gives `value` every so often, for as long as it is asked. */
export async function* setInterval<T>(delayMs?: number, value?: T, options: Options = {}): AsyncGenerator<T> {
  while (true) yield await setTimeout(delayMs, value as T, options);
}
export const scheduler = {
  wait: (delayMs: number, options: Options = {}): Promise<void> => setTimeout(delayMs, undefined, options),
  yield: (): Promise<void> => setImmediate(),
};
export default { setTimeout, setImmediate, setInterval, scheduler };
