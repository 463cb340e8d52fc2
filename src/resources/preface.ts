/** Clients that know that a server speaks HTTP/2 begin with its preface, without TLS (RFC 9113, 3.3 and 3.4). */

import type { Server } from "node:http";
import type { Http2Server } from "node:http2";
import type { Socket } from "node:net";

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/**
 * Gives those connections of a server for HTTP/1.1 that begin so to one for HTTP/2.
 * @param patienceMs for as many bytes as tell which it is.
 */
export function divert(server: Server, second: Http2Server, patienceMs: number): void {
  const first = server.listeners("connection");
  server.removeAllListeners("connection");
  server.on("connection", (socket: Socket) =>
    begin(socket, patienceMs, (isSecond) => {
      if (isSecond) {
        // A client of HTTP/2 that ends its side is gone.
        socket.allowHalfOpen = false;
        second.emit("connection", socket);
      } else for (const listener of first) Reflect.apply(listener, server, [socket]);
    }),
  );
}

/** Tells whether a client has begun with the preface. One that says too little leaves. */
function begin(socket: Socket, patienceMs: number, goOn: (isPreface: boolean) => void): void {
  let seen: Buffer = Buffer.alloc(0);
  const leave = () => void socket.destroy();
  const timer = setTimeout(leave, patienceMs).unref();
  const forget = () => {
    clearTimeout(timer);
    socket.off("readable", look).off("end", leave).off("error", leave).off("close", forget);
  };
  const look = () => {
    const piece = socket.read() as Buffer | null;
    if (piece === null) return;
    seen = seen.length === 0 ? piece : Buffer.concat([seen, piece]);
    const isLike = PREFACE.subarray(0, seen.length).equals(seen.subarray(0, PREFACE.length));
    if (isLike && seen.length < PREFACE.length) return;
    forget();
    socket.unshift(seen);
    goOn(isLike);
  };
  socket.on("readable", look).on("end", leave).on("error", leave).on("close", forget);
}
