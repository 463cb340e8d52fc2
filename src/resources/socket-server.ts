/** WebSockets that clients asked for, and were granted. */

import type { IncomingMessage } from "node:http";
import { WebSocketServer } from "ws";

import { HANDSHAKE_TIMEOUT_MS, SOCKET_PING_MS } from "../limits.ts";
import type { Driver, Line } from "./line.ts";
import { MessageSocket, SOCKET_BOUNDS } from "./message-socket.ts";
import type { Grant } from "./opening.ts";

const protocols = new WeakMap<IncomingMessage, string>();
const OPTIONS = {
  ...SOCKET_BOUNDS,
  noServer: true,
  clientTracking: false,
  closeTimeout: HANDSHAKE_TIMEOUT_MS,
  handleProtocols: (_offered: Set<string>, request: IncomingMessage) => protocols.get(request) || (false as const),
};
const server = new WebSocketServer(OPTIONS);

/**
 * Opens the WebSocket. Undefined when it could not be: the client is gone, or its request was wrong, which it is told.
 * @param pingMs after how long a silent client is asked whether it is there.
 */
export function acceptSocket(grant: Grant, line: Line, pingMs = SOCKET_PING_MS): Driver | undefined {
  const { request, protocol, connection, rest, over } = grant;
  const { remoteAddress = "", remotePort = 0 } = request.socket;
  let driver: Driver | undefined;
  protocols.set(request, protocol);
  server.handleUpgrade(request, connection, rest, (socket) => {
    const opened = new MessageSocket(socket, line, `${remoteAddress}:${remotePort}`).watch(pingMs);
    socket.once("close", over);
    opened.begin({ protocol: socket.protocol, extensions: socket.extensions });
    driver = opened;
  });
  if (driver === undefined) over();
  return driver;
}
