/** A reporter of Node's test runner: which files took longest, when all have run. */

import { relative } from "node:path";
import type { TestEvent } from "node:test/reporters";

const SHOWN = 20;

/**
 * Tests one after the other: what a file takes besides, to start and to end, is not counted. Tests that a file has from
 * another (`test/node/bench-cluster.ts`) are counted as the other's: Node tells no more.
 */
export default async function* times(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const tookMs = new Map<string, number>();
  for await (const { type, data } of events) {
    if ((type !== "test:pass" && type !== "test:fail") || data.nesting > 0 || data.file === undefined) continue;
    tookMs.set(data.file, (tookMs.get(data.file) ?? 0) + data.details.duration_ms);
  }
  const slowest = [...tookMs].sort(([, a], [, b]) => b - a).slice(0, SHOWN);
  yield `The files that took longest, s:\n`;
  for (const [file, ms] of slowest) yield `${(ms / 1000).toFixed(1).padStart(7)} ${relative(".", file)}\n`;
}
