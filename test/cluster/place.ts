/** Where an engine is, as text that a process of its own can be given. */

import { connectEmbedded } from "../../src/cluster/engines/embedded.ts";
import { connectNatsEngine } from "../../src/cluster/engines/nats.ts";
import type { Engine } from "../../src/cluster/engine.ts";

export type Place =
  | { readonly kind: "embedded"; readonly socket: string }
  | { readonly kind: "nats"; readonly servers: readonly string[]; readonly cluster: string };

export function connectTo(place: Place): Promise<Engine> {
  return place.kind === "embedded" ? connectEmbedded(place) : connectNatsEngine(place);
}
