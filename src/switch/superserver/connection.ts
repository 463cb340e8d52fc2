/** A client's connection, as those use it who answer on it themselves. */

import { once } from "node:events";
import type { Socket } from "node:net";
import { failure } from "../../errors.ts";
import { SUPERSERVER_LINGER_MS } from "../../limits.ts";

/** What the client sends, to its end; what is sent to the client goes on after that. */
export function received(socket: Socket): AsyncIterable<Buffer> {
  return socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
}

/** Resolves when there is room for more. @throws GodwitError EPIPE when the client has gone. */
export async function written(socket: Socket, bytes: Uint8Array): Promise<void> {
  if (!socket.destroyed && socket.write(bytes)) return;
  if (!socket.destroyed) {
    const over = new AbortController();
    const { signal } = over;
    await Promise.race([once(socket, "drain", { signal }), closed(socket, signal)]).finally(() => over.abort());
  }
  if (socket.destroyed) throw failure("EPIPE", "the client has closed the connection");
}

function closed(socket: Socket, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      socket.off("close", done);
      resolve();
    };
    signal.addEventListener("abort", done);
    socket.on("close", done);
  });
}

/**
 * Ends a connection once what was written is with the client. What the client still sends is read and dropped for a while:
 * a connection that is closed with bytes unread is reset, and the client would lose what it has not read.
 */
export async function finished(socket: Socket): Promise<void> {
  if (socket.destroyed) return;
  socket.end();
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), SUPERSERVER_LINGER_MS);
  await closed(socket, new AbortController().signal);
  clearTimeout(timer);
}
