/**
 * A service, wherever its processes are: requests and connections go to the care-of address of a process's home where that is
 * known, and by the service's stable address, which relays, where it is not.
 */

import { isIP, type Socket } from "node:net";
import { checkServerIdentity } from "node:tls";
import { Agent, buildConnector, type Dispatcher, fetch, Pool, type RequestInit, type Response } from "undici";

import { SERVICE_NAME } from "../abi/channel.ts";
import type { ServiceRecord } from "../abi/lookup.ts";
import { failure } from "../errors.ts";
import { ROUTE_CONNECT_TIMEOUT_MS, ROUTE_CONNECTIONS_MAX } from "../limits.ts";
import { alternativesOf } from "./alt-svc.ts";
import { LookupFeed } from "./lookup-feed.ts";
import { RoutedRequest } from "./routed-request.ts";
import { type CareOf, Routes } from "./routes.ts";

export interface ServiceOptions {
  /** Lookups that tell where it is, one or several: `http://HOST:PORT`, as `godwit lookup --on` opens them. */
  readonly lookup?: string | readonly string[];
  /** Its stable address, `SCHEME://HOST:PORT` with http, https, tcp or tls. Without it, those that the lookup tells. */
  readonly home?: string;
  /**
   * Without a lookup: whether to go where answers say (Alt-Svc). An answer over https can be trusted in this, since the other
   * address must prove that it is the same; whoever can forge one over http can lead requests astray. Default: over https only.
   */
  readonly follow?: boolean;
  /** Whose certificates are trusted, PEM. Default: those of Node. */
  readonly ca?: string;
}

const SCHEMES = ["http", "https", "tcp", "tls"];
const STREAMS = ["tcp", "tls"];

/** A service that was opened by {@link openService}. */
export class ServiceClient {
  readonly name: string;
  readonly #options: ServiceOptions;
  readonly #feed: LookupFeed | undefined;
  /** By scheme. */
  readonly #routes = new Map(SCHEMES.map((scheme) => [scheme, new Routes()]));
  readonly #pools = new Map<string, Pool>();
  /** For what answers redirect to elsewhere. */
  readonly #others: Agent;
  readonly #dispatcher: Dispatcher;
  /** What requests are for, `SCHEME://HOST:PORT`, whichever way they take. */
  #origin: string | undefined;

  /** @internal Use {@link openService}. */
  constructor(name: string, options: ServiceOptions) {
    this.name = name;
    this.#options = options;
    this.#others = new Agent(options.ca === undefined ? {} : { connect: { ca: options.ca } });
    this.#dispatcher = this.#others.compose(
      (elsewhere) => (request, handler) => this.#dispatch(request, handler, elsewhere),
    );
    const { lookup, home } = options;
    if (home !== undefined) this.#routesOf(partsOf(home).scheme).set([home], []);
    const lookups = lookup === undefined ? [] : typeof lookup === "string" ? [lookup] : lookup;
    this.#feed = lookups.length === 0 ? undefined : new LookupFeed(lookups, name, (record) => this.#heard(record));
  }

  /** @internal Resolves when it is known where it is. */
  async open(): Promise<this> {
    try {
      await this.#feed?.open();
    } catch (error) {
      // With a stable address one can begin, and hear of the others later.
      if (this.#options.home === undefined) {
        await this.close();
        throw error;
      }
    }
    void this.#feed?.follow();
    return this;
  }

  #routesOf(scheme: string): Routes {
    const routes = this.#routes.get(scheme);
    if (routes !== undefined) return routes;
    throw failure("EINVAL", `a service has addresses with ${SCHEMES.join(", ")}, not ${scheme}`);
  }

  // ---- Where it is

  /** Where it is now, best first: care-of addresses, then the stable ones. */
  addresses(): string[] {
    const all = [...this.#routes.values()];
    return [...all.flatMap(({ careOf }) => careOf), ...all.flatMap(({ stable }) => stable)];
  }

  #heard(record: ServiceRecord | undefined): void {
    const { home } = this.#options;
    for (const [scheme, routes] of this.#routes) {
      const isIts = (address: string) => address.startsWith(`${scheme}://`) && isAddress(address);
      const told = record?.fronts.map(({ address }) => address).filter(isIts) ?? [];
      const stable = home === undefined || !isIts(home) ? told : [home, ...told.filter((one) => one !== home)];
      const weights = new Map<string, number>();
      for (const address of record?.members.flatMap(({ careOf }) => careOf).filter(isIts) ?? [])
        weights.set(address, (weights.get(address) ?? 0) + 1);
      const careOf = [...weights].map(([address, weight]) => ({ address, weight, untilMs: Infinity }));
      // A service that nobody can reach at the moment is where it was, as far as anybody knows.
      if (record !== undefined) routes.set(stable.length > 0 ? stable : routes.stable, careOf);
      else routes.setCareOf([]);
    }
    this.#closeUnused();
  }

  /** What an answer says of where else to ask (RFC 7838). It replaces what was said before. */
  #told(origin: string, headers: Readonly<Record<string, unknown>>): void {
    const { scheme, host: home } = partsOf(origin);
    if (this.#feed !== undefined || !(this.#options.follow ?? scheme === "https")) return;
    const field = headers["alt-svc"];
    if (typeof field !== "string") return;
    const said = alternativesOf(field);
    const nowMs = performance.now();
    const known = new Map<string, CareOf>();
    for (const { protocol, host, port, maxAgeS } of said === "clear" ? [] : said) {
      const address = `${scheme}://${host === "" ? home : host}:${port}`;
      if (protocol === "http/1.1") known.set(address, { address, weight: 1, untilMs: nowMs + maxAgeS * 1000 });
    }
    this.#routesOf(scheme).setCareOf([...known.values()]);
    this.#closeUnused();
  }

  /** Connections to addresses where it is no more: what is under way there ends in its own time. */
  #closeUnused(): void {
    for (const [address, pool] of this.#pools) {
      if (this.#routes.get(partsOf(address).scheme)?.has(address) === true) continue;
      this.#pools.delete(address);
      pool.close().catch(() => {});
    }
  }

  // ---- Requests

  /**
   * As the web's `fetch`; `path` is below the service's address. A request goes to a care-of address, if one is known, and to
   * the stable address when that one cannot be connected to; one that was sent and not answered is sent once more if it may be
   * repeated (GET, HEAD, OPTIONS, TRACE, DELETE and PUT, without a body).
   */
  async fetch(path: string | URL, init: RequestInit = {}): Promise<Response> {
    return fetch(new URL(path, this.origin), { ...init, dispatcher: this.#dispatcher });
  }

  /** What requests are for: the service's stable address, whichever way they take. @throws GodwitError EHOSTUNREACH. */
  get origin(): string {
    if (this.#origin === undefined) {
      const all = this.addresses().filter((address) => /^https?:/.test(address));
      const stable = [...this.#routes.values()].flatMap((routes) => routes.stable).find((one) => all.includes(one));
      this.#origin = stable ?? all[0];
    }
    if (this.#origin !== undefined) return this.#origin;
    throw failure("EHOSTUNREACH", `service ${this.name} has no address for http: expose it at one`);
  }

  #dispatch(
    request: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler,
    elsewhere: Dispatcher["dispatch"],
  ): boolean {
    const { origin } = this;
    if (String(request.origin) !== new URL(origin).origin) return elsewhere(request, handler);
    const routes = this.#routesOf(partsOf(origin).scheme);
    const routed = new RoutedRequest(request, routes.inOrder(performance.now()), handler, {
      send: (address, on) => {
        const isDirect = !routes.stable.includes(address);
        const sent = isDirect
          ? { ...request, headers: withField(request.headers, "alt-used", hostOf(address)) }
          : request;
        this.#pool(address, origin).dispatch(sent, on);
      },
      failed: (address) => routes.rest(address, performance.now()),
      answered: (_, headers) => this.#told(origin, headers),
    });
    // Nobody would hear of a request that goes nowhere.
    if (routed.next()) return true;
    throw failure("EHOSTUNREACH", `service ${this.name} has no address any more: expose it at one`);
  }

  /** Connections to an address for requests to an origin, as which it has to prove itself over TLS. */
  #pool(address: string, origin: string): Pool {
    let pool = this.#pools.get(address);
    if (pool === undefined) {
      const { host, port } = partsOf(address);
      const { connect, servername } = this.#connector(partsOf(origin).host);
      const there = { hostname: host, port: String(port), ...(servername === undefined ? {} : { servername }) };
      pool = new Pool(origin, {
        connections: ROUTE_CONNECTIONS_MAX,
        connect: (options, done) => connect({ ...options, ...there }, done),
      });
      this.#pools.set(address, pool);
    }
    return pool;
  }

  /** What connects to an address that has to prove over TLS that it is `host` (RFC 7838, 2.1). */
  #connector(host: string): { connect: buildConnector.connector; servername: string | undefined } {
    const { ca } = this.#options;
    const connect = buildConnector({
      timeout: ROUTE_CONNECT_TIMEOUT_MS,
      checkServerIdentity: (_, certificate) => checkServerIdentity(host, certificate),
      ...(ca === undefined ? {} : { ca }),
    });
    // RFC 6066, 3: names only.
    return { connect, servername: isIP(host) === 0 ? host : undefined };
  }

  // ---- Connections

  /**
   * A connection to a process of the service, at an address for tcp or tls: a care-of address, if one is known and can be
   * connected to, else a stable one.
   * @throws GodwitError EHOSTUNREACH when none can be connected to.
   */
  async connect(): Promise<Socket> {
    const nowMs = performance.now();
    const scheme = STREAMS.find((one) => this.#routesOf(one).inOrder(nowMs).length > 0);
    if (scheme === undefined) throw failure("EHOSTUNREACH", `service ${this.name} has no address for tcp or tls`);
    const routes = this.#routesOf(scheme);
    let fault: unknown;
    for (const address of routes.inOrder(nowMs)) {
      try {
        return await this.#connectTo(address, routes.stable[0] ?? address);
      } catch (error) {
        routes.rest(address, performance.now());
        fault = error;
      }
    }
    throw failure("EHOSTUNREACH", `service ${this.name} does not answer at ${this.addresses().join(", ")}`, fault);
  }

  #connectTo(address: string, stable: string): Promise<Socket> {
    const { scheme, host, port } = partsOf(address);
    const { connect, servername } = this.#connector(partsOf(stable).host);
    const protocol = scheme === "tls" ? "https:" : "http:";
    const there = {
      hostname: host,
      host,
      port: String(port),
      protocol,
      ...(servername === undefined ? {} : { servername }),
    };
    return new Promise((resolve, reject) => {
      connect(there, (error, socket) => (error === null ? resolve(socket) : reject(error)));
    });
  }

  /** Ends all its connections for requests, and follows it no more. What {@link connect} gave is the caller's. */
  async close(): Promise<void> {
    this.#feed?.close();
    await Promise.all([...this.#pools.values(), this.#others].map((one) => one.destroy()));
    this.#pools.clear();
  }
}

/** RFC 7838, 5. */
function withField(headers: Dispatcher.DispatchOptions["headers"], name: string, value: string): string[] {
  const list: string[] = [];
  if (Array.isArray(headers)) list.push(...headers);
  else
    for (const [own, values] of headers === null || headers === undefined ? [] : entriesOf(headers))
      for (const one of Array.isArray(values) ? values : [values]) if (one !== undefined) list.push(own, one);
  return [...list, name, value];
}

type Field = readonly [string, string | string[] | undefined];

function entriesOf(headers: object): Iterable<Field> {
  return Symbol.iterator in headers ? (headers as Iterable<Field>) : Object.entries(headers);
}

function hostOf(address: string): string {
  return address.slice(address.indexOf("://") + 3);
}

function isAddress(address: string): boolean {
  return /^[a-z]+:\/\/(?:\[[\da-f:.]+\]|[\w.-]+):\d{1,5}$/i.test(address);
}

function partsOf(address: string): { scheme: string; host: string; port: number } {
  const url = new URL(address);
  const ports: Readonly<Record<string, number>> = { "http:": 80, "https:": 443 };
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  return { scheme: url.protocol.slice(0, -1), host, port: Number(url.port) || (ports[url.protocol] ?? 0) };
}

/** @internal See `index.ts`. */
export async function open(name: string, options: ServiceOptions): Promise<ServiceClient> {
  if (!SERVICE_NAME.test(name)) throw failure("EINVAL", `"${name}" is no service's name`);
  if (options.lookup === undefined && options.home === undefined)
    throw failure("EINVAL", "say where the service is: by a lookup, or by its home address");
  if (options.home !== undefined && (!isAddress(options.home) || !SCHEMES.includes(partsOf(options.home).scheme)))
    throw failure("EINVAL", `"${options.home}" is no home address: write SCHEME://HOST:PORT`);
  return new ServiceClient(name, options).open();
}
