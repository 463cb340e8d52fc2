/** One request by one way after the other: what was not sent can always be sent again, what was, only if that does no harm. */

import type { Dispatcher } from "undici";

/** Changes nothing, or the same every time (RFC 9110, 9.2.2). */
const REPEATABLE = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]);

type Handler = Dispatcher.DispatchHandler;
type Controller = Dispatcher.DispatchController;

interface Surroundings {
  /** Sends it to an address. */
  send(address: string, handler: Handler): void;
  /** An address could not be connected to, or broke the connection off. */
  failed(address: string): void;
  /** The head of an answer. */
  answered(address: string, headers: Readonly<Record<string, unknown>>): void;
}

export class RoutedRequest implements Handler {
  readonly #handler: Handler;
  readonly #around: Surroundings;
  /** Addresses that are left to try. */
  readonly #left: string[];
  readonly #isRepeatable: boolean;
  #address = "";
  #isSent = false;
  #isAnswered = false;
  #isRepeated = false;

  constructor(
    { method, body }: Dispatcher.DispatchOptions,
    addresses: readonly string[],
    handler: Handler,
    around: Surroundings,
  ) {
    this.#handler = handler;
    this.#around = around;
    this.#left = [...addresses];
    const isWhole = body === null || body === undefined || typeof body === "string" || body instanceof Uint8Array;
    this.#isRepeatable = isWhole && REPEATABLE.has(method);
  }

  /** Sends it to the next address; false when none is left. */
  next(): boolean {
    const address = this.#left.shift();
    if (address === undefined) return false;
    this.#address = address;
    this.#isSent = false;
    this.#around.send(address, this);
    return true;
  }

  onRequestStart(controller: Controller, context: unknown): void {
    this.#isSent = true;
    this.#handler.onRequestStart?.(controller, context);
  }

  onRequestUpgrade(...args: Parameters<NonNullable<Handler["onRequestUpgrade"]>>): void {
    this.#isAnswered = true;
    this.#handler.onRequestUpgrade?.(...args);
  }

  onResponseStart(...args: Parameters<NonNullable<Handler["onResponseStart"]>>): void {
    this.#isAnswered = true;
    this.#around.answered(this.#address, args[2]);
    this.#handler.onResponseStart?.(...args);
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    this.#handler.onResponseData?.(controller, chunk);
  }

  onResponseEnd(...args: Parameters<NonNullable<Handler["onResponseEnd"]>>): void {
    this.#handler.onResponseEnd?.(...args);
  }

  onResponseError(controller: Controller, error: Error): void {
    if (!this.#isAnswered && !isGivenUp(controller, error)) {
      this.#around.failed(this.#address);
      if (this.#mayRepeat() && this.next()) return;
    }
    this.#handler.onResponseError?.(controller, error);
  }

  #mayRepeat(): boolean {
    if (!this.#isSent) return true;
    if (!this.#isRepeatable || this.#isRepeated) return false;
    this.#isRepeated = true;
    return true;
  }
}

/** By who asked. */
function isGivenUp(controller: Controller | undefined, { name }: Error): boolean {
  return controller?.aborted === true || name === "AbortError";
}
