/** The ways from node to node, by the address that says which: each gives streams of bytes, in both directions. */

import type { Duplex } from "node:stream";
import { failure } from "../errors.ts";
import { connectUnix, listenUnix } from "./link-unix.ts";

/** Something that takes connections. */
export interface Listening {
  /** Where others connect to: with the port that was given where any was asked for. */
  readonly address: string;
  /** Takes no more of them. Those that there are stay. */
  close(): Promise<void>;
}

/** A connection that was opened by another; `certified`: the name that its certificate says, where it has one. */
export type Accept = (stream: Duplex, certified?: string) => void;

/** @throws GodwitError EINVAL for an address of no known kind; EADDRINUSE; EPERM. */
export async function listenAt(address: string, accept: Accept): Promise<Listening> {
  const [kind, rest] = partsOf(address);
  if (kind === "unix") return listenUnix(rest, (stream) => accept(stream));
  throw unknownKind(address);
}

/** A connection to what listens at this address. @throws GodwitError or the system's error. */
export async function connectTo(address: string, signal: AbortSignal): Promise<Duplex> {
  const [kind, rest] = partsOf(address);
  if (kind === "unix") return connectUnix(rest, signal);
  throw unknownKind(address);
}

function partsOf(address: string): [string, string] {
  const colon = address.indexOf(":");
  return [address.slice(0, colon), address.slice(colon + 1)];
}

function unknownKind(address: string) {
  return failure("EINVAL", `${address} is no node's address: it is unix:PATH or tls:HOST:PORT`);
}
