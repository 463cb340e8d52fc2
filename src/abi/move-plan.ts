/** The plan of a move: what would become of each thing that a process holds outside its memory. */

/** Moved along, copied, bound anew to another of its type, or used from afar by a global reference. */
export type MoveAction = "MV" | "CP" | "RB" | "GR";

export interface MovePlanRow {
  readonly handle: number;
  readonly kind: string;
  readonly description: string;
  readonly attachment: "unattached" | "fastened" | "fixed";
  readonly binding: "identifier" | "value" | "type";
  /** Absent when nothing can be done. */
  readonly action?: MoveAction;
  readonly why: string;
  /** What would have been preferred, and why it cannot be. */
  readonly refused: readonly { readonly action: MoveAction; readonly why: string }[];
}

export interface MovePlan {
  /** In order of their handles. */
  readonly rows: readonly MovePlanRow[];
  /** Why the process cannot be moved; absent when it can. */
  readonly obstacle?: string;
}
