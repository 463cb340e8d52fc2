/** A service whose socket is lent to programs of the host: `wait`, and all datagrams. They find there what has come. */

import { setTimeout as delay } from "node:timers/promises";
import { assert } from "../../assert.ts";
import { SUPERSERVER_DATAGRAM_PAUSE_MS } from "../../limits.ts";
import { Allowance } from "./allowance.ts";
import { runCommand } from "./host-command.ts";
import { LentSocket } from "./lent-socket.ts";
import { type Log, type Post, reasonOf } from "./post.ts";
import { type Service, addressOf, titleOf } from "./service.ts";
import { cannotListen, tooOften } from "./stream-post.ts";

export class LentPost implements Post {
  readonly address: string;
  service: Service;
  readonly #socket: LentSocket;
  readonly #log: Log;
  readonly #allowance: Allowance;
  readonly #closed = new AbortController();
  /** Programs that have the socket. */
  readonly #running = new Set<Promise<void>>();

  private constructor(service: Service, socket: LentSocket, log: Log) {
    this.service = service;
    this.#socket = socket;
    this.#log = log;
    this.#allowance = new Allowance(service.bounds);
    this.address = addressOf(service.place, socket.port);
    void this.#serve();
  }

  /** @throws GodwitError EADDRINUSE, EADDRNOTAVAIL, EACCES or EIO. */
  static async open(service: Service, log: Log): Promise<LentPost> {
    const { place, entry } = service;
    assert(place.transport !== "unix", "a socket in the file system is not lent");
    const { sendBufferBytes, receiveBufferBytes } = entry;
    const socket = await LentSocket.open({
      ...place,
      ...(sendBufferBytes === undefined ? {} : { sendBufferBytes }),
      ...(receiveBufferBytes === undefined ? {} : { receiveBufferBytes }),
    }).catch((error: unknown) => {
      throw cannotListen(place, error);
    });
    return new LentPost(service, socket, log);
  }

  update(service: Service): void {
    this.service = service;
    this.#allowance.rebound(service.bounds);
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await this.#socket.close();
  }

  abandon(): void {}

  async #serve(): Promise<void> {
    const { signal } = this.#closed;
    const closed = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    const pause = (ms: number) => delay(ms, undefined, { signal }).catch(() => {});
    while (!signal.aborted) {
      await this.#socket.ready();
      if (signal.aborted) return;
      const nowMs = performance.now();
      const verdict = this.#allowance.take(nowMs);
      if (verdict.kind === "granted") {
        const running = this.#start();
        // One that is to be waited for has the socket to itself. Others take a moment to read what they were started for.
        const next = this.service.entry.isWaiting ? running : pause(SUPERSERVER_DATAGRAM_PAUSE_MS);
        await Promise.race([closed, running, next]);
      } else if (verdict.kind === "busy") {
        await Promise.race([closed, ...this.#running]);
      } else {
        if (verdict.isFirst) this.#log(tooOften(this.service));
        await pause(verdict.untilMs - nowMs);
      }
    }
  }

  #start(): Promise<void> {
    const { server } = this.service;
    assert(server.kind === "command", "a socket is lent to programs of the host");
    const running = runCommand(server, this.#socket.descriptor)
      .catch((error: unknown) => this.#log(`${titleOf(this.service)}: cannot start ${server.path}: ${reasonOf(error)}`))
      .finally(() => {
        this.#allowance.end();
        this.#running.delete(running);
      });
    this.#running.add(running);
    return running;
  }
}
