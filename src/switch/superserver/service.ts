/** A service as it is served: an entry of the file, with all that had to be asked for it. */

import { serviceName } from "../../abi/channel.ts";
import type { ClusterControl, SpawnOptions } from "../../abi/control.ts";
import type { Account } from "./account.ts";
import type { Bounds } from "./allowance.ts";
import type { Entry } from "./entry.ts";
import type { TrivialName } from "./trivial-service.ts";

/** What answers, ready to start. */
export type ReadyServer =
  | { readonly kind: "internal"; readonly service: TrivialName }
  | { readonly kind: "command"; readonly path: string; readonly argv: readonly string[]; readonly account: Account }
  | { readonly kind: "godwit"; readonly program: SpawnOptions; readonly control: ClusterControl };

/** Where it listens: one address. */
export type Place =
  | {
      readonly transport: "tcp" | "udp";
      readonly family: "ipv4" | "ipv6";
      readonly isMapped: boolean;
      readonly address: string;
      readonly port: number;
    }
  | { readonly transport: "unix"; readonly path: string };

/**
 * What is done with its socket: connections are accepted, or datagrams read, here; or it is lent to programs, who do so
 * themselves; or the node has it, whose processes serve a service by its name.
 */
export type Manner = "accept" | "read" | "lend" | "expose";

export interface Service {
  readonly entry: Entry;
  readonly place: Place;
  readonly manner: Manner;
  readonly bounds: Bounds;
  readonly server: ReadyServer;
}

/** The name by which a program of godwit's may serve, if it is one. */
export function serviceOf(server: ReadyServer): string | undefined {
  const listen = server.kind === "godwit" ? (server.program.capabilities?.listen ?? []) : [];
  return listen === "all"
    ? undefined
    : listen.map((address) => serviceName(address)).find((name) => name !== undefined);
}

export function mannerOf({ type, isWaiting, server }: Entry, ready: ReadyServer): Manner {
  if (type === "dgram" && isWaiting && serviceOf(ready) !== undefined) return "expose";
  if (server.kind === "command" && (isWaiting || type === "dgram")) return "lend";
  return type === "stream" ? "accept" : "read";
}

/** Two services of one key are one before and after a reload: its socket stays. */
export function keyOf({ place, manner }: Service): string {
  return place.transport === "unix"
    ? `${manner} unix ${place.path}`
    : `${manner} ${place.transport} ${addressOf(place)}${place.isMapped ? " mapped" : ""}`;
}

/** For people: `127.0.0.1:7`, `[::]:7`, or a path. */
export function addressOf(place: Place, port?: number): string {
  if (place.transport === "unix") return place.path;
  const { family, address } = place;
  return `${family === "ipv6" ? `[${address}]` : address}:${port ?? place.port}`;
}

/** As messages call it. */
export function titleOf({ entry }: Service): string {
  return `${entry.service}/${entry.protocol.replace(/,.*$/, "")}`;
}
