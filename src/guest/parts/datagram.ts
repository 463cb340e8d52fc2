/// <reference lib="esnext.disposable" preserve="true" />
/** Datagrams, as they come and go. */

import { type DatagramHead, FRAME_KINDS } from "../../abi/channel.ts";
import { DATAGRAM_MAX_BYTES } from "../../limits.ts";
import {
  blocking,
  coded,
  dataBytes,
  joined,
  promised,
  step,
  type Steps,
  timeoutOf,
  utf8Bytes,
  type WaitOptions,
} from "../core.ts";
import { Acceptance } from "./acceptance.ts";
import { LENGTH_BYTES, openFrame } from "./frame.ts";

/** A datagram that came in. */
export interface Datagram {
  readonly data: Uint8Array;
  /** Who sent it, `HOST:PORT`. */
  readonly remote: string;
  /** How many came before it, since the last one, for which this process had no room. */
  readonly lost: number;
}

/** An address, or what stands for one: the host has it checked as far as it matters. */
const REMOTE = /^(\[[\da-f:.%\w]+\]|\d+\.\d+\.\d+\.\d+):(\d{1,5})$/i;

/**
 * A socket for datagrams (UDP). Those that nobody has taken wait, up to a bound, and then are lost. It moves with its process; what
 * is restored from an image, and a fork's child, has one of its own.
 *
 * @example
 * using socket = listen({ port: 7000, transport: "udp" });
 * for (const { data, remote } of socket) socket.send(data, remote); // echo
 */
export class DatagramSocket {
  readonly #acceptance: Acceptance;

  /** Use {@link listen}. */
  constructor(address: string) {
    this.#acceptance = new Acceptance({ kind: "datagram", address });
  }

  /** The address that it has, with its real port. */
  get address(): string {
    return this.#acceptance.address;
  }

  /** Waits for a datagram. `undefined` at the timeout. @throws `ECANCELED` once the socket is closed. */
  receive(): Datagram;
  receive(options: WaitOptions): Datagram | undefined;
  receive(options?: WaitOptions): Datagram | undefined {
    return blocking(this.#receiveSteps(options));
  }

  /** Like {@link receive}, for `await`. */
  receiveAsync(): Promise<Datagram>;
  receiveAsync(options: WaitOptions): Promise<Datagram | undefined>;
  receiveAsync(options?: WaitOptions): Promise<Datagram | undefined> {
    return promised(this.#receiveSteps(options));
  }

  /**
   * Sends a datagram, text as UTF-8, to `IP-ADDRESS:PORT`. Who has sent one lately can be answered; what goes to others is
   * dropped unless the `net` capability allows it. Whether it arrives nobody tells.
   * @throws `EMSGSIZE` for more than a datagram holds, `EINVAL`.
   */
  send(data: string | Uint8Array, remote: string): void {
    blocking(this.#sendSteps(data, remote));
  }

  /** Like {@link send}, for `await`. */
  sendAsync(data: string | Uint8Array, remote: string): Promise<void> {
    return promised(this.#sendSteps(data, remote));
  }

  close(): void {
    this.#acceptance.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** The datagrams, until it is closed. */
  *[Symbol.iterator](): Generator<Datagram, void, undefined> {
    try {
      for (;;) yield this.receive();
    } catch (error) {
      if (!this.#acceptance.isClosed) throw error;
    }
  }

  /** The datagrams, until it is closed, for `for await`. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Datagram, void, undefined> {
    try {
      for (;;) yield await this.receiveAsync();
    } catch (error) {
      if (!this.#acceptance.isClosed) throw error;
    }
  }

  *#receiveSteps(options: WaitOptions | undefined): Steps<Datagram | undefined> {
    for (;;) {
      this.#acceptance.check();
      const frame = yield* step("channelReceive", this.#acceptance.handle, timeoutOf(options));
      if (frame.length === 0) return undefined;
      // In a copy, another address comes first.
      if (frame[0] !== FRAME_KINDS.datagram) {
        this.#acceptance.learn(frame);
        continue;
      }
      const { head, body = new Uint8Array(0) } = openFrame<DatagramHead>(frame);
      return { data: body.slice(), remote: head.remote, lost: head.lost ?? 0 };
    }
  }

  *#sendSteps(data: string | Uint8Array, remote: string): Steps<void> {
    const payload = dataBytes(data);
    if (payload.length > DATAGRAM_MAX_BYTES)
      throw coded("EMSGSIZE", `a datagram has at most ${DATAGRAM_MAX_BYTES} bytes, not ${payload.length}`);
    if (!REMOTE.test(remote)) throw coded("EINVAL", `"${remote}" is no address to send to: write IP-ADDRESS:PORT`);
    this.#acceptance.check();
    const head = utf8Bytes(JSON.stringify({ remote } satisfies DatagramHead));
    const length = new Uint8Array(LENGTH_BYTES);
    new DataView(length.buffer).setUint32(0, head.length, true);
    const frame = joined([length, head, payload]);
    yield* step("channelSend", this.#acceptance.handle, FRAME_KINDS.datagram, frame);
  }
}
