/** A client's connection to the embedded engine: it is made again for ever, and says when it is up and when it is down. */

import { type Socket, connect } from "node:net";
import { type GodwitError, failure } from "../../../errors.ts";
import {
  type ClientMessage,
  PROTOCOL,
  PROTOCOL_VERSION,
  type ServerMessage,
  encodeFrame,
  serverMessages,
} from "./protocol.ts";

/** Between two attempts to connect: from the shortest, twice as long each time, to the longest. */
const RETRY_MIN_MS = 10;
const RETRY_MAX_MS = 500;

export interface LinkHandlers {
  /** The engine said welcome. */
  up(blobs: string): void;
  /** The connection is gone, or could not be made, for this reason; another attempt follows. */
  down(reason: GodwitError): void;
  message(message: ServerMessage): void;
}

export class Link {
  readonly #path: string;
  readonly #handlers: LinkHandlers;
  #socket: Socket | undefined;
  #isUp = false;
  #retryMs = RETRY_MIN_MS;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(path: string, handlers: LinkHandlers) {
    this.#path = path;
    this.#handlers = handlers;
    this.#connect();
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** Bytes that the engine has not taken yet. */
  get waitingBytes(): number {
    return this.#socket?.writableLength ?? 0;
  }

  /** Sends while the connection is up; else the message is gone. */
  send(message: ClientMessage): void {
    if (this.#isUp) this.#socket?.write(encodeFrame(message));
  }

  /** Sends what was sent before, and hangs up. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#isUp = false;
    clearTimeout(this.#retry);
    const socket = this.#socket;
    if (socket === undefined || socket.destroyed) return;
    await new Promise<void>((resolve) => {
      socket.once("close", () => resolve());
      if (socket.connecting) socket.destroy();
      else socket.end(() => socket.destroy());
    });
  }

  #connect(): void {
    const socket = connect(this.#path);
    const reader = serverMessages();
    let reason: Error | undefined;
    this.#socket = socket;
    socket.on("connect", () =>
      socket.write(encodeFrame({ type: "hello", protocol: PROTOCOL, version: PROTOCOL_VERSION })),
    );
    socket.on("data", (bytes: Buffer) => {
      try {
        for (const message of reader.read(bytes)) {
          if (message.type === "refused") reason = new Error(message.message);
          else if (!this.#closed) this.#receive(message);
        }
      } catch (error) {
        reason = error instanceof Error ? error : new Error(String(error));
        socket.destroy();
      }
    });
    socket.on("error", (error) => (reason = error));
    socket.on("close", () => this.#down(reason));
  }

  #receive(message: ServerMessage): void {
    if (message.type !== "welcome") return this.#handlers.message(message);
    this.#isUp = true;
    this.#retryMs = RETRY_MIN_MS;
    this.#handlers.up(message.blobs);
  }

  #down(reason: Error | undefined): void {
    this.#isUp = false;
    if (this.#closed) return;
    const why = reason === undefined ? "it hung up" : reason.message;
    this.#handlers.down(failure("ECLUSTER", `no connection to the cluster's engine at ${this.#path}: ${why}`, reason));
    this.#retry = setTimeout(() => this.#connect(), this.#retryMs);
    this.#retryMs = Math.min(RETRY_MAX_MS, 2 * this.#retryMs);
  }
}
