/** docs/migration.md says of each resource what the plan of a move says. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { MOVE_DOCS, moveDocs } from "../../scripts/move-docs.ts";

test("docs/migration.md has the table of resources as it is", () => {
  const text = readFileSync(MOVE_DOCS, "utf8");
  assert.equal(text, moveDocs(text), "it is out of date: npm run build && node dist/scripts/move-docs.js");
});
