/** The globals `MessageChannel`, `MessagePort` and `MessageEvent` (HTML): messages from one place of a program to another. */

import { part, timerFunctions } from "../core.ts";
import { dictionary, domString, requireArguments } from "./idl.ts";

const { Event, EventTarget } = part("event");
type Event = InstanceType<typeof Event>;
type Handler = ((this: MessagePort, event: Event) => unknown) | null;

/** The global `MessageEvent`. */
export class MessageEvent extends Event {
  readonly #data: unknown;
  readonly #origin: string;
  readonly #lastEventId: string;
  readonly #source: unknown;
  readonly #ports: readonly unknown[];

  constructor(type: unknown, init: unknown = undefined) {
    requireArguments(arguments.length, 1, "MessageEvent");
    super(type, init);
    const options = dictionary(init, "the options of a MessageEvent");
    const { data = null, origin = "", lastEventId = "", source = null, ports = [] } = options;
    this.#data = data;
    this.#origin = domString(origin).toWellFormed();
    this.#lastEventId = domString(lastEventId);
    this.#source = source;
    this.#ports = Object.freeze([...(ports as Iterable<unknown>)]);
  }

  get data(): unknown {
    return this.#data;
  }
  get origin(): string {
    return this.#origin;
  }
  get lastEventId(): string {
    return this.#lastEventId;
  }
  get source(): unknown {
    return this.#source;
  }
  get ports(): readonly unknown[] {
    return this.#ports;
  }
}

let entangle: (one: MessagePort, other: MessagePort) => void;
/** Keeps others from making ports: `new MessagePort()` is an error. */
const INTERNAL = Symbol("internal");

/** The global `MessagePort`. It cannot be transferred: both ends stay in the process, and move with it. */
export class MessagePort extends EventTarget {
  #other: MessagePort | undefined;
  /** What was posted to it before it was started. */
  #waiting: unknown[] | undefined = [];
  readonly #handlers = new Map<string, { handler: Handler; readonly listener: (event: Event) => void }>();

  constructor(key: unknown = undefined) {
    if (key !== INTERNAL) throw new TypeError("Illegal constructor");
    super();
  }

  static {
    entangle = (one, other) => {
      one.#other = other;
      other.#other = one;
    };
  }

  /** @throws `DataCloneError` for what cannot be copied. */
  postMessage(message: unknown, options: unknown = undefined): void {
    const other = this.#other;
    requireArguments(arguments.length, 1, "postMessage");
    const isList = typeof (options as { [Symbol.iterator]?: unknown } | undefined)?.[Symbol.iterator] === "function";
    const transfer = isList ? options : dictionary(options, "the options of postMessage")["transfer"];
    const copy = part("clone").structuredClone(message, { transfer: (transfer ?? []) as Iterable<ArrayBuffer> });
    if (other !== undefined) other.#arrived(copy);
  }

  start(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    for (const message of waiting ?? []) this.#deliver(message);
  }

  close(): void {
    const other = this.#other;
    this.#other = undefined;
    if (other === undefined) return;
    other.#other = undefined;
    timerFunctions.setTimeout(() => other.dispatchEvent(new Event("close")));
  }

  get onmessage(): Handler {
    return this.#handler("message");
  }
  set onmessage(handler: unknown) {
    this.#setHandler("message", handler);
    this.start();
  }
  get onmessageerror(): Handler {
    return this.#handler("messageerror");
  }
  set onmessageerror(handler: unknown) {
    this.#setHandler("messageerror", handler);
  }
  get onclose(): Handler {
    return this.#handler("close");
  }
  set onclose(handler: unknown) {
    this.#setHandler("close", handler);
  }

  #arrived(message: unknown): void {
    if (this.#waiting === undefined) this.#deliver(message);
    else this.#waiting.push(message);
  }

  #deliver(data: unknown): void {
    timerFunctions.setTimeout(() => this.dispatchEvent(new MessageEvent("message", { data })));
  }

  #handler(type: string): Handler {
    return this.#handlers.get(type)?.handler ?? null;
  }

  /** A handler keeps the place among the listeners that it was given first. */
  #setHandler(type: string, given: unknown): void {
    const handler = typeof given === "function" ? (given as Handler) : null;
    const present = this.#handlers.get(type);
    if (handler === null) {
      if (present !== undefined) this.removeEventListener(type, present.listener);
      this.#handlers.delete(type);
    } else if (present !== undefined) present.handler = handler;
    else {
      const listener = (event: Event) => this.#handlers.get(type)?.handler?.call(this, event);
      this.#handlers.set(type, { handler, listener });
      this.addEventListener(type, listener);
    }
  }
}

/** The global `MessageChannel`. */
export class MessageChannel {
  readonly #port1 = new MessagePort(INTERNAL);
  readonly #port2 = new MessagePort(INTERNAL);

  constructor() {
    entangle(this.#port1, this.#port2);
  }

  get port1(): MessagePort {
    return this.#port1;
  }
  get port2(): MessagePort {
    return this.#port2;
  }
}
