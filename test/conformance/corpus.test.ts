/** The corpus itself: what it promises, and a second opinion from V8 on what it prints. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { KNOWN_DIFFERENCES } from "./known-differences.ts";
import { runOracle } from "./oracle.ts";
import { corpus } from "./program.ts";
import { runInV8 } from "./v8.ts";

const programs = corpus();
const differing = Object.values(KNOWN_DIFFERENCES).flat();

test("the corpus has its size, and every program says what it touches", () => {
  assert.ok(programs.length >= 150, `${programs.length} programs`);
  for (const { name, source } of programs) assert.match(source, /^\/\/ \S.{15,}\n/, name);
  assert.equal(new Set(differing).size, differing.length, "a program is listed once");
  for (const name of differing)
    assert.ok(
      programs.some((program) => program.name === name),
      name,
    );
});

for (const program of programs) {
  test(`${program.name} prints the same each time, and what V8 prints`, async () => {
    const output = await runOracle(program);
    assert.notEqual(output.trim(), "", "it prints something");
    assert.equal(await runOracle(program), output);
    if (!differing.includes(program.name)) assert.equal(runInV8(program), output);
  });
}
