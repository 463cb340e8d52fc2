/** `node:async_hooks`: stores that follow a program through its callbacks, promises and awaits. */

import { carried, currentFrame, enterFrame, type Frame, runIn } from "./async-context.ts";

type Callback<R> = (...args: never[]) => R;

export class AsyncLocalStorage<T = unknown> {
  readonly #initial: T | undefined;
  #isOn = true;
  readonly name: string;

  constructor(options: { readonly defaultValue?: T; readonly name?: string } = {}) {
    this.#initial = options.defaultValue;
    this.name = String(options.name ?? "");
  }

  /** The function, to be run in the frame of now whenever it is called. */
  static bind<F extends Callback<unknown>>(callback: F): F {
    assertFunction(callback, "fn");
    return carried(callback);
  }

  /** A function that runs others in the frame of now. */
  static snapshot(): <R>(callback: Callback<R>, ...args: unknown[]) => R {
    const frame = currentFrame();
    return (callback, ...args) => runIn(frame, callback, undefined, args);
  }

  getStore(): T | undefined {
    if (!this.#isOn) return undefined;
    const frame = currentFrame();
    return frame.has(this) ? (frame.get(this) as T) : this.#initial;
  }

  run<R>(store: T, callback: Callback<R>, ...args: unknown[]): R {
    this.#isOn = true;
    return runIn(this.#with(store), callback, undefined, args);
  }

  exit<R>(callback: Callback<R>, ...args: unknown[]): R {
    const frame = new Map(currentFrame());
    frame.delete(this);
    return runIn(frame, callback, undefined, args);
  }

  enterWith(store: T): void {
    this.#isOn = true;
    enterFrame(this.#with(store));
  }

  /** Until the next `run` or `enterWith` there is no store. */
  disable(): void {
    this.#isOn = false;
  }

  #with(store: T): Frame {
    return new Map(currentFrame()).set(this, store);
  }
}

let lastAsyncId = 1;

/** Something that callbacks belong to: they run in the frame in which it was made. */
export class AsyncResource {
  readonly #frame: Frame = currentFrame();
  readonly #id = ++lastAsyncId;
  readonly #triggerId: number;

  constructor(type: string, options: number | { readonly triggerAsyncId?: number } = {}) {
    if (typeof type !== "string") throw invalid(`The "type" argument must be of type string`);
    this.#triggerId = (typeof options === "number" ? options : options.triggerAsyncId) ?? 1;
  }

  static bind<F extends Callback<unknown>>(callback: F, type?: string, receiver?: unknown): F {
    assertFunction(callback, "fn");
    return new AsyncResource(type ?? (callback.name || "bound-anonymous-fn")).bind(callback, receiver);
  }

  bind<F extends Callback<unknown>>(callback: F, receiver?: unknown): F {
    assertFunction(callback, "fn");
    const frame = this.#frame;
    const bound = function (this: unknown, ...args: unknown[]): unknown {
      return runIn(frame, callback, receiver ?? this, args);
    };
    Object.defineProperty(bound, "length", { value: callback.length, configurable: true });
    return bound as unknown as F;
  }

  runInAsyncScope<R>(callback: Callback<R>, receiver?: unknown, ...args: unknown[]): R {
    return runIn(this.#frame, callback, receiver, args);
  }

  emitDestroy(): this {
    return this;
  }

  asyncId(): number {
    return this.#id;
  }

  triggerAsyncId(): number {
    return this.#triggerId;
  }
}

function assertFunction(value: unknown, name: string): void {
  if (typeof value !== "function") throw invalid(`The "${name}" argument must be of type function`);
}

function invalid(message: string): TypeError {
  return Object.assign(new TypeError(message), { code: "ERR_INVALID_ARG_TYPE" });
}

export default { AsyncLocalStorage, AsyncResource };
