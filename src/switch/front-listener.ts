/** What listens at the address of a front: servers that a process's own address has as well. */

import type { Server } from "node:net";

import { assert } from "../assert.ts";
import { failure } from "../errors.ts";
import { FRONT_SESSIONS_MAX } from "../limits.ts";
import { hostAndPort, unheard } from "../resources/address.ts";
import type { Entrance, Gate } from "../resources/entrance.ts";
import type { Credentials } from "../resources/http-server.ts";
import { type Acceptor, Listeners, unlistened } from "../resources/listener.ts";
import type { Listening, Open } from "../resources/listening.ts";
import { StreamListeners, unlistenedStreams } from "../resources/stream-listener.ts";
import { DatagramFront } from "./datagram-front.ts";
import type { FrontAddress } from "./front-address.ts";

interface Secrets {
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
}

/** Listening sockets that nodes of one machine have together. */
export interface SocketShare {
  /**
   * Has a server listen by a socket that others have for the same thing, `what` and its address, or by one of its own, which it
   * shares with them. That it listens is told by its event.
   */
  open(what: string, server: Server, host: string, port: number): Promise<void>;
  /** It listens there no more: `what` with the address. */
  release(name: string): void;
}

const NO_LINE = { push: () => true, break: () => {} };

/**
 * Accepts clients at an address, which no other front here has.
 * @param open how, where that is not this node's own affair.
 * @param listening told the address as it is listened on.
 * @throws GodwitError EINVAL, EADDRINUSE, EADDRNOTAVAIL, EACCES.
 */
export function listenAt(
  { scheme, place }: FrontAddress,
  { certificate, key }: Secrets,
  listening: (place: string) => void,
  accept: Acceptor,
  { gate, open }: { readonly gate: Gate | undefined; readonly open: Open | undefined },
): Promise<Listening> {
  checkSecrets(scheme, { certificate, key });
  const both = { listening, credentials: credentialsOf({ certificate, key }), gate, open };
  if (scheme === "udp") return listenForDatagrams(place, listening, accept);
  if (scheme === "tcp" || scheme === "tls")
    return new StreamListeners().join(place, NO_LINE, accept, { ...both, connectionsMax: FRONT_SESSIONS_MAX });
  return new Listeners().join(place, NO_LINE, accept, { ...both, exchangesMax: FRONT_SESSIONS_MAX });
}

/** Whether a front has what it needs for TLS, and no more. @throws GodwitError EINVAL. */
export function checkSecrets(scheme: FrontAddress["scheme"], { certificate, key }: Secrets): void {
  const has = isSecure(scheme) ? "a certificate and its key" : "no certificate";
  const given = [certificate, key].filter((one) => one !== undefined).length;
  if (given !== (isSecure(scheme) ? 2 : 0)) throw failure("EINVAL", `a front for ${scheme} has ${has}`);
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
): Promise<Listening> {
  const { host, port } = hostAndPort(place);
  const front = new DatagramFront(host, port, accept);
  try {
    listening(await front.ready);
    // Who sends datagrams has no connection that could go on: the next one comes to whoever has the address then.
    return { take: () => {}, resume: () => {}, close: () => front.close(), retire: async () => front.close() };
  } catch (error) {
    front.close();
    throw unheard(place, error);
  }
}
