/** The web's interfaces in guests, case by case, against Node's; and again while the process is moved at its polls. */

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type Node, startNode } from "../../src/node/node.ts";
import { expectedOutcomes, guestOutcomes, type Table } from "./case.ts";
import { TABLES } from "./tables/index.ts";

/** A capture and a fresh process at every so many polls. */
const STRESS = { every: 40, at: "poll" } as const;
const SHOWN_MAX = 40;

let node: Node;
before(async () => {
  node = await startNode({ name: "tables", lwps: 1 });
});
after(() => node.stop());

function differing({ cases }: Table, outcomes: readonly string[], expected: readonly string[]): string[] {
  return cases.flatMap((source, index) =>
    outcomes[index] === expected[index]
      ? []
      : [`${source}\n      ${String(outcomes[index])}, not\n      ${String(expected[index])}`],
  );
}

for (const table of TABLES) {
  describe(`${table.api}: ${table.cases.length} cases`, () => {
    let undisturbed: readonly string[] = [];
    test("are as the standard has them", async () => {
      undisturbed = await guestOutcomes(node, table.cases);
      const found = differing(table, undisturbed, await expectedOutcomes(table));
      assert.equal(found.length, 0, `${found.length} differ:\n${found.slice(0, SHOWN_MAX).join("\n")}`);
    });

    test("are the same in a process that is moved", async () => {
      const moved = await guestOutcomes(node, table.cases, STRESS);
      const found = differing(table, moved, undisturbed);
      assert.equal(found.length, 0, `${found.length} differ:\n${found.slice(0, SHOWN_MAX).join("\n")}`);
    });
  });
}
