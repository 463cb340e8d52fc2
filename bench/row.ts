/** One line of a benchmark's results: a median with its spread, never a mean. */
export interface Row {
  /** What was measured, where: "POSIX threads: create and join, one core". */
  readonly name: string;
  /** Of `median`, `p10` and `p90`: "us", "ms", "bytes", "ratio", ... */
  readonly unit: string;
  readonly median: number;
  readonly p10: number;
  readonly p90: number;
  /** How many samples the three come from. */
  readonly n: number;
}

/** A row from samples, in any order. Throws a `RangeError` if there are none. */
export function rowOf(name: string, unit: string, samples: Iterable<number>): Row {
  const sorted = Float64Array.from(samples).sort();
  const at = (part: number): number => {
    const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
    if (value === undefined) throw new RangeError(`${name}: no samples`);
    return value;
  };
  return { name, unit, median: at(0.5), p10: at(0.1), p90: at(0.9), n: sorted.length };
}

/** How many times `row` is `baseline`, by their medians; the spread is that of `row` over the baseline's median. */
export function ratioOf(name: string, row: Row, baseline: Row): Row {
  if (row.unit !== baseline.unit) throw new RangeError(`${name}: ${row.unit} against ${baseline.unit}`);
  const by = (value: number): number => value / baseline.median;
  return { name, unit: "ratio", median: by(row.median), p10: by(row.p10), p90: by(row.p90), n: row.n };
}

/** Rows of the same name and unit, from several runs, as one: the medians of their figures. Throws a `RangeError` for none. */
export function pooled(rows: readonly Row[]): Row {
  const [first] = rows;
  if (first === undefined) throw new RangeError("no rows to pool");
  const median = (of: (row: Row) => number): number => rowOf(first.name, first.unit, rows.map(of)).median;
  const n = rows.reduce((sum, row) => sum + row.n, 0);
  return {
    ...first,
    median: median((row) => row.median),
    p10: median((row) => row.p10),
    p90: median((row) => row.p90),
    n,
  };
}

/** Rows from a program's output: one JSON object a line. Throws a `SyntaxError` for a line that is not a row. */
export function rowsFrom(output: string): Row[] {
  return output
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const value: unknown = JSON.parse(line);
      if (!isRow(value)) throw new SyntaxError(`not a row of results: ${line}`);
      return value;
    });
}

function isRow(value: unknown): value is Row {
  if (typeof value !== "object" || value === null) return false;
  const row: Partial<Record<keyof Row, unknown>> = value;
  return (
    typeof row.name === "string" &&
    typeof row.unit === "string" &&
    [row.median, row.p10, row.p90, row.n].every((each) => typeof each === "number" && Number.isFinite(each))
  );
}
