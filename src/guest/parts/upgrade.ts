/** `upgradeWebSocket`: a request that asks for a WebSocket is granted it. */

import type { UpgradeHead } from "../../abi/channel.ts";
import type { UrlRecord } from "../../abi/records.ts";
import { SOCKETS_SERVED_MAX } from "../../limits.ts";
import { coded, part, syscall } from "../core.ts";
import type { WebRequest, WebResponse } from "./serve.ts";
import type { WebSocket as GuestWebSocket } from "./websocket.ts";

/** The web's own type, where the program's compiler knows it. */
export type WebSocketOf = typeof globalThis extends { WebSocket: { prototype: infer T } } ? T : GuestWebSocket;

/** What {@link upgradeWebSocket} takes beside the request. */
export interface UpgradeOptions {
  /** One of the protocols that the client offered, to agree on. */
  readonly protocol?: string;
}

/** What {@link upgradeWebSocket} gives. */
export interface Upgrade {
  /** Open once the response has been returned, which its `open` event tells. */
  readonly socket: WebSocketOf;
  /** To be returned by the handler as it is. */
  readonly response: WebResponse;
}

let openSockets = 0;

/**
 * Grants a request for a WebSocket: its handler returns the response, and the socket opens. It moves with its process; in a
 * fork's child, and in what is restored from an image, it is lost, which `close` with code 1006 tells.
 *
 * @throws TypeError for a request that does not ask for one, or did not offer the protocol; `EAGAIN` when the process has
 * too many.
 *
 * @example
 * serve({ port: 8080 }, (request) => {
 *   const { socket, response } = upgradeWebSocket(request);
 *   socket.onmessage = ({ data }) => socket.send(data); // echo
 *   return response;
 * });
 */
export function upgradeWebSocket(request: WebRequest, options: UpgradeOptions = {}): Upgrade {
  const { protocol = "" } = options;
  const { headers } = request;
  if (headers.get("upgrade")?.toLowerCase() !== "websocket" || headers.get("sec-websocket-key") === null)
    throw new TypeError("the request does not ask for a WebSocket");
  const offered = (headers.get("sec-websocket-protocol") ?? "").split(",").map((one) => one.trim());
  if (protocol !== "" && !offered.includes(protocol))
    throw new TypeError(`the client did not offer the protocol ${JSON.stringify(protocol)}`);
  if (openSockets >= SOCKETS_SERVED_MAX)
    throw coded("EAGAIN", `this process serves ${SOCKETS_SERVED_MAX} WebSockets already: close one first`);
  const url = syscall("urlParse", request.url.replace(/^http/, "ws"), "") as UrlRecord;
  openSockets++;
  const { socket, open, drop } = part("websocket").socketAccess.serve(url, () => openSockets--);
  const head: UpgradeHead = { protocol };
  const response = part("fetch").responseAccess.upgrade({ head, open, drop });
  return { socket, response };
}
