/**
 * The channel kind `socket`: a WebSocket (RFC 6455) of a process's own. Frames are its messages; pings are answered here,
 * and fragments put together. Messages are not compressed: what one takes is known before it is there.
 */

import type { IncomingMessage } from "node:http";
import { WebSocket } from "ws";

import { type Frame, FRAME_KINDS, type SocketEnd, type SocketHead, type SocketRequest } from "../abi/channel.ts";
import { failure, type GodwitError } from "../errors.ts";
import {
  CLOSE_REASON_MAX_BYTES,
  FRAME_MAX_BYTES,
  FRAGMENTS_MAX,
  HEADERS_MAX_BYTES,
  PONGS_WAITING_MAX,
  SEND_BUFFER_BYTES,
} from "../limits.ts";
import { connectionFault } from "./connection-fault.ts";
import { headAndBody, jsonFrame } from "./frame.ts";
import type { Driver, Line } from "./line.ts";
import { NetAccess } from "./net-access.ts";

/** RFC 6455, 7.4.1: closed without a code; and without a closing frame. */
const NO_CODE = 1005;
const ABNORMAL = 1006;

const BOUNDS = {
  followRedirects: false,
  perMessageDeflate: false,
  maxPayload: FRAME_MAX_BYTES,
  maxFragments: FRAGMENTS_MAX,
  maxBufferedChunks: FRAGMENTS_MAX,
  maxPendingAutoPongs: PONGS_WAITING_MAX,
  maxHeaderSize: HEADERS_MAX_BYTES,
};

/** Opens a WebSocket. Throws EACCES for a host that is not allowed; what fails later breaks the line. */
export function openSocket(request: SocketRequest, line: Line, net: readonly string[] | "all" | NetAccess): Driver {
  const access = net instanceof NetAccess ? net : new NetAccess(net);
  access.check(new URL(request.url));
  return new Socket(request, line, access);
}

class Socket implements Driver {
  readonly #line: Line;
  readonly #place: string;
  readonly #socket: WebSocket;
  readonly #timer: NodeJS.Timeout;
  #extensions = "";
  /** What ended it, if it was not the closing handshake. */
  #fault: GodwitError | undefined;
  /** Nothing more is told to the line. */
  #isOver = false;

  constructor(request: SocketRequest, line: Line, access: NetAccess) {
    const url = new URL(request.url);
    url.hash = "";
    this.#line = line;
    this.#place = url.host;
    const bounds = { ...BOUNDS, closeTimeout: access.timeouts.handshakeMs };
    const createConnection = () => access.connect(url);
    this.#socket = new WebSocket(url, [...request.protocols], { ...bounds, createConnection });
    const openMs = access.timeouts.connectMs + access.timeouts.handshakeMs;
    this.#timer = setTimeout(() => {
      this.#fault = failure("ETIMEDOUT", `no WebSocket to ${this.#place} within ${openMs} ms`);
      this.#socket.terminate();
    }, openMs);
    this.#listen();
  }

  // ---- Towards the process

  #listen(): void {
    this.#socket.on("upgrade", ({ headers }: IncomingMessage) => {
      this.#extensions = headers["sec-websocket-extensions"] ?? "";
    });
    this.#socket.on("open", () => {
      clearTimeout(this.#timer);
      const head: SocketHead = { protocol: this.#socket.protocol, extensions: this.#extensions };
      this.#push(jsonFrame(FRAME_KINDS.head, head));
    });
    this.#socket.on("message", (data: Buffer, isBinary) => {
      if (this.#socket.readyState !== WebSocket.OPEN) return; // the process has closed it: it is not told more
      this.#push({ kind: isBinary ? FRAME_KINDS.data : FRAME_KINDS.text, bytes: data });
    });
    this.#socket.on("ping", (said: Buffer) => {
      if (said.length > 0) this.#line.ping?.(said.toString("utf8"));
    });
    this.#socket.on("error", (error) => {
      this.#fault ??= connectionFault(error, this.#place);
    });
    this.#socket.on("close", (code, reason) => this.#closed(code, reason.toString("utf8")));
  }

  #push(frame: Frame): void {
    if (!this.#isOver && !this.#line.push(frame)) this.#socket.pause();
  }

  #closed(code: number, reason: string): void {
    clearTimeout(this.#timer);
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#fault !== undefined) this.#line.break(this.#fault.code, this.#fault.message);
    else if (code === ABNORMAL)
      this.#line.break("ECONNRESET", `the WebSocket to ${this.#place} ended without being closed`);
    else {
      const end: SocketEnd = { code, reason };
      this.#line.push(jsonFrame(FRAME_KINDS.end, end));
    }
  }

  // ---- Towards the server

  take(frame: Frame): void | Promise<void> {
    switch (frame.kind) {
      case FRAME_KINDS.data:
        return this.#send(frame.bytes, true);
      case FRAME_KINDS.text:
        return this.#send(frame.bytes, false);
      case FRAME_KINDS.end:
        return this.#close(headAndBody({ kind: FRAME_KINDS.head, bytes: frame.bytes }).head);
      default:
        throw failure("EPROTO", "a WebSocket's channel takes messages and an end, and nothing else");
    }
  }

  /** Settles when there is room for another. What is sent after the end goes nowhere, as the standard has it. */
  #send(bytes: Uint8Array, binary: boolean): void | Promise<void> {
    if (this.#socket.readyState === WebSocket.CONNECTING)
      throw failure("EPROTO", "a WebSocket takes messages once it is open: its head tells");
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    if (bytes.length > FRAME_MAX_BYTES)
      throw failure("EMSGSIZE", `a message of ${bytes.length} bytes; at most ${FRAME_MAX_BYTES} are sent`);
    const sent = new Promise<void>((resolve) => {
      this.#socket.send(bytes, { binary }, () => resolve()); // why it was not sent, the socket's own end tells
    });
    return this.#socket.bufferedAmount < SEND_BUFFER_BYTES ? undefined : sent;
  }

  #close(end: unknown): void {
    const { code, reason } = socketEnd(end);
    if (code === NO_CODE) this.#socket.close();
    else this.#socket.close(code, reason);
    this.#socket.resume(); // the answer comes behind what was not read yet
  }

  resume(): void {
    this.#socket.resume();
  }

  close(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#socket.terminate();
  }
}

/** Checked as far as RFC 6455, 7.4, goes: a guest made it. Throws EINVAL. */
function socketEnd(value: unknown): SocketEnd {
  const { code, reason } = (typeof value === "object" && value !== null ? value : {}) as Partial<
    Record<string, unknown>
  >;
  const isCode =
    typeof code === "number" &&
    Number.isInteger(code) &&
    ((code >= 1000 && code <= 1014 && code !== 1004 && code !== ABNORMAL) || (code >= 3000 && code <= 4999));
  if (!isCode) throw failure("EINVAL", "a WebSocket is closed with a code from 1000 to 1014 or from 3000 to 4999");
  if (typeof reason !== "string" || Buffer.byteLength(reason) > CLOSE_REASON_MAX_BYTES)
    throw failure("EINVAL", `a WebSocket is closed with a reason of at most ${CLOSE_REASON_MAX_BYTES} bytes`);
  return { code, reason };
}
