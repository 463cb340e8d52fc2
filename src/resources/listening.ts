/** How a server comes to listen at an address. */

import type { AddressInfo, Server } from "node:net";

import { addressText } from "./address.ts";
import type { Gate } from "./entrance.ts";
import type { Credentials } from "./http-server.ts";
import type { Driver } from "./line.ts";

/** What listens, and how that ends. */
export interface Listening extends Driver {
  /**
   * Listens no more, and goes on with the connections that there are, until each is done. Resolves when all are.
   */
  retire(): Promise<void>;
}

/** Has a server listen; that it does is told by its event, and so is why it cannot. May reject with why, too. */
export type Open = (server: Server, host: string, port: number) => void | Promise<void>;

/** How a process takes part in what listens at an address. */
export interface Participation {
  /** Told the address that it has, once it listens. */
  readonly listening?: (address: string) => void;
  /** It is listened on over TLS. */
  readonly credentials?: Credentials | undefined;
  /** Is given the connections that come in, to let them in or not. */
  readonly gate?: Gate | undefined;
  /** How an address is opened that nobody here has. */
  readonly open?: Open | undefined;
}

/** Where something listens. */
export interface Place {
  readonly host: string;
  readonly port: number;
}

const alone: Open = (server, host, port) => void server.listen(port, host);

/** Resolves to the address that a server has, once it listens. Rejects with what the system says. */
export function listening(server: Server, host: string, port: number, open: Open = alone): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once("error", reject).once("listening", () => {
      server.off("error", reject).on("error", () => {}); // a connection that could not be taken is its client's loss
      resolve(addressText(server.address() as AddressInfo));
    });
    open(server, host, port)?.catch(reject);
  });
}
