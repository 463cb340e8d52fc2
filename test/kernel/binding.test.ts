/** The plan of a move: every cell of the table, and what stands in the way. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { BINDING_TABLE, KINDS, planMove, type ResourceFacts } from "../../src/kernel/binding.ts";
import { FILE_COPY_MAX_BYTES } from "../../src/limits.ts";

const circumstances = { source: "a", target: "b", home: "a" };

function facts(fields: Partial<ResourceFacts> & Pick<ResourceFacts, "kind">): ResourceFacts {
  const { kind } = fields;
  return { handle: 3, attachment: "fastened", binding: "identifier", description: `the ${kind}`, node: "a", ...fields };
}

/** The action of a resource that is alone. */
function action(fields: Partial<ResourceFacts> & Pick<ResourceFacts, "kind">, more: object = {}): string {
  const { rows, obstacle } = planMove([facts(fields)], { ...circumstances, ...more });
  return rows[0]?.action ?? `none: ${obstacle}`;
}

test("each cell of the table has a kind that does what it says first, or states its own", () => {
  const cells = [
    ["cache", "unattached", "identifier", "MV"],
    ["cache", "unattached", "value", "CP"],
    ["cache", "unattached", "type", "RB"],
    ["file", "fastened", "identifier", "GR"],
    ["scratch", "fastened", "identifier", "GR"],
    ["scratch", "fastened", "type", "RB"],
    ["file", "fastened", "type", "RB"],
    ["device", "fixed", "identifier", "GR"],
    ["device", "fixed", "value", "GR"],
    ["socket", "fixed", "identifier", "GR"],
    ["clock", "fixed", "type", "RB"],
    ["randomness", "fixed", "type", "RB"],
  ] as const;
  for (const [kind, attachment, binding, expected] of cells) {
    assert.equal(BINDING_TABLE[binding][attachment][0], expected, `${kind} ${binding}`);
    assert.equal(action({ kind, attachment, binding }), expected, `${kind} by ${binding}`);
  }
  // Their own.
  assert.equal(action({ kind: "file", binding: "value" }), "CP");
  assert.equal(action({ kind: "scratch", binding: "value" }), "CP");
  assert.equal(action({ kind: "console", attachment: "fixed", binding: "type" }), "GR");
  assert.equal(action({ kind: "listener", attachment: "fixed", binding: "type" }), "GR");
  assert.equal(action({ kind: "copy", attachment: "unattached" }), "MV");
});

test("a node that goes away is referred to no more", () => {
  const leaving = ["a"];
  assert.equal(action({ kind: "scratch" }, { leaving }), "MV");
  assert.equal(action({ kind: "console", attachment: "fixed", binding: "type" }, { leaving }), "RB");
  assert.equal(action({ kind: "listener", attachment: "fixed", binding: "type" }, { leaving }), "RB");
  assert.match(action({ kind: "socket", attachment: "fixed" }, { leaving }), /handle 3 \(socket, .* goes away/);
  assert.match(action({ kind: "file" }, { leaving }), /none: .*goes away; MV: a file cannot be moved/);
  assert.equal(action({ kind: "file", node: "c" }, { leaving }), "GR", "it is on a node that stays");
});

test("what is too large or elsewhere is not taken along, and the plan says so", () => {
  const large = facts({ kind: "file", binding: "value", sizeBytes: FILE_COPY_MAX_BYTES + 1 });
  const [row] = planMove([large], circumstances).rows;
  assert.equal(row?.action, "GR");
  assert.match(row?.refused[0]?.why ?? "", new RegExp(`has ${FILE_COPY_MAX_BYTES + 1} bytes, and at most`));
  assert.equal(action({ kind: "scratch", binding: "value", node: "c" }), "GR");
  assert.equal(action({ kind: "scratch", binding: "identifier", node: "c" }, { leaving: ["c"] }), "MV");
  assert.equal(action({ kind: "file", binding: "type", node: "c" }), "GR");
  assert.equal(action({ kind: "file", binding: "type", node: "c" }, { leaving: ["c"] }), "RB");
  const [elsewhere] = planMove([facts({ kind: "scratch", binding: "value", node: "c" })], circumstances).rows;
  assert.match(elsewhere?.refused[0]?.why ?? "", /only what it has itself/);
  const forced = planMove([facts({ kind: "device", attachment: "fixed" })], {
    ...circumstances,
    leaving: ["a"],
    isForced: true,
  });
  assert.deepEqual([forced.rows[0]?.action, forced.obstacle], ["GR", undefined]);
  assert.match(forced.rows[0]?.why ?? "", /^it is lost: /);
});

test("a file in a scratch directory goes where that goes, and rows are in order", () => {
  const inner = facts({ kind: "file", handle: 3, within: 4 });
  const plan = planMove([inner, facts({ kind: "scratch", handle: 4, binding: "type" })], circumstances);
  assert.deepEqual(
    plan.rows.map((row) => [row.handle, row.action]),
    [
      [3, "RB"],
      [4, "RB"],
    ],
  );
});

test("what a kind prefers it can do, and an unknown kind stops a move", () => {
  for (const [name, { can, prefers = {} }] of Object.entries(KINDS))
    for (const order of Object.values(prefers))
      for (const one of order) assert.ok(can[one] !== undefined, `a ${name} can ${one}`);
  assert.match(action({ kind: "turnip" }), /its kind is not known here/);
});
