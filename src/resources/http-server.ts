/** The servers of Node's that speak HTTP, in their strict forms: HTTP/1.1 and HTTP/2. */

import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from "node:http";
import {
  createSecureServer,
  createServer as createSecondServer,
  type Http2Server,
  type ServerHttp2Session,
} from "node:http2";

import { failure } from "../errors.ts";
import {
  HEADERS_MAX_BYTES,
  HTTP1_IDLE_MS,
  HTTP2_IDLE_MS,
  HTTP2_STREAMS_MAX,
  LISTENER_CONNECTIONS_MAX,
  REQUEST_HEAD_MAX_BYTES,
  TLS_HANDSHAKE_TIMEOUT_MS,
} from "../limits.ts";
import { OpeningResponse, ServerRequest } from "./opening.ts";
import { divert } from "./preface.ts";
import { FIELDS_KEPT_MAX } from "./request-head.ts";

/** How long clients are waited for. */
export interface Patience {
  /** For a request's head, and for a short body with it. */
  readonly headTimeoutMs: number;
  /** For the next bytes of a longer body; and until a client takes some of a response. */
  readonly idleMaxMs: number;
}

/** Of a server over TLS: PEM. */
export interface Credentials {
  readonly certificate: string;
  readonly key: string;
}

const SECOND = {
  maxSendHeaderBlockLength: HEADERS_MAX_BYTES,
  settings: { maxConcurrentStreams: HTTP2_STREAMS_MAX, maxHeaderListSize: REQUEST_HEAD_MAX_BYTES, enablePush: false },
};

type SecondServe = Parameters<typeof createSecondServer>[1];
type Serve = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * A server that is not listening yet. It tells of connections of HTTP/2 by `session`; requests of theirs come as Node's own likeness of those of HTTP/1.1; where they differ
 * `streamOf` tells.
 * @throws GodwitError EINVAL for credentials that are none.
 */
export function httpServer(patience: Patience, credentials: Credentials | undefined, serve: Serve): Server {
  const { headTimeoutMs } = patience;
  const strict = {
    maxHeaderSize: REQUEST_HEAD_MAX_BYTES,
    headersTimeout: headTimeoutMs,
    requestTimeout: 0,
    keepAliveTimeout: HTTP1_IDLE_MS,
    connectionsCheckingInterval: headTimeoutMs / 4,
    insecureHTTPParser: false,
    noDelay: true,
  };
  const server =
    credentials === undefined
      ? plainServer(strict, headTimeoutMs, serve)
      : secureServer(strict, headTimeoutMs, credentials, serve);
  server.on("upgrade", (request, connection, rest) => serve(request, new OpeningResponse(request, connection, rest)));
  server.maxHeadersCount = FIELDS_KEPT_MAX;
  server.maxConnections = LISTENER_CONNECTIONS_MAX;
  return server;
}

function secureServer(
  strict: ServerOptions,
  headTimeoutMs: number,
  { certificate, key }: Credentials,
  serve: Serve,
): Server {
  const options = {
    ...strict,
    ...SECOND,
    Http1IncomingMessage: ServerRequest,
    cert: certificate,
    key,
    allowHTTP1: true,
    minVersion: "TLSv1.2" as const,
    handshakeTimeout: TLS_HANDSHAKE_TIMEOUT_MS,
  };
  const server = overTls(() => createSecureServer(options, serve as unknown as SecondServe));
  // As options, Node 20 has its own instead: five minutes for a request, and no end of a connection that is idle.
  const { headersTimeout, requestTimeout, keepAliveTimeout, connectionsCheckingInterval } = strict;
  Object.assign(server, { headersTimeout, requestTimeout, keepAliveTimeout, connectionsCheckingInterval });
  watch(server, headTimeoutMs);
  return server as unknown as Server;
}

/** A client's first bytes tell which of the two it speaks. */
function plainServer(strict: object, headTimeoutMs: number, serve: Serve): Server {
  const server = createServer({ ...strict, IncomingMessage: ServerRequest }, serve);
  const second = createSecondServer({ ...strict, ...SECOND }, serve as unknown as SecondServe);
  watch(second, headTimeoutMs);
  second.on("session", (session) => server.emit("session", session));
  divert(server, second, headTimeoutMs);
  return server;
}

/** Clients that ask for nothing, or for nothing more, leave. */
function watch(server: Http2Server, headTimeoutMs: number): void {
  server.on("sessionError", () => {}); // its client's loss
  server.on("session", (session: ServerHttp2Session) => {
    const timer = setTimeout(() => session.destroy(), headTimeoutMs).unref();
    for (const event of ["stream", "close"]) session.once(event, () => clearTimeout(timer));
    session.setTimeout(HTTP2_IDLE_MS, () => session.close());
  });
}

/** Makes a server over TLS. @throws GodwitError EINVAL for credentials that are none. */
export function overTls<S>(make: () => S): S {
  try {
    return make();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw failure("EINVAL", `the certificate and its key cannot be used: ${why}`, error);
  }
}
