/** What listens at the address of a front: servers that a process's own address has as well. */

import { failure } from "../errors.ts";
import { FRONT_SESSIONS_MAX } from "../limits.ts";
import type { Driver } from "../resources/line.ts";
import { type Acceptor, Listeners } from "../resources/listener.ts";
import { StreamListeners } from "../resources/stream-listener.ts";
import type { FrontAddress } from "./front-address.ts";

interface Secrets {
  readonly certificate?: string;
  readonly key?: string;
}

const NO_LINE = { push: () => true, break: () => {} };

/**
 * Accepts clients at an address, which no other front here has.
 * @param listening told the address as it is listened on.
 * @throws GodwitError EINVAL, EADDRINUSE, EADDRNOTAVAIL, EACCES.
 */
export function listenAt(
  { scheme, place }: FrontAddress,
  { certificate, key }: Secrets,
  listening: (place: string) => void,
  accept: Acceptor,
): Promise<Driver> {
  const isSecure = scheme === "https" || scheme === "tls";
  if (isSecure !== (certificate !== undefined && key !== undefined))
    throw failure("EINVAL", `a front for ${scheme} has ${isSecure ? "a certificate and its key" : "no certificate"}`);
  const credentials = certificate === undefined || key === undefined ? undefined : { certificate, key };
  const both = { listening, credentials };
  if (scheme === "tcp" || scheme === "tls")
    return new StreamListeners().join(place, NO_LINE, accept, { ...both, connectionsMax: FRONT_SESSIONS_MAX });
  return new Listeners().join(place, NO_LINE, accept, { ...both, exchangesMax: FRONT_SESSIONS_MAX });
}
