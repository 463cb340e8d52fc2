/** What a benchmark is: a name to ask for it by, and a function that measures and returns groups of rows. */

import type { Row } from "./row.ts";

/** What a row's median is held to. */
export interface Goal {
  /** Name of a row in the same group. */
  readonly row: string;
  /** In the row's unit. */
  readonly atMost: number;
}

/** Rows that belong together: one table. */
export interface Group {
  readonly title: string;
  readonly rows: readonly Row[];
  readonly goals: readonly Goal[];
  /** What could not be measured here, and why: "Java threads (javac is not installed)". */
  readonly missing: readonly string[];
}

export interface Extent {
  /** A run that only shows that everything works: its figures mean little. */
  readonly quick: boolean;
}

export interface Benchmark {
  readonly name: string;
  measure(extent: Extent): Promise<Group[]>;
}

/** A goal and what came of it, for people: "met: spawn at most 1 ms: 0.8". Throws a `RangeError` for a goal without its row. */
export function verdictOf(goal: Goal, rows: readonly Row[]): string {
  const row = rows.find(({ name }) => name === goal.row);
  if (row === undefined) throw new RangeError(`no row is called ${goal.row}`);
  const met = row.median <= goal.atMost ? "met" : "MISSED";
  return `${met}: ${goal.row}: at most ${goal.atMost} ${row.unit}, is ${Number(row.median.toPrecision(3))}`;
}
