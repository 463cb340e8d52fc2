/** Where a front listens, as it is written: `SCHEME://HOST:PORT`. */

import { failure } from "../errors.ts";
import type { ServiceProtocol } from "./endpoint-map.ts";

const PROTOCOLS = { http: "http", https: "http", tcp: "tcp", tls: "tcp" } as const;

export interface FrontAddress {
  readonly scheme: keyof typeof PROTOCOLS;
  /** `HOST:PORT`; port 0 for any that is free. */
  readonly place: string;
  /** What comes to the processes. */
  readonly protocol: ServiceProtocol;
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
