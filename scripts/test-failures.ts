/** A reporter of Node's test runner: which tests failed, and how; nothing when none did. */

import { relative } from "node:path";
import type { TestEvent } from "node:test/reporters";
import { inspect } from "node:util";

const SHOWN_LINES = 25;

type Failure = Extract<TestEvent, { type: "test:fail" }>["data"];

/** What went wrong, without Node's wrapping; undefined for what failed only since tests in it did. */
function reasonOf({ details }: Failure): string | undefined {
  const error: Error & { failureType?: unknown } = details.error;
  if (error.failureType === "subtestsFailed") return undefined;
  const text = inspect(error.cause ?? error);
  return text.split("\n").slice(0, SHOWN_LINES).join("\n    ");
}

export default async function* failures(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const { type, data } of events) {
    if (type !== "test:fail" || data.todo !== undefined) continue;
    const reason = reasonOf(data);
    if (reason !== undefined) yield `✖ ${data.name} (${relative(".", data.file ?? "")})\n    ${reason}\n`;
  }
}
