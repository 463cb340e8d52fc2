/**
 * Answers questions about services by HTTP, in JSON: `GET /v1/services` and `GET /v1/services/NAME`. Every answer has an
 * ETag; who has seen it can wait for the next (`?wait=SECONDS` with If-None-Match).
 */

import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

import { SERVICE_NAME } from "../../abi/channel.ts";
import {
  LOOKUP_CONNECTIONS_MAX,
  LOOKUP_IDLE_MS,
  LOOKUP_QUESTION_MAX_BYTES,
  LOOKUP_RECORDS_MAX,
  LOOKUP_WAIT_MAX_S,
} from "../../limits.ts";
import { addressText, unheard } from "../../resources/address.ts";
import { type Asker, isLoopback } from "../reach.ts";
import type { Catalogue } from "./catalogue.ts";

/** What is asked for: all services, or one. */
type Subject = { readonly name: string | undefined };

interface Said {
  readonly status: 200 | 404;
  readonly body: string;
  readonly tag: string;
}

export class HttpLookupServer {
  /** `HOST:PORT`. */
  readonly address: string;
  readonly #catalogue: Catalogue;
  readonly #server: Server;
  /** What wait for a change: one for each connection, however many questions came over it at once. */
  readonly #waiting = new Map<Socket, () => void>();
  /** What was said since the last change. */
  readonly #said = new Map<string, Said>();
  readonly #endWatch: () => void;

  private constructor(server: Server, catalogue: Catalogue) {
    this.#server = server;
    this.#catalogue = catalogue;
    this.address = addressText(server.address() as AddressInfo);
    server.maxConnections = LOOKUP_CONNECTIONS_MAX;
    server.on("request", (request, response) => this.#serve(request, response)).on("error", () => {});
    this.#endWatch = catalogue.watch(() => this.#changed());
  }

  /** @throws GodwitError EADDRINUSE, EADDRNOTAVAIL, EACCES. */
  static async open(
    { host, port }: { readonly host: string; readonly port: number },
    catalogue: Catalogue,
  ): Promise<HttpLookupServer> {
    const server = createServer({
      maxHeaderSize: LOOKUP_QUESTION_MAX_BYTES,
      headersTimeout: LOOKUP_IDLE_MS,
      requestTimeout: LOOKUP_IDLE_MS,
      keepAliveTimeout: LOOKUP_IDLE_MS,
      connectionsCheckingInterval: LOOKUP_IDLE_MS / 4,
      insecureHTTPParser: false,
    });
    try {
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject).listen(port, host, () => resolve(void server.off("error", reject)));
      });
    } catch (error) {
      throw unheard(`${host}:${port}`, error);
    }
    return new HttpLookupServer(server, catalogue);
  }

  #changed(): void {
    this.#said.clear();
    for (const look of this.#waiting.values()) look();
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    request.resume();
    response.on("error", () => {});
    response.setHeader("cache-control", "no-cache");
    const { method = "" } = request;
    if (method !== "GET" && method !== "HEAD") {
      response.setHeader("allow", "GET, HEAD");
      return fail(response, 405, `a lookup is asked by GET or HEAD, not ${method}`);
    }
    const question = questionOf(request.url ?? "");
    if (typeof question === "string") return fail(response, question === "" ? 404 : 400, question || "no such path");
    const { remoteAddress = "", localAddress } = request.socket;
    const asker = { isNear: isLoopback(remoteAddress), asked: localAddress?.replace(/^::ffff:/, "") };
    this.#answer(request, response, question, asker);
  }

  /** Now, or when what its client has is not so any more, or when it has waited for long enough. */
  #answer(request: IncomingMessage, response: ServerResponse, { name, waitMs }: Question, asker: Asker): void {
    const { socket } = request;
    const known = request.headers["if-none-match"];
    const isNews = ({ status, tag }: Said) => known !== (status === 200 ? tag : undefined);
    const first = this.#say({ name }, asker);
    if (isNews(first) || waitMs === 0 || this.#waiting.has(socket)) return send(response, first, known);
    const end = () => {
      clearTimeout(timer);
      if (this.#waiting.get(socket) === look) this.#waiting.delete(socket);
    };
    const look = () => {
      const said = this.#say({ name }, asker);
      if (!isNews(said)) return;
      end();
      send(response, said, known);
    };
    const timer = setTimeout(() => {
      end();
      send(response, this.#say({ name }, asker), known);
    }, waitMs);
    this.#waiting.set(socket, look);
    response.once("close", end);
  }

  #say({ name }: Subject, asker: Asker): Said {
    const key = `${name ?? ""} ${asker.isNear} ${asker.asked}`;
    const before = this.#said.get(key);
    if (before !== undefined) return before;
    const value = name === undefined ? this.#all(asker) : this.#catalogue.service(name, asker);
    const error = { code: "ENOENT", message: `no service ${name} can be reached from there: see godwit services` };
    const body = `${JSON.stringify(value ?? error)}\n`;
    const tag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
    const said = { status: value === undefined ? 404 : 200, body, tag } as const;
    if (this.#said.size < LOOKUP_CONNECTIONS_MAX) this.#said.set(key, said);
    return said;
  }

  #all(asker: Asker) {
    return { services: this.#catalogue.names(asker).slice(0, LOOKUP_RECORDS_MAX * LOOKUP_RECORDS_MAX) };
  }

  close(): void {
    this.#endWatch();
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

interface Question extends Subject {
  readonly waitMs: number;
}

/** What a request asks for; else why it asks for nothing, which is empty for what there is not. */
function questionOf(target: string): Question | string {
  const [pathname = "", query = ""] = target.split("?", 2);
  const [, name] = /^\/v1\/services(?:\/([^/]+))?$/.exec(pathname) ?? [undefined, null];
  if (name === null || (name !== undefined && !SERVICE_NAME.test(name))) return "";
  const wait = new URLSearchParams(query).get("wait") ?? "0";
  if (!/^\d{1,3}$/.test(wait) || Number(wait) > LOOKUP_WAIT_MAX_S)
    return `wait is in whole seconds, at most ${LOOKUP_WAIT_MAX_S}`;
  return { name, waitMs: Number(wait) * 1000 };
}

function send(response: ServerResponse, { status, body, tag }: Said, known: string | undefined): void {
  if (response.headersSent || response.destroyed) return;
  if (status === 200) response.setHeader("etag", tag);
  if (status === 200 && known === tag) return void response.writeHead(304).end();
  response.setHeader("content-type", "application/json");
  response.writeHead(status, { "content-length": Buffer.byteLength(body) }).end(body);
}

function fail(response: ServerResponse, status: 400 | 404 | 405, message: string): void {
  const body = `${JSON.stringify({ code: status === 404 ? "ENOENT" : "EINVAL", message })}\n`;
  response
    .writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(body) })
    .end(body);
}
