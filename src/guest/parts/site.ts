/** A server's place: where it listens, how its requests are answered, when it is over. How it accepts is its organisation's. */

import { syscall } from "../core.ts";
import { Acceptance } from "./acceptance.ts";
import { Exchange } from "./exchange.ts";
import type { ServeHandler, ServeOptions, Server } from "./serve.ts";

/** How a server accepts, and who works on what it accepted. */
export interface Organisation {
  /** Accepts from now on; called once. Throws when it has not what it needs. */
  begin(): void;
}

export class Site implements Server {
  readonly #acceptance: Acceptance;
  readonly #handler: ServeHandler;
  readonly #onError: ServeOptions["onError"];
  readonly #environment: Record<string, string>;
  /** Requests, with what they wait for after their responses; or processes that work on them. */
  #busy = 0;
  #stopped = false;
  readonly ready = Promise.resolve();
  readonly finished: Promise<void>;
  readonly #finish = Promise.withResolvers<void>();
  /** In a child that works for the server: ends the child. */
  #leave: (() => void) | undefined;

  /** @param holds it keeps the address for so many children, which accept there. */
  constructor(handler: ServeHandler, address: string, onError: ServeOptions["onError"], holds: number | undefined) {
    this.#handler = handler;
    this.#onError = onError;
    this.finished = this.#finish.promise;
    this.#environment = { ...(syscall("processInfo") as { environment: Record<string, string> }).environment };
    this.#acceptance = new Acceptance({ kind: "listener", address, ...(holds === undefined ? {} : { holds }) });
  }

  get handle(): number {
    return this.#acceptance.handle;
  }

  get address(): string {
    return this.#acceptance.address;
  }

  /** Has the handler answer a request that was accepted; `over` is called once. */
  answer(handle: number, over: () => void): void {
    new Exchange(handle, over).run(this.#handler, this.#environment, this.#onError);
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  get busy(): number {
    return this.#busy;
  }

  began(): void {
    this.#busy += 1;
  }

  over(): void {
    this.#busy -= 1;
    this.#finishIfIdle();
  }

  stop(): Promise<void> {
    this.#acceptance.close();
    this.#stopped = true;
    this.#finishIfIdle();
    return this.finished;
  }

  #finishIfIdle(): void {
    if (!this.#stopped || this.#busy > 0) return;
    this.#leave?.();
    this.#finish.resolve();
  }

  /** It can accept no more. */
  fail(error: unknown): void {
    if (this.#stopped) return;
    if (this.#leave === undefined) this.#finish.reject(error);
    void this.stop();
  }

  /** This is a child now, which works for the server until nothing more is to be done, and then ends. */
  serveAsChild(leave: () => void, accepts: boolean): void {
    this.#leave = leave;
    this.#busy = 0;
    this.#stopped = !accepts;
    // The listener stayed with the parent.
    if (!accepts) this.#acceptance.isClosed = true;
  }
}
