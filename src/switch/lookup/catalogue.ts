/** What is told of services to whoever asks a lookup: those that have a front, where clients come in, and where their processes are. */

import type { ServiceRecord } from "../../abi/lookup.ts";
import { LOOKUP_RECORDS_MAX } from "../../limits.ts";
import { isRoutable } from "../alternative.ts";
import type { EndpointMap } from "../endpoint-map.ts";
import { frontAddress } from "../front-address.ts";
import type { FrontMap, KnownFront } from "../front-map.ts";
import { policyOf } from "../policy.ts";
import { type Asker, partsOf, type Reach } from "../reach.ts";

export interface Sources {
  readonly endpoints: EndpointMap;
  readonly fronts: FrontMap;
  readonly reach: Reach;
}

/** An address where a client may go. Of those with the lowest priority it takes one by weight (RFC 2782). */
export interface Target {
  readonly scheme: string;
  readonly host: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

/** Care-of addresses of this machine, for its own programs; those of other homes; the stable addresses, which relay. */
const PRIORITY = { here: 0, careOf: 10, stable: 20 } as const;
const WEIGHT_MAX = 65_535;

export class Catalogue {
  readonly #sources: Sources;
  readonly #reach: Reach;
  /** Only these are told of; undefined for all. */
  readonly #only: ReadonlySet<string> | undefined;

  constructor(sources: Sources, only?: readonly string[]) {
    this.#sources = sources;
    this.#reach = sources.reach;
    this.#only = only === undefined ? undefined : new Set(only);
  }

  /** The names of those that this asker can reach. */
  names(asker: Asker): string[] {
    return this.#sources.fronts.names().filter((name) => this.service(name, asker) !== undefined);
  }

  /** Undefined for a service that is not exposed where this asker could come in, or that is not to be told of. */
  service(name: string, asker: Asker): ServiceRecord | undefined {
    if (this.#only?.has(name) === false) return undefined;
    const all = this.#sources.fronts.of(name);
    const stable = all.filter(({ careOf }) => careOf === undefined);
    const fronts = stable.flatMap(({ address, node, policy }) => {
      const reached = this.#reach.of(address, node, asker);
      return reached === undefined ? [] : [{ address: reached, node, policy }];
    });
    // Whose process is chosen by a key has to be asked for where that is known.
    const direct = stable.every(({ policy }) => isRoutable(policyOf(policy))) ? all : [];
    const members = this.#sources.endpoints.of(name).map(({ pid, home, protocol, sinceMs }) => {
      const own = direct.filter(({ address }) => frontAddress(address).protocol === protocol);
      const careOf = own.flatMap((front) => this.#careOf(front, home, asker)).slice(0, LOOKUP_RECORDS_MAX);
      return { pid, home, protocol, since: new Date(sinceMs).toISOString(), careOf };
    });
    if (fronts.length === 0 && members.every(({ careOf }) => careOf.length === 0)) return undefined;
    return {
      service: name,
      fronts: fronts.slice(0, LOOKUP_RECORDS_MAX),
      members: members.slice(0, LOOKUP_RECORDS_MAX),
    };
  }

  #careOf({ careOf, node }: KnownFront, home: string, asker: Asker): string[] {
    const reached = careOf === undefined || node !== home ? undefined : this.#reach.of(careOf, node, asker);
    return reached === undefined ? [] : [reached];
  }

  /** Where clients of a service may go, best first; at most LOOKUP_RECORDS_MAX. */
  targets(name: string, asker: Asker): Target[] {
    const record = this.service(name, asker);
    if (record === undefined) return [];
    const targets = new Map<string, Target>();
    for (const { home, careOf } of record.members) {
      const priority = asker.isNear && this.#reach.isHere(home) ? PRIORITY.here : PRIORITY.careOf;
      for (const address of careOf) {
        const weight = (targets.get(address)?.weight ?? 0) + this.#reach.idleness(home);
        targets.set(address, { ...partsOf(address), priority, weight: Math.min(WEIGHT_MAX, weight) });
      }
    }
    for (const { address, node } of record.fronts)
      targets.set(address, { ...partsOf(address), priority: PRIORITY.stable, weight: this.#reach.idleness(node) });
    const sorted = [...targets.values()].sort((one, other) => one.priority - other.priority);
    return sorted.slice(0, LOOKUP_RECORDS_MAX);
  }

  /** How many processes a service has. */
  processes(name: string): number {
    return this.#sources.endpoints.of(name).length;
  }

  /** Tells of every change from now on. Returns the way to end that. */
  watch(listener: () => void): () => void {
    const ends = [this.#sources.endpoints.watch(listener), this.#sources.fronts.watch(listener)];
    return () => ends.forEach((end) => end());
  }
}
