/**
 * The Web Platform Tests in guests: what fails is what the record says, no more and no less; and again while the processes
 * are moved. They run where `scripts/web-platform-tests.ts` has put them.
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { WEB_DOCS, webDocs } from "../../scripts/web-docs.ts";
import { CHECKOUT, hasCheckout } from "../../scripts/web-platform-tests.ts";
import { type Node, startNode } from "../../src/node/node.ts";
import { firstPart, FOLDERS, runFiles, testFiles } from "./platform-tests.ts";
import { differences, readRecord } from "./record.ts";

const LWPS = 2;
/** A capture, and a fresh process from it, at every so many polls. */
const STRESS = { every: 3, at: "poll" } as const;
/** Of the files, one in so many is run under stress. */
const STRESSED_STEP = 4;
const SHOWN_MAX = 40;

const record = readRecord();
const missing = hasCheckout() ? false : "to get the tests: node dist/scripts/web-platform-tests.js";

test("docs/web-conformance.md says what the record and the tables say", () => {
  const advice = "docs/web-conformance.md is out of date: npm run build && node dist/scripts/web-docs.js";
  assert.equal(readFileSync(WEB_DOCS, "utf8"), webDocs(), advice);
});

test("README.md has the counts of docs/web-conformance.md", () => {
  const counts = [...webDocs().matchAll(/^\| \*\*all\*\* \|(?: [\d,]+ \|(?=.*%))? ([\d,]+) \| ([\d,]+) \|/gm)];
  assert.equal(counts.length, 2);
  const readme = readFileSync(new URL("../../../README.md", import.meta.url), "utf8");
  for (const [, all, pass] of counts) assert.ok(readme.includes(`${pass} of ${all}`), `${pass} of ${all}`);
});

test("every failure in the record has an explanation", () => {
  for (const [path, { failures, unfinished = 0 }] of Object.entries(record.files))
    for (const number of [unfinished, ...Object.values(failures)]) assert.ok(record.explanations[number], path);
});

describe("the Web Platform Tests", { skip: missing }, () => {
  let node: Node;
  before(async () => {
    node = await startNode({ name: "platform", lwps: LWPS });
  });
  after(() => node.stop());
  const files = missing ? [] : testFiles(CHECKOUT);

  test("are those of the record", () => assert.deepEqual(files, Object.keys(record.files)));

  for (const folder of FOLDERS) {
    const within = files.filter((path) => path.startsWith(`${folder}/`));
    if (within.length === 0) continue;
    test(`${folder}: ${within.length} files`, async () => {
      const results = await runFiles(node, CHECKOUT, within, LWPS, { firstParts: true });
      const found = results.flatMap((result) => differences(record, result, firstPart(CHECKOUT, result.path) === ""));
      assert.equal(found.length, 0, `${found.length} differ:\n${found.slice(0, SHOWN_MAX).join("\n")}`);
    });
  }

  test("have the same results in processes that are moved", async () => {
    const chosen = files.filter((_, index) => index % STRESSED_STEP === 0);
    const results = await runFiles(node, CHECKOUT, chosen, LWPS, { firstParts: true, stress: STRESS });
    const found = results.flatMap((result) => differences(record, result, firstPart(CHECKOUT, result.path) === ""));
    assert.equal(found.length, 0, `${found.length} differ:\n${found.slice(0, SHOWN_MAX).join("\n")}`);
  });
});

test("a failure that is not in the record, and one that is gone, are found", () => {
  const path = "url/x.any.js";
  const known = { explanations: ["why"], files: { [path]: { subtests: 2, failures: { gone: 0 } } } };
  const subtests = [
    { name: "gone", status: "pass", message: "" },
    { name: "new", status: "fail", message: "bad" },
  ] as const;
  assert.deepEqual(differences(known, { path, error: "", subtests }, true), [
    `${path}: passes, against the record: gone`,
    `${path}: fail: new: bad`,
  ]);
  const [, other] = subtests;
  assert.equal(differences(known, { path, error: "it never ended", subtests: [other, other] }, true).length, 3);
});
