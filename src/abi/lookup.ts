/** What lookups are, and what they tell: shared by node, client and command line. */

/** What a lookup tells of a service, by HTTP. */
export interface ServiceRecord {
  readonly service: string;
  /** The stable addresses: good wherever its processes are. */
  readonly fronts: readonly { readonly address: string; readonly node: string; readonly policy: string }[];
  readonly members: readonly {
    readonly pid: number;
    /** Name of the node that is its home. */
    readonly home: string;
    readonly protocol: "http" | "tcp" | "udp";
    /** Since when it is known to be there: ISO 8601. */
    readonly since: string;
    /** Where its home can be reached directly. */
    readonly careOf: readonly string[];
  }[];
}

/** What answers questions about services. */
export interface Lookup {
  /** `dns://HOST:PORT` or `http://HOST:PORT`. */
  readonly address: string;
  /** Name of the node. */
  readonly node: string;
  /** Of dns: what its names end with, such as `godwit.` */
  readonly zone?: string;
  /** The services that it tells of; absent for all that have a front. */
  readonly services?: readonly string[];
}

export interface LookupOptions {
  /** As a lookup's; port 0 for any that is free. */
  readonly address: string;
  /** `godwit.` when nothing is said. */
  readonly zone?: string;
  readonly services?: readonly string[];
  /** The node that is to answer; without it, the one that is asked. */
  readonly node?: string;
}
