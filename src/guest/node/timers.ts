/** `node:timers`: the globals, with timers that are objects, as in Node. `unref` lets no process end earlier here. */

import * as promises from "./timers-promises.ts";

type Callback = (...args: unknown[]) => void;
type Clear = (id?: unknown) => void;
const web = globalThis as unknown as {
  setTimeout(callback: Callback, delayMs: unknown, ...args: unknown[]): number;
  setInterval(callback: Callback, delayMs: unknown, ...args: unknown[]): number;
  setImmediate(callback: Callback, ...args: unknown[]): number;
  clearTimeout: Clear;
  clearInterval: Clear;
  clearImmediate: Clear;
};

/** A timer that can be started anew. */
export class Timeout {
  readonly #start: () => number;
  #id: number;

  constructor(start: () => number) {
    this.#start = start;
    this.#id = start();
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
  hasRef(): boolean {
    return true;
  }
  refresh(): this {
    this.close();
    this.#id = this.#start();
    return this;
  }
  close(): this {
    web.clearTimeout(this.#id);
    return this;
  }
  [Symbol.toPrimitive](): number {
    return this.#id;
  }
  [Symbol.dispose](): void {
    this.close();
  }
}

export function setTimeout(callback: Callback, delayMs?: number, ...args: unknown[]): Timeout {
  return new Timeout(() => web.setTimeout(callback, delayMs, ...args));
}
export function setInterval(callback: Callback, delayMs?: number, ...args: unknown[]): Timeout {
  return new Timeout(() => web.setInterval(callback, delayMs, ...args));
}
export function setImmediate(callback: Callback, ...args: unknown[]): Timeout {
  return new Timeout(() => web.setImmediate(callback, ...args));
}
function clear(timer?: unknown): void {
  if (timer instanceof Timeout) timer.close();
  else web.clearTimeout(timer);
}
export const clearTimeout = clear;
export const clearInterval = clear;
export const clearImmediate = clear;
export { promises };
export default { setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate, promises };
