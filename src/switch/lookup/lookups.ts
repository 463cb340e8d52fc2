/** The lookups of a node: addresses where anybody who can reach them may ask about services. None is open unless it is asked for. */

import type { Lookup, LookupOptions } from "../../abi/lookup.ts";
import { failure } from "../../errors.ts";
import { LOOKUPS_MAX } from "../../limits.ts";
import { hostAndPort } from "../../resources/address.ts";
import { Catalogue, type Sources } from "./catalogue.ts";
import { DnsServer } from "./dns-server.ts";
import { HttpLookupServer } from "./http-server.ts";

const ZONE_DEFAULT = "godwit.";
/** Labels as hosts have them (RFC 1123, 2.1). */
const ZONE = /^(?:[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?\.)+$/;
const ZONE_MAX_CHARS = 100;

interface Opened {
  readonly info: Lookup;
  close(): void;
}

export class Lookups {
  readonly #self: string;
  readonly #sources: Sources;
  readonly #open = new Set<Opened>();

  constructor(self: string, sources: Sources) {
    this.#self = self;
    this.#sources = sources;
  }

  /** @throws GodwitError EINVAL, EADDRINUSE, EADDRNOTAVAIL, EACCES, EAGAIN. */
  async open({ address, zone, services }: LookupOptions): Promise<Lookup> {
    const [, scheme, place] = /^(dns|http):\/\/([^/]+)\/?$/.exec(address) ?? [];
    if (scheme === undefined || place === undefined) throw malformed(address);
    if (zone !== undefined && scheme !== "dns") throw failure("EINVAL", "a zone is for dns://");
    if (this.#open.size >= LOOKUPS_MAX) throw failure("EAGAIN", `this node has ${LOOKUPS_MAX} lookups already`);
    const catalogue = new Catalogue(this.#sources, services);
    const own = scheme === "dns" ? { zone: zoneOf(zone ?? ZONE_DEFAULT) } : {};
    const server =
      own.zone === undefined
        ? await HttpLookupServer.open(hostAndPort(place), catalogue)
        : await DnsServer.open(hostAndPort(place), own.zone, catalogue);
    const only = services === undefined ? {} : { services };
    const info = { address: `${scheme}://${server.address}`, node: this.#self, ...own, ...only };
    this.#open.add({ info, close: () => server.close() });
    return info;
  }

  /** Those that were open there. */
  close(address: string): Lookup[] {
    const meant = [...this.#open].filter(({ info }) => info.address === address);
    for (const one of meant) {
      this.#open.delete(one);
      one.close();
    }
    return meant.map(({ info }) => info);
  }

  all(): Lookup[] {
    return [...this.#open].map(({ info }) => info);
  }

  stop(): void {
    for (const one of this.#open) one.close();
    this.#open.clear();
  }
}

/** Absolute, in lower case. @throws GodwitError EINVAL. */
function zoneOf(text: string): string {
  const zone = `${text.toLowerCase().replace(/\.$/, "")}.`;
  if (ZONE.test(zone) && zone.length <= ZONE_MAX_CHARS) return zone;
  throw failure("EINVAL", `"${text}" is no zone: write a name such as godwit or services.example.com`);
}

function malformed(address: string) {
  const known = "dns://127.0.0.1:5300 or http://127.0.0.1:5380";
  return failure("EINVAL", `"${address}" is no address for a lookup: write SCHEME://HOST:PORT, as in ${known}`);
}
