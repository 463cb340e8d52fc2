/**
 * Packages as the registry has them, in guest processes: what a program prints with them is what it prints under Node,
 * undisturbed, under stress (moved at every poll, and at every so many calls) and while it goes from node to node.
 */

import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import type { StressMode } from "../../src/abi/control.ts";
import { Lives, compiled, underNode } from "./package-run.ts";

/** Primes: the moves come at ever other places. */
const STRESS: readonly StressMode[] = [
  { every: 1, at: "poll" },
  { every: 1009, at: "call" },
];
/** An image of it is large, and it makes many calls: so many times fewer moves. */
const THINNED: Readonly<Record<string, number>> = { typescript: 997, acorn: 7, ajv: 3, graphql: 3 };

const PROGRAMS = {
  acorn: "programs/acorn.js",
  ajv: "programs/ajv.js",
  "date-fns": "programs/date-fns.js",
  dayjs: "programs/dayjs.js",
  "drizzle-orm, by the proxy driver": "programs/drizzle.js",
  effect: "programs/effect.js",
  graphql: "programs/graphql.js",
  hono: "programs/hono.js",
  immer: "programs/immer.js",
  "itty-router": "programs/itty-router.js",
  jose: "programs/jose.js",
  "kysely, by a driver of the program's own": "programs/kysely.js",
  "lodash-es": "programs/lodash-es.js",
  marked: "programs/marked.js",
  mitt: "programs/mitt.js",
  nanoid: "programs/nanoid.js",
  "preact and preact-render-to-string": "programs/preact.js",
  qs: "programs/qs.js",
  "react and react-dom/server": "programs/react.js",
  "react-dom/server, as a stream": "programs/react-stream.js",
  rxjs: "programs/rxjs.js",
  semver: "programs/semver.js",
  superjson: "programs/superjson.js",
  "@trpc/server, by the fetch adapter": "programs/trpc.js",
  typescript: "typescript-5/typescript.js",
  uuid: "programs/uuid.js",
  yaml: "programs/yaml.js",
  zod: "programs/zod.js",
} as const;

suite("packages", { timeout: 600_000 }, () => {
  let lives: Lives;
  let moves = 0;
  before(async () => {
    lives = await Lives.start();
  });
  after(() => lives.stop());

  for (const [name, file] of Object.entries(PROGRAMS)) {
    test(name, { timeout: 120_000 }, async () => {
      const [expected, program] = await Promise.all([underNode(file), compiled(file)]);
      assert.notEqual(expected, "", "it prints");
      assert.equal(await lives.run(program), expected, "undisturbed");
      for (const { every, at } of STRESS)
        assert.equal(await lives.run(program, { every: every * (THINNED[name] ?? 1), at }), expected, `stress, ${at}`);
      const moved = await lives.move(program);
      assert.equal(moved.text, expected, `moved ${moved.moves} times`);
      moves += moved.moves;
    });
  }

  test("they were moved while they ran", () => {
    assert(moves >= Object.keys(PROGRAMS).length, `${moves} moves`);
  });
});
