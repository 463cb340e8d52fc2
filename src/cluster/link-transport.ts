/** The ways from node to node, by the address that says which: each gives streams of bytes, in both directions. */

import type { Duplex } from "node:stream";
import { failure } from "../errors.ts";
import type { Engine } from "./engine.ts";
import type { Identity } from "./identity.ts";
import { Relay } from "./link-relay.ts";
import { TlsDoor, connectTls, secureOver } from "./link-tls.ts";
import { type UnixDoor, connectUnix, listenUnix } from "./link-unix.ts";

/** The address by which every node can be reached whose engine is used for links. */
export const THROUGH_ENGINE = "engine:";

export interface WaysOptions {
  readonly identity: Identity;
  /** Names this run of the node. */
  readonly run: string;
  /** For connections where no direct one can be opened. */
  readonly engine?: Engine | undefined;
  /** Somebody has connected. `certified`: the name in their certificate, where there is one. */
  readonly accept: (stream: Duplex, certified?: string) => void;
  /** Somebody did not come so far. */
  readonly refused: (error: Error) => void;
}

export class Ways {
  readonly #options: WaysOptions;
  readonly #tls: TlsDoor;
  readonly #relay: Relay | undefined;
  readonly #doors: UnixDoor[] = [];

  constructor(options: WaysOptions) {
    const { identity, engine, run, accept, refused } = options;
    this.#options = options;
    this.#tls = new TlsDoor(identity, accept, refused);
    if (engine !== undefined) this.#relay = new Relay(engine, identity.name, run, (stream) => this.#tls.take(stream));
  }

  /**
   * Takes connections there, and through the engine. Where others connect to: with the port that was given, if any was
   * asked for. @throws GodwitError EINVAL for an address of no known kind; EADDRINUSE; EPERM.
   */
  async listen(address: string): Promise<string> {
    const { kind, place } = partsOf(address);
    await this.#relay?.listen();
    if (kind === "engine" && this.#relay !== undefined) return address;
    if (kind === "tls") return `tls:${await this.#tls.listen(place)}`;
    if (kind !== "unix") throw unknown(address);
    this.#doors.push(await listenUnix(place, (stream) => this.#options.accept(stream)));
    return address;
  }

  /** @throws GodwitError or the system's error. */
  async connect(peer: string, address: string, signal: AbortSignal): Promise<Duplex> {
    const { identity } = this.#options;
    const { kind, place } = partsOf(address);
    if (kind === "unix") return connectUnix(place, signal);
    if (kind === "tls") return connectTls(identity, peer, place, signal);
    if (kind !== "engine" || this.#relay === undefined) throw unknown(address);
    const stream = await this.#relay.connect(peer, signal);
    return secureOver(stream, identity, peer, signal);
  }

  /** Takes no more connections, and ends those through the engine; the others are their users'. */
  async close(): Promise<void> {
    this.#relay?.close();
    await Promise.all([this.#tls.close(), ...this.#doors.map((door) => door.close())]);
  }
}

function partsOf(address: string) {
  const colon = address.indexOf(":");
  return { kind: address.slice(0, colon), place: address.slice(colon + 1) };
}

function unknown(address: string) {
  return failure(
    "EINVAL",
    `${address} is no node's address: it is unix:PATH, tls:HOST:PORT, or ${THROUGH_ENGINE} with an engine`,
  );
}
