/** docs/cli.md is what the commands' help says. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { CLI_DOCS, cliDocs } from "../../scripts/cli-docs.ts";

test("docs/cli.md is up to date", async () => {
  const advice = "docs/cli.md is out of date: npm run build && node dist/scripts/cli-docs.js";
  assert.equal(readFileSync(CLI_DOCS, "utf8"), await cliDocs(), advice);
});
