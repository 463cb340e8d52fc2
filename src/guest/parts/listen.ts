/// <reference lib="esnext.disposable" preserve="true" />
/** `listen`: an address at which connections come in. */

import type { StreamHead } from "../../abi/channel.ts";
import { blocking, Deadline, hasCode, promised, step, type Steps, timeoutOf, type WaitOptions } from "../core.ts";
import { Acceptance } from "./acceptance.ts";
import { Connection } from "./connection.ts";
import { DatagramSocket } from "./datagram.ts";
import { openFrame } from "./frame.ts";
import { type OwnAddress, ownAddress } from "./own-address.ts";

const RETRY_MS = 50;

/** Where to listen, and for what. */
export interface ListenOptions extends OwnAddress {
  /** Connections (`tcp`, unless it is said) or datagrams (`udp`). */
  readonly transport?: "tcp" | "udp";
}

/**
 * An address at which connections come in. It moves with its process; what is restored from an image, and a fork's child,
 * listens on its own.
 */
export class Listener {
  readonly #acceptance: Acceptance;

  /** Use {@link listen}. */
  constructor(address: string) {
    this.#acceptance = new Acceptance({ kind: "listener", address, protocol: "tcp" });
  }

  /** The address that it listens on, with its real port. */
  get address(): string {
    return this.#acceptance.address;
  }

  /** Waits for the next connection. `undefined` at the timeout. @throws `ECANCELED` once it is closed. */
  accept(): Connection;
  accept(options: WaitOptions): Connection | undefined;
  accept(options?: WaitOptions): Connection | undefined {
    return blocking(this.#acceptSteps(options));
  }

  /** Like {@link accept}, for `await`. */
  acceptAsync(): Promise<Connection>;
  acceptAsync(options: WaitOptions): Promise<Connection | undefined>;
  acceptAsync(options?: WaitOptions): Promise<Connection | undefined> {
    return promised(this.#acceptSteps(options));
  }

  /** Accepts no more: who waits to accept is told. The connections go on. */
  close(): void {
    this.#acceptance.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** The connections, until it is closed. */
  *[Symbol.iterator](): Generator<Connection, void, undefined> {
    try {
      for (;;) yield this.accept();
    } catch (error) {
      if (!this.#acceptance.isClosed) throw error;
    }
  }

  /** The connections, until it is closed, for `for await`. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Connection, void, undefined> {
    try {
      for (;;) yield await this.acceptAsync();
    } catch (error) {
      if (!this.#acceptance.isClosed) throw error;
    }
  }

  *#acceptSteps(options: WaitOptions | undefined): Steps<Connection | undefined> {
    const deadline = new Deadline(timeoutOf(options));
    for (;;) {
      const connection = yield* this.#tryToAccept(deadline);
      if (connection !== "again") return connection;
    }
  }

  *#tryToAccept(deadline: Deadline): Steps<Connection | undefined | "again"> {
    let handle: number;
    try {
      this.#acceptance.check();
      handle = yield* step("channelAccept", this.#acceptance.handle, deadline.remainingMs());
    } catch (error) {
      // The next connection that ends makes room for it.
      if (!hasCode(error, "EMFILE") && !hasCode(error, "EAGAIN")) throw error;
      if (deadline.remainingMs() === 0) return undefined;
      yield* step("sleep", RETRY_MS);
      return "again";
    }
    if (handle < 0) return undefined;
    try {
      const frame = yield* step("channelReceive", handle, -1);
      return new Connection(handle, openFrame<StreamHead>(frame).head);
    } catch {
      // Its client left before anybody looked.
      yield* step("close", handle);
      return "again";
    }
  }
}

/**
 * Listens for connections, or for datagrams.
 * @throws `EACCES` without the `listen` capability for the address, `EADDRINUSE`, `EADDRNOTAVAIL`, `EINVAL`.
 *
 * @example
 * for (const connection of listen({ port: 7000 }))
 *   Thread.create(() => {
 *     for (const bytes of connection) connection.write(bytes);
 *     connection.close();
 *   });
 */
export function listen(options: ListenOptions & { readonly transport: "udp" }): DatagramSocket;
export function listen(options: ListenOptions & { readonly transport?: "tcp" }): Listener;
export function listen(options: ListenOptions): Listener | DatagramSocket {
  const { transport = "tcp" } = options;
  if (transport === "udp") return new DatagramSocket(ownAddress(options));
  if (transport === "tcp") return new Listener(ownAddress(options));
  throw new TypeError(`"${String(transport)}" is no transport: it is tcp or udp`);
}
