/** The globals `CloseEvent` and `ErrorEvent` (WHATWG WebSockets, HTML). */

import { part } from "../core.ts";
import { dictionary, domString, requireArguments, usvString } from "./idl.ts";

const { Event } = part("event");

/** The global `CloseEvent`. */
export class CloseEvent extends Event {
  readonly #wasClean: boolean;
  readonly #code: number;
  readonly #reason: string;

  constructor(type: unknown, init: unknown = undefined) {
    requireArguments(arguments.length, 1, "CloseEvent");
    super(type, init);
    const { wasClean, code, reason } = dictionary(init, "the options of a CloseEvent");
    this.#wasClean = Boolean(wasClean);
    this.#code = Number(code ?? 0) & 0xffff;
    this.#reason = reason === undefined ? "" : usvString(reason);
  }

  get wasClean(): boolean {
    return this.#wasClean;
  }
  get code(): number {
    return this.#code;
  }
  get reason(): string {
    return this.#reason;
  }
}

/** The global `ErrorEvent`. */
export class ErrorEvent extends Event {
  readonly #message: string;
  readonly #filename: string;
  readonly #lineno: number;
  readonly #colno: number;
  readonly #error: unknown;

  constructor(type: unknown, init: unknown = undefined) {
    requireArguments(arguments.length, 1, "ErrorEvent");
    super(type, init);
    const { message, filename, lineno, colno, error } = dictionary(init, "the options of an ErrorEvent");
    this.#message = message === undefined ? "" : domString(message);
    this.#filename = filename === undefined ? "" : usvString(filename);
    this.#lineno = Number(lineno ?? 0) >>> 0;
    this.#colno = Number(colno ?? 0) >>> 0;
    this.#error = error;
  }

  get message(): string {
    return this.#message;
  }
  get filename(): string {
    return this.#filename;
  }
  get lineno(): number {
    return this.#lineno;
  }
  get colno(): number {
    return this.#colno;
  }
  get error(): unknown {
    return this.#error;
  }
}
