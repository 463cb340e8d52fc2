/**
 * Channels: ordered frames both ways between a process and something that its node holds for it: a listener, an HTTP
 * exchange or a stream of bytes that came in by one, a datagram socket, an HTTP request of the process's own, a WebSocket.
 * The host's connection stays where it is; the frames that wait for the process move with it. Plain data, shared by guest,
 * kernel and node.
 */

/**
 * What a frame is.
 * - `head`: JSON, of the kind of the channel (`ExchangeHead`, `ResponseHead`, `StreamHead`, `SocketHead`, `ListenerHead`);
 *   the first one. What the node sends is ASCII, other characters being escaped;
 * - `data`: bytes of a body or a stream, or a binary message;
 * - `text`: a text message of a WebSocket, in UTF-8;
 * - `end`: this side sends no more; of a WebSocket with `SocketEnd` as JSON, else empty;
 * - `whole`: head, body and end in one: the head's length (4 bytes, little-endian), the head, the body;
 * - `datagram`: one datagram: the length of its `DatagramHead`, that head, the payload, as in `whole`. It ends nothing;
 * - `upgrade`: the process's answer to a request for a WebSocket (`UpgradeHead`): the exchange goes on as a `socket`, whose
 *   `head` comes when it is open.
 */
export const FRAME_KINDS = { head: 1, data: 2, text: 3, end: 4, whole: 5, datagram: 6, upgrade: 7 } as const;
export type FrameKind = (typeof FRAME_KINDS)[keyof typeof FRAME_KINDS];

export interface Frame {
  readonly kind: FrameKind;
  readonly bytes: Uint8Array;
}

/** What a frame counts beside its bytes against a channel's window: many small ones are bounded too. */
export const FRAME_BYTES = 64;

/** The cost of a frame in a channel's window. */
export function frameCost(frame: Frame): number {
  return frame.bytes.length + FRAME_BYTES;
}

/** What a channel is to something of the node's. */
export type ChannelKind = "listener" | "exchange" | "stream" | "datagram" | "fetch" | "socket";

/** Names and values in order, as on the wire; a name may come more than once. */
export type HeaderList = readonly (readonly [name: string, value: string])[];

/** What a process asks its node to open. `exchange`s and `stream`s are not opened: they come in by a listener. */
export type ChannelRequest = ListenRequest | DatagramRequest | FetchRequest | SocketRequest;

/** What is passed to a listener's process for each client: HTTP exchanges, or connections as streams of bytes. */
export type ListenProtocol = "http" | "tcp";

export interface ListenRequest {
  readonly kind: "listener";
  /** `HOST:PORT`, port 0 for any that is free; or `service:NAME`, which switches pass clients on to. */
  readonly address: string;
  /** `http` when left out. */
  readonly protocol?: ListenProtocol;
  /** It keeps the address for so many children that share it, and accepts nothing; when it ends, they accept no more. */
  readonly holds?: number;
}

/** A socket for datagrams (UDP). Its frames are `datagram`s both ways; what finds no room is lost, as datagrams may be. */
export interface DatagramRequest {
  readonly kind: "datagram";
  /** As a listener's. */
  readonly address: string;
}

/** One HTTP request and its response: no redirect is followed, no cookie kept. */
export interface FetchRequest {
  readonly kind: "fetch";
  readonly method: string;
  /** Absolute, `http:` or `https:`, without credentials. */
  readonly url: string;
  readonly headers: HeaderList;
  /** `whole`: it came with the request; `stream`: `data` frames follow, and an `end`. */
  readonly body: "none" | "whole" | "stream";
}

export interface SocketRequest {
  readonly kind: "socket";
  /** Absolute, `ws:` or `wss:`. */
  readonly url: string;
  readonly protocols: readonly string[];
}

/** First frame of a listener, or of a datagram socket: it accepts from now on. */
export interface ListenerHead {
  /** The address that it has: with the real port. */
  readonly address: string;
}

/** First frame of an exchange: a request that came in. `whole` when its body is short and there, or there is none. */
export interface ExchangeHead {
  readonly method: string;
  /** Absolute, from the Host field and the listener. */
  readonly url: string;
  readonly headers: HeaderList;
  /** The client's address, `HOST:PORT`. */
  readonly remote: string;
  /** False when it has no body at all: not even one of no bytes. */
  readonly hasBody: boolean;
}

/** First frame of a stream: a connection that came in. */
export interface StreamHead {
  /** The client's address, `HOST:PORT`. */
  readonly remote: string;
  /** The address that it connected to. */
  readonly local: string;
  readonly protocol: "tcp" | "tls";
  /** The name that a client of TLS asked for, if it did. */
  readonly serverName?: string;
}

/** Where a datagram comes from, or goes to. */
export interface DatagramHead {
  /** `HOST:PORT`, the host an IP address. */
  readonly remote: string;
  /** Datagrams that came for the process since the last one, and found no room. */
  readonly lost?: number;
}

/** How a request for a WebSocket is granted. */
export interface UpgradeHead {
  /** One of the protocols that the client offered, or "". */
  readonly protocol: string;
}

/** First frame that answers a `fetch`, and first frame of the process's own in an exchange. */
export interface ResponseHead {
  readonly status: number;
  readonly statusText: string;
  readonly headers: HeaderList;
}

/** First frame of a WebSocket: it is open. */
export interface SocketHead {
  readonly protocol: string;
  readonly extensions: string;
}

/** How a WebSocket ends: in the last frame of each direction. `code` 1005 for none. */
export interface SocketEnd {
  readonly code: number;
  readonly reason: string;
}

/** Fields of a head that speak of the connection (RFC 9110, 7.6.1), which is the host's. */
export const CONNECTION_FIELDS: readonly string[] = [
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

/** What a service may be called. */
export const SERVICE_NAME = /^[a-z][a-z0-9-]{0,62}$/;
const SERVICE = /^service:([a-z][a-z0-9-]{0,62})$/;

/** The name in an address `service:NAME`, or undefined for another address. */
export function serviceName(address: string): string | undefined {
  return SERVICE.exec(address)?.[1];
}
