/** What is told of moves, and of drains, which are many. */

import type { MovePlan } from "./move-plan.ts";

/** What became of a move. */
export interface MoveReport {
  readonly migration: string;
  readonly pid: number;
  readonly name: string;
  readonly from: string;
  readonly to: string;
  /** `superseded`: others took its node for dead meanwhile, and it runs somewhere else. */
  readonly outcome: "moved" | "stayed" | "superseded";
  /** Why it did not move. */
  readonly reason?: string;
  readonly rounds: number;
  /** Pages that were sent, in all rounds. */
  readonly pages: number;
  /** Pages that were not sent, because the target had them. */
  readonly found: number;
  /** What was sent, but for messages of the protocol. */
  readonly bytes: number;
  /** From when it was stopped at the source until the target told that it runs. */
  readonly downtimeMs: number;
  readonly totalMs: number;
  readonly epoch: number;
}

export interface DrainOptions {
  /** Moves processes also without what cannot come along: that is lost to them when the node has gone. */
  readonly force?: boolean;
  /** Only plans it, and moves nothing. */
  readonly dryRun?: boolean;
}

/** What a drain does to a process that runs on the node, has its home there, or has something open there. */
export interface DrainPlan {
  readonly pid: number;
  readonly name: string;
  /** Where it runs. */
  readonly node: string;
  readonly plan: MovePlan;
}

/** What came of a drain. */
export interface DrainReport {
  readonly node: string;
  /** Of all processes that it concerns, as it was before anything was moved. */
  readonly plans: readonly DrainPlan[];
  readonly moves: readonly MoveReport[];
  /** Processes that still need the node, and why. Unless it is forced, nothing is moved when the plans tell of one. */
  readonly left: readonly { readonly pid: number; readonly name: string; readonly reason: string }[];
  /** Processes that run elsewhere and have their home there: it has to stay up for them. */
  readonly homed: number;
}
