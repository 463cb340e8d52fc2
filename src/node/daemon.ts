/** A node on a socket: what `godwit up` runs. It listens to its socket and to nothing else. */

import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import type { NodeControl } from "../abi/control.ts";
import { PATH_PREFIX, PROTOCOL_HEADER, PROTOCOL_VERSION, errorRecord } from "../client/protocol.ts";
import { type ErrorCode, GodwitError, failure } from "../errors.ts";
import { CONTROL_CONNECTIONS_MAX, CONTROL_HEADER_MAX_BYTES, CONTROL_TIMEOUT_MS, STOP_TIMEOUT_MS } from "../limits.ts";
import { ExitWatch } from "./exit-watch.ts";
import { BodyBudget, readBody } from "./request.ts";
import { ROUTES, type Route } from "./routes.ts";
import { claimSocket } from "./socket-file.ts";

export interface DaemonOptions {
  /** Where to listen; see `socketPath` of the client. */
  readonly socket: string;
  /** The version of godwit, told to clients. */
  readonly version: string;
  /** Takes a line about a fault of our own, which no client caused. */
  readonly log: (line: string) => void;
}

/** HTTP's view of an error; clients go by the code in the body. */
const STATUS: Partial<Record<ErrorCode, number>> = {
  ENOENT: 404,
  ESRCH: 404,
  EMSGSIZE: 413,
  EIMAGE_LIMIT: 413,
  EACCES: 403,
  EPERM: 403,
  EAGAIN: 503,
  ENODE: 500,
};

const HEADERS = { [PROTOCOL_HEADER]: String(PROTOCOL_VERSION), "cache-control": "no-store" } as const;

/** The route of a request and the pid in its path. @throws GodwitError ENOENT, EINVAL. */
function routeOf(method: string, pathname: string): { route: Route; pid: number } {
  if (!pathname.startsWith(`${PATH_PREFIX}/`)) {
    throw failure("ENOENT", `${pathname} is not in this node's protocol, which is ${PATH_PREFIX}`);
  }
  const path = pathname.slice(PATH_PREFIX.length);
  const pid = /^\/processes\/(\d{1,15})(?=\/|$)/.exec(path)?.[1];
  const pattern = pid === undefined ? path : path.replace(pid, "PID");
  const routes = path.includes("PID") ? [] : ROUTES.filter((route) => route.path === pattern);
  if (routes.length === 0) throw failure("ENOENT", `the protocol has no ${pathname}`);
  const route = routes.find((route) => route.method === method);
  if (route !== undefined) return { route, pid: Number(pid ?? 0) };
  throw failure("EINVAL", `${pathname} takes ${routes.map((route) => route.method).join(" or ")}, not ${method}`);
}

/** A node served on a socket, until it is stopped. */
export class Daemon {
  readonly socket: string;
  /** Resolves when the node has stopped and every connection is closed. */
  readonly ended: Promise<void>;
  readonly #control: NodeControl;
  readonly #server: Server;
  readonly #budget = new BodyBudget();
  readonly #exits: ExitWatch;
  readonly #options: DaemonOptions;
  /** Requests whose handler has not settled, connected or not: bounded like the connections. */
  #underWay = 0;
  #release: () => void = () => {};
  #stopping: Promise<void> | undefined;
  #end: () => void = () => {};

  /** @internal Use {@link startDaemon}. */
  constructor(control: NodeControl, options: DaemonOptions) {
    this.#control = control;
    this.#options = options;
    this.#exits = new ExitWatch(control);
    this.socket = options.socket;
    this.ended = new Promise((resolve) => (this.#end = resolve));
    const limits = { maxHeaderSize: CONTROL_HEADER_MAX_BYTES, headersTimeout: CONTROL_TIMEOUT_MS };
    this.#server = createServer({ ...limits, requestTimeout: 2 * CONTROL_TIMEOUT_MS }, (request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        options.log(`answering ${request.method} ${request.url} failed: ${describe(error)}`);
        response.destroy();
      });
    });
    this.#server.maxConnections = CONTROL_CONNECTIONS_MAX;
  }

  /** @internal */
  async listen(): Promise<void> {
    this.#release = await claimSocket(this.#server, this.socket);
  }

  /**
   * Ends the node's processes, and the node. Resolves when it has stopped and its socket is gone.
   * @throws GodwitError ETIMEDOUT when it takes longer than {@link STOP_TIMEOUT_MS}.
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#release();
    const closed = new Promise((resolve) => this.#server.close(resolve));
    const late = new AbortController();
    try {
      await Promise.race([
        this.#control.stop(),
        delay(STOP_TIMEOUT_MS, undefined, late).then(() => {
          throw failure("ETIMEDOUT", `the node did not stop within ${STOP_TIMEOUT_MS} ms`);
        }),
      ]);
    } finally {
      late.abort();
      // Answers that are on their way, this stop's own among them, get a moment.
      void Promise.race([closed, delay(1000)]).then(() => {
        this.#server.closeAllConnections();
        this.#end();
      });
    }
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    this.#underWay++;
    try {
      const answer = await this.#answer(request, response);
      if (answer === undefined) return;
      const isBytes = answer instanceof Uint8Array;
      response.setHeader("content-type", isBytes ? "application/octet-stream" : "application/json");
      response.end(isBytes ? answer : JSON.stringify(answer));
    } catch (error) {
      this.#refuse(request, response, error);
    } finally {
      this.#underWay--;
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<unknown> {
    if (this.#underWay > CONTROL_CONNECTIONS_MAX) {
      throw failure("EAGAIN", "the node has too many requests under way: try again");
    }
    const url = parseUrl(request.url);
    const { route, pid } = routeOf(request.method ?? "", url.pathname);
    const gone = new AbortController();
    response.on("close", () => gone.abort());
    const body = await readBody(request, route.bodyMaxBytes, this.#budget);
    try {
      const call = { pid, query: url.searchParams, body, gone: gone.signal, request, response };
      return await route.handle(this.#service(), call);
    } finally {
      this.#budget.give(body.length);
    }
  }

  #service() {
    const facts = { name: this.#control.name, version: this.#options.version, hostPid: process.pid };
    return { control: this.#control, exits: this.#exits, facts, stop: () => this.stop() };
  }

  #refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    if (!(error instanceof GodwitError)) {
      this.#options.log(`answering ${request.method} ${request.url} failed: ${describe(error)}`);
    }
    if (response.headersSent || response.destroyed) {
      response.destroy();
      return;
    }
    const record = errorRecord(error);
    response.writeHead(STATUS[record.code] ?? 400, { "content-type": "application/json" });
    response.end(JSON.stringify(record));
    request.resume(); // what was not read of it
  }
}

function parseUrl(text: string | undefined): URL {
  try {
    return new URL(text ?? "", "http://node");
  } catch (error) {
    throw failure("EINVAL", "the request's path cannot be read", error);
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/**
 * Serves a node on a socket. The caller has started it; the daemon stops it.
 * @throws GodwitError EEXIST when a node already runs there; EPERM or ENOTDIR when the folder cannot be trusted.
 */
export async function startDaemon(control: NodeControl, options: DaemonOptions): Promise<Daemon> {
  const daemon = new Daemon(control, options);
  await daemon.listen();
  return daemon;
}
