/**
 * Which processes serve which services, how, and where they are at home: entries `services/NAME/PID/PROTOCOL` of the cluster's
 * directory, each written by the home of its process.
 */

import * as v from "valibot";

import { type EntryCluster, EntryMap } from "./entry-map.ts";

/** What comes to a process for each client: requests, connections or datagrams. It may serve one service in several ways. */
export const SERVICE_PROTOCOLS = ["http", "tcp", "udp"] as const;
export type ServiceProtocol = (typeof SERVICE_PROTOCOLS)[number];

/** A process that serves a service. */
export interface Endpoint {
  readonly service: string;
  readonly pid: number;
  /** Name of its home. */
  readonly home: string;
  readonly protocol: ServiceProtocol;
  /** Since when it is known here as that; ms of `Date.now`. */
  readonly sinceMs: number;
}

export type { EntryCluster as EndpointCluster } from "./entry-map.ts";

const VALUE = v.object({ protocol: v.picklist(SERVICE_PROTOCOLS) });
type Value = v.InferOutput<typeof VALUE>;

export class EndpointMap {
  readonly #entries: EntryMap<Value>;
  /** What `of` has said since the last change. */
  readonly #living = new Map<string, readonly Endpoint[]>();

  private constructor(entries: EntryMap<Value>) {
    this.#entries = entries;
    entries.watch(() => this.#living.clear());
  }

  /** Resolves when the present entries are known. */
  static async open(self: string, cluster?: EntryCluster): Promise<EndpointMap> {
    return new EndpointMap(await EntryMap.open(self, "services/", valueOf, cluster));
  }

  /** The processes of a service whose homes live; by pid. */
  of(service: string): readonly Endpoint[] {
    let living = this.#living.get(service);
    if (living === undefined) {
      living = this.all().filter((one) => one.service === service);
      if (living.length > 0) this.#living.set(service, living);
    }
    return living;
  }

  /** Those of all services. */
  all(): Endpoint[] {
    const all = this.#entries.all().flatMap(({ key, home, value, sinceMs }) => {
      const [service = "", pid = "", protocol] = key.split("/");
      const isOne = /^[1-9]\d*$/.test(pid) && protocol === value.protocol;
      return isOne ? [{ service, pid: Number(pid), home, ...value, sinceMs }] : [];
    });
    return all.sort((one, other) => one.pid - other.pid || (one.protocol < other.protocol ? -1 : 1));
  }

  /** Tells of every change from now on. Returns the way to end that. */
  watch(listener: () => void): () => void {
    return this.#entries.watch(listener);
  }

  /**
   * A process that is at home here serves a service.
   * @param isSo asked before each write: once the process has gone to another home, that one has the entry.
   * @throws GodwitError as the directory.
   */
  publish(service: string, pid: number, protocol: ServiceProtocol, isSo: () => boolean): Promise<void> {
    return this.#entries.publish(keyOf(service, pid, protocol), { protocol }, isSo);
  }

  /** It does no more; nothing is done when it is at home elsewhere by now. */
  withdraw(service: string, pid: number, protocol: ServiceProtocol): Promise<void> {
    return this.#entries.withdraw(keyOf(service, pid, protocol));
  }

  close(): void {
    this.#entries.close();
  }
}

function keyOf(service: string, pid: number, protocol: ServiceProtocol): string {
  return `${service}/${pid}/${protocol}`;
}

function valueOf(value: unknown): Value | undefined {
  const checked = v.safeParse(VALUE, value);
  return checked.success ? checked.output : undefined;
}
