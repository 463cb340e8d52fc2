/**
 * Listening sockets that several nodes of this machine have together: each has the descriptor, and the process that started them
 * keeps one too. So no client is refused as long as one of them is there, and who comes back finds it. Nothing is accepted here.
 */

import type { ChildProcess, SendHandle } from "node:child_process";

import { EXPOSURES_MAX } from "../limits.ts";
import type { FromMember, ToMember } from "./member-process.ts";
import { isListeningSocket, type ListeningSocket } from "./shared-sockets.ts";

interface Shared {
  readonly socket: ListeningSocket;
  /** Those that listen by it. */
  readonly users: Set<ChildProcess>;
}

export class SocketPool {
  readonly #sockets = new Map<string, Shared>();

  /** Hears what a node asks for, and notices its end. */
  serve(child: ChildProcess): void {
    child.on("message", (message: FromMember, handle: unknown) => {
      if (message.op === "borrow") this.#lend(child, message.id, message.name);
      else if (message.op === "share") this.#add(child, message.name, handle);
      else if (message.op === "release") this.#release(child, message.name);
    });
    child.once("exit", () => {
      for (const name of this.#sockets.keys()) this.#release(child, name);
    });
  }

  #lend(child: ChildProcess, id: number, name: string): void {
    const shared = this.#sockets.get(name);
    if (!child.connected) return;
    shared?.users.add(child);
    const lent: ToMember = { op: "lent", id };
    // What does not get there is opened there, or waited for.
    child.send(lent, shared?.socket as unknown as SendHandle | undefined, {}, () => {});
  }

  #add(child: ChildProcess, name: string, handle: unknown): void {
    if (!isListeningSocket(handle)) return;
    if (this.#sockets.has(name) || this.#sockets.size >= EXPOSURES_MAX) return handle.close();
    this.#sockets.set(name, { socket: handle, users: new Set([child]) });
  }

  #release(child: ChildProcess, name: string): void {
    const shared = this.#sockets.get(name);
    if (shared?.users.delete(child) !== true || shared.users.size > 0) return;
    this.#sockets.delete(name);
    shared.socket.close();
  }

  close(): void {
    for (const { socket } of this.#sockets.values()) socket.close();
    this.#sockets.clear();
  }
}
