/** Route optimisation, by HTTP's own means: an answer tells where its client can ask the next time without a relay (RFC 7838). */

import type { Order } from "./front-session.ts";
import type { FrontMap } from "./front-map.ts";
import { ALTERNATIVE_MAX_AGE_S } from "../limits.ts";
import type { Policy } from "./policy.ts";
import type { Reach } from "./reach.ts";

/** RFC 7838, 3: names of protocols by ALPN, percent-encoded. */
const PROTOCOLS: Readonly<Record<string, readonly string[]>> = { http: ["http%2F1.1"], https: ["h2", "http%2F1.1"] };

/**
 * Whether a policy lets clients choose a node themselves: what belongs to one process by its key or its path has to be
 * asked for at a front that knows.
 */
export function isRoutable({ kind }: Policy): boolean {
  return kind !== "hash" && kind !== "content";
}

/**
 * The value of Alt-Svc for an answer of a process whose home is another node, by a front with this order. `null` when there is
 * nothing to tell; `clear` when a client that came directly would better come by the service's stable address again.
 */
export function alternativeFor(order: Order, home: string, fronts: FrontMap, reach: Reach): string | null {
  const names = PROTOCOLS[order.scheme];
  if (names === undefined || !isRoutable(order.policy)) return null;
  const prefix = `${order.scheme}://`;
  for (const { node, careOf } of fronts.of(order.service)) {
    if (node !== home || careOf?.startsWith(prefix) !== true) continue;
    // Who comes to a machine's own address is of that machine.
    const reached = reach.of(careOf, home, { isNear: order.isNear, asked: undefined })?.slice(prefix.length);
    if (reached !== undefined)
      return names.map((name) => `${name}="${reached}"; ma=${ALTERNATIVE_MAX_AGE_S}`).join(", ");
  }
  return order.isCareOf ? "clear" : null;
}
