/**
 * The channel kind `listener` for streams, over TCP or TLS: each connection at an address goes to one of the processes that
 * accept there.
 */

import { createServer, type Server, type Socket } from "node:net";
import { createServer as createSecureServer, type TLSSocket } from "node:tls";

import { FRAME_KINDS } from "../abi/channel.ts";
import { EXCHANGES_MAX, LISTENER_CONNECTIONS_MAX, TLS_HANDSHAKE_TIMEOUT_MS } from "../limits.ts";
import { type Entrance, entranceOf } from "./entrance.ts";
import { jsonFrame } from "./frame.ts";
import { type Credentials, overTls } from "./http-server.ts";
import type { Line } from "./line.ts";
import type { Acceptor } from "./listener.ts";
import { type Listening, listening, type Participation, type Place } from "./listening.ts";
import { type Opening, SharedAddresses } from "./shared-address.ts";
import { Stream, streamHead } from "./stream.ts";

/** One process that accepts at an address. */
interface Member {
  readonly accept: Acceptor;
  readonly connectionsMax: number;
  /** Connections that it has. */
  open: number;
}

export interface StreamMembership extends Participation {
  /** Connections that it has at once; others are reset. */
  readonly connectionsMax?: number;
}

class StreamListener implements Opening<Member> {
  readonly #server: Server;
  readonly #members = new Set<Member>();
  readonly ready: Promise<string>;

  /** Where connections go in that did not come by its address. */
  readonly entrance: Entrance;

  /**
   * @param place where it listens; without it, connections are brought to it.
   * @throws GodwitError EINVAL for credentials that are none.
   */
  constructor(place: Place | undefined, { credentials, gate, open }: StreamMembership) {
    const serve = (socket: Socket, connection: Socket) => this.#serve(socket, connection);
    const arrived =
      credentials === undefined ? (connection: Socket) => serve(connection, connection) : secured(credentials, serve);
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (connection) => {
      connection.on("error", () => {});
      arrived(connection);
    });
    this.#server.maxConnections = LISTENER_CONNECTIONS_MAX;
    this.entrance = entranceOf(this.#server, gate);
    this.ready = place === undefined ? Promise.resolve("") : listening(this.#server, place.host, place.port, open);
  }

  get size(): number {
    return this.#members.size;
  }

  add(member: Member): void {
    this.#members.add(member);
  }

  remove(member: Member): void {
    this.#members.delete(member);
  }

  /** @param connection what carries the stream, when that is TLS; else the same. */
  #serve(socket: Socket, connection: Socket): void {
    const member = this.#leastBusy();
    socket.on("error", () => {});
    // There is no way to tell it to come again.
    if (member === undefined || member.open >= member.connectionsMax) return void connection.resetAndDestroy();
    member.open++;
    socket.once("close", () => member.open--);
    const reset = () => void connection.resetAndDestroy();
    member.accept(jsonFrame(FRAME_KINDS.head, streamHead(socket)), (line) => new Stream(socket, line, { reset }));
  }

  #leastBusy(): Member | undefined {
    let least: Member | undefined;
    for (const member of this.#members) if (least === undefined || member.open < least.open) least = member;
    return least;
  }

  stop(): void {
    this.#server.close();
  }

  retire(): Promise<void> {
    return new Promise((resolve) => void this.#server.close(() => resolve()));
  }
}

/** Has a client agree on TLS before it is served. */
function secured(
  { certificate, key }: Credentials,
  serve: (socket: Socket, connection: Socket) => void,
): (connection: Socket) => void {
  /** Connections by both their addresses: TLS does not tell which is its own, and cannot reset it. */
  const connections = new Map<string, Socket>();
  const name = (socket: Socket) => {
    const { remote, local } = streamHead(socket);
    return `${remote} ${local}`;
  };
  const options = {
    cert: certificate,
    key,
    minVersion: "TLSv1.2",
    handshakeTimeout: TLS_HANDSHAKE_TIMEOUT_MS,
  } as const;
  const server = overTls(() => createSecureServer(options));
  server.on("tlsClientError", (_error, socket) => socket.destroy());
  server.on("secureConnection", (socket: TLSSocket) => {
    const connection = connections.get(name(socket));
    // It may have been lost in the meantime.
    if (connection === undefined) socket.destroy();
    else serve(socket, connection);
  });
  return (connection) => {
    const own = name(connection);
    connections.set(own, connection);
    connection.once("close", () => connections.delete(own));
    server.emit("connection", connection);
  };
}

/** A server without an address, to which connections are brought. @throws GodwitError EINVAL for credentials that are none. */
export function unlistenedStreams(accept: Acceptor, membership: StreamMembership): Entrance & { close(): void } {
  const { connectionsMax = EXCHANGES_MAX } = membership;
  const listener = new StreamListener(undefined, membership);
  listener.add({ accept, connectionsMax, open: 0 });
  return { ...listener.entrance, close: () => listener.stop() };
}

/** The addresses at which a node takes connections for its processes. */
export class StreamListeners {
  readonly #addresses = new SharedAddresses<Member, StreamListener>();

  /** Accepts at `address` for one more process. Throws EADDRINUSE, EADDRNOTAVAIL, EACCES, EINVAL. */
  async join(address: string, line: Line, accept: Acceptor, membership: StreamMembership = {}): Promise<Listening> {
    const { connectionsMax = EXCHANGES_MAX } = membership;
    const member = { accept, connectionsMax, open: 0 };
    const open = (host: string, port: number) => new StreamListener({ host, port }, membership);
    const { opening, close } = await this.#addresses.join(address, line, member, open, membership.listening);
    return { take: () => {}, resume: () => {}, close, retire: () => opening.retire().then(close) };
  }
}
