/** What answers control requests, over whatever connections they come: the daemon's socket, or a stream from another node. */

import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import type { Duplex } from "node:stream";
import type { ClusterControl } from "../abi/control.ts";
import { PATH_PREFIX, PROTOCOL_HEADER, PROTOCOL_VERSION, errorRecord } from "../client/protocol.ts";
import { type ErrorCode, GodwitError, failure } from "../errors.ts";
import { CONTROL_CONNECTIONS_MAX, CONTROL_HEADER_MAX_BYTES, CONTROL_TIMEOUT_MS } from "../limits.ts";
import { ExitWatch } from "./exit-watch.ts";
import { BodyBudget, readBody } from "./request.ts";
import { ROUTES, type Route } from "./routes.ts";

export interface ControlServerOptions {
  /** The version of godwit, told to clients. */
  readonly version: string;
  /** Takes a line about a fault of our own, which no client caused. */
  readonly log: (line: string) => void;
  /** What is done when a client asks for the end of the node. */
  readonly stop: () => Promise<void>;
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

export class ControlServer {
  /** It listens to nothing by itself. */
  readonly server: Server;
  readonly #control: ClusterControl;
  readonly #budget = new BodyBudget();
  readonly #exits: ExitWatch;
  readonly #options: ControlServerOptions;
  /** Requests whose handler has not settled, connected or not: bounded like the connections. */
  #underWay = 0;

  constructor(control: ClusterControl, options: ControlServerOptions) {
    this.#control = control;
    this.#options = options;
    this.#exits = new ExitWatch(control);
    const limits = { maxHeaderSize: CONTROL_HEADER_MAX_BYTES, headersTimeout: CONTROL_TIMEOUT_MS };
    this.server = createServer({ ...limits, requestTimeout: 2 * CONTROL_TIMEOUT_MS }, (request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        options.log(`answering ${request.method} ${request.url} failed: ${describe(error)}`);
        response.destroy();
      });
    });
    this.server.maxConnections = CONTROL_CONNECTIONS_MAX;
  }

  /** Serves a connection that came by another way. */
  accept(connection: Duplex): void {
    connection.on("error", () => {}); // its requests are told
    this.server.emit("connection", connection);
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
    return { control: this.#control, exits: this.#exits, facts, stop: this.#options.stop };
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
