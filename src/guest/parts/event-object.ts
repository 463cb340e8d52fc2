/** The globals `Event` and `CustomEvent` (WHATWG DOM, without a tree). */

import { nowMs } from "../core.ts";
import type { EventTarget } from "./event-target.ts";
import { dictionary, domString, requireArguments } from "./idl.ts";

/** What only those who dispatch an event may change. */
interface EventState {
  type: string;
  bubbles: boolean;
  cancelable: boolean;
  target: EventTarget | null;
  currentTarget: EventTarget | null;
  phase: number;
  dispatching: boolean;
  stopped: boolean;
  stoppedAtOnce: boolean;
  canceled: boolean;
  inPassive: boolean;
  trusted: boolean;
}
let readState: (event: Event) => EventState;
let isTrusted: PropertyDescriptor;

export const AT_TARGET = 2;

export function stateOf(event: Event): EventState {
  return readState(event);
}

/** The global `Event`. */
export class Event {
  readonly #composed: boolean;
  readonly #timeStamp = nowMs();
  readonly #state: EventState;

  constructor(type: unknown, init: unknown = undefined) {
    requireArguments(arguments.length, 1, "Event");
    const text = domString(type);
    const { bubbles, cancelable, composed } = dictionary(init, "the options of an Event");
    this.#composed = Boolean(composed);
    this.#state = {
      type: text,
      bubbles: Boolean(bubbles),
      cancelable: Boolean(cancelable),
      target: null,
      currentTarget: null,
      phase: 0,
      dispatching: false,
      stopped: false,
      stoppedAtOnce: false,
      canceled: false,
      inPassive: false,
      trusted: false,
    };
    // The standard wants it on the object itself, where no program can replace it.
    Object.defineProperty(this, "isTrusted", isTrusted);
  }

  static {
    readState = (event) => event.#state;
    const { get } = {
      get(this: Event): boolean {
        return this.#state.trusted;
      },
    };
    isTrusted = { get, enumerable: true, configurable: false };
    for (const [phase, value] of Object.entries({ NONE: 0, CAPTURING_PHASE: 1, AT_TARGET, BUBBLING_PHASE: 3 })) {
      for (const holder of [Event, Event.prototype]) Object.defineProperty(holder, phase, { value, enumerable: true });
    }
  }

  get type(): string {
    return this.#state.type;
  }
  get target(): EventTarget | null {
    return this.#state.target;
  }
  get srcElement(): EventTarget | null {
    return this.#state.target;
  }
  get currentTarget(): EventTarget | null {
    return this.#state.currentTarget;
  }
  get eventPhase(): number {
    return this.#state.phase;
  }
  get bubbles(): boolean {
    return this.#state.bubbles;
  }
  get cancelable(): boolean {
    return this.#state.cancelable;
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
  set returnValue(value) {
    if (!value) this.preventDefault();
  }
  get cancelBubble(): boolean {
    return this.#state.stopped;
  }
  set cancelBubble(value) {
    if (value) this.#state.stopped = true;
  }
  get timeStamp(): number {
    return this.#timeStamp;
  }

  composedPath(): EventTarget[] {
    const { currentTarget } = this.#state;
    return currentTarget === null ? [] : [currentTarget];
  }
  preventDefault(): void {
    if (this.#state.cancelable && !this.#state.inPassive) this.#state.canceled = true;
  }
  stopPropagation(): void {
    this.#state.stopped = true;
  }
  stopImmediatePropagation(): void {
    this.#state.stopped = true;
    this.#state.stoppedAtOnce = true;
  }
  initEvent(type: unknown, bubbles: unknown = false, cancelable: unknown = false): void {
    const state = this.#state;
    requireArguments(arguments.length, 1, "initEvent");
    const text = domString(type);
    if (state.dispatching) return;
    Object.assign(state, { type: text, bubbles: Boolean(bubbles), cancelable: Boolean(cancelable) });
    Object.assign(state, { target: null, stopped: false, stoppedAtOnce: false, canceled: false, trusted: false });
  }
}

/** The global `CustomEvent`. */
export class CustomEvent extends Event {
  #detail: unknown;

  constructor(type: unknown, init: unknown = undefined) {
    requireArguments(arguments.length, 1, "CustomEvent");
    super(type, init);
    this.#detail = dictionary(init, "the options of a CustomEvent")["detail"] ?? null;
  }

  get detail(): unknown {
    return this.#detail;
  }

  initCustomEvent(type: unknown, bubbles: unknown = false, cancelable: unknown = false, detail: unknown = null): void {
    requireArguments(arguments.length, 1, "initCustomEvent");
    if (stateOf(this).dispatching) return;
    this.initEvent(type, bubbles, cancelable);
    this.#detail = detail;
  }
}
