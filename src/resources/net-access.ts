/**
 * Connecting under a `net` capability. The name in a URL is checked before anything is asked of anybody, and every address
 * that it resolves to as the connection is made: the address that was checked is the one that is connected to. A name that
 * is allowed does not open this machine or the network around it: addresses that are not public must be allowed themselves.
 */

import { isIP, type LookupFunction, connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import ipaddr from "ipaddr.js";

import { failure } from "../errors.ts";
import { addressOf, coversHost } from "../kernel/host-pattern.ts";
import {
  ANSWER_HEAD_TIMEOUT_MS,
  BODY_IDLE_TIMEOUT_MS,
  CONNECT_TIMEOUT_MS,
  HANDSHAKE_TIMEOUT_MS,
  KEPT_CONNECTIONS_MAX,
} from "../limits.ts";
import { ConnectionPool } from "./connection-pool.ts";
import { DecoderBudget } from "./content-coding.ts";
import { type NameLookup, systemLookup } from "./name-lookup.ts";

export interface NetTimeouts {
  /** For a connection, with looking up its name, and TLS. */
  readonly connectMs: number;
  /** For the head of an answer, once the request has been sent. */
  readonly headMs: number;
  /** For a body that stands still. */
  readonly idleMs: number;
  /** For the opening of a WebSocket, once connected; and for its closing. */
  readonly handshakeMs: number;
}

export interface NetOptions {
  readonly lookup?: NameLookup;
  readonly timeouts?: Partial<NetTimeouts>;
  /** Connections that are kept between requests. */
  readonly keptMax?: number;
  /** Certificates to trust instead of the system's, as PEM. */
  readonly authorities?: string;
}

/** What one process may connect to, and what it holds of connections between its requests. No two processes share one. */
export class NetAccess {
  readonly timeouts: NetTimeouts;
  readonly pool: ConnectionPool;
  readonly decoders = new DecoderBudget();
  readonly #net: readonly string[] | "all";
  readonly #lookup: NameLookup;
  readonly #authorities: string | undefined;

  constructor(net: readonly string[] | "all", { lookup, timeouts, keptMax, authorities }: NetOptions = {}) {
    this.#net = net;
    this.#lookup = lookup ?? systemLookup;
    this.#authorities = authorities;
    this.timeouts = {
      connectMs: CONNECT_TIMEOUT_MS,
      headMs: ANSWER_HEAD_TIMEOUT_MS,
      idleMs: BODY_IDLE_TIMEOUT_MS,
      handshakeMs: HANDSHAKE_TIMEOUT_MS,
      ...timeouts,
    };
    this.pool = new ConnectionPool(this, keptMax ?? KEPT_CONNECTIONS_MAX);
  }

  /** Throws EACCES unless the URL's host and port are allowed. */
  check(url: URL): void {
    const port = portOf(url);
    if (coversHost(this.#net, url.hostname, port)) return;
    throw failure(
      "EACCES",
      `connecting to ${url.host} is not allowed: allow it with --allow-net=${url.hostname}:${port}`,
    );
  }

  /**
   * A connection that is being made, with TLS for `https:` and `wss:`; `onReady` is called once it can be used. It is
   * destroyed with a coded error when the host or its addresses are not allowed, or it takes too long.
   */
  connect(url: URL, onReady: (socket: Socket) => void = () => {}): Socket {
    this.check(url);
    const host = url.hostname.replace(/^\[|\]$/g, "");
    const options = { host, port: portOf(url), lookup: this.#lookupFor(url), keepAlive: true, noDelay: true };
    const isSecure = url.protocol === "https:" || url.protocol === "wss:";
    const socket = isSecure
      ? connectTls({
          ...options,
          ALPNProtocols: ["http/1.1"],
          ...(isIP(host) === 0 && { servername: host }),
          ...(this.#authorities !== undefined && { ca: this.#authorities }),
        })
      : connectTcp(options);
    const { connectMs } = this.timeouts;
    const timer = setTimeout(() => {
      socket.destroy(failure("ETIMEDOUT", `no connection to ${url.host} within ${connectMs} ms`));
    }, connectMs);
    socket.once("close", () => clearTimeout(timer));
    socket.once(isSecure ? "secureConnect" : "connect", () => {
      clearTimeout(timer);
      onReady(socket);
    });
    return socket;
  }

  /** Lets go of the connections that are kept. */
  close(): void {
    this.pool.close();
  }

  /** For `net.connect`, which connects to an address that it is given here, and to no other. */
  #lookupFor(url: URL): LookupFunction {
    return (name, { all }, callback) => {
      this.#lookup.find(name, this).then(
        (found) => {
          const allowed = found.filter((address) => this.#allows(address, url));
          const [first] = allowed;
          if (first === undefined) callback(this.#refusal(found[0], url), "");
          else if (all === true) callback(null, allowed.map(withFamily));
          else callback(null, first, isIP(first));
        },
        (error: unknown) => callback(error as Error, ""),
      );
    };
  }

  #allows(address: string, url: URL): boolean {
    if (isIP(address) === 0) return false;
    if (this.#net === "all" || isPublic(address)) return true;
    if (isLocalName(url.hostname) && addressOf(address)?.range() === "loopback") return true;
    return coversHost(this.#net, address, portOf(url));
  }

  #refusal(address: string | undefined, url: URL): Error {
    if (address === undefined) return failure("EHOSTUNREACH", `${url.hostname} has no address`);
    const place = address.includes(":") ? `[${address}]` : address;
    return failure(
      "EACCES",
      `connecting to ${url.host} is not allowed: it is ${address}, which is not a public address: allow that with --allow-net=${place}:${portOf(url)}`,
    );
  }
}

function portOf(url: URL): number {
  if (url.port !== "") return Number(url.port);
  return url.protocol === "https:" || url.protocol === "wss:" ? 443 : 80;
}

function withFamily(address: string): { address: string; family: number } {
  return { address, family: isIP(address) };
}

/** RFC 6761, 6.3: they mean this machine. */
function isLocalName(hostname: string): boolean {
  const name = hostname.endsWith(".") ? hostname.slice(0, -1) : hostname;
  return name === "localhost" || name.endsWith(".localhost");
}

const GLOBAL_UNICAST = ipaddr.IPv6.parse("2000::");
const TRANSLATED = ipaddr.IPv6.parse("64:ff9b::");

/**
 * Whether an address is one of the public Internet, by IANA's registries of special-purpose addresses. An address in which
 * a translator finds an IPv4 address (RFC 6052) is what that is; other tunnels (6to4, Teredo) are not public.
 */
export function isPublic(text: string): boolean {
  const address = addressOf(text);
  if (address === undefined) return false;
  if (address instanceof ipaddr.IPv4) return address.range() === "unicast";
  if (address.match(TRANSLATED, 96)) return new ipaddr.IPv4(address.toByteArray().slice(12)).range() === "unicast";
  return address.match(GLOBAL_UNICAST, 3) && address.range() === "unicast";
}
