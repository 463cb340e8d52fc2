import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { verdictOf } from "../../bench/benchmark.ts";
import { pooled, type Row, rowOf } from "../../bench/row.ts";

const MAIN = fileURLToPath(new URL("../../bench/main.js", import.meta.url));
const TIMEOUT_MS = 60_000;

async function bench(...options: string[]): Promise<string> {
  return (await promisify(execFile)(process.execPath, [MAIN, ...options], { timeout: TIMEOUT_MS })).stdout;
}

/** What each benchmark cannot do without. */
const ROWS: Readonly<Record<string, readonly string[]>> = {
  spawn: ["godwit: node.spawn to first statement", "godwit to quickjs-wasi", "godwit to child_process"],
  resident: ["resident memory of an idle process", "kept of a process that is swapped out"],
  threads: ["godwit: create and join", "godwit: switch by condition variable", "godwit: switch by yield"],
  images: ["fork(), in the parent", "node.checkpoint, compressed", "node.restore of it", "encode"],
  hop: ["a hop to a fresh instance"],
  fairness: ["woken by its timer, beside 4 that spin: p99", "asked and answered, alone"],
  route: ["relayed: requests a second", "direct: requests a second", "direct: a request"],
  web: [
    "CPU for a request: godwit to Node",
    "godwit to quickjs-wasi",
    "nothing used: image, compressed",
    "URL: parse: to Node",
  ],
};

for (const [name, wanted] of Object.entries(ROWS)) {
  test(`${name}: runs, prints and writes what it measures`, { timeout: TIMEOUT_MS }, async (context) => {
    const folder = mkdtempSync(join(tmpdir(), "godwit-bench-"));
    context.after(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, "results.json");
    const printed = await bench("--quick", "--only", name, "--json", file);
    const { groups } = JSON.parse(readFileSync(file, "utf8")) as { groups: Record<string, Row[]> };
    const rows = Object.values(groups).flat();
    for (const row of wanted) {
      assert.ok(
        rows.some((each) => each.name === row),
        `${row} is missing`,
      );
      assert.ok(printed.includes(row), `${row} is not printed`);
    }
    for (const row of rows) {
      assert.ok(Number.isFinite(row.median) && row.p10 <= row.median && row.median <= row.p90, JSON.stringify(row));
      assert.ok(row.n >= 1, JSON.stringify(row));
    }
  });
}

test("a benchmark that does not exist is refused, and those that do are named", async () => {
  await assert.rejects(bench("--only", "speed"), /there is no benchmark "speed".*spawn/);
});

test("a verdict says whether a goal is met, and a goal without its row is a mistake", () => {
  const rows = [rowOf("spawn", "ms", [0.8]), rowOf("fork", "ms", [3])];
  assert.equal(verdictOf({ row: "spawn", atMost: 1 }, rows), "met: spawn: at most 1 ms, is 0.8");
  assert.equal(verdictOf({ row: "fork", atMost: 1 }, rows), "MISSED: fork: at most 1 ms, is 3");
  assert.throws(() => verdictOf({ row: "none", atMost: 1 }, rows), RangeError);
});

test("rows of several runs are pooled by their medians", () => {
  const runs = [10, 30, 20].map((us) => rowOf("switch", "us", [us, us + 1, us + 2]));
  assert.deepEqual(pooled(runs), { name: "switch", unit: "us", median: 21, p10: 20, p90: 22, n: 9 });
  assert.throws(() => pooled([]), RangeError);
});
