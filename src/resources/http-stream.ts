/** Requests of HTTP/2, which Node shows as if they were of HTTP/1.1. */

import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";

/** What a request of HTTP/2 has that one of HTTP/1.1 has not. */
export function streamOf(request: IncomingMessage): Http2ServerRequest["stream"] | undefined {
  return request.httpVersionMajor < 2 ? undefined : (request as unknown as Http2ServerRequest).stream;
}
