/** Stands between two nodes, and cuts or holds what goes through it. */

import { type Server, type Socket, connect, createServer } from "node:net";

export class CutProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Bytes that still go through before all connections are cut. */
  #left = Infinity;
  #next: () => number;
  cuts = 0;
  #isHeld = false;

  /** `to`: where connections go on to. `next`: after how many bytes the next cut is. */
  constructor(to: { path: string } | { host: string; port: number }, next: () => number = () => Infinity) {
    this.#next = next;
    this.#left = next();
    this.#server = createServer((near) => {
      const far = connect(to);
      this.#join(near, far);
      this.#join(far, near);
    });
  }

  async listen(at: { path: string } | { host: string; port: number }): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(at, resolve));
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  #join(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    if (this.#isHeld) from.pause();
    from.on("error", () => {});
    from.on("close", () => {
      this.#sockets.delete(from);
      to.destroy();
    });
    from.on("end", () => to.end());
    from.on("data", (bytes: Buffer) => {
      if (bytes.length < this.#left) {
        this.#left -= bytes.length;
        if (!to.write(bytes)) from.pause();
        return;
      }
      // In the middle of whatever this is.
      to.write(bytes.subarray(0, this.#left));
      this.cut();
    });
    to.on("drain", () => this.#isHeld || from.resume());
  }

  cut(): void {
    this.cuts++;
    this.#left = this.#next();
    // What was passed on may still arrive: some cuts lose it, and some do not.
    for (const socket of this.#sockets) {
      if (this.cuts % 2 === 0) socket.destroySoon();
      else socket.destroy();
    }
  }

  /** Nothing goes through until it is let go. */
  hold(): void {
    this.#isHeld = true;
    for (const socket of this.#sockets) socket.pause();
  }

  letGo(): void {
    this.#isHeld = false;
    for (const socket of this.#sockets) socket.resume();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
