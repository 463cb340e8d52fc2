/** `console.table`. */

import { inspect } from "./inspector.ts";

const INDEX = "(index)";
const ITERATION = "(iteration index)";
const KEY = "Key";
const VALUES = "Values";

/** Rows and columns with lines around them, or undefined when `data` is no object. */
export function table(data: unknown, columns?: readonly string[]): string | undefined {
  if (typeof data !== "object" || data === null) return undefined;
  const isMap = data instanceof Map;
  const indexName = isMap || data instanceof Set ? ITERATION : INDEX;
  const rows = isMap ? mapRows(data) : data instanceof Set ? setRows(data) : objectRows(data, columns);
  const names = new Set<string>([indexName, ...(isMap ? [KEY] : [])]);
  if (columns !== undefined) for (const name of columns) names.add(name);
  let hasValues = false;
  for (const row of rows) {
    for (const name of row.keys()) {
      if (name === VALUES) hasValues = true;
      else if (name !== INDEX) names.add(name);
    }
  }
  if (hasValues) names.add(VALUES);
  return drawn(
    [...names],
    rows.map((row) => [...names].map((name) => row.get(name === indexName ? INDEX : name) ?? "")),
  );
}

type Row = Map<string, string>;

function mapRows(data: Map<unknown, unknown>): Row[] {
  return [...data].map(
    ([key, value], index) =>
      new Map([
        [INDEX, String(index)],
        [KEY, cell(key)],
        [VALUES, cell(value)],
      ]),
  );
}

function setRows(data: Set<unknown>): Row[] {
  return [...data].map(
    (value, index) =>
      new Map([
        [INDEX, String(index)],
        [VALUES, cell(value)],
      ]),
  );
}

function objectRows(data: object, columns: readonly string[] | undefined): Row[] {
  return Object.entries(data).map(([key, value]: [string, unknown]) => {
    const row: Row = new Map([[INDEX, key]]);
    if ((typeof value !== "object" && typeof value !== "function") || value === null)
      return row.set(VALUES, cell(value));
    for (const name of columns ?? Object.keys(value)) {
      if (Object.hasOwn(value, name)) row.set(name, cell((value as Record<string, unknown>)[name]));
    }
    return row;
  });
}

function cell(value: unknown): string {
  const isNested =
    typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length > 2;
  return inspect(value, { maxArrayLength: 3, breakLength: Infinity, depth: isNested ? -1 : 0 });
}

function drawn(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)) + 2);
  const bars = widths.map((width) => "─".repeat(width));
  const line = (cells: readonly string[]): string =>
    `│${cells.map((text, column) => ` ${text}`.padEnd(widths[column] ?? 0)).join("│")}│`;
  return [`┌${bars.join("┬")}┐`, line(head), `├${bars.join("┼")}┤`, ...rows.map(line), `└${bars.join("┴")}┘`].join(
    "\n",
  );
}
