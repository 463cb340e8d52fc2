/**
 * Live migration, decided: two pure state machines, one at the source and one at the target of a move. They are given
 * what happened and say what is to be done; who carries it out is a node, or a simulator under a seed.
 *
 * The directory's entry of the process is the one commit point. Until the source has sent the last pages, nobody else can
 * run the process and any failure leaves it where it is. From then on both sides may propose, each by one compare-and-set
 * on the entry that both know: the target to take it over, the source to keep it after all. The entry changes once, so
 * one of them wins, and the other learns it from the entry. Neither runs the process without having won.
 *
 * Pre-copy is Clark et al., "Live Migration of Virtual Machines" (NSDI 2005): rounds while the process runs, each with the
 * pages that changed during the last, until a round is so small, or so little smaller, that stopping is cheaper.
 */

import { unreachable } from "../assert.ts";
import { MIGRATION_FEW_PAGES, MIGRATION_ROUNDS_MAX } from "../limits.ts";

// ---- The source

/** What happens to a source. `peerLost` covers a connection that broke and a target that is silent for too long. */
export type SourceEvent =
  | { readonly kind: "accepted" }
  | { readonly kind: "refused"; readonly reason: string }
  /** A round of pages has been sent. */
  | { readonly kind: "copied"; readonly pages: number }
  | { readonly kind: "frozen" }
  | { readonly kind: "freezeFailed"; readonly reason: string }
  /** The target runs the process. */
  | { readonly kind: "taken" }
  /** The target will not take it. */
  | { readonly kind: "declined"; readonly reason: string }
  | { readonly kind: "peerLost"; readonly reason: string }
  | { readonly kind: "cancelled" }
  /** The process ended at the source. */
  | { readonly kind: "ended" }
  | { readonly kind: "reclaimed" }
  /** The entry is the target's. */
  | { readonly kind: "reclaimLost" }
  /** The entry is a third node's: the process was brought back elsewhere while this node was cut off. */
  | { readonly kind: "superseded" }
  /** The directory did not answer: whether the entry changed is not known. */
  | { readonly kind: "reclaimUnknown" };

/** What a source is to do. */
export type SourceAction =
  | { readonly do: "copy" }
  | { readonly do: "freeze" }
  /** Send the record and the last pages. From here on the target may take the process over. */
  | { readonly do: "hand" }
  /** Tell the target that nothing more comes. */
  | { readonly do: "cancel" }
  /** Go on, under the epoch that it had, or the next. */
  | { readonly do: "thaw"; readonly epoch: "same" | "next" }
  /** Compare-and-set the entry from (source, epoch) to (source, epoch + 1). */
  | { readonly do: "reclaim" }
  /** Let the process go here, and pass on to the target what still arrives for it. */
  | { readonly do: "forward" }
  /** Let the process go here: it goes on where the directory says. */
  | { readonly do: "discard" };

export type SourceState =
  | { readonly kind: "offering" }
  | { readonly kind: "copying"; readonly round: number; readonly lastPages: number }
  | { readonly kind: "freezing" }
  /** The target may have everything. */
  | { readonly kind: "handing" }
  /** It is for the directory to say whose the process is. */
  | { readonly kind: "reclaiming"; readonly reason: string }
  | { readonly kind: "moved" }
  | { readonly kind: "stayed"; readonly reason: string }
  | { readonly kind: "superseded" };

export interface Step<State, Action> {
  readonly state: State;
  readonly actions: readonly Action[];
}
type SourceStep = Step<SourceState, SourceAction>;

export const SOURCE_START: SourceState = { kind: "offering" };

const ended = { kind: "stayed", reason: "the process ended before it had moved" } as const;

/** What a source does about an event. Late and repeated events change nothing. */
export function sourceStep(state: SourceState, event: SourceEvent): SourceStep {
  switch (state.kind) {
    case "offering":
      return offering(state, event);
    case "copying":
      return copying(state, event);
    case "freezing":
      return freezing(state, event);
    case "handing":
      return handing(state, event);
    case "reclaiming":
      return reclaiming(state, event);
    case "stayed":
      // It was given up while the process was being stopped.
      return event.kind === "frozen" ? { state, actions: [{ do: "thaw", epoch: "same" }] } : nothing(state);
    case "moved":
    case "superseded":
      return nothing(state);
    default:
      return unreachable(state, "state of a source");
  }
}

function nothing<State>(state: State): { state: State; actions: [] } {
  return { state, actions: [] };
}

/** Why a move that can still be given up is given up. */
function failureOf(event: SourceEvent): string | undefined {
  if (event.kind === "refused" || event.kind === "declined" || event.kind === "freezeFailed") return event.reason;
  if (event.kind === "peerLost") return event.reason;
  return event.kind === "cancelled" ? "it was cancelled" : undefined;
}

function stay(reason: string, ...actions: SourceAction[]): SourceStep {
  return { state: { kind: "stayed", reason }, actions: [{ do: "cancel" }, ...actions] };
}

function offering(state: SourceState, event: SourceEvent): SourceStep {
  const reason = failureOf(event);
  if (reason !== undefined) return stay(reason);
  if (event.kind === "ended") return { state: ended, actions: [{ do: "cancel" }] };
  if (event.kind !== "accepted") return nothing(state);
  return { state: { kind: "copying", round: 1, lastPages: Infinity }, actions: [{ do: "copy" }] };
}

function copying(state: Extract<SourceState, { kind: "copying" }>, event: SourceEvent): SourceStep {
  const reason = failureOf(event);
  if (reason !== undefined) return stay(reason);
  if (event.kind === "ended") return { state: ended, actions: [{ do: "cancel" }] };
  if (event.kind !== "copied") return nothing(state);
  const { round, lastPages } = state;
  // A round that is not much smaller than the last tells that the next will not be, either.
  const isLast =
    event.pages <= MIGRATION_FEW_PAGES || round >= MIGRATION_ROUNDS_MAX || (round > 1 && event.pages > lastPages / 2);
  if (isLast) return { state: { kind: "freezing" }, actions: [{ do: "freeze" }] };
  return { state: { kind: "copying", round: round + 1, lastPages: event.pages }, actions: [{ do: "copy" }] };
}

function freezing(state: SourceState, event: SourceEvent): SourceStep {
  const reason = failureOf(event);
  if (reason !== undefined) return stay(reason, { do: "thaw", epoch: "same" });
  if (event.kind === "ended") return { state: ended, actions: [{ do: "cancel" }] };
  if (event.kind !== "frozen") return nothing(state);
  return { state: { kind: "handing" }, actions: [{ do: "hand" }] };
}

function handing(state: SourceState, event: SourceEvent): SourceStep {
  if (event.kind === "taken") return { state: { kind: "moved" }, actions: [{ do: "forward" }] };
  const reason = failureOf(event);
  if (reason === undefined) return nothing(state);
  // The target may have taken it over without our having heard: only the directory can tell.
  return { state: { kind: "reclaiming", reason }, actions: [{ do: "reclaim" }] };
}

function reclaiming(state: Extract<SourceState, { kind: "reclaiming" }>, event: SourceEvent): SourceStep {
  switch (event.kind) {
    case "reclaimed":
      return stay(state.reason, { do: "thaw", epoch: "next" });
    case "taken":
    case "reclaimLost":
      return { state: { kind: "moved" }, actions: [{ do: "forward" }] };
    case "superseded":
      return { state: { kind: "superseded" }, actions: [{ do: "discard" }] };
    case "reclaimUnknown":
      return { state, actions: [{ do: "reclaim" }] };
    default:
      return nothing(state);
  }
}

// ---- The target

export type TargetEvent =
  /** The record and the last pages are there, whole and checked. */
  | { readonly kind: "handed" }
  /** The process is in place and held still. */
  | { readonly kind: "prepared" }
  | { readonly kind: "prepareFailed"; readonly reason: string }
  | { readonly kind: "claimed" }
  /** The entry is no longer the source's of that epoch: the source kept the process, or somebody else has it. */
  | { readonly kind: "claimLost" }
  | { readonly kind: "claimUnknown" }
  /** What came is not what was announced. */
  | { readonly kind: "malformed"; readonly reason: string }
  | { readonly kind: "cancelled" }
  | { readonly kind: "peerLost"; readonly reason: string };

export type TargetAction =
  /** Put the process in place, held still: whatever can fail fails here. */
  | { readonly do: "prepare" }
  /** Compare-and-set the entry from (source, epoch) to (target, epoch + 1). */
  | { readonly do: "claim" }
  | { readonly do: "run" }
  /** Tell the source that it runs here. */
  | { readonly do: "tellTaken" }
  | { readonly do: "tellDeclined"; readonly reason: string }
  /** Let go of everything of it. */
  | { readonly do: "drop" };

export type TargetState =
  | { readonly kind: "receiving" }
  | { readonly kind: "preparing" }
  | { readonly kind: "claiming" }
  | { readonly kind: "running" }
  | { readonly kind: "dropped"; readonly reason: string };

type TargetStep = Step<TargetState, TargetAction>;

/** A target's state once it has accepted an offer. */
export const TARGET_START: TargetState = { kind: "receiving" };

/** What a target does about an event. Late and repeated events change nothing. */
export function targetStep(state: TargetState, event: TargetEvent): TargetStep {
  switch (state.kind) {
    case "receiving":
      return event.kind === "handed"
        ? { state: { kind: "preparing" }, actions: [{ do: "prepare" }] }
        : givenUp(state, event);
    case "preparing":
      return event.kind === "prepared"
        ? { state: { kind: "claiming" }, actions: [{ do: "claim" }] }
        : givenUp(state, event);
    case "claiming":
      return claiming(state, event);
    case "dropped":
      // It was given up while the process was being put in place.
      return event.kind === "prepared" ? { state, actions: [{ do: "drop" }] } : nothing(state);
    case "running":
      return nothing(state);
    default:
      return unreachable(state, "state of a target");
  }
}

/** Before its claim a target may let go at any time: the process is the source's. */
function givenUp(state: TargetState, event: TargetEvent): TargetStep {
  const drop = (reason: string): TargetStep => ({
    state: { kind: "dropped", reason },
    actions: [{ do: "drop" }, { do: "tellDeclined", reason }],
  });
  if (event.kind === "prepareFailed" || event.kind === "malformed" || event.kind === "peerLost")
    return drop(event.reason);
  return event.kind === "cancelled" ? drop("the source gave the move up") : nothing(state);
}

/** From its claim on only the directory decides, whatever becomes of the source. */
function claiming(state: TargetState, event: TargetEvent): TargetStep {
  switch (event.kind) {
    case "claimed":
      return { state: { kind: "running" }, actions: [{ do: "run" }, { do: "tellTaken" }] };
    case "claimLost": {
      const reason = "the directory has given the process to another node";
      return { state: { kind: "dropped", reason }, actions: [{ do: "drop" }, { do: "tellDeclined", reason }] };
    }
    case "claimUnknown":
      return { state, actions: [{ do: "claim" }] };
    default:
      return nothing(state);
  }
}
