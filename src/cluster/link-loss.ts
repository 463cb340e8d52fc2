/**
 * Tells that a session is over to those who care at that time. A session lasts as long as its nodes do, and its promise would
 * keep all that ever waited for it.
 */

import type { Link } from "./link.ts";

type Told = (error: Error) => void;

const waiting = new WeakMap<Link, Set<Told>>();

/** Calls back when the session is over, as `link.lost` resolves. Returns the way not to be told any more. */
export function onLost(link: Link, told: Told): () => void {
  let all = waiting.get(link);
  if (all === undefined) {
    const those = new Set<Told>();
    waiting.set(link, (all = those));
    void link.lost.then((error) => {
      // For who comes from now on there is another.
      waiting.delete(link);
      for (const one of those) one(error);
    });
  }
  const own: Told = (error) => told(error);
  all.add(own);
  return () => void all.delete(own);
}
