/** Where clients of services come in, all over the cluster: entries `fronts/NAME/NODE` of its directory, each its node's. */

import * as v from "valibot";

import type { Front } from "../abi/control.ts";
import { GodwitError } from "../errors.ts";
import { type EntryCluster, EntryMap } from "./entry-map.ts";
import { careOfAddress, frontAddress } from "./front-address.ts";
import { isPolicy } from "./policy.ts";

const FRONT = v.object({ address: v.string(), policy: v.string(), careOf: v.exactOptional(v.string()) });
const VALUE = v.object({ fronts: v.array(FRONT) });
type Value = v.InferOutput<typeof VALUE>;

/** What all nodes know of one. */
export type KnownFront = Pick<Front, "service" | "node" | "address" | "policy" | "careOf">;

export class FrontMap {
  readonly #self: string;
  readonly #entries: EntryMap<Value>;
  /** By service; made anew after a change. */
  #known: ReadonlyMap<string, readonly KnownFront[]> | undefined;

  private constructor(self: string, entries: EntryMap<Value>) {
    this.#self = self;
    this.#entries = entries;
    entries.watch(() => (this.#known = undefined));
  }

  /** Resolves when the present entries are known. */
  static async open(self: string, cluster?: EntryCluster): Promise<FrontMap> {
    return new FrontMap(self, await EntryMap.open(self, "fronts/", valueOf, cluster));
  }

  /** The services that have one, by name. */
  names(): string[] {
    return [...this.#all().keys()].sort();
  }

  /** Those of a service, of all nodes. */
  of(service: string): readonly KnownFront[] {
    return this.#all().get(service) ?? [];
  }

  #all(): ReadonlyMap<string, readonly KnownFront[]> {
    if (this.#known !== undefined) return this.#known;
    const known = new Map<string, KnownFront[]>();
    for (const { key, home, value } of this.#entries.all()) {
      const [service = ""] = key.split("/");
      const fronts = value.fronts.map((front) => ({ service, node: home, ...front }));
      known.set(service, [...(known.get(service) ?? []), ...fronts]);
    }
    return (this.#known = known);
  }

  /** This node's fronts of a service, as they are now; none at last. @throws GodwitError as the directory. */
  async tell(service: string, fronts: readonly KnownFront[]): Promise<void> {
    const key = `${service}/${this.#self}`;
    if (fronts.length === 0) return this.#entries.withdraw(key);
    const told = fronts.map(({ address, policy, careOf }) => ({
      address,
      policy,
      ...(careOf === undefined ? {} : { careOf }),
    }));
    return this.#entries.publish(key, { fronts: told }, () => true);
  }

  /** Tells of every change from now on. Returns the way to end that. */
  watch(listener: () => void): () => void {
    return this.#entries.watch(listener);
  }

  close(): void {
    this.#entries.close();
  }
}

function valueOf(value: unknown): Value | undefined {
  const checked = v.safeParse(VALUE, value);
  return checked.success ? { fronts: checked.output.fronts.filter(isKnown) } : undefined;
}

/** Whether it can be read here: a node of another version may have others, of which nobody here is told. */
function isKnown({ address, policy, careOf }: v.InferOutput<typeof FRONT>): boolean {
  if (!isPolicy(policy)) return false;
  try {
    frontAddress(address);
    if (careOf === undefined) return true;
    const { scheme, place } = frontAddress(careOf);
    return careOfAddress(place, scheme, "") === careOf;
  } catch (error) {
    if (error instanceof GodwitError) return false;
    throw error;
  }
}
