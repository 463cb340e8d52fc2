/** Requests of HTTP/1.1 that are not answered yet, by connection: several, where a client does not wait for one answer to ask again. */

import type { Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";

import { streamOf } from "./http-stream.ts";

export class Pipelines {
  /** In the order of their requests. */
  readonly #open = new WeakMap<Socket, Set<ServerResponse>>();

  constructor(server: Server) {
    server.on("request", (request, response) => {
      if (streamOf(request) === undefined) this.#begin(request.socket, response);
    });
  }

  /** How many requests of a connection are to be answered. */
  size(socket: Socket): number {
    return this.#open.get(socket)?.size ?? 0;
  }

  #begin(socket: Socket, response: ServerResponse): void {
    let open = this.#open.get(socket);
    if (open === undefined) {
      open = new Set();
      this.#open.set(socket, open);
      socket.once("close", () => setImmediate(() => this.#end(socket)));
    }
    open.add(response);
    response.once("close", () => this.#open.get(socket)?.delete(response));
  }

  /** Node tells only the first answer that its connection is gone; those behind it, which never had it, would be open for good. */
  #end(socket: Socket): void {
    for (const response of this.#open.get(socket) ?? []) {
      response.destroy();
      response.emit("close");
    }
  }
}
