/** The globals `Event`, `CustomEvent`, `EventTarget`, `AbortController`, `AbortSignal` (WHATWG DOM, without a tree). */

import { nowMs, reportError, timerFunctions } from "../core.ts";

type Listener = ((this: EventTarget, event: Event) => unknown) | { handleEvent(event: Event): unknown };
interface Registration {
  readonly listener: Listener;
  readonly capture: boolean;
  readonly once: boolean;
  readonly passive: boolean;
  removed: boolean;
}

/** What only the target of an event may change. */
interface EventState {
  target: EventTarget | null;
  phase: number;
  dispatching: boolean;
  stopped: boolean;
  canceled: boolean;
  inPassive: boolean;
}
let stateOf: (event: Event) => EventState;

/** The global `Event`. */
export class Event {
  readonly #type: string;
  readonly #bubbles: boolean;
  readonly #cancelable: boolean;
  readonly #composed: boolean;
  readonly #timeStamp = nowMs();
  #stopPropagation = false;
  readonly #state: EventState = {
    target: null,
    phase: 0,
    dispatching: false,
    stopped: false,
    canceled: false,
    inPassive: false,
  };

  constructor(type: unknown, options: { bubbles?: unknown; cancelable?: unknown; composed?: unknown } | null = {}) {
    if (arguments.length === 0) throw new TypeError('The "type" argument must be specified');
    this.#type = String(type);
    this.#bubbles = Boolean(options?.bubbles);
    this.#cancelable = Boolean(options?.cancelable);
    this.#composed = Boolean(options?.composed);
  }

  static {
    stateOf = (event) => event.#state;
    for (const [phase, value] of Object.entries({ NONE: 0, CAPTURING_PHASE: 1, AT_TARGET: 2, BUBBLING_PHASE: 3 })) {
      for (const holder of [Event, Event.prototype]) Object.defineProperty(holder, phase, { value, enumerable: true });
    }
  }

  get type(): string {
    return this.#type;
  }
  get target(): EventTarget | null {
    return this.#state.target;
  }
  get srcElement(): EventTarget | null {
    return this.#state.target;
  }
  get currentTarget(): EventTarget | null {
    return this.#state.dispatching ? this.#state.target : null;
  }
  get eventPhase(): number {
    return this.#state.phase;
  }
  get bubbles(): boolean {
    return this.#bubbles;
  }
  get cancelable(): boolean {
    return this.#cancelable;
  }
  get composed(): boolean {
    return this.#composed;
  }
  get defaultPrevented(): boolean {
    return this.#state.canceled;
  }
  get returnValue(): boolean {
    return !this.#state.canceled;
  }
  get cancelBubble(): boolean {
    return this.#stopPropagation;
  }
  set cancelBubble(value) {
    if (value) this.#stopPropagation = true;
  }
  get timeStamp(): number {
    return this.#timeStamp;
  }
  get isTrusted(): boolean {
    return false;
  }

  composedPath(): EventTarget[] {
    return this.#state.dispatching && this.#state.target !== null ? [this.#state.target] : [];
  }
  preventDefault(): void {
    if (this.#cancelable && !this.#state.inPassive) this.#state.canceled = true;
  }
  stopPropagation(): void {
    this.#stopPropagation = true;
  }
  stopImmediatePropagation(): void {
    this.#stopPropagation = true;
    this.#state.stopped = true;
  }
}

/** The global `CustomEvent`. */
export class CustomEvent extends Event {
  readonly #detail: unknown;

  constructor(
    type: unknown,
    options: { bubbles?: unknown; cancelable?: unknown; composed?: unknown; detail?: unknown } | null = {},
  ) {
    super(type, options);
    this.#detail = options?.detail ?? null;
  }

  get detail(): unknown {
    return this.#detail;
  }
}

interface ListenerOptions {
  readonly capture?: unknown;
  readonly once?: unknown;
  readonly passive?: unknown;
  readonly signal?: AbortSignal;
}

function captureOf(options: unknown): boolean {
  return Boolean(typeof options === "object" && options !== null ? (options as ListenerOptions).capture : options);
}

/** The global `EventTarget`. */
export class EventTarget {
  readonly #listeners = new Map<string, Registration[]>();

  addEventListener(type: unknown, listener: Listener | null, options?: ListenerOptions | boolean): void {
    if (listener === null || listener === undefined) return;
    if (typeof listener !== "function" && typeof listener !== "object")
      throw new TypeError("an event listener is a function or an object");
    const details = typeof options === "object" && options !== null ? options : {};
    if (details.signal?.aborted === true) return;
    const key = String(type);
    const capture = captureOf(options);
    const listeners = this.#listeners.get(key) ?? [];
    if (listeners.some((other) => other.listener === listener && other.capture === capture)) return;
    const { once, passive, signal } = details;
    this.#listeners.set(key, [
      ...listeners,
      { listener, capture, once: Boolean(once), passive: Boolean(passive), removed: false },
    ]);
    signal?.addEventListener("abort", () => this.removeEventListener(key, listener, capture), { once: true });
  }

  removeEventListener(type: unknown, listener: Listener | null, options?: ListenerOptions | boolean): void {
    const key = String(type);
    const capture = captureOf(options);
    const left = (this.#listeners.get(key) ?? []).filter((other) => {
      if (other.listener !== listener || other.capture !== capture) return true;
      other.removed = true;
      return false;
    });
    if (left.length === 0) this.#listeners.delete(key);
    else this.#listeners.set(key, left);
  }

  dispatchEvent(event: Event): boolean {
    if (!(event instanceof Event)) throw new TypeError("the event to dispatch must be an Event");
    const state = stateOf(event);
    if (state.dispatching) throw new DOMException("The event is already being dispatched", "InvalidStateError");
    Object.assign(state, { target: this, phase: 2, dispatching: true });
    const listeners = this.#listeners.get(event.type) ?? [];
    for (const registration of [
      ...listeners.filter((each) => each.capture),
      ...listeners.filter((each) => !each.capture),
    ]) {
      if (registration.removed) continue;
      if (registration.once) this.removeEventListener(event.type, registration.listener, registration.capture);
      state.inPassive = registration.passive;
      this.#call(registration.listener, event);
      state.inPassive = false;
      if (state.stopped) break;
    }
    Object.assign(state, { phase: 0, dispatching: false, stopped: false });
    return !state.canceled;
  }

  /** An error in one listener is reported and does not keep the event from the others. */
  #call(listener: Listener, event: Event): void {
    try {
      if (typeof listener === "function") listener.call(this, event);
      else listener.handleEvent(event);
    } catch (error) {
      reportError(error);
    }
  }
}

let createSignal: () => AbortSignal;
let abortSignal: (signal: AbortSignal, reason: unknown) => void;
/** Keeps others from making signals: `new AbortSignal()` is an error. */
const INTERNAL = Symbol("internal");

/** The global `AbortSignal`. */
export class AbortSignal extends EventTarget {
  #aborted = false;
  #reason: unknown;
  readonly #dependents: AbortSignal[] = [];
  #onabort: ((event: Event) => unknown) | null = null;

  constructor(key?: unknown) {
    if (key !== INTERNAL) throw new TypeError("Illegal constructor");
    super();
  }

  static {
    createSignal = () => new AbortSignal(INTERNAL);
    abortSignal = (signal, reason) => signal.#abort(reason);
  }

  static abort(reason?: unknown): AbortSignal {
    const signal = createSignal();
    signal.#abort(reason);
    return signal;
  }

  static timeout(ms: number): AbortSignal {
    const signal = createSignal();
    timerFunctions.setTimeout(
      () => signal.#abort(new DOMException("The operation was aborted due to timeout", "TimeoutError")),
      ms,
    );
    return signal;
  }

  static any(signals: Iterable<AbortSignal>): AbortSignal {
    const sources = [...signals];
    const result = createSignal();
    const aborted = sources.find((source) => source.#aborted);
    if (aborted !== undefined) result.#abort(aborted.#reason);
    else for (const source of sources) source.#dependents.push(result);
    return result;
  }

  get aborted(): boolean {
    return this.#aborted;
  }
  get reason(): unknown {
    return this.#reason;
  }
  get onabort(): ((event: Event) => unknown) | null {
    return this.#onabort;
  }
  set onabort(listener) {
    this.removeEventListener("abort", this.#onabort);
    this.#onabort = typeof listener === "function" ? listener : null;
    this.addEventListener("abort", this.#onabort);
  }

  throwIfAborted(): void {
    if (this.#aborted) throw this.#reason;
  }

  #abort(reason: unknown): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#reason = reason === undefined ? new DOMException("This operation was aborted", "AbortError") : reason;
    this.dispatchEvent(new Event("abort"));
    for (const dependent of this.#dependents.splice(0)) dependent.#abort(this.#reason);
  }
}

/** The global `AbortController`. */
export class AbortController {
  readonly #signal = createSignal();

  get signal(): AbortSignal {
    return this.#signal;
  }

  abort(reason?: unknown): void {
    abortSignal(this.#signal, reason);
  }
}
