/** A client's connection, from the server's side: framed, bounded in both directions, and refused when it misbehaves. */

import type { Socket } from "node:net";
import { GodwitError } from "../../../errors.ts";
import { CLUSTER_CONNECT_TIMEOUT_MS, CLUSTER_OUT_MAX_BYTES } from "../../../limits.ts";
import {
  type ClientMessage,
  PROTOCOL,
  PROTOCOL_VERSION,
  type ServerMessage,
  clientMessages,
  encodeFrame,
} from "./protocol.ts";
import type { Watcher } from "./watcher.ts";

export interface PeerHandlers {
  message(peer: Peer, message: ClientMessage): void;
  closed(peer: Peer): void;
}

export class Peer {
  readonly watchers = new Map<number, Watcher>();
  /** Served subjects and subscriptions: how to end each. */
  readonly endings = new Map<number, () => void>();
  /** Calls that it made and that are not answered. */
  underWay = 0;
  readonly #socket: Socket;
  readonly #handlers: PeerHandlers;
  readonly #blobs: string;
  readonly #reader = clientMessages();
  #isWelcome = false;
  #closed = false;

  constructor(socket: Socket, blobs: string, handlers: PeerHandlers) {
    this.#socket = socket;
    this.#blobs = blobs;
    this.#handlers = handlers;
    socket.setTimeout(CLUSTER_CONNECT_TIMEOUT_MS, () => this.close());
    socket.on("data", (bytes: Buffer) => this.#receive(bytes));
    socket.on("drain", () => this.#drained());
    socket.on("error", () => this.close());
    socket.on("close", () => this.close());
  }

  send(message: ServerMessage): void {
    if (this.#closed) return;
    this.#socket.write(encodeFrame(message));
    // Who does not take the answers is not asked for more.
    if (this.isFull) this.#socket.pause();
  }

  /** Whether as much is on its way to this client as may be. */
  get isFull(): boolean {
    return this.#socket.writableLength > CLUSTER_OUT_MAX_BYTES;
  }

  /** Tells what the watch has to tell, as far as the client takes it. */
  tell(watcher: Watcher): void {
    if (this.#socket.writableNeedDrain) return;
    for (const message of watcher.messages()) {
      this.send(message);
      if (this.#socket.writableNeedDrain) return;
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.destroy();
    this.#handlers.closed(this);
  }

  #drained(): void {
    this.#socket.resume();
    for (const watcher of this.watchers.values()) this.tell(watcher);
  }

  #receive(bytes: Buffer): void {
    try {
      for (const message of this.#reader.read(bytes)) {
        if (this.#closed) return;
        if (this.#isWelcome) this.#handlers.message(this, message);
        else this.#greet(message);
      }
    } catch (error) {
      if (!(error instanceof GodwitError)) throw error;
      this.#refuse(error.message);
    }
  }

  #greet(message: ClientMessage): void {
    if (message.type !== "hello" || message.protocol !== PROTOCOL)
      return this.#refuse("this is a godwit cluster's socket");
    if (message.version !== PROTOCOL_VERSION) {
      const versions = `this engine speaks version ${PROTOCOL_VERSION} of its protocol, not ${message.version}`;
      return this.#refuse(`${versions}: use one version of godwit for all nodes`);
    }
    this.#isWelcome = true;
    this.#socket.setTimeout(0);
    this.send({ type: "welcome", version: PROTOCOL_VERSION, blobs: this.#blobs });
  }

  /** Says why, and hangs up. */
  #refuse(message: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.end(encodeFrame({ type: "refused", message }), () => this.#socket.destroy());
    this.#handlers.closed(this);
  }
}
