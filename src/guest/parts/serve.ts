/** `serve`: a program as an HTTP server. The connections are the node's; what comes here are exchanges (abi/channel.ts). */

import type { ListenerHead } from "../../abi/channel.ts";
import { SHARED_WORDS } from "../../abi/records.ts";
import { EXCHANGES_IN_FLIGHT_MAX } from "../../limits.ts";
import { hasCode, part, sharedWords, syscall, syscallThen, timerFunctions } from "../core.ts";
import { Exchange } from "./exchange.ts";
import type { Request as GuestRequest } from "./request.ts";
import type { Response as GuestResponse } from "./response.ts";

/** The web's own types, where the program's compiler knows them. */
export type WebRequest = typeof globalThis extends { Request: { prototype: infer T } } ? T : GuestRequest;
export type WebResponse = typeof globalThis extends { Response: { prototype: infer T } } ? T : GuestResponse;

/** What a handler is given beside its request. */
export interface ServeContext {
  /** Work that goes on after the response: `stop` waits for it, and its errors are reported. */
  waitUntil(work: Promise<unknown>): void;
  /** Without effect: there is nothing behind this server to pass a request on to. */
  passThroughOnException(): void;
  readonly props: Record<string, unknown>;
}

/** Answers a request. `environment` has the variables that the process was given. */
export type ServeHandler = (
  request: WebRequest,
  environment: Record<string, string>,
  context: ServeContext,
) => WebResponse | Promise<WebResponse>;

export interface ServeOptions {
  /** `HOST:PORT`; port 0 for any that is free. */
  readonly address: string;
  /** Called once it listens. */
  readonly onListen?: (server: Server) => void;
  /** Answers for a handler that threw; without it, or when it throws too, the error is reported and the answer is 500. */
  readonly onError?: (error: unknown, request: WebRequest) => WebResponse | Promise<WebResponse>;
}

/** A server that {@link serve} started. */
export interface Server {
  /** The address that it listens on, with its real port. */
  readonly address: string;
  /** Resolves once it listens. */
  readonly ready: Promise<void>;
  /** Resolves when it was stopped and its last exchange is over; rejects when it can listen no more. */
  readonly finished: Promise<void>;
  /** Accepts nothing more; resolves as {@link Server.finished} does. */
  stop(): Promise<void>;
}

const RETRY_MS = 50;

class Listening implements Server {
  readonly #handle: number;
  readonly #handler: ServeHandler;
  readonly #onError: ServeOptions["onError"];
  readonly #environment: Record<string, string>;
  #address: string;
  /** Where the address was learnt: a copy of the process may have another. */
  #place = placeOf();
  /** Exchanges, and what they wait for after their responses. */
  #busy = 0;
  #accepting = false;
  #stopped = false;
  readonly ready = Promise.resolve();
  readonly finished: Promise<void>;
  readonly #finish = Promise.withResolvers<void>();

  constructor(handler: ServeHandler, { address, onError }: ServeOptions) {
    this.#handler = handler;
    this.#onError = onError;
    this.finished = this.#finish.promise;
    this.#environment = { ...(syscall("processInfo") as { environment: Record<string, string> }).environment };
    this.#handle = syscall("channelOpen", { kind: "listener", address }, new Uint8Array(0));
    this.#address = this.#learnAddress();
    this.#accept();
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
      const frame = syscall("channelReceive", this.#handle, -1);
      return part("fetch").openFrame<ListenerHead>(frame).head.address;
    } catch (error) {
      part("fetch").closeChannel(this.#handle);
      throw error;
    }
  }

  stop(): Promise<void> {
    if (!this.#stopped) part("fetch").closeChannel(this.#handle);
    this.#stopped = true;
    this.#finishIfIdle();
    return this.finished;
  }

  #finishIfIdle(): void {
    if (this.#stopped && this.#busy === 0) this.#finish.resolve();
  }

  #accept(): void {
    if (this.#accepting || this.#stopped || this.#busy >= EXCHANGES_IN_FLIGHT_MAX) return;
    this.#accepting = true;
    syscallThen("channelAccept", [this.#handle, -1], this.#accepted, this.#notAccepted);
  }

  readonly #accepted = (handle: number): void => {
    this.#accepting = false;
    this.#busy++;
    this.#accept();
    new Exchange(handle, this.#over).run(this.#handler, this.#environment, this.#onError);
  };

  readonly #over = (): void => {
    this.#busy--;
    this.#accept();
    this.#finishIfIdle();
  };

  readonly #notAccepted = (error: unknown): void => {
    this.#accepting = false;
    if (this.#stopped) return;
    // Too much is open or in flight in this process: the next exchange that ends makes room, or the program does.
    if (hasCode(error, "EMFILE") || hasCode(error, "EAGAIN")) {
      timerFunctions.setTimeout(() => this.#accept(), RETRY_MS);
      return;
    }
    this.#stopped = true;
    part("fetch").closeChannel(this.#handle);
    this.#finish.reject(error);
  };
}

/** Changes when the process becomes another: in a fork's child, and after a restore. */
function placeOf(): string {
  return `${sharedWords[SHARED_WORDS.pid] ?? 0} ${sharedWords[SHARED_WORDS.epoch] ?? 0}`;
}

/**
 * Serves HTTP: each request is passed to the handler, or to `app.fetch` of an application such as Hono's, and its response
 * sent. Returns once the server listens; the process goes on until it is stopped.
 *
 * The server moves with its process. What is restored from an image, and a fork's child, listens on its own.
 *
 * @throws `EACCES` without the `listen` capability for the address, `EADDRINUSE`, `EADDRNOTAVAIL`, `EINVAL`.
 *
 * @example
 * const server = serve((request) => new Response(`you asked for ${request.url}`), { address: "127.0.0.1:0" });
 * console.log(`listening on ${server.address}`);
 */
export function serve(app: ServeHandler | { readonly fetch: ServeHandler }, options: ServeOptions): Server {
  const handler = typeof app === "function" ? app : handlerOf(app);
  const server = new Listening(handler, { ...options, address: String(options.address) });
  options.onListen?.(server);
  return server;
}

function handlerOf(app: { readonly fetch: ServeHandler } | null | undefined): ServeHandler {
  if (typeof app?.fetch !== "function")
    throw new TypeError("serve needs a function, or an object with a function called fetch");
  return (...args) => app.fetch(...args);
}
