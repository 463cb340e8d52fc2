/** A node on a socket: what `godwit up` runs. It listens to its socket and to nothing else. */

import type { Server } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import type { ClusterControl } from "../abi/control.ts";
import { failure } from "../errors.ts";
import { STOP_TIMEOUT_MS } from "../limits.ts";
import { removeLeftovers } from "../resources/temporary.ts";
import { ControlServer } from "./control-server.ts";
import { claimSocket } from "./socket-file.ts";

export interface DaemonOptions {
  /** Where to listen; see `socketPath` of the client. */
  readonly socket: string;
  /** The version of godwit, told to clients. */
  readonly version: string;
  /** Takes a line about a fault of our own, which no client caused. */
  readonly log: (line: string) => void;
}

/** A node served on a socket, until it is stopped. */
export class Daemon {
  readonly socket: string;
  /** Resolves when the node has stopped and every connection is closed. */
  readonly ended: Promise<void>;
  readonly #control: ClusterControl;
  readonly #server: Server;
  #release: () => void = () => {};
  #stopping: Promise<void> | undefined;
  #end: () => void = () => {};

  /** @internal Use {@link startDaemon}. */
  constructor(control: ClusterControl, options: DaemonOptions) {
    this.#control = control;
    this.socket = options.socket;
    this.ended = new Promise((resolve) => (this.#end = resolve));
    const { version, log } = options;
    this.#server = new ControlServer(control, { version, log, stop: () => this.stop() }).server;
  }

  /** @internal */
  async listen(): Promise<void> {
    this.#release = await claimSocket(this.#server, this.socket);
  }

  /**
   * Ends the node's processes, and the node. Resolves when it has stopped and its socket is gone.
   * @throws GodwitError ETIMEDOUT when it takes longer than {@link STOP_TIMEOUT_MS}.
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#release();
    const closed = new Promise((resolve) => this.#server.close(resolve));
    const late = new AbortController();
    try {
      await Promise.race([
        this.#control.stop(),
        delay(STOP_TIMEOUT_MS, undefined, late).then(() => {
          throw failure("ETIMEDOUT", `the node did not stop within ${STOP_TIMEOUT_MS} ms`);
        }),
      ]);
    } finally {
      late.abort();
      // Answers that are on their way, this stop's own among them, get a moment.
      void Promise.race([closed, delay(1000)]).then(() => {
        this.#server.closeAllConnections();
        this.#end();
      });
    }
  }
}

/**
 * Serves a node on a socket. The caller has started it; the daemon stops it.
 * @throws GodwitError EEXIST when a node already runs there; EPERM or ENOTDIR when the folder cannot be trusted.
 */
export async function startDaemon(control: ClusterControl, options: DaemonOptions): Promise<Daemon> {
  const daemon = new Daemon(control, options);
  await daemon.listen();
  // Nobody waits for that.
  void removeLeftovers();
  return daemon;
}
