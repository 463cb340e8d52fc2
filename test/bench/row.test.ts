import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ratioOf, rowOf, rowsFrom } from "../../bench/row.ts";
import { tableOf, writeResults } from "../../bench/table.ts";

const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);

test("a row is the median and the spread of its samples, in whatever order", () => {
  assert.deepEqual(rowOf("x", "us", hundred), { name: "x", unit: "us", median: 51, p10: 11, p90: 91, n: 100 });
  assert.deepEqual(rowOf("x", "us", [7]), { name: "x", unit: "us", median: 7, p10: 7, p90: 7, n: 1 });
  assert.throws(() => rowOf("x", "us", []), RangeError);
});

test("a ratio is of medians in the same unit", () => {
  const row = rowOf("a", "us", [2, 4, 6]);
  assert.deepEqual(ratioOf("a to b", row, rowOf("b", "us", [8])), {
    name: "a to b",
    unit: "ratio",
    median: 0.5,
    p10: 0.25,
    p90: 0.75,
    n: 3,
  });
  assert.throws(() => ratioOf("a to b", row, rowOf("b", "ms", [8])), RangeError);
});

test("rows come back from lines of JSON, and what is not a row is refused", () => {
  const rows = [rowOf("a", "us", [1, 2, 3]), rowOf("b", "ms", [4])];
  assert.deepEqual(rowsFrom(rows.map((row) => `${JSON.stringify(row)}\n`).join("")), rows);
  for (const line of ["1", "null", "{}", `{"name":"a","unit":"us","median":"1","p10":1,"p90":1,"n":1}`, "not JSON"]) {
    assert.throws(() => rowsFrom(line), SyntaxError, line);
  }
});

test("a table is aligned, and its numbers have three digits that mean something", () => {
  const rows = [rowOf("a", "us", [0.001234]), rowOf("longer", "bytes", [123_456]), rowOf("c", "ms", [1.256])];
  assert.deepEqual(tableOf("Title", rows).split("\n"), [
    "Title",
    "         median      p10      p90  unit   n",
    "a       0.00123  0.00123  0.00123  us     1",
    "longer   123456   123456   123456  bytes  1",
    "c          1.26     1.26     1.26  ms     1",
  ]);
});

test("results are written with the machine they are from", (context) => {
  const folder = mkdtempSync(join(tmpdir(), "godwit-results-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "new", "results.json");
  const groups = { spawn: [rowOf("a", "us", [1])] };
  writeResults(file, groups);
  const written = JSON.parse(readFileSync(file, "utf8")) as { machine: { node: string }; groups: unknown };
  assert.equal(written.machine.node, process.version);
  assert.deepEqual(written.groups, groups);
});
