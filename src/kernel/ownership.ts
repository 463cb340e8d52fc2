/**
 * Who may change whose a process is: the one rule of all compare-and-sets on the directory's entries of processes, be it a
 * move, a reclaim, a process brought back after its node died, or a home that moves.
 */

/** Whose a process is: the node that runs it, and which of its stays anywhere this is. */
export interface Owner {
  readonly node: string;
  readonly epoch: number;
}

/** What the directory says of a process, as far as ownership goes. */
export interface Ownership extends Owner {
  /** The node where it is at home. */
  readonly home: string;
  /** What made this entry: a move's id, so that a write whose answer was lost is known again. */
  readonly cause: string;
}

/**
 * What becomes of a claim on an entry as it was read. `write`: the next entry is to be put in its place, if it is the same
 * still. `lost`: the other side of the same cause has it; `superseded`: somebody else does, or the process has ended.
 * A claim from an owner to the same one is no change: it makes sure that there is an entry, and whose it is.
 */
export function ruleOnClaim(
  present: Ownership | undefined,
  from: Owner,
  next: Ownership,
): "won" | "lost" | "superseded" | "write" {
  const isAssurance = isSame(from, next);
  if (present === undefined) {
    // Its home makes the entry, before it lets the process go anywhere: one that has none later has ended.
    return isAssurance && next.node === next.home ? "write" : "superseded";
  }
  if (isSame(present, next) && (present.cause === next.cause || (isAssurance && present.home === next.home)))
    return "won";
  if (present.cause === next.cause) return "lost";
  return isSame(present, from) ? "write" : "superseded";
}

/**
 * What becomes of a new home's claim on an entry as it was read. The old home has promised it the process under a cause of their
 * own, and takes that back by writing another: so one of the two has it, whichever of their writes came first.
 */
export function ruleOnHome(
  present: Ownership | undefined,
  owner: Owner,
  home: string,
  cause: string,
): "won" | "superseded" | "write" {
  if (present === undefined || !isSame(present, owner) || present.cause !== cause) return "superseded";
  return present.home === home ? "won" : "write";
}

export function isSame(one: Owner, other: Owner): boolean {
  return one.node === other.node && one.epoch === other.epoch;
}
