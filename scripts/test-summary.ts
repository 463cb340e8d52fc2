/** A reporter of Node's test runner: which files took longest, and which tests failed, and how. */

import { relative } from "node:path";
import type { TestEvent } from "node:test/reporters";
import { inspect } from "node:util";

const SHOWN_FILES = 20;
const SHOWN_LINES = 25;

type Failure = Extract<TestEvent, { type: "test:fail" }>["data"];

/** What went wrong, without Node's wrapping; nothing for what failed only since tests in it did. */
function faultOf({ name, file = "", details, todo }: Failure): string[] {
  const error: Error & { failureType?: unknown } = details.error;
  if (error.failureType === "subtestsFailed" || todo !== undefined) return [];
  const lines = inspect(error.cause ?? error).split("\n");
  return [`✖ ${name} (${relative(".", file)})`, ...lines.slice(0, SHOWN_LINES).map((line) => `    ${line}`)];
}

/**
 * Tests one after the other: what a file takes besides, to start and to end, is not counted. Tests that a file has from
 * another (`test/node/bench-cluster.ts`) are counted as the other's: Node tells no more.
 */
export default async function* summary(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const tookMs = new Map<string, number>();
  const faults: string[] = [];
  for await (const { type, data } of events) {
    if (type !== "test:pass" && type !== "test:fail") continue;
    if (type === "test:fail") faults.push(...faultOf(data));
    if (data.nesting > 0 || data.file === undefined) continue;
    tookMs.set(data.file, (tookMs.get(data.file) ?? 0) + data.details.duration_ms);
  }
  const slowest = [...tookMs].sort(([, a], [, b]) => b - a).slice(0, SHOWN_FILES);
  yield `The files that took longest, s:\n`;
  for (const [file, ms] of slowest) yield `${(ms / 1000).toFixed(1).padStart(7)} ${relative(".", file)}\n`;
  for (const line of faults) yield `${line}\n`;
}
