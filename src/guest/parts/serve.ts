/** `serve`: a program as an HTTP server. The connections are the node's; what comes here are exchanges (abi/channel.ts). */

import {
  EXCHANGES_IN_FLIGHT_MAX,
  POOL_THREADS_DEFAULT,
  PRE_FORKED_DEFAULT,
  REQUEST_PROCESSES_DEFAULT,
  REQUEST_THREADS_DEFAULT,
} from "../../limits.ts";
import { EventLoop, PreForked, processPerRequest } from "./event-driven.ts";
import { type OwnAddress, ownAddress } from "./own-address.ts";
import type { Request as GuestRequest } from "./request.ts";
import type { Response as GuestResponse } from "./response.ts";
import { type Organisation, Site } from "./site.ts";
import { ThreadPerRequest, ThreadPool } from "./threaded.ts";

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

/**
 * Who works on the requests of a server, over the same handler:
 * - `event-driven`: the event loop, on many at once; what blocks, blocks all of them;
 * - `iterative`: the event loop, on one after the other;
 * - `thread-per-request`: a thread for each, at most `threads` at once; in a thread a call may block;
 * - `thread-pool`: `threads` threads, which a dispatcher hands requests to;
 * - `process-per-request`: a fork for each, at most `processes` at once: what a handler changes is gone with it;
 * - `pre-forked`: `processes` forks, each with an event loop; one that dies is replaced.
 *
 * A handler may return a promise in all of them; what follows an `await` runs on the event-loop thread of its process.
 */
export type ServerOrganisation =
  "event-driven" | "iterative" | "thread-per-request" | "thread-pool" | "process-per-request" | "pre-forked";
const ORGANISATIONS: readonly ServerOrganisation[] = [
  "event-driven",
  "iterative",
  "thread-per-request",
  "thread-pool",
  "process-per-request",
  "pre-forked",
];

/** What answers the requests of a server: a function, or an application with one called `fetch`, such as Hono's. */
export type ServeApp = ServeHandler | { readonly fetch: ServeHandler };

export interface ServeOptions extends OwnAddress {
  /** `event-driven`, when nothing is said. */
  readonly organisation?: ServerOrganisation;
  /** Of a thread pool (8, when nothing is said), or the most with one for each request (64). */
  readonly threads?: number;
  /** That are forked before there are requests (4, when nothing is said), or the most with one for each request (8). */
  readonly processes?: number;
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

const MAY_HOLD_MAX = 4096;

/** The organisation that the options ask for, over a site that is open. */
function organise(site: Site, options: ServeOptions): Organisation {
  const { threads, processes } = options;
  switch (options.organisation) {
    case "iterative":
      return new EventLoop(site, 1);
    case "thread-per-request":
      return new ThreadPerRequest(site, threads ?? REQUEST_THREADS_DEFAULT);
    case "thread-pool":
      return new ThreadPool(site, threads ?? POOL_THREADS_DEFAULT);
    case "process-per-request":
      return processPerRequest(site, processes ?? REQUEST_PROCESSES_DEFAULT);
    case "pre-forked":
      return new PreForked(site, processes ?? PRE_FORKED_DEFAULT, EXCHANGES_IN_FLIGHT_MAX);
    default:
      return new EventLoop(site, EXCHANGES_IN_FLIGHT_MAX);
  }
}

function checkOrganisation({ organisation, threads = 1, processes = 1 }: ServeOptions): void {
  if (organisation !== undefined && !ORGANISATIONS.includes(organisation))
    throw new RangeError(`${String(organisation)} is no organisation: use one of ${ORGANISATIONS.join(", ")}`);
  for (const [name, count] of Object.entries({ threads, processes }))
    if (!Number.isInteger(count) || count < 1 || count > MAY_HOLD_MAX)
      throw new RangeError(`${name} is ${String(count)}: give a whole number from 1 to ${MAY_HOLD_MAX}`);
}

/**
 * Serves HTTP: each request is passed to the handler, or to `app.fetch` of an application such as Hono's, and its response
 * sent. Returns once the server listens; the process goes on until it is stopped. The options may come first, or last, or
 * have the handler among them.
 *
 * The server moves with its process. What is restored from an image, and a fork's child, listens on its own.
 *
 * @throws `EACCES` without the `listen` capability for the address, `EADDRINUSE`, `EADDRNOTAVAIL`, `EINVAL`.
 *
 * @example
 * const server = serve({ port: 0 }, (request) => new Response(`you asked for ${request.url}`));
 * console.log(`listening on ${server.address}`);
 */
export function serve(options: ServeOptions, app: ServeApp): Server;
export function serve(app: ServeApp, options: ServeOptions): Server;
export function serve(options: ServeOptions & { readonly handler: ServeApp }): Server;
export function serve(first: ServeApp | ServeOptions, second?: ServeApp | ServeOptions): Server {
  const [handler, options] = inOrder(first, second);
  checkOrganisation(options);
  const holds = options.organisation === "pre-forked" ? (options.processes ?? PRE_FORKED_DEFAULT) : undefined;
  const site = new Site(handler, ownAddress(options), options.onError, holds);
  try {
    organise(site, options).begin();
  } catch (error) {
    void site.stop();
    throw error;
  }
  options.onListen?.(site);
  return site;
}

/** The handler that is among what `serve` was given, and the options. */
function inOrder(first: ServeApp | ServeOptions, second?: ServeApp | ServeOptions): [ServeHandler, ServeOptions] {
  const handler = handlerOf(first);
  if (handler !== undefined) return [handler, (second ?? {}) as ServeOptions];
  const other = handlerOf(second ?? (first as { readonly handler?: ServeApp } | null | undefined)?.handler);
  if (other !== undefined) return [other, first as ServeOptions];
  throw new TypeError("serve needs a function, or an object with a function called fetch");
}

function handlerOf(app: unknown): ServeHandler | undefined {
  if (typeof app === "function") return app as ServeHandler;
  const object = app as { readonly fetch: ServeHandler } | null | undefined;
  return typeof object?.fetch === "function" ? (...args) => object.fetch(...args) : undefined;
}
