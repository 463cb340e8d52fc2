/** What listens at the address of a front: servers that a process's own address has as well. */

import { assert } from "../assert.ts";
import { failure } from "../errors.ts";
import { FRONT_SESSIONS_MAX } from "../limits.ts";
import { hostAndPort, unheard } from "../resources/address.ts";
import type { Driver } from "../resources/line.ts";
import type { Entrance, Gate } from "../resources/entrance.ts";
import type { Credentials } from "../resources/http-server.ts";
import { type Acceptor, Listeners, unlistened } from "../resources/listener.ts";
import { StreamListeners, unlistenedStreams } from "../resources/stream-listener.ts";
import { DatagramFront } from "./datagram-front.ts";
import type { FrontAddress } from "./front-address.ts";

interface Secrets {
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
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
  gate: Gate | undefined,
): Promise<Driver> {
  if (isSecure(scheme) !== (certificate !== undefined && key !== undefined))
    throw failure(
      "EINVAL",
      `a front for ${scheme} has ${isSecure(scheme) ? "a certificate and its key" : "no certificate"}`,
    );
  const both = { listening, credentials: credentialsOf({ certificate, key }), gate };
  if (scheme === "udp") return listenForDatagrams(place, listening, accept);
  if (scheme === "tcp" || scheme === "tls")
    return new StreamListeners().join(place, NO_LINE, accept, { ...both, connectionsMax: FRONT_SESSIONS_MAX });
  return new Listeners().join(place, NO_LINE, accept, { ...both, exchangesMax: FRONT_SESSIONS_MAX });
}

/** As {@link listenAt}, without an address: connections are brought. @throws GodwitError EINVAL. */
export function adoptAs(
  scheme: FrontAddress["scheme"],
  secrets: Secrets,
  accept: Acceptor,
): Entrance & { close(): void } {
  assert(scheme !== "udp", "datagrams come by no connection");
  const credentials = credentialsOf(secrets);
  if (scheme === "tcp" || scheme === "tls")
    return unlistenedStreams(accept, { credentials, connectionsMax: FRONT_SESSIONS_MAX });
  return unlistened(accept, { credentials, exchangesMax: FRONT_SESSIONS_MAX });
}

/** Whether clients agree on TLS first. */
export function isSecure(scheme: FrontAddress["scheme"]): boolean {
  return scheme === "https" || scheme === "tls";
}

function credentialsOf({ certificate, key }: Secrets): Credentials | undefined {
  return certificate === undefined || key === undefined ? undefined : { certificate, key };
}

async function listenForDatagrams(
  place: string,
  listening: (place: string) => void,
  accept: Acceptor,
): Promise<Driver> {
  const { host, port } = hostAndPort(place);
  const front = new DatagramFront(host, port, accept);
  try {
    listening(await front.ready);
    return front;
  } catch (error) {
    front.close();
    throw unheard(place, error);
  }
}
