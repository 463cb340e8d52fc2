/** The globals `EventTarget`, `AbortController` and `AbortSignal` (WHATWG DOM, without a tree). */

import { reportError, timerFunctions } from "../core.ts";
import { AT_TARGET, Event, stateOf } from "./event-object.ts";
import { dictionary, domString, requireArguments } from "./idl.ts";

type Listener = ((this: EventTarget, event: Event) => unknown) | { handleEvent(event: Event): unknown };
interface Registration {
  readonly listener: Listener;
  readonly capture: boolean;
  readonly once: boolean;
  readonly passive: boolean;
  removed: boolean;
}

function captureOf(options: unknown): boolean {
  const isObject = typeof options === "object" || typeof options === "function";
  return Boolean(isObject && options !== null ? (options as { capture?: unknown }).capture : options);
}

function checkListener(listener: unknown): void {
  if (listener === null || listener === undefined) return;
  if (typeof listener !== "function" && typeof listener !== "object")
    throw new TypeError("an event listener is a function or an object");
}

/** Dispatches an event of the library's own. */
let fire: (target: EventTarget, type: string) => boolean;
let listens: (target: EventTarget, type: string) => boolean;
/** Whoever has to know is told that what listens for "abort" changed. */
let noteListeners: (target: EventTarget) => void;

/** The global `EventTarget`. */
export class EventTarget {
  readonly #listeners = new Map<string, Registration[]>();

  addEventListener(type: unknown, listener: Listener | null, options: unknown = undefined): void {
    const listenersOf = this.#listeners;
    requireArguments(arguments.length, 2, "addEventListener");
    const key = domString(type);
    checkListener(listener);
    const capture = captureOf(options);
    const isDictionary = (typeof options === "object" && options !== null) || typeof options === "function";
    const { once, passive, signal } = dictionary(isDictionary ? options : undefined, "the options");
    if (signal !== undefined && !(signal instanceof AbortSignal))
      throw new TypeError("the signal of an event listener must be an AbortSignal");
    if (signal?.aborted === true || listener === null || listener === undefined) return;
    const listeners = listenersOf.get(key) ?? [];
    if (listeners.some((other) => other.listener === listener && other.capture === capture)) return;
    listenersOf.set(key, [
      ...listeners,
      { listener, capture, once: Boolean(once), passive: Boolean(passive), removed: false },
    ]);
    if (key === "abort") noteListeners(this);
    signal?.addEventListener("abort", () => this.removeEventListener(key, listener, capture), { once: true });
  }

  removeEventListener(type: unknown, listener: Listener | null, options: unknown = undefined): void {
    const listenersOf = this.#listeners;
    requireArguments(arguments.length, 2, "removeEventListener");
    const key = domString(type);
    checkListener(listener);
    const capture = captureOf(options);
    const left = (listenersOf.get(key) ?? []).filter((other) => {
      if (other.listener !== listener || other.capture !== capture) return true;
      other.removed = true;
      return false;
    });
    if (left.length === 0) listenersOf.delete(key);
    else listenersOf.set(key, left);
    if (key === "abort") noteListeners(this);
  }

  dispatchEvent(event: Event): boolean {
    void this.#listeners;
    if (!(event instanceof Event)) throw new TypeError("the event to dispatch must be an Event");
    if (stateOf(event).dispatching)
      throw new DOMException("The event is already being dispatched", "InvalidStateError");
    return this.#dispatch(event, false);
  }

  static {
    fire = (target, type) => target.#dispatch(new Event(type), true);
    listens = (target, type) => target.#listeners.has(type);
  }

  #dispatch(event: Event, trusted: boolean): boolean {
    const state = stateOf(event);
    Object.assign(state, { target: this, currentTarget: this, phase: AT_TARGET, dispatching: true, trusted });
    for (const capture of [true, false]) {
      if (state.stopped) break;
      // Listeners that are added meanwhile are not called in this round.
      for (const registration of this.#listeners.get(state.type) ?? []) {
        if (registration.capture !== capture || registration.removed) continue;
        if (registration.once) this.removeEventListener(state.type, registration.listener, capture);
        state.inPassive = registration.passive;
        this.#call(registration.listener, event);
        state.inPassive = false;
        if (state.stoppedAtOnce) break;
      }
    }
    Object.assign(state, { currentTarget: null, phase: 0, dispatching: false, stopped: false, stoppedAtOnce: false });
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

/** So many dependents of a signal are not looked through for those that are gone. */
const PRUNE_AT_LEAST = 32;

type Handler = ((this: AbortSignal, event: Event) => unknown) | null;

/** The global `AbortSignal`. */
export class AbortSignal extends EventTarget {
  #aborted = false;
  #reason: unknown;
  /** Those that {@link AbortSignal.any} made of this one and others: weakly, as one that nobody can see need not be told. */
  #dependents: WeakRef<AbortSignal>[] = [];
  #pruneAt = PRUNE_AT_LEAST;
  /** Of one that `any` made: the signals it was made of, down to those that were not made so. */
  #sources: readonly AbortSignal[] | undefined;
  /** Dependents that somebody listens to, so that nothing else need hold them. */
  readonly #listenedTo = new Set<AbortSignal>();
  #onabort: Handler = null;
  /** Made when there is a handler: it refers to its signal, which would never be let go at once. */
  #runHandler: ((event: Event) => void) | undefined;

  constructor(key: unknown = undefined) {
    if (key !== INTERNAL) throw new TypeError("Illegal constructor");
    super();
  }

  static {
    createSignal = () => new AbortSignal(INTERNAL);
    abortSignal = (signal, reason) => signal.#abort(reason);
    noteListeners = (target) => {
      if (!(#sources in target)) return;
      const isListenedTo = listens(target, "abort");
      for (const source of target.#sources ?? []) {
        if (isListenedTo && !target.#aborted) source.#listenedTo.add(target);
        else source.#listenedTo.delete(target);
      }
    };
  }

  static abort(reason: unknown = undefined): AbortSignal {
    const signal = createSignal();
    signal.#abort(reason);
    return signal;
  }

  static timeout(milliseconds: unknown): AbortSignal {
    requireArguments(arguments.length, 1, "AbortSignal.timeout");
    const ms = Math.trunc(Number(milliseconds));
    if (!(ms >= 0 && ms <= Number.MAX_SAFE_INTEGER))
      throw new TypeError(`${String(milliseconds)} is no number of milliseconds`);
    const signal = createSignal();
    timerFunctions.setTimeout(
      () => signal.#abort(new DOMException("The operation was aborted due to timeout", "TimeoutError")),
      ms,
    );
    return signal;
  }

  static any(signals: Iterable<AbortSignal>): AbortSignal {
    requireArguments(arguments.length, 1, "AbortSignal.any");
    const given = [...signals];
    if (!given.every((signal) => signal instanceof AbortSignal))
      throw new TypeError("each signal must be an AbortSignal");
    const result = createSignal();
    const aborted = given.find((signal) => signal.#aborted);
    if (aborted !== undefined) {
      result.#aborted = true;
      result.#reason = aborted.#reason;
      return result;
    }
    result.#sources = [...new Set(given.flatMap((signal) => signal.#sources ?? [signal]))];
    for (const source of result.#sources) source.#addDependent(result);
    return result;
  }

  #addDependent(dependent: AbortSignal): void {
    // A signal that lives as long as the program must not keep what is left of every request.
    if (this.#dependents.length >= this.#pruneAt) {
      this.#dependents = this.#dependents.filter((reference) => reference.deref() !== undefined);
      this.#pruneAt = Math.max(PRUNE_AT_LEAST, 2 * this.#dependents.length);
    }
    this.#dependents.push(new WeakRef(dependent));
  }

  get aborted(): boolean {
    return this.#aborted;
  }
  get reason(): unknown {
    return this.#reason;
  }
  get onabort(): Handler {
    return this.#onabort;
  }
  set onabort(handler: unknown) {
    const isHandler = typeof handler === "function" || (typeof handler === "object" && handler !== null);
    const had = this.#onabort !== null;
    this.#onabort = isHandler ? (handler as Handler) : null;
    const run = (this.#runHandler ??= (event) => {
      if (typeof this.#onabort === "function") Reflect.apply(this.#onabort, this, [event]);
    });
    if (isHandler && !had) this.addEventListener("abort", run);
    if (!isHandler && had) this.removeEventListener("abort", run);
  }

  throwIfAborted(): void {
    if (this.#aborted) throw this.#reason;
  }

  #abort(reason: unknown): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#reason = reason === undefined ? new DOMException("This operation was aborted", "AbortError") : reason;
    const told: AbortSignal[] = [];
    for (const reference of this.#dependents) {
      const dependent = reference.deref();
      if (dependent === undefined || dependent.#aborted) continue;
      // All are aborted before the first listener runs.
      dependent.#aborted = true;
      dependent.#reason = this.#reason;
      told.push(dependent);
    }
    this.#dependents = [];
    this.#listenedTo.clear();
    for (const signal of [this, ...told]) fire(signal, "abort");
  }
}

/** The global `AbortController`. */
export class AbortController {
  readonly #signal = createSignal();

  get signal(): AbortSignal {
    return this.#signal;
  }

  abort(reason: unknown = undefined): void {
    abortSignal(this.#signal, reason);
  }
}
