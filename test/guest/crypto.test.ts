/** `crypto.subtle` in guests against Node's: results, errors, and each verifying what the other signed. */

import assert from "node:assert/strict";
import { before, test } from "node:test";
import vm from "node:vm";
import type { StressMode } from "../../src/abi/control.ts";
import { type TestNode, withNode } from "../node/bench-node.ts";
import { ERRORS, type Fixtures, makeFixtures, prelude, STANDARD, VALUES } from "./crypto-cases.ts";

const LOADS: readonly { readonly name: string; readonly stress?: StressMode }[] = [
  { name: "undisturbed" },
  { name: "captured at every 211th call or branch", stress: { every: 211, at: "call" } },
];

let fixtures: Fixtures;
before(async () => {
  fixtures = await makeFixtures();
});

const listed = (expressions: readonly string[]) =>
  `[${expressions.map((expression) => `() => ${expression}`).join(",\n")}]`;

/** What Node shows for each. */
async function inNode(expressions: readonly string[]): Promise<string[]> {
  const source = `(async () => { ${prelude(fixtures)}
    const results = []; for (const make of ${listed(expressions)}) results.push(await attempt(make)); return results; })()`;
  return (await vm.runInThisContext(source)) as string[];
}

async function printed(t: TestNode, source: string, stress?: StressMode): Promise<unknown> {
  const { stdout, stderr, status } = await t.run(source, stress === undefined ? {} : { stress });
  assert.equal(stderr, "");
  assert.equal(status.code, 0);
  return JSON.parse(stdout);
}

async function inGuest(t: TestNode, expressions: readonly string[], stress?: StressMode): Promise<string[]> {
  const source = `${prelude(fixtures)}
    const results = []; for (const make of ${listed(expressions)}) results.push(await attempt(make));
    console.log(JSON.stringify(results));`;
  return (await printed(t, source, stress)) as string[];
}

function assertSame(expressions: readonly string[], actual: readonly string[], expected: readonly string[]): void {
  const compared = expressions.map((expression, index) => ({
    expression,
    actual: actual[index],
    expected: expected[index],
  }));
  assert.deepEqual(
    compared.filter(({ actual, expected }) => actual !== expected),
    [],
  );
}

await withNode({ lwps: 2, swapAfterMs: 50 }, (t) => {
  for (const { name, stress } of LOADS) {
    test(`results are Node's, ${name}`, { timeout: 120_000 }, async () => {
      const expected = await inNode(VALUES);
      assert.deepEqual(
        expected.filter((result) => result.startsWith("throws")),
        [],
      );
      assertSame(VALUES, await inGuest(t, VALUES, stress), expected);
    });

    test(`errors are Node's, ${name}`, { timeout: 120_000 }, async () => {
      const expected = await inNode(ERRORS);
      assert.deepEqual(
        expected.filter((result) => !result.startsWith("throws")),
        [],
      );
      assertSame(ERRORS, await inGuest(t, ERRORS, stress), expected);
    });

    test(`results are the standard's, ${name}`, async () => {
      const expressions = STANDARD.map(([expression]) => expression);
      assertSame(
        expressions,
        await inGuest(t, expressions, stress),
        STANDARD.map(([, result]) => result),
      );
    });
  }
});
