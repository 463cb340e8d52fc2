/** The web's interfaces in guests, case by case, against Node's; and again while the process is moved at its calls. */

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type Node, startNode } from "../../src/node/node.ts";
import { expectedOutcomes, guestOutcomes, type Table } from "./case.ts";
import { TABLES } from "./tables/index.ts";

/** A capture, and a fresh process from it, at every so many calls. */
const STRESS = { every: 1000, at: "call" } as const;
/** Of longer tables, cases from all over are enough: what matters is where they are stopped. */
const STRESSED_MAX = 300;
const SHOWN_MAX = 40;

let node: Node;
before(async () => {
  node = await startNode({ name: "tables", lwps: 1 });
});
after(() => node.stop());

/** The cases whose outcome is not the expected one, in words. */
function differing(cases: readonly string[], outcomes: readonly string[], expected: readonly string[]): string[] {
  return cases
    .filter((_, index) => outcomes[index] !== expected[index])
    .map((source) => {
      const index = cases.indexOf(source);
      return `${source}\n      ${String(outcomes[index])}, not\n      ${String(expected[index])}`;
    });
}

function assertNone(found: readonly string[]): void {
  assert.equal(found.length, 0, `${found.length} differ:\n${found.slice(0, SHOWN_MAX).join("\n")}`);
}

async function assertStandard(table: Table, outcomes: readonly string[]): Promise<void> {
  const expected = await expectedOutcomes(table);
  const known = table.known ?? {};
  const isKnown = (index: number): boolean => Object.hasOwn(known, table.cases[index] ?? "");
  const settled = table.cases.filter((_, index) => isKnown(index) && outcomes[index] === expected[index]);
  assert.deepEqual(settled, [], "known to differ, but do not any more");
  const others = expected.map((outcome, index) => (isKnown(index) ? (outcomes[index] ?? "") : outcome));
  assertNone(differing(table.cases, outcomes, others));
}

test("every ruling and every known difference is about a case", () => {
  for (const { api, cases, rulings = {}, known = {} } of TABLES) {
    assert.equal(new Set(cases).size, cases.length, `${api}: a case is there once`);
    const strangers = [...Object.keys(rulings), ...Object.keys(known)].filter((source) => !cases.includes(source));
    assert.deepEqual(strangers, [], api);
  }
});

for (const table of TABLES) {
  describe(`${table.api}: ${table.cases.length} cases`, () => {
    let undisturbed: readonly string[] = [];
    test("are as the standard has them", async () => {
      undisturbed = await guestOutcomes(node, table.cases);
      await assertStandard(table, undisturbed);
    });

    test("are the same in a process that is moved", async () => {
      const step = Math.ceil(table.cases.length / STRESSED_MAX);
      const chosen = (all: readonly string[]): string[] => all.filter((_, index) => index % step === 0);
      const cases = chosen(table.cases);
      assertNone(differing(cases, await guestOutcomes(node, cases, STRESS), chosen(undisturbed)));
    });
  });
}

test("a wrong outcome, and a known difference that is gone, are found", async () => {
  const wrong: Table = { api: "wrong", cases: ["1 + 1"], rulings: { "1 + 1": { outcome: "3", paragraph: "none" } } };
  await assert.rejects(assertStandard(wrong, await guestOutcomes(node, wrong.cases)), /1 differ/);
  const gone: Table = { api: "gone", cases: ["1 + 1"], known: { "1 + 1": "it was 3" } };
  await assert.rejects(assertStandard(gone, await guestOutcomes(node, gone.cases)), /not any more/);
});
