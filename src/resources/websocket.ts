/** The channel kind `socket`, as a process opens it: a WebSocket to a server. */

import type { IncomingMessage } from "node:http";
import { WebSocket } from "ws";

import type { SocketRequest } from "../abi/channel.ts";
import { failure } from "../errors.ts";
import { HEADERS_MAX_BYTES } from "../limits.ts";
import type { Driver, Line } from "./line.ts";
import { MessageSocket, SOCKET_BOUNDS } from "./message-socket.ts";
import { NetAccess } from "./net-access.ts";

/** Opens a WebSocket. Throws EACCES for a host that is not allowed; what fails later breaks the line. */
export function openSocket(request: SocketRequest, line: Line, net: readonly string[] | "all" | NetAccess): Driver {
  const access = net instanceof NetAccess ? net : new NetAccess(net);
  const url = new URL(request.url);
  access.check(url);
  url.hash = "";
  const bounds = { ...SOCKET_BOUNDS, maxHeaderSize: HEADERS_MAX_BYTES, closeTimeout: access.timeouts.handshakeMs };
  const createConnection = () => access.connect(url);
  const socket = new WebSocket(url, [...request.protocols], { ...bounds, followRedirects: false, createConnection });
  const driver = new MessageSocket(socket, line, url.host);
  const openMs = access.timeouts.connectMs + access.timeouts.handshakeMs;
  const late = () => driver.fail(failure("ETIMEDOUT", `no WebSocket to ${url.host} within ${openMs} ms`));
  const timer = setTimeout(late, openMs);
  let extensions = "";
  socket.on("upgrade", ({ headers }: IncomingMessage) => (extensions = headers["sec-websocket-extensions"] ?? ""));
  socket.on("open", () => {
    clearTimeout(timer);
    driver.begin({ protocol: socket.protocol, extensions });
  });
  socket.on("close", () => clearTimeout(timer));
  return driver;
}
