/** Addresses that processes accept at, one or several in turn: who joins one that is open shares it. */

import { FRAME_KINDS, type ListenerHead } from "../abi/channel.ts";
import { hostAndPort, unheard } from "./address.ts";
import { jsonFrame } from "./frame.ts";
import type { Line } from "./line.ts";

/** What is open at an address, for members of type M. */
export interface Opening<M> {
  /** Resolves to the address that it has, once it listens. */
  readonly ready: Promise<string>;
  readonly members: Set<M>;
  stop(): void;
}

export class SharedAddresses<M, O extends Opening<M>> {
  readonly #openings = new Map<string, O>();
  readonly #open: (host: string, port: number) => O;

  constructor(open: (host: string, port: number) => O) {
    this.#open = open;
  }

  /**
   * Makes `member` one of those at `address`, and tells its line the address once it is open. Returns what is open, and how
   * to leave it. Throws EADDRINUSE, EADDRNOTAVAIL, EACCES, EINVAL.
   */
  async join(address: string, line: Line, member: M): Promise<{ readonly opening: O; readonly close: () => void }> {
    const { host, port } = hostAndPort(address);
    const shared = port === 0 ? undefined : this.#openings.get(address);
    const opening = shared ?? this.#open(host, port);
    if (port !== 0) this.#openings.set(address, opening);
    opening.members.add(member);
    let own = address;
    const close = () => {
      opening.members.delete(member);
      if (opening.members.size > 0) return;
      opening.stop();
      for (const name of [address, own]) if (this.#openings.get(name) === opening) this.#openings.delete(name);
    };
    try {
      own = await opening.ready;
    } catch (error) {
      close();
      throw unheard(address, error);
    }
    this.#openings.set(own, opening);
    const head: ListenerHead = { address: own };
    line.push(jsonFrame(FRAME_KINDS.head, head));
    return { opening, close };
  }
}
