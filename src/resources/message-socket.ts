/**
 * A WebSocket (RFC 6455) as the channel kind `socket`, whoever opened it. Frames are its messages; pings are answered here,
 * and fragments put together. Messages are not compressed: what one takes is known before it is there.
 */

import { WebSocket } from "ws";

import { type Frame, FRAME_KINDS, type SocketEnd, type SocketHead } from "../abi/channel.ts";
import { failure, type GodwitError } from "../errors.ts";
import {
  CLOSE_REASON_MAX_BYTES,
  FRAME_MAX_BYTES,
  FRAGMENTS_MAX,
  PONGS_WAITING_MAX,
  SEND_BUFFER_BYTES,
} from "../limits.ts";
import { connectionFault } from "./connection-fault.ts";
import { headAndBody, jsonFrame } from "./frame.ts";
import type { Driver, Line } from "./line.ts";

/** RFC 6455, 7.4.1: closed without a code; and without a closing frame. */
const NO_CODE = 1005;
const ABNORMAL = 1006;

/** What a WebSocket may have of its other side, and in what pieces. */
export const SOCKET_BOUNDS = {
  perMessageDeflate: false,
  maxPayload: FRAME_MAX_BYTES,
  maxFragments: FRAGMENTS_MAX,
  maxBufferedChunks: FRAGMENTS_MAX,
  maxPendingAutoPongs: PONGS_WAITING_MAX,
} as const;

export class MessageSocket implements Driver {
  readonly #socket: WebSocket;
  readonly #line: Line;
  readonly #place: string;
  /** What ended it, if it was not the closing handshake. */
  #fault: GodwitError | undefined;
  /** Nothing more is told to the line. */
  #isOver = false;
  #watch: NodeJS.Timeout | undefined;

  /** @param place the other side, for people. */
  constructor(socket: WebSocket, line: Line, place: string) {
    this.#socket = socket;
    this.#line = line;
    this.#place = place;
    socket.on("message", (data: Buffer, isBinary) => {
      if (socket.readyState !== WebSocket.OPEN) return; // the process has closed it: it is not told more
      this.#push({ kind: isBinary ? FRAME_KINDS.data : FRAME_KINDS.text, bytes: data });
    });
    socket.on("ping", (said: Buffer) => {
      if (said.length > 0) this.#line.ping?.(said.toString("utf8"));
    });
    socket.on("error", (error) => {
      this.#fault ??= connectionFault(error, this.#place);
    });
    socket.on("close", (code, reason) => this.#closed(code, reason.toString("utf8")));
  }

  // ---- Towards the process

  /** It is open. */
  begin(head: SocketHead): void {
    this.#push(jsonFrame(FRAME_KINDS.head, head));
  }

  #push(frame: Frame): void {
    if (!this.#isOver && !this.#line.push(frame)) this.#socket.pause();
  }

  /** Ends it at once, for a reason of this side's. */
  fail(fault: GodwitError): void {
    this.#fault ??= fault;
    this.#socket.terminate();
  }

  #closed(code: number, reason: string): void {
    clearInterval(this.#watch);
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

  /**
   * Asks the other side whether it is there when nothing came for so long, and ends it when nothing comes for as long again.
   * What it takes of what was sent counts as much; while the process has no room, nobody listens to it.
   */
  watch(silenceMs: number): this {
    const socket = this.#socket;
    let heard = true;
    let asked = false;
    let waitingBytes = 0;
    for (const event of ["message", "ping", "pong"]) socket.on(event, () => (heard = true));
    this.#watch = setInterval(() => {
      const takes = socket.bufferedAmount !== waitingBytes;
      if (asked && !heard && !takes && !socket.isPaused)
        return this.fail(failure("ETIMEDOUT", `nothing came from ${this.#place} for ${2 * silenceMs} ms`));
      asked = !heard && socket.readyState === WebSocket.OPEN;
      if (asked) socket.ping();
      heard = false;
      waitingBytes = socket.bufferedAmount;
    }, silenceMs).unref();
    return this;
  }

  // ---- Towards the other side

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
    clearInterval(this.#watch);
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
