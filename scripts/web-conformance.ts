/**
 * Runs the Web Platform Tests in guests and writes down what came of it: `node dist/scripts/web-conformance.js` makes
 * `test/web/record.json` and `docs/web-conformance.md` anew. It fails, and names them, if failures have no explanation.
 */

import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { startNode } from "../src/node/node.ts";
import { EXPLANATIONS, explain } from "../test/web/explanations.ts";
import { type FileResult, runFiles, testFiles } from "../test/web/platform-tests.ts";
import { type FileRecord, namedSubtests, type PlatformRecord, RECORD } from "../test/web/record.ts";
import { WEB_DOCS, webDocs } from "./web-docs.ts";
import { CHECKOUT, ensureCheckout } from "./web-platform-tests.ts";

const LWPS = 2;

const explanations = [...new Set(EXPLANATIONS.map(({ why }) => why))];

function numberOf(file: string, subtest: string, message: string, unexplained: string[]): number {
  const why = explain(file, subtest, message);
  if (why === undefined) unexplained.push(`${file}: ${subtest}: ${message}`);
  return why === undefined ? -1 : explanations.indexOf(why);
}

/** The record of a whole run; what has no explanation goes to `unexplained`. */
function recordOf(results: readonly FileResult[], unexplained: string[]): PlatformRecord {
  const files: Record<string, FileRecord> = {};
  for (const result of results) {
    const failures: Record<string, number> = {};
    const named = namedSubtests(result);
    for (const [name, { status, message }] of named) {
      if (status !== "pass") failures[name] = numberOf(result.path, name, message, unexplained);
    }
    const unfinished = result.error === "" ? {} : { unfinished: numberOf(result.path, "", result.error, unexplained) };
    files[result.path] = { subtests: named.size, failures, ...unfinished };
  }
  return { explanations, files };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  ensureCheckout();
  const node = await startNode({ name: "web-conformance", lwps: LWPS });
  const unexplained: string[] = [];
  const record = recordOf(await runFiles(node, CHECKOUT, testFiles(CHECKOUT), LWPS), unexplained);
  await node.stop();
  writeFileSync(RECORD, `${JSON.stringify(record, undefined, 1)}\n`);
  writeFileSync(WEB_DOCS, webDocs());
  for (const line of unexplained) console.error(line);
  if (unexplained.length > 0) throw new Error(`${unexplained.length} failures without an explanation`);
}
