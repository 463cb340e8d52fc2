/**
 * Listening sockets that this node has together with others that the same process has started (`socket-pool.ts`). What crosses
 * are the handles below Node's servers, as its own `cluster` passes them; where Node has no such handles nothing is shared.
 */

import type { SendHandle } from "node:child_process";
import type { AddressInfo, Server } from "node:net";

import { addressText } from "../resources/address.ts";
import { SOCKET_LENT_MS } from "../limits.ts";
import type { SocketShare } from "../switch/front-listener.ts";
import type { FromMember } from "./member-process.ts";

/** What of Node's handles of listening sockets is used. */
export interface ListeningSocket {
  close(): void;
}

export function isListeningSocket(value: unknown): value is ListeningSocket {
  if (typeof value !== "object" || value === null) return false;
  return ["listen", "close"].every((name) => typeof Reflect.get(value, name) === "function");
}

export class SharedSockets implements SocketShare {
  readonly #asked = new Map<number, (socket: unknown) => void>();
  #last = 0;

  async open(what: string, server: Server, host: string, port: number): Promise<void> {
    const lent = port === 0 ? undefined : await this.#borrow(what + addressText({ address: host, port }));
    if (isListeningSocket(lent)) return void server.listen(lent);
    server.once("listening", () => {
      const socket: unknown = Reflect.get(server, "_handle");
      const name = what + addressText(server.address() as AddressInfo);
      if (isListeningSocket(socket)) say({ op: "share", name }, socket);
    });
    server.listen(port, host);
  }

  /** Resolves to nothing when nobody has it. */
  #borrow(name: string): Promise<unknown> {
    const id = ++this.#last;
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.lent(id, undefined), SOCKET_LENT_MS);
      this.#asked.set(id, (socket) => {
        clearTimeout(timer);
        this.#asked.delete(id);
        resolve(socket);
      });
      say({ op: "borrow", id, name });
    });
  }

  /** What was asked for has come, or is not there. */
  lent(id: number, socket: unknown): void {
    const asked = this.#asked.get(id);
    if (asked !== undefined) asked(socket);
    else if (isListeningSocket(socket)) socket.close();
  }

  release(name: string): void {
    say({ op: "release", name });
  }
}

/** Without its parent this process ends. */
function say(message: FromMember, socket?: ListeningSocket): void {
  if (process.connected) process.send?.(message, socket as unknown as SendHandle | undefined, {}, () => {});
}
