/** A UDP socket of the node's. What is on its way to the system is bounded, and goes out before the socket closes. */

import { createSocket, type RemoteInfo, type Socket } from "node:dgram";

import { FRAME_BYTES } from "../abi/channel.ts";
import { CHANNEL_WINDOW_BYTES } from "../limits.ts";
import { addressText } from "./address.ts";

export class UdpSocket {
  readonly #socket: Socket;
  /** Resolves to the address that it has. */
  readonly ready: Promise<string>;
  /** On its way to the system, with what each counts. */
  #sendingBytes = 0;
  #isClosing = false;

  constructor(host: string, port: number, arrived: (payload: Buffer, from: RemoteInfo) => void) {
    this.#socket = createSocket({ type: host.includes(":") ? "udp6" : "udp4" });
    this.#socket.on("message", arrived);
    this.ready = new Promise((resolve, reject) => {
      this.#socket.once("error", reject);
      this.#socket.bind({ port, address: host, exclusive: true }, () => {
        this.#socket.off("error", reject).on("error", () => {}); // what became of one datagram nobody waits for
        resolve(addressText(this.#socket.address()));
      });
    });
  }

  /** Settles when the system has it, or would not have it; a promise only when that is to be waited for. */
  send(payload: Uint8Array, host: string, port: number): Promise<void> | undefined {
    if (this.#isClosing) return undefined;
    const cost = payload.length + FRAME_BYTES;
    this.#sendingBytes += cost;
    const sent = new Promise<void>((resolve) => {
      this.#socket.send(payload, port, host, () => {
        this.#sendingBytes -= cost;
        this.#closeIfIdle();
        resolve();
      });
    });
    return this.#sendingBytes < CHANNEL_WINDOW_BYTES ? undefined : sent;
  }

  /** What is being sent goes out. Once more does nothing. */
  close(): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#closeIfIdle();
  }

  #closeIfIdle(): void {
    if (this.#isClosing && this.#sendingBytes === 0) this.#socket.close();
  }
}
