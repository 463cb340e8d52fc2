/** Ways into a server other than the address that it listens at. */

import type { Server as HttpServer } from "node:http";
import { Server, type Socket } from "node:net";

import type { Pipelines } from "./pipelines.ts";

/** Where a connection becomes a server's, as if it had come in at its address. */
export interface Entrance {
  enter(socket: Socket): void;
  /** Those of `sockets` (all that the server has) on which no request is under way, or begun; for HTTP/1.1 without TLS. */
  idleOf?(sockets: readonly Socket[]): Socket[];
  /** Tells from now on when a request has been answered. */
  answered?(listener: () => void): void;
}

/** Is given each connection before anything of it was read, to let it in or not. */
export type Gate = (socket: Socket, entrance: Entrance) => void;

/** Takes the connections of a server before the server does. Returns where they go in. */
export function entranceOf(server: Server, gate: Gate | undefined): Entrance {
  const listeners = server.listeners("connection");
  const enter = (socket: Socket) => {
    for (const listener of listeners) Reflect.apply(listener, server, [socket]);
  };
  const entrance: Entrance = { enter };
  if (gate !== undefined) {
    server.removeAllListeners("connection");
    server.on("connection", (socket: Socket) => gate(socket, entrance));
  }
  return entrance;
}

/** As {@link entranceOf}, of a server for HTTP/1.1. */
export function httpEntranceOf(server: HttpServer, pipelines: Pipelines, gate: Gate | undefined): Entrance {
  const entrance = entranceOf(server, gate);
  entrance.idleOf = (sockets) =>
    withoutBegun(server, sockets).filter((socket) => pipelines.size(socket) === 0 && socket.readableLength === 0);
  entrance.answered = (listener) => void server.on("request", (_request, response) => response.once("close", listener));
  return entrance;
}

/**
 * Connections on which no request has begun that has not been read to its end. Node's parser knows it, and tells it only to
 * `closeIdleConnections`: so that is called, while no connection can be closed. That leaves out those that are being answered as
 * well; but not where an answer is ready and waits for the one before it, with others behind.
 */
function withoutBegun(server: HttpServer, sockets: readonly Socket[]): Socket[] {
  const idle: Socket[] = [];
  for (const socket of sockets) {
    const found = () => {
      idle.push(socket);
      return socket;
    };
    Object.defineProperty(socket, "destroy", { value: found, configurable: true });
  }
  try {
    server.closeIdleConnections();
  } finally {
    for (const socket of sockets) Reflect.deleteProperty(socket, "destroy");
  }
  return idle;
}

/**
 * Nobody comes in by its address any more. Idle connections stay, as `close` would not have it, until their time is up.
 * @param done told when there are none.
 */
export function closeAddress(server: HttpServer, done: () => void = () => {}): void {
  Server.prototype.close.call(server, () => {
    server.close();
    done();
  });
}
