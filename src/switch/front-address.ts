/** Where a front listens, as it is written: `SCHEME://HOST:PORT`. */

import { failure } from "../errors.ts";
import type { ServiceProtocol } from "./endpoint-map.ts";

/** What comes to processes by fronts of each scheme. */
export const PROTOCOLS = { http: "http", https: "http", tcp: "tcp", tls: "tcp", udp: "udp" } as const;

export interface FrontAddress {
  readonly scheme: keyof typeof PROTOCOLS;
  /** `HOST:PORT`; port 0 for any that is free. */
  readonly place: string;
  /** What comes to the processes. */
  readonly protocol: ServiceProtocol;
}

/** HOST, or HOST:PORT. */
const CARE_OF = /^(\[[\da-f:.]+\]|[\w.-]+)(?::([1-9]\d{0,4}))?$/i;

/** The address by which clients reach a front that has `place`, out of HOST, HOST:PORT or nothing. @throws GodwitError EINVAL. */
export function careOfAddress(text: string, scheme: string, place: string): string {
  if (text === "") return `${scheme}://${place}`;
  const [, host, port = place.slice(place.lastIndexOf(":") + 1)] = CARE_OF.exec(text) ?? [];
  if (host !== undefined && Number(port) <= 65_535) return `${scheme}://${host}:${port}`;
  throw failure("EINVAL", `"${text}" is no care-of address: write HOST or HOST:PORT, as clients reach this node`);
}

/** @throws GodwitError EINVAL. */
export function frontAddress(text: string): FrontAddress {
  const [, scheme = "", host = "", port = ""] =
    /^([a-z]+):\/\/(\[[\da-f:.]+\]|[^\s:/?#@\\%[\]*]+):(\d{1,5})\/?$/i.exec(text) ?? [];
  if (!Object.hasOwn(PROTOCOLS, scheme) || Number(port) > 65_535)
    throw failure(
      "EINVAL",
      `"${text}" is no address for a front: write SCHEME://HOST:PORT, as in http://127.0.0.1:8080`,
    );
  const known = scheme as keyof typeof PROTOCOLS;
  return { scheme: known, place: `${host}:${port}`, protocol: PROTOCOLS[known] };
}
