/** A server's place: where it listens, how its requests are answered, when it is over. How it accepts is its organisation's. */

import type { ListenerHead } from "../../abi/channel.ts";
import { SHARED_WORDS } from "../../abi/records.ts";
import { part, sharedWords, syscall } from "../core.ts";
import { Exchange } from "./exchange.ts";
import type { ServeHandler, ServeOptions, Server } from "./serve.ts";

/** How a server accepts, and who works on what it accepted. */
export interface Organisation {
  /** Accepts from now on; called once. Throws when it has not what it needs. */
  begin(): void;
}

export class Site implements Server {
  readonly handle: number;
  readonly #handler: ServeHandler;
  readonly #onError: ServeOptions["onError"];
  readonly #environment: Record<string, string>;
  #address: string;
  /** Where the address was learnt: a copy of the process may have another. */
  #place = placeOf();
  /** Requests, with what they wait for after their responses; or processes that work on them. */
  #busy = 0;
  #stopped = false;
  readonly ready = Promise.resolve();
  readonly finished: Promise<void>;
  readonly #finish = Promise.withResolvers<void>();
  /** In a child that works for the server: ends the child. */
  #leave: (() => void) | undefined;

  /** @param holds it keeps the address for so many children, which accept there. */
  constructor(handler: ServeHandler, { address, onError }: ServeOptions, holds: number | undefined) {
    this.#handler = handler;
    this.#onError = onError;
    this.finished = this.#finish.promise;
    this.#environment = { ...(syscall("processInfo") as { environment: Record<string, string> }).environment };
    const request = { kind: "listener", address, ...(holds === undefined ? {} : { holds }) } as const;
    this.handle = syscall("channelOpen", request, new Uint8Array(0));
    this.#address = this.#learnAddress();
  }

  get address(): string {
    if (this.#place !== placeOf() && !this.#stopped) {
      this.#place = placeOf();
      this.#address = this.#learnAddress();
    }
    return this.#address;
  }

  #learnAddress(): string {
    try {
      const frame = syscall("channelReceive", this.handle, -1);
      return part("fetch").openFrame<ListenerHead>(frame).head.address;
    } catch (error) {
      part("fetch").closeChannel(this.handle);
      throw error;
    }
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
    if (!this.#stopped) part("fetch").closeChannel(this.handle);
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
  }
}

/** Changes when the process becomes another: in a fork's child, and after a restore. */
function placeOf(): string {
  return `${sharedWords[SHARED_WORDS.pid] ?? 0} ${sharedWords[SHARED_WORDS.epoch] ?? 0}`;
}
