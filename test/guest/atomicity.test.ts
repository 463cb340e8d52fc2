/**
 * Locks and `Atomics` rest on straight lines of code that the engine never interrupts. The engine polls for
 * interruption at calls, branches and plain element stores; here the polls are counted.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { callWords } from "../../src/abi/call-word.ts";
import { BareEngine } from "./bare-engine.ts";

/** The engine calls its interrupt handler once for so many polls. */
const POLLS_PER_INTERRUPT = 10_000;
const ROUNDS = 400_000;

let engine: BareEngine;
before(async () => {
  engine = await BareEngine.create();
  const entry = fileURLToPath(new URL("../../../src/guest/cell.ts", import.meta.url));
  const options = {
    bundle: true,
    format: "iife",
    globalName: "cells",
    define: { CALL_WORDS: JSON.stringify(callWords()) },
    target: "es2024",
    minify: true,
    write: false,
  } as const;
  const { outputFiles } = await build({ entryPoints: [entry], ...options });
  engine.run(
    `globalThis.__godwit_host = () => 0; globalThis.performance = { now: () => 0 }; ${outputFiles[0]?.text ?? ""}; globalThis.cells = cells;`,
  );
});
after(() => engine.dispose());

/** Polls for each round of a loop around `body`. */
function pollsOf(body: string): number {
  engine.polls = 0;
  engine.run(
    `(() => { const cell = cells.newCell(1000000), { exchange, compareExchange, takeOne } = cells; const plain = (a, b, c) => a;` +
      `let x = 0; const o = { n: 0 }; class P { #n = 0; bump() { for (let i = 0; i < ${ROUNDS}; i++) { this.#n += 1; } } }` +
      `${body.includes("this.#n") ? "new P().bump();" : `for (let i = 0; i < ${ROUNDS}; i++) { ${body} }`} })()`,
  );
  return Math.round((engine.polls * POLLS_PER_INTERRUPT * 10) / ROUNDS) / 10;
}

test("an indivisible operation polls only where it is called", () => {
  const loop = pollsOf("");
  const call = pollsOf("plain(cell, 1, 2);");
  assert.ok(loop > 0 && call > loop, `polls are counted: ${loop} for a loop, ${call} with a call in it`);
  for (const body of [
    "exchange(cell, 1);",
    "compareExchange(cell, 1, 2);",
    "compareExchange(cell, 7, 2);",
    "takeOne(cell);",
  ]) {
    assert.equal(pollsOf(body), call, body);
  }
});

test("compound stores to elements and private fields do not poll, as locks need", () => {
  const loop = pollsOf("");
  for (const body of ["cell[0] += 1;", "o.n += 1;", "x += cell[0];", "this.#n += 1;"])
    assert.equal(pollsOf(body), loop, body);
});

test("a branch does poll: the measure can tell", () => {
  assert.ok(pollsOf("if (cell[0] === 0) x = 1;") > pollsOf(""));
});

test("the operations do what they say", () => {
  engine.run(`globalThis.c = cells.newCell(5)`);
  assert.deepEqual(
    engine.evaluate(
      `[cells.exchange(c, -7), c[0], cells.compareExchange(c, -7, 9), c[0], cells.compareExchange(c, 1, 2), c[0]]`,
    ),
    [5, -7, -7, 9, 9, 9],
  );
  assert.deepEqual(
    engine.evaluate(
      `[cells.takeOne(c), c[0], cells.exchange(c, 0), cells.takeOne(c), c[0], cells.exchange(c, -1), cells.takeOne(c), c[0]]`,
    ),
    [9, 8, 8, 0, 0, 0, -1, -1],
  );
});
