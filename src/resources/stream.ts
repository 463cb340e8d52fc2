/** The channel kind `stream`: a connection that came in, as bytes both ways. */

import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";

import { type Frame, FRAME_KINDS, type StreamHead } from "../abi/channel.ts";
import { failure } from "../errors.ts";
import { BODY_IDLE_TIMEOUT_MS, STREAM_LINGER_MAX_BYTES, STREAM_LINGER_MS } from "../limits.ts";
import { addressText } from "./address.ts";
import { connectionFault } from "./connection-fault.ts";
import type { Driver, Line } from "./line.ts";

/** What a connection says of itself. */
export function streamHead(socket: Socket): StreamHead {
  const { remoteAddress = "", remotePort = 0, localAddress = "", localPort = 0 } = socket;
  const ends = {
    remote: addressText({ address: remoteAddress, port: remotePort }),
    local: addressText({ address: localAddress, port: localPort }),
  };
  if (!(socket instanceof TLSSocket)) return { ...ends, protocol: "tcp" };
  const { servername } = socket as { servername?: unknown };
  return { ...ends, protocol: "tls", ...(typeof servername === "string" && { serverName: servername }) };
}

interface StreamOptions {
  /** How long a client may take nothing of what there is for it. */
  readonly idleMaxMs?: number;
  /** Breaks the connection off, so that its client sees that. */
  readonly reset?: () => void;
}

export class Stream implements Driver {
  readonly #socket: Socket;
  readonly #line: Line;
  readonly #place: string;
  readonly #idleMaxMs: number;
  readonly #reset: () => void;
  #fault: Error | undefined;
  /** The process's side has ended, and the client's connection has it all. */
  #hasEnded = false;
  #isOver = false;

  /** @param socket that may be half open (`allowHalfOpen`). */
  constructor(socket: Socket, line: Line, options: StreamOptions = {}) {
    const { idleMaxMs = BODY_IDLE_TIMEOUT_MS, reset = () => void socket.resetAndDestroy() } = options;
    this.#socket = socket;
    this.#line = line;
    this.#place = streamHead(socket).remote;
    this.#idleMaxMs = idleMaxMs;
    this.#reset = reset;
    socket.on("data", this.#data);
    socket.on("end", () => this.#line.push({ kind: FRAME_KINDS.end, bytes: new Uint8Array(0) }));
    socket.on("error", (error) => (this.#fault = error));
    socket.on("close", () => this.#closed());
  }

  readonly #data = (bytes: Buffer): void => {
    if (!this.#line.push({ kind: FRAME_KINDS.data, bytes })) this.#socket.pause();
  };

  /** Both sides have ended, or the connection is lost. */
  #closed(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const lost = this.#fault === undefined ? undefined : connectionFault(this.#fault, this.#place);
    if (lost !== undefined) this.#line.break(lost.code, lost.message);
    else if (!this.#hasEnded) this.#line.break("ECONNRESET", `the connection from ${this.#place} was lost`);
  }

  take(frame: Frame): void | Promise<void> {
    switch (frame.kind) {
      case FRAME_KINDS.data:
        return this.#write(frame.bytes);
      case FRAME_KINDS.end:
        return this.#end();
      default:
        throw failure("EPROTO", "a stream's channel takes data and an end, and nothing else");
    }
  }

  /** Settles when there is room for more, or the connection is lost, which its `close` tells. */
  #write(bytes: Uint8Array): void | Promise<void> {
    if (this.#socket.write(bytes) || this.#socket.destroyed) return undefined;
    return this.#until("drain");
  }

  /** Settles when the system has all that was written. */
  async #end(): Promise<void> {
    this.#socket.end();
    if (!this.#socket.writableFinished && !this.#socket.destroyed) await this.#until("finish");
    this.#hasEnded = this.#socket.writableFinished;
  }

  #until(event: "drain" | "finish"): Promise<void> {
    const socket = this.#socket;
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        const why = failure("ETIMEDOUT", `the client at ${this.#place} took nothing for ${this.#idleMaxMs} ms`);
        socket.destroy(why);
      }, this.#idleMaxMs).unref();
      const done = () => {
        clearTimeout(timer);
        socket.off(event, done).off("close", done);
        resolve();
      };
      socket.on(event, done).on("close", done);
    });
  }

  resume(): void {
    this.#socket.resume();
  }

  /**
   * The process's side is over. One that had not ended is seen as broken by the client; what comes after an end is let by
   * for a while, since a reset would take the end away from a client that has not read so far.
   */
  close(): void {
    const socket = this.#socket;
    this.#isOver = true;
    if (!this.#hasEnded) return this.#reset();
    if (socket.readableEnded) return void socket.destroy();
    const timer = setTimeout(() => socket.destroy(), STREAM_LINGER_MS).unref();
    let leftBytes = STREAM_LINGER_MAX_BYTES;
    socket.off("data", this.#data).on("data", (bytes: Buffer) => {
      leftBytes -= bytes.length;
      if (leftBytes < 0) socket.destroy();
    });
    socket.once("close", () => clearTimeout(timer)).resume();
  }
}
