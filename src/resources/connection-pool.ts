/**
 * The HTTP connections of one process: each carries one request at a time, and is kept a while for the next one to the same
 * origin. They are shared with no other process: what a server knows of a connection stays with who made it.
 */

import type { Socket } from "node:net";
import { Client, type Dispatcher } from "undici";

import { HEADERS_MAX_BYTES, KEPT_CONNECTION_MAX_MS } from "../limits.ts";
import type { NetAccess } from "./net-access.ts";

export class ConnectionPool {
  readonly #access: NetAccess;
  readonly #keptMax: number;
  /** Those that carry nothing, the longest unused first. */
  readonly #kept = new Set<Connection>();

  constructor(access: NetAccess, keptMax: number) {
    this.#access = access;
    this.#keptMax = keptMax;
  }

  /** A connection to the URL's origin, for one request: kept from an earlier one, or made when the request is dispatched. */
  take(url: URL): Connection {
    for (const connection of this.#kept) {
      if (connection.origin !== url.origin) continue;
      this.#kept.delete(connection);
      return connection;
    }
    return new Connection(this.#access, url, (connection) => this.#kept.delete(connection));
  }

  /** Its request has been answered whole. */
  give(connection: Connection): void {
    if (!connection.isConnected) return connection.destroy();
    this.#kept.add(connection);
    const [oldest] = this.#kept;
    if (this.#kept.size > this.#keptMax) oldest?.destroy();
  }

  close(): void {
    for (const connection of this.#kept) connection.destroy();
  }
}

export class Connection {
  readonly origin: string;
  readonly #client: Client;
  readonly #forget: (connection: Connection) => void;
  #socket: Socket | undefined;

  constructor(access: NetAccess, url: URL, forget: (connection: Connection) => void) {
    this.origin = url.origin;
    this.#forget = forget;
    const { headMs, idleMs } = access.timeouts;
    this.#client = new Client(url.origin, {
      connect: (_options, callback) => {
        let isReady = false;
        const socket = access.connect(url, () => {
          isReady = true;
          callback(null, socket);
        });
        socket.on("error", (error) => {
          if (!isReady) callback(error, null);
        });
        this.#socket = socket;
      },
      headersTimeout: headMs,
      bodyTimeout: idleMs,
      maxHeaderSize: HEADERS_MAX_BYTES,
      keepAliveMaxTimeout: KEPT_CONNECTION_MAX_MS,
      pipelining: 1,
      strictContentLength: true,
    });
    // Closed by the server, or kept long enough.
    this.#client.on("disconnect", () => forget(this));
  }

  get isConnected(): boolean {
    return this.#socket?.readyState === "open";
  }

  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    this.#client.dispatch(options, handler);
  }

  /** Ends it at once, in whatever it is doing: connecting too. */
  destroy(): void {
    this.#forget(this);
    this.#client.destroy(null, () => {});
    this.#socket?.destroy();
  }
}
