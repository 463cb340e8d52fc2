/** A datagram service whose program serves it by name: the node's switch has the socket, so that each client can be answered. */

import { assert } from "../../assert.ts";
import { SUPERSERVER_READER_IDLE_MS } from "../../limits.ts";
import { type Log, type Post, reasonOf } from "./post.ts";
import { addressOf, type Service, serviceOf, titleOf } from "./service.ts";

export class ServicePost implements Post {
  readonly address: string;
  service: Service;
  readonly #log: Log;
  /** As the node has it exposed. */
  readonly #front: string;

  private constructor(service: Service, front: string, log: Log) {
    this.service = service;
    this.#front = front;
    this.address = front.slice(front.indexOf("://") + 3);
    this.#log = log;
  }

  /** @throws GodwitError EADDRINUSE, EADDRNOTAVAIL, EACCES, or what the node says. */
  static async open(service: Service, log: Log): Promise<ServicePost> {
    const front = await expose(service, `udp://${addressOf(service.place)}`);
    return new ServicePost(service, front, log);
  }

  /** What runs goes on until it is idle. */
  update(service: Service): void {
    const before = this.service;
    this.service = service;
    const isSame = serviceOf(before.server) === serviceOf(service.server);
    const freed = isSame ? Promise.resolve() : this.#unexpose(before);
    freed
      .then(() => expose(service, this.#front))
      .catch((error: unknown) => this.#log(`${titleOf(service)}: ${reasonOf(error)}`));
  }

  close(): Promise<void> {
    return this.#unexpose(this.service);
  }

  async #unexpose({ server }: Service): Promise<void> {
    const name = serviceOf(server);
    if (server.kind !== "godwit" || name === undefined) return;
    // A node that is gone has closed it.
    await server.control.unexpose(name, this.#front).catch(() => {});
  }

  /** The node ends the process when it has no clients. */
  abandon(): void {}
}

/** Returns the address that it has. */
async function expose({ server }: Service, address: string): Promise<string> {
  const name = serviceOf(server);
  assert(server.kind === "godwit" && name !== undefined, "a program of godwit's serves by a name");
  const start = { program: server.program, idleMs: SUPERSERVER_READER_IDLE_MS };
  return (await server.control.expose({ service: name, address, start })).address;
}
