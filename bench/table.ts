/** Results for people, as an aligned table, and for machines, as JSON. */

import { mkdirSync, writeFileSync } from "node:fs";
import { arch, availableParallelism, cpus, platform, release, totalmem } from "node:os";
import { dirname } from "node:path";
import type { Row } from "./row.ts";

/** The rows under a title, columns aligned, numbers by their points. */
export function tableOf(title: string, rows: readonly Row[]): string {
  const cells = rows.map((row) => [row.name, ...[row.median, row.p10, row.p90].map(significant), row.unit, `${row.n}`]);
  const heads = ["", "median", "p10", "p90", "unit", "n"];
  const widths = heads.map((head, column) => Math.max(head.length, ...cells.map((line) => line[column]?.length ?? 0)));
  const toTheLeft = new Set([0, 4]);
  const render = (line: readonly string[]): string =>
    line
      .map((cell, column) =>
        toTheLeft.has(column) ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join("  ")
      .trimEnd();
  return [title, render(heads), ...cells.map(render)].join("\n");
}

/** Three significant digits, without an exponent: 0.00123, 1.23, 12.3, 123, 12345. */
function significant(value: number): string {
  if (value === 0 || Math.abs(value) >= 100) return value.toFixed(0);
  const digits = Math.min(6, Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value)))));
  return value.toFixed(digits);
}

/** Where numbers were measured; they mean little without it. */
export interface Machine {
  readonly node: string;
  readonly v8: string;
  readonly system: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryBytes: number;
}

export function thisMachine(): Machine {
  return {
    node: process.version,
    v8: process.versions.v8,
    system: `${platform()} ${release()} ${arch()}`,
    processor: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    memoryBytes: totalmem(),
  };
}

/** Writes groups of rows, with the machine they are from, to a JSON file. */
export function writeResults(file: string, groups: Readonly<Record<string, readonly Row[]>>): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify({ machine: thisMachine(), groups }, undefined, 2)}\n`);
}
