/** By which host clients reach an address of a node's: from its own machine, or from others. */

import { isIP } from "node:net";

import type { Membership } from "../cluster/membership.ts";

/** Who asks. What it could not reach is not told. */
export interface Asker {
  /** It is a program of this machine. */
  readonly isNear: boolean;
  /** The address of this machine's that it asked, if that is known. */
  readonly asked: string | undefined;
}

export class Reach {
  readonly #self: string;
  /** Absent where the node is alone. */
  readonly #membership: Membership | undefined;

  constructor(self: string, membership: Membership | undefined) {
    this.#self = self;
    this.#membership = membership;
  }

  /** An address as this asker can use it: one at which a node listens for all comes with a host, one of a machine's own only there. */
  of(address: string, node: string, { isNear, asked }: Asker): string | undefined {
    const { scheme, host, port } = partsOf(address);
    const isHere = this.isHere(node);
    if (isLoopback(host)) return isNear && isHere ? address : undefined;
    if (host !== "0.0.0.0" && host !== "::") return address;
    const known = isHere && isNear ? "127.0.0.1" : node === this.#self ? asked : this.#hostOf(node);
    return known === undefined ? undefined : `${scheme}://${isIP(known) === 6 ? `[${known}]` : known}:${port}`;
  }

  /** Whether a node is on this machine. */
  isHere(node: string): boolean {
    const own = this.#membership?.find(this.#self)?.hostname;
    return node === this.#self || (own !== undefined && this.#membership?.find(node)?.hostname === own);
  }

  /** Where other machines reach a node. */
  #hostOf(node: string): string | undefined {
    for (const address of this.#membership?.find(node)?.addresses ?? [])
      if (address.startsWith("tls:")) return partsOf(address.replace("tls:", "tls://")).host;
    return undefined;
  }

  /** What a node could do beside what it does: 1 to 100. */
  idleness(node: string): number {
    return Math.max(1, 100 - Math.round(this.#membership?.find(node)?.load.cpuPercent ?? 0));
  }
}

/** Of `SCHEME://HOST:PORT`, as fronts have it. */
export function partsOf(address: string): { scheme: string; host: string; port: number } {
  const [, scheme = "", host = "", port = ""] = /^([a-z]+):\/\/(.*):(\d+)$/.exec(address) ?? [];
  return { scheme, host: host.replace(/^\[(.*)\]$/, "$1"), port: Number(port) };
}

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^(?:::ffff:)?127\./i.test(host);
}
