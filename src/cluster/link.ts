/** What two nodes say to each other, as those see it who use it. `links.ts` makes them. */

import type { Duplex } from "node:stream";

/** A session with one peer: ordered, and exactly once while both nodes live, however often the connection breaks. */
export interface Link {
  /** The peer's node name, which it has proved. */
  readonly peer: string;
  /** Plain data and byte arrays. In order with what else was told and requested. */
  tell(kind: string, body: unknown): void;
  /** @throws GodwitError what the peer's handler threw, with its code; ETIMEDOUT; ECONNRESET when the session is over. */
  request(kind: string, body: unknown, options?: { readonly timeoutMs?: number }): Promise<unknown>;
  /** Resolves when less than LINK_BUFFER_BYTES wait to be sent. */
  drained(): Promise<void>;
  /** Resolves when the session is over: the peer was started again, declared dead, or the link closed. */
  readonly lost: Promise<Error>;
}

/** What comes over links. */
export interface LinkHandlers {
  told(link: Link, kind: string, body: unknown): void;
  /** Coded errors are thrown on at the peer. */
  asked(link: Link, kind: string, body: unknown): Promise<unknown>;
  /** A stream of bytes that the peer has opened, with the header that it gave it. */
  bulk(peer: string, stream: Duplex, header: unknown): void;
}

export interface Links {
  /** The session with a peer, opened if there is none. @throws GodwitError ENONODE. */
  to(peer: string): Promise<Link>;
  /** A stream of bytes to a peer, beside the session: it holds no message up, and ends when its connection breaks. */
  bulk(peer: string, header: unknown): Promise<Duplex>;
  /** The peer was declared dead: its session is over. */
  drop(peer: string): void;
  close(): Promise<void>;
}
