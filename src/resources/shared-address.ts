/** Addresses that processes accept at, one or several in turn: who joins one that is open shares it. */

import { FRAME_KINDS, type ListenerHead } from "../abi/channel.ts";
import { hostAndPort, unheard } from "./address.ts";
import { jsonFrame } from "./frame.ts";
import type { Line } from "./line.ts";

/** What is open at an address, for members of type M. */
export interface Opening<M> {
  /** Resolves to the address that it has, once it listens. */
  readonly ready: Promise<string>;
  /** How many there are. */
  readonly size: number;
  add(member: M): void;
  remove(member: M): void;
  stop(): void;
}

/** A member's share of it, and how it leaves. */
interface Share<O> {
  readonly opening: O;
  readonly close: () => void;
}

export class SharedAddresses<M, O extends Opening<M>> {
  readonly #openings = new Map<string, O>();

  /**
   * Makes `member` one of those at `address`, and tells its line the address once it is open.
   * @param open opens an address that nobody here has. Throws EADDRINUSE, EADDRNOTAVAIL, EACCES, EINVAL.
   * @param listening told the address before the line is.
   */
  async join(
    address: string,
    line: Line,
    member: M,
    open: (host: string, port: number) => O,
    listening: (address: string) => void = () => {},
  ): Promise<Share<O>> {
    const { host, port } = hostAndPort(address);
    const shared = port === 0 ? undefined : this.#openings.get(address);
    const opening = shared ?? open(host, port);
    if (port !== 0) this.#openings.set(address, opening);
    opening.add(member);
    let own = address;
    const close = () => {
      opening.remove(member);
      if (opening.size > 0) return;
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
    listening(own);
    const head: ListenerHead = { address: own };
    line.push(jsonFrame(FRAME_KINDS.head, head));
    return { opening, close };
  }
}
