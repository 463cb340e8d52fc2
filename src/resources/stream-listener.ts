/** The channel kind `listener` for streams: each connection at an address goes to one of the processes that accept there. */

import { type AddressInfo, createServer, type Server, type Socket } from "node:net";

import { FRAME_KINDS } from "../abi/channel.ts";
import { EXCHANGES_MAX, LISTENER_CONNECTIONS_MAX } from "../limits.ts";
import { addressText } from "./address.ts";
import { jsonFrame } from "./frame.ts";
import type { Driver, Line } from "./line.ts";
import type { Acceptor } from "./listener.ts";
import { type Opening, SharedAddresses } from "./shared-address.ts";
import { Stream, streamHead } from "./stream.ts";

/** One process that accepts at an address. */
interface Member {
  readonly accept: Acceptor;
  /** Connections that it has. */
  open: number;
}

class StreamListener implements Opening<Member> {
  readonly #server: Server;
  readonly members = new Set<Member>();
  readonly ready: Promise<string>;

  constructor(host: string, port: number) {
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#serve(socket));
    this.#server.maxConnections = LISTENER_CONNECTIONS_MAX;
    this.ready = new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, host, () => {
        this.#server.off("error", reject).on("error", () => {}); // a connection that could not be taken is its client's loss
        resolve(addressText(this.#server.address() as AddressInfo));
      });
    });
  }

  #serve(socket: Socket): void {
    const member = this.#leastBusy();
    socket.on("error", () => {});
    // There is no way to tell it to come again.
    if (member === undefined || member.open >= EXCHANGES_MAX) return void socket.resetAndDestroy();
    member.open++;
    socket.once("close", () => member.open--);
    member.accept(jsonFrame(FRAME_KINDS.head, streamHead(socket)), (line) => new Stream(socket, line));
  }

  #leastBusy(): Member | undefined {
    let least: Member | undefined;
    for (const member of this.members) if (least === undefined || member.open < least.open) least = member;
    return least;
  }

  stop(): void {
    this.#server.close();
  }
}

/** The addresses at which a node takes connections for its processes. */
export class StreamListeners {
  readonly #addresses = new SharedAddresses<Member, StreamListener>((host, port) => new StreamListener(host, port));

  /**
   * Accepts at `address` for one more process. Throws EADDRINUSE, EADDRNOTAVAIL, EACCES, EINVAL.
   * @param listening told the address that it has, once it listens.
   */
  async join(
    address: string,
    line: Line,
    accept: Acceptor,
    listening: (address: string) => void = () => {},
  ): Promise<Driver> {
    const { opening, close } = await this.#addresses.join(address, line, { accept, open: 0 });
    listening(await opening.ready);
    return { take: () => {}, resume: () => {}, close };
  }
}
