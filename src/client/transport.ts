/** One request over a node's control socket, with its bounds and the errors that can come of it. */

import { type IncomingMessage, type OutgoingHttpHeaders, request } from "node:http";
import type { Duplex } from "node:stream";
import { GodwitError, failure } from "../errors.ts";
import { CONTROL_ANSWER_MAX_BYTES, CONTROL_TIMEOUT_MS } from "../limits.ts";
import { PATH_PREFIX, PROTOCOL_HEADER, PROTOCOL_VERSION, errorOf } from "./protocol.ts";
import { assertPrivateSocket } from "./socket.ts";

export interface RequestOptions {
  /** The body's pieces, one after the other. */
  readonly body?: readonly Uint8Array[];
  readonly contentType?: "application/json" | "application/octet-stream";
  /** How long the answer's head may take; absent where it waits for a process. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export type Method = "GET" | "POST" | "DELETE";

function connectionError(error: unknown, socket: string): GodwitError {
  if (error instanceof GodwitError) return error;
  const code = error instanceof Error ? Reflect.get(error, "code") : undefined;
  if (code === "ABORT_ERR") return failure("ECANCELED", "the request was cancelled", error);
  if (code === "ENOENT" || code === "ECONNREFUSED" || code === "ENOTSOCK") {
    return failure("ENONODE", `no node is running at ${socket}: start one with \`godwit up\``, error);
  }
  if (code === "EACCES" || code === "EPERM") {
    return failure("EACCES", `you may not use the node at ${socket}: start one of your own with \`godwit up\``, error);
  }
  if (code === "ECONNRESET" || code === "EPIPE") {
    return failure("ENODE", `the node at ${socket} ended the connection: it may have stopped`, error);
  }
  return failure("ENODE", `talking to the node at ${socket} failed: ${String(error)}`, error);
}

/** Opens a connection to a node by another way than its socket. */
export type OpenConnection = () => Promise<Duplex>;

/** How a request gets to the node: each has a connection of its own. */
function wayOf(socket: string, open: OpenConnection | undefined) {
  if (open === undefined) {
    assertPrivateSocket(socket);
    return { socketPath: socket, agent: false } as const;
  }
  const createConnection = (_: unknown, done: (error: Error | null, connection: Duplex) => void) => {
    const failed = (error: unknown) => (done as (error: unknown) => void)(error);
    open().then((connection) => done(null, connection), failed);
    return undefined;
  };
  return { createConnection };
}

function send(
  socket: string,
  open: OpenConnection | undefined,
  method: Method,
  path: string,
  options: RequestOptions,
): Promise<IncomingMessage> {
  const pieces = options.body ?? [];
  const sizeBytes = pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
  const headers: OutgoingHttpHeaders = { "content-length": sizeBytes };
  if (options.contentType !== undefined) headers["content-type"] = options.contentType;
  const { promise, resolve, reject } = withResolvers<IncomingMessage>();
  const signal = options.signal === undefined ? {} : { signal: options.signal };
  // A connection of its own for each request: setting one up is cheap here, and none is kept that the node may close.
  const call = request({ ...wayOf(socket, open), path: PATH_PREFIX + path, method, headers, ...signal });
  let timer: NodeJS.Timeout | undefined;
  if (options.timeoutMs !== undefined) {
    const { timeoutMs } = options;
    const message = `the node at ${socket} did not answer within ${timeoutMs} ms: it may be overloaded or stuck`;
    timer = setTimeout(() => call.destroy(failure("ETIMEDOUT", message)), timeoutMs);
  }
  call.on("response", (response) => {
    clearTimeout(timer);
    resolve(response);
  });
  // Stays on after the answer's head: a later fault is seen by the reader of the answer's body.
  call.on("error", (error) => {
    clearTimeout(timer);
    reject(connectionError(error, socket));
  });
  for (const piece of pieces) call.write(piece);
  call.end();
  return promise;
}

/** `Promise.withResolvers`, which Node.js has from 22 on. */
function withResolvers<T>() {
  let resolve: (value: T) => void = () => {};
  let reject: (reason: unknown) => void = () => {};
  const promise = new Promise<T>((ok, no) => {
    resolve = ok;
    reject = no;
  });
  return { promise, resolve, reject };
}

async function readBody(response: IncomingMessage, socket: string, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      sizeBytes += chunk.length;
      if (sizeBytes > maxBytes) throw failure("EMSGSIZE", `the node's answer is longer than ${maxBytes} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    throw connectionError(error, socket);
  }
  return Buffer.concat(chunks);
}

function parsed(body: Buffer, socket: string): unknown {
  try {
    return JSON.parse(body.toString());
  } catch (error) {
    throw failure("ENODE", `the answer of the node at ${socket} is no JSON`, error);
  }
}

/** A node's control socket. Each call is one request; an error of the node is thrown as the error it was there. */
export class Transport {
  readonly socket: string;
  readonly #open: OpenConnection | undefined;

  /** @param open where `socket` only names the way that the connections take. */
  constructor(socket: string, open?: OpenConnection) {
    this.socket = socket;
    this.#open = open;
  }

  /** The answer as it comes; its body is the caller's to read. */
  async stream(method: Method, path: string, options: RequestOptions = {}): Promise<IncomingMessage> {
    const response = await send(this.socket, this.#open, method, path, options);
    const version = response.headers[PROTOCOL_HEADER];
    if (version !== String(PROTOCOL_VERSION)) {
      response.destroy();
      const what = version === undefined ? "is no godwit node" : `speaks protocol ${String(version)}`;
      const advice = "use the same version of godwit for both";
      throw failure(
        "ENODE",
        `what answers at ${this.socket} ${what}; this client speaks ${PROTOCOL_VERSION}: ${advice}`,
      );
    }
    if (response.statusCode === 200) return response;
    throw errorOf(parsed(await readBody(response, this.socket, CONTROL_ANSWER_MAX_BYTES), this.socket));
  }

  /** The answer's body, whole. */
  async bytes(method: Method, path: string, maxBytes: number, options: RequestOptions = {}): Promise<Buffer> {
    return readBody(await this.stream(method, path, options), this.socket, maxBytes);
  }

  /** A JSON answer. The node is this user's own, of the same protocol version: its answers are taken at their type. */
  async json<T>(method: Method, path: string, options: RequestOptions = {}): Promise<T> {
    const body = await this.bytes(method, path, CONTROL_ANSWER_MAX_BYTES, options);
    return parsed(body, this.socket) as T;
  }

  /** Sends JSON and takes a JSON answer. */
  send<T>(path: string, value: unknown, timeoutMs?: number): Promise<T> {
    const timeout = timeoutMs === undefined ? {} : { timeoutMs };
    const body = [Buffer.from(JSON.stringify(value))];
    return this.json<T>("POST", path, { body, contentType: "application/json", ...timeout });
  }

  /** An answer that waits for no process. */
  ask<T>(path: string): Promise<T> {
    return this.json<T>("GET", path, { timeoutMs: CONTROL_TIMEOUT_MS });
  }
}
