/** The plan of a move, for people. */

import type { MoveAction, MovePlan } from "../abi/move-plan.ts";
import { formatTable, printable } from "./table.ts";

const WORDS: Readonly<Record<MoveAction, string>> = { MV: "move", CP: "copy", RB: "re-bind", GR: "refer" };

const COLUMNS = [
  { title: "handle", align: "right" },
  { title: "kind" },
  { title: "attached" },
  { title: "bound by" },
  { title: "action" },
  { title: "resource" },
  { title: "why" },
] as const;

/** A row for each resource, and whether the process can be moved. */
export function formatPlan({ rows, obstacle }: MovePlan): string {
  const cells = rows.map((row) => {
    const { handle, kind, attachment, binding, action, description, why, refused } = row;
    const does = action === undefined ? "none" : `${action} ${WORDS[action]}`;
    const instead = action === undefined ? [] : refused.map((one) => `not ${one.action}: ${one.why}`);
    return [String(handle), kind, attachment, binding, does, description, [why, ...instead].join("; ")];
  });
  const verdict = obstacle === undefined ? "It can be moved." : `It cannot be moved: ${printable(obstacle)}`;
  return `${formatTable(COLUMNS, cells)}${verdict}\n`;
}
