/** One HTTP exchange of a listener: the request's body to the process, the process's response to the client. */

import {
  type IncomingMessage,
  type ServerResponse,
  STATUS_CODES,
  validateHeaderName,
  validateHeaderValue,
} from "node:http";
import * as v from "valibot";

import { CONNECTION_FIELDS, type Frame, FRAME_KINDS } from "../abi/channel.ts";
import { failure } from "../errors.ts";
import { HEADERS_MAX, HEADERS_MAX_BYTES, UNREAD_BODY_MAX_BYTES, UNREAD_BODY_TIMEOUT_MS } from "../limits.ts";
import { headAndBody } from "./frame.ts";
import { streamOf } from "./http-stream.ts";
import type { Driver, Line } from "./line.ts";
import { OpeningResponse } from "./opening.ts";

/** A response's head as a process gives it. 1xx are the host's own; a WebSocket is granted by a frame of its own. */
const responseHead = v.object({
  status: v.pipe(v.number(), v.integer(), v.minValue(200), v.maxValue(599)),
  statusText: v.string(),
  headers: v.pipe(v.array(v.tuple([v.string(), v.string()])), v.maxLength(HEADERS_MAX)),
});
const upgradeHead = v.object({ protocol: v.string() });
const MALFORMED_HEAD = `a response's head needs a status from 200 to 599 and a list of at most ${HEADERS_MAX} headers`;

const HOST_HEADERS = new Set(CONNECTION_FIELDS);

const IN_ITS_PLACE = {
  408: "the request did not come in time",
  500: "the program's answer is malformed",
  502: "the program ended before it answered",
};

/** Of a request's target that an error names. */
const SHOWN_URL_CHARS = 200;

export class Exchange implements Driver {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #line: Line;
  readonly #idleMaxMs: number;
  #closed = false;
  /** What it goes on as, once a WebSocket was granted. */
  #socket: Driver | undefined;
  /** Runs while the client is to send. */
  #silence: NodeJS.Timeout | undefined;

  /** @param idleMaxMs how long a client that is to send, or to take, may do nothing. */
  constructor(request: IncomingMessage, response: ServerResponse, line: Line, idleMaxMs: number) {
    this.#request = request;
    this.#response = response;
    this.#line = line;
    this.#idleMaxMs = idleMaxMs;
    response.on("error", () => {}); // what matters of it is told by `close`
    response.once("close", () => this.#left());
  }

  /** Passes the request's body on as it comes. */
  streaming(): this {
    const request = this.#request;
    request.on("data", this.#data);
    request.on("end", () => {
      clearTimeout(this.#silence);
      this.#line.push({ kind: FRAME_KINDS.end, bytes: new Uint8Array(0) });
    });
    request.on("error", () => {}); // told by the response's `close`
    this.#listen();
    return this;
  }

  readonly #data = (bytes: Buffer): void => {
    this.#silence?.refresh();
    if (this.#line.push({ kind: FRAME_KINDS.data, bytes })) return;
    clearTimeout(this.#silence);
    this.#request.pause();
  };

  #listen(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#tire("sent nothing of its request"), this.#idleMaxMs).unref();
  }

  /** Leaves a client that does not do its part. */
  #tire(how: string): void {
    if (this.#closed) return;
    this.#give(408);
    this.#line.break("ETIMEDOUT", `the client ${how} for ${this.#idleMaxMs} ms`);
  }

  /** The client is gone before its response was whole. */
  #left(): void {
    clearTimeout(this.#silence);
    if (this.#closed) return;
    this.#line.break("ECONNRESET", "the client closed the connection before the response was whole");
  }

  take(frame: Frame): void | Promise<void> {
    try {
      return this.#take(frame);
    } catch (error) {
      const { method = "", url = "" } = this.#request;
      const about = `${method} ${url.slice(0, SHOWN_URL_CHARS)}`;
      throw failure("EPROTO", `${error instanceof Error ? error.message : String(error)} (of ${about})`, error);
    }
  }

  #take(frame: Frame): void | Promise<void> {
    const response = this.#response;
    if (this.#socket !== undefined) return this.#socket.take(frame);
    switch (frame.kind) {
      case FRAME_KINDS.upgrade:
        return this.#upgrade(headAndBody({ kind: FRAME_KINDS.head, bytes: frame.bytes }).head);
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

  async #upgrade(value: unknown): Promise<void> {
    const response = this.#response;
    if (!(response instanceof OpeningResponse) || response.headersSent)
      throw this.#refused("a WebSocket was granted to a request that did not ask for one");
    const checked = v.safeParse(upgradeHead, value);
    if (!checked.success) throw this.#refused("a WebSocket is granted with a protocol, which may be empty");
    const { acceptSocket } = await import("./socket-server.ts");
    if (this.#closed) return;
    try {
      this.#socket = acceptSocket(response.grant(checked.output.protocol), this.#line);
    } catch (error) {
      this.#give(500);
      throw error;
    }
    this.#closed = true;
  }

  #whole(frame: Frame): void {
    const { head, body } = headAndBody(frame);
    this.#head(head, body.length);
    this.#end(body);
  }

  #end(body: Uint8Array | undefined): void {
    // It throws when this is not as long as the head said; the client then sees it broken off.
    if (body === undefined) this.#response.end();
    else this.#response.end(body);
    this.#closed = true;
    this.#letBy();
    this.#awaitRest();
  }

  /** A client takes the rest of its response in time, or is left. */
  #awaitRest(): void {
    const rest = this.rest();
    if (rest === undefined) return;
    const timer = setTimeout(() => void this.#response.destroy(), this.#idleMaxMs).unref();
    void rest.over.then(() => clearTimeout(timer));
  }

  rest(): ReturnType<NonNullable<Driver["rest"]>> {
    const response = this.#response;
    const { writableLength: sizeBytes, destroyed } = streamOf(this.#request) ?? response;
    if (this.#socket !== undefined || sizeBytes === 0 || destroyed) return undefined;
    return { sizeBytes, over: new Promise((resolve) => response.once("close", () => resolve())) };
  }

  /**
   * The process reads no more of the request; the connection is used again when all of it has come. A client that goes on
   * and on is cut off.
   */
  #letBy(): void {
    const request = this.#request;
    clearTimeout(this.#silence);
    if (request.complete) return void request.resume();
    const stream = streamOf(request);
    const cutOff = () => void (stream === undefined ? request.socket.destroy() : stream.close());
    const timer = setTimeout(cutOff, UNREAD_BODY_TIMEOUT_MS).unref();
    request.once("close", () => clearTimeout(timer));
    let leftBytes = UNREAD_BODY_MAX_BYTES;
    request.off("data", this.#data).on("data", (bytes: Buffer) => {
      leftBytes -= bytes.length;
      if (leftBytes < 0) cutOff();
    });
    request.resume();
  }

  /** Resolves when the client's connection has taken it, or is gone. */
  #write(bytes: Uint8Array): void | Promise<void> {
    const response = this.#response;
    if (response.write(bytes) || (streamOf(this.#request) ?? response).destroyed) return undefined;
    return new Promise((resolve) => {
      let timer: NodeJS.Timeout | undefined;
      const wait = () =>
        (timer = setTimeout(() => this.#tire("took nothing of its response"), this.#idleMaxMs).unref());
      const done = () => {
        clearTimeout(timer);
        response.off("drain", done).off("close", done).off("socket", wait);
        resolve();
      };
      response.on("drain", done).on("close", done);
      // It cannot be taken yet while an earlier one of its connection is on its way.
      if (response.socket === null) response.on("socket", wait);
      else wait();
    });
  }

  /** @param length of a body that is all there. */
  #head(value: unknown, length: number | undefined): void {
    const response = this.#response;
    if (response.headersSent) throw this.#refused("a response has one head");
    const checked = v.safeParse(responseHead, value);
    if (!checked.success) throw this.#refused(MALFORMED_HEAD);
    const { status, statusText, headers } = checked.output;
    const mayHaveBody = status !== 204 && status !== 304 && this.#request.method !== "HEAD";
    const list: string[] = [];
    const alternative = this.#line.alternative?.();
    if (typeof alternative === "string") list.push("alt-svc", alternative);
    let lengths = 0;
    for (const [name, value] of headers) {
      const lower = name.toLowerCase();
      if (HOST_HEADERS.has(lower) || (lower === "alt-svc" && alternative !== undefined)) continue;
      if (lower === "content-length") {
        // RFC 9110, 8.6: none with 204. Of a body that is all there it is known here.
        if (status === 204 || (mayHaveBody && length !== undefined)) continue;
        if (++lengths > 1 || !/^\d{1,15}$/.test(value)) throw this.#refused("a response's Content-Length is malformed");
      }
      list.push(...this.#valid(name, value));
    }
    if (list.reduce((sum, text) => sum + text.length + 2, 0) > HEADERS_MAX_BYTES)
      throw this.#refused(`a response's headers have more than ${HEADERS_MAX_BYTES} bytes`);
    if (mayHaveBody && length !== undefined) list.push("content-length", String(length));
    response.strictContentLength = true;
    const isText = statusText !== "" && !/[^\t\x20-\x7e\x80-\xff]/.test(statusText);
    if (streamOf(this.#request) !== undefined) response.writeHead(status, valuesByName(list));
    else response.writeHead(status, isText ? statusText : STATUS_CODES[status], list);
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

  /** An answer in the process's place; if its own has begun, the client sees it broken off. */
  #give(status: keyof typeof IN_ITS_PLACE): void {
    const response = this.#response;
    this.#closed = true;
    clearTimeout(this.#silence);
    if (response.headersSent) return void response.destroy();
    const body = Buffer.from(`${IN_ITS_PLACE[status]}\n`);
    const headers = { "content-type": "text/plain; charset=utf-8", "content-length": body.length };
    const isSecond = streamOf(this.#request) !== undefined;
    response.writeHead(status, isSecond ? headers : { ...headers, connection: "close" }).end(body);
  }

  resume(): void {
    if (this.#socket !== undefined) return this.#socket.resume();
    if (this.#closed || this.#request.readableEnded) return;
    // All of a request may have come from the client, and the rest of it still wait here.
    if (!this.#request.complete) this.#listen();
    this.#request.resume();
  }

  close(): void {
    if (this.#socket !== undefined) return this.#socket.close();
    if (this.#closed) return;
    this.#give(502);
  }
}

/** As HTTP/2 takes them; several of one name stay several. */
function valuesByName(list: readonly string[]): Record<string, string[]> {
  const values: Record<string, string[]> = Object.create(null);
  for (let at = 0; at + 1 < list.length; at += 2)
    (values[(list[at] ?? "").toLowerCase()] ??= []).push(list[at + 1] ?? "");
  return values;
}
