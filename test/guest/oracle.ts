/**
 * The same source in Node and in a guest: what Node makes of it is what a guest must make of it. A case is the body of an
 * async function that returns a value of JSON.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import vm from "node:vm";
import type { StressMode } from "../../src/abi/control.ts";
import type { TestNode } from "../node/bench-node.ts";
import { BareEngine } from "./bare-engine.ts";

export type Cases = Readonly<Record<string, string>>;

/** Of errors only the names are compared: messages are each engine's own. */
const GUARD = `async (run) => {
  try { return JSON.stringify(await run()) ?? "undefined"; }
  catch (error) { return "throws " + (error?.name ?? JSON.stringify(error)); }
}`;

function guarded(code: string): string {
  return `(${GUARD})(async () => { ${code} })`;
}

function told(expected: unknown): string | undefined {
  return typeof expected === "string" && expected.startsWith("throws ") ? expected : JSON.stringify(expected);
}

async function inNode(code: string): Promise<string> {
  return (await vm.runInThisContext(guarded(code))) as string;
}

/** Runs a case in an engine without a kernel: it ends when nothing is left to do. */
function inEngine(engine: BareEngine, code: string): unknown {
  engine.run(`globalThis.outcome = "never settled"; ${guarded(code)}.then((text) => { outcome = text; });`);
  // A reaction to what was settled from outside of a job is a job of the next round.
  engine.run("");
  return engine.evaluate("outcome");
}

/**
 * One test for each case: in a guest it comes to what it comes to in Node, or to `expected` where Node is wrong: a value,
 * or a text that begins with "throws".
 */
export function compareWithNode(cases: Cases, expected: Readonly<Record<string, unknown>> = {}): void {
  let engine: BareEngine;
  before(async () => {
    engine = await BareEngine.create();
  });
  after(() => engine.dispose());
  for (const [name, code] of Object.entries(cases)) {
    test(name, async () => {
      const wanted = name in expected ? told(expected[name]) : await inNode(code);
      assert.notEqual(wanted, "never settled");
      assert.equal(inEngine(engine, code), wanted);
      assert.equal(engine.takeOutput(2), "");
    });
  }
}

/** Runs all cases in one process, undisturbed and then under stress: the outcomes must be the same. */
export async function compareUnderStress(t: TestNode, cases: Cases, stress: StressMode): Promise<void> {
  const entries = Object.entries(cases).map(([name, code]) => `[${JSON.stringify(name)}, () => ${guarded(code)}],`);
  const program = `for (const [name, run] of [${entries.join("\n")}]) console.log(name, await run());`;
  const calm = await t.run(program);
  assert.equal(calm.status.code, 0, calm.stderr);
  assert.equal(calm.stdout.split("\n").length, entries.length + 1);
  const stressed = await t.run(program, { stress });
  assert.equal(stressed.stderr, "");
  assert.equal(stressed.stdout, calm.stdout);
}
