/** Requests for a WebSocket: what tells them from others, and the response by which one is granted, or answered otherwise. */

import { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

import { failure } from "../errors.ts";

/** RFC 6455, 4.1: 16 bytes in base64. */
const KEY = /^[+/0-9A-Za-z]{22}==$/;

/**
 * A request whose connection Node's parser gives up only when it asks for a tunnel, or for a WebSocket, and properly: one
 * that asks for another protocol is read on as if it had not asked (RFC 9110, 7.8), with its body.
 */
export class ServerRequest extends IncomingMessage {
  declare asked: unknown;

  get upgrade(): boolean {
    return this.asked === true && (this.method === "CONNECT" || asksForSocket(this));
  }
  set upgrade(asked: unknown) {
    this.asked = asked;
  }
}

function asksForSocket({ method, httpVersion, headers }: IncomingMessage): boolean {
  const hasBody = headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
  return (
    method === "GET" &&
    httpVersion === "1.1" &&
    !hasBody &&
    headers.upgrade?.toLowerCase() === "websocket" &&
    headers["sec-websocket-version"] === "13" &&
    KEY.test(headers["sec-websocket-key"] ?? "")
  );
}

/** What becomes of a connection when a WebSocket is granted. */
export interface Grant {
  readonly request: IncomingMessage;
  readonly protocol: string;
  readonly connection: Duplex;
  /** What came behind the request. */
  readonly rest: Buffer;
  /** To be called when the connection is closed. */
  readonly over: () => void;
}

/** The response to a request for a WebSocket: any other, after which the connection is closed, or the WebSocket. */
export class OpeningResponse extends ServerResponse {
  readonly #connection: Duplex;
  readonly #rest: Buffer;

  /** @param rest what came behind the request. */
  constructor(request: IncomingMessage, connection: Duplex, rest: Buffer) {
    super(request);
    this.#connection = connection;
    this.#rest = rest;
    this.shouldKeepAlive = false;
    connection.on("error", () => {}); // its `close` tells
    this.assignSocket(request.socket);
    this.once("finish", () => request.socket.destroySoon());
  }

  /** The connection, for a WebSocket of one of the offered protocols, or of "". Throws EPROTO for another. */
  grant(protocol: string): Grant {
    const { req: request } = this;
    const offered = (request.headers["sec-websocket-protocol"] ?? "").split(",").map((one) => one.trim());
    if (protocol !== "" && !offered.includes(protocol))
      throw failure("EPROTO", "a WebSocket was granted with a protocol that its client did not offer");
    this.detachSocket(request.socket);
    return { request, protocol, connection: this.#connection, rest: this.#rest, over: () => this.emit("close") };
  }
}
