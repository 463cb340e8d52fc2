/** One HTTP exchange of a listener: the request's body to the process, the process's response to the client. */

import {
  type IncomingMessage,
  type ServerResponse,
  STATUS_CODES,
  validateHeaderName,
  validateHeaderValue,
} from "node:http";
import * as v from "valibot";

import { type Frame, FRAME_KINDS } from "../abi/channel.ts";
import { failure } from "../errors.ts";
import { headAndBody } from "./frame.ts";
import type { Driver, Line } from "./line.ts";

/** A response's head as a process gives it. 1xx and 101 are the host's own. */
const responseHead = v.object({
  status: v.pipe(v.number(), v.integer(), v.minValue(200), v.maxValue(599)),
  statusText: v.string(),
  headers: v.array(v.tuple([v.string(), v.string()])),
});

/** Headers of the connection, which is the host's. */
const HOST_HEADERS = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

export class Exchange implements Driver {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #line: Line;
  #closed = false;

  constructor(request: IncomingMessage, response: ServerResponse, line: Line) {
    this.#request = request;
    this.#response = response;
    this.#line = line;
    response.on("error", () => {}); // what matters of it is told by `close`
    response.once("close", () => this.#left());
  }

  /** Passes the request's body on as it comes. */
  streaming(): this {
    const request = this.#request;
    request.on("data", (bytes: Buffer) => {
      if (!this.#line.push({ kind: FRAME_KINDS.data, bytes })) request.pause();
    });
    request.on("end", () => this.#line.push({ kind: FRAME_KINDS.end, bytes: new Uint8Array(0) }));
    request.on("error", () => {}); // told by the response's `close`
    return this;
  }

  /** The client is gone before its response was whole. */
  #left(): void {
    if (this.#closed) return;
    this.#line.break("ECONNRESET", "the client closed the connection before the response was whole");
  }

  take(frame: Frame): void | Promise<void> {
    const response = this.#response;
    switch (frame.kind) {
      case FRAME_KINDS.whole:
        return this.#whole(frame);
      case FRAME_KINDS.head:
        this.#head(headAndBody(frame).head, undefined);
        return response.flushHeaders();
      case FRAME_KINDS.data:
        if (!response.headersSent) throw this.#refused("a response's body came before its head");
        return this.#write(frame.bytes);
      case FRAME_KINDS.end:
        if (!response.headersSent) throw this.#refused("a response's end came before its head");
        return this.#end(undefined);
      default:
        throw this.#refused("a response has no frames of text");
    }
  }

  #whole(frame: Frame): void {
    const { head, body } = headAndBody(frame);
    this.#head(head, body.length);
    this.#end(body);
  }

  #end(body: Uint8Array | undefined): void {
    this.#closed = true;
    // The process will read no more of the request; the connection is used again when all of it has come.
    this.#request.resume();
    if (body === undefined) this.#response.end();
    else this.#response.end(body);
  }

  /** Resolves when the client's connection has taken it, or is gone. */
  #write(bytes: Uint8Array): void | Promise<void> {
    const response = this.#response;
    if (response.write(bytes) || response.destroyed) return undefined;
    return new Promise((resolve) => {
      const done = () => {
        response.off("drain", done).off("close", done);
        resolve();
      };
      response.on("drain", done).on("close", done);
    });
  }

  /** @param length of a body that is all there. */
  #head(value: unknown, length: number | undefined): void {
    const response = this.#response;
    if (response.headersSent) throw this.#refused("a response has one head");
    const checked = v.safeParse(responseHead, value);
    if (!checked.success) throw this.#refused("a response's head needs a status from 200 to 599 and a list of headers");
    const { status, statusText, headers } = checked.output;
    const mayHaveBody = status !== 204 && status !== 304 && this.#request.method !== "HEAD";
    const list: string[] = [];
    for (const [name, value] of headers) {
      const lower = name.toLowerCase();
      if (HOST_HEADERS.has(lower) || (lower === "content-length" && mayHaveBody && length !== undefined)) continue;
      list.push(...this.#valid(name, value));
    }
    if (mayHaveBody && length !== undefined) list.push("content-length", String(length));
    response.strictContentLength = true;
    const isText = statusText !== "" && !/[^\t\x20-\x7e\x80-\xff]/.test(statusText);
    response.writeHead(status, isText ? statusText : STATUS_CODES[status], list);
  }

  #valid(name: string, value: string): [string, string] {
    try {
      validateHeaderName(name);
      validateHeaderValue(name, value);
      return [name, value];
    } catch (error) {
      throw this.#refused(`a response's header is malformed: ${error instanceof Error ? error.message : ""}`);
    }
  }

  /** The process's response is none: the client gets an error for it. */
  #refused(why: string): Error {
    this.#give(500);
    return failure("EPROTO", why);
  }

  #give(status: number): void {
    const response = this.#response;
    this.#closed = true;
    if (response.headersSent) return void response.destroy();
    response.writeHead(status, { "content-type": "text/plain; charset=utf-8", connection: "close" });
    response.end(status === 502 ? "the program ended before it answered\n" : "the program's answer is malformed\n");
  }

  resume(): void {
    this.#request.resume();
  }

  close(): void {
    if (this.#closed) return;
    this.#give(502);
  }
}
