/** Compiling programs: what bundles, what a bundle looks like, and what is said of programs that do not compile. */

import assert from "node:assert/strict";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, suite, test } from "node:test";
import { GodwitError } from "../../src/errors.ts";
import { PROGRAM_MAX_BYTES } from "../../src/limits.ts";
import { type Program, compileProgram, guestExports } from "../../src/node/program.ts";
import { temporaryFolder } from "./folder.ts";
import { evaluate } from "./guest.ts";

const EXPORTS = ["Thread", "yield", "self", "sleep"];

async function compiled(test: TestContext, files: Readonly<Record<string, string>>): Promise<Program> {
  const workingDirectory = temporaryFolder(test, files);
  return compileProgram(Object.keys(files)[0] ?? "", { guestExports: EXPORTS, workingDirectory });
}

async function rejection(test: TestContext, files: Readonly<Record<string, string>>): Promise<GodwitError> {
  const error: unknown = await compiled(test, files).then(
    () => assert.fail("it compiled"),
    (error: unknown) => error,
  );
  assert(error instanceof GodwitError, String(error));
  return error;
}

suite("programs that compile", () => {
  test("several files, types stripped, JSON and text, top-level await, in the engine", async (t) => {
    const program = await compiled(t, {
      "main.ts": `
        import { double, type Pair } from "./lib/double.ts";
        import settings from "./settings.json";
        import { name } from "./settings.json";
        import text from "./note.txt";
        import note from "./note.md" with { type: "text" };
        const pair: Pair<number> = [settings.count, await Promise.resolve(double(settings.count))];
        enum Level { Low = 1, High }
        print(JSON.stringify([pair, name, text, note, Level.High]));`,
      "lib/double.ts": `export type Pair<T> = [T, T]; export const double = (n: number): number => n * 2;`,
      "settings.json": `{ "count": 21, "name": "s" }`,
      "note.txt": "plain",
      "note.md": "# note",
    });
    assert.deepEqual(JSON.parse((await evaluate(program)).output), [[21, 42], "s", "plain", "# note", 2]);
    assert.equal(program.name, "main.ts");
    assert.deepEqual(program.warnings, []);
    const names = program.inputs.map((input) => input.split("/").at(-1) ?? "").toSorted();
    assert.deepEqual(names, ["double.ts", "main.ts", "note.md", "note.txt", "settings.json"]);
  });

  test("packages: ES modules, CommonJS, conditions, browser maps, polyfills of builtins", async (t) => {
    const program = await compiled(t, {
      "main.js": `
        import esm from "esm"; import cjs, { named } from "cjs"; import where from "conditional";
        import os from "os"; import mapped from "mapped";
        print(JSON.stringify([esm, cjs.default ?? cjs, named, where, os, mapped]));`,
      "node_modules/esm/package.json": `{ "type": "module", "exports": "./index.mjs" }`,
      "node_modules/esm/index.mjs": `export default "esm";`,
      "node_modules/cjs/package.json": `{ "main": "./lib" }`,
      "node_modules/cjs/lib/index.js": `
        let net; try { net = require("net"); } catch { net = "no net"; }
        exports.named = [net, process.env.NODE_ENV, global === globalThis]; exports.default = require("./other");`,
      "node_modules/cjs/lib/other.js": `module.exports = "cjs";`,
      "node_modules/conditional/package.json": `{ "exports": { "node": "./n.js", "godwit": "./g.js", "default": "./d.js" } }`,
      "node_modules/conditional/g.js": `module.exports = "for godwit";`,
      "node_modules/os/package.json": `{ "main": "os.js" }`,
      "node_modules/os/os.js": `module.exports = "the package, not the builtin";`,
      "node_modules/mapped/package.json": `{ "main": "m.js", "browser": { "fs": false, "./m.js": "./b.js" } }`,
      "node_modules/mapped/b.js": `module.exports = ["browser", require("fs")];`,
    });
    assert.deepEqual(JSON.parse((await evaluate(program)).output), [
      "esm",
      "cjs",
      ["no net", "production", true],
      "for godwit",
      "the package, not the builtin",
      ["browser", {}],
    ]);
  });

  test("godwit is what the engine offers; unused names leave the bundle", async (t) => {
    const program = await compiled(t, {
      "main.ts": `import { self, yield as give } from "godwit"; import * as all from "godwit"; print(self, give(), all.Thread);`,
    });
    const setting = `globalThis.__godwit = { exports: { self: "me", yield: () => "gave", Thread: "T", sleep: 0 } };`;
    assert.equal((await evaluate(program, setting)).output, "me gave T");
    const lean = await compiled(t, { "lean.ts": `import { self } from "godwit"; print(self);` });
    assert(!lean.source.includes("Thread"), lean.source);
    const none = await compiled(t, { "none.ts": `import "godwit"; print(1);` });
    assert(!none.source.includes("__godwit"), none.source);
  });

  test("names and lines are kept as they were written", async (t) => {
    const program = await compiled(t, {
      "a.ts": `export function someLongName() { return "naïve ✓"; }\nprint(someLongName());`,
    });
    assert.match(program.source, /function someLongName\(\)/);
    assert.match(program.source, /naïve ✓/);
    const map = JSON.parse(program.sourceMap);
    assert.deepEqual(map.sources, ["a.ts"]);
    assert.equal(map.sourcesContent, undefined);
    assert.doesNotMatch(program.source, /sourceMappingURL/);
  });

  test("sources outside the working directory are named whole", async (t) => {
    const folder = temporaryFolder(t, { "in/a.ts": `import "../out.ts";`, "out.ts": "print(1);" });
    const program = await compileProgram("a.ts", { guestExports: EXPORTS, workingDirectory: join(folder, "in") });
    assert.deepEqual(JSON.parse(program.sourceMap).sources, [join(folder, "out.ts")]);
  });

  test("warnings are handed on, with their place", async (t) => {
    const program = await compiled(t, { "w.ts": `print({ twice: 1, twice: 2 });` });
    assert.equal(program.warnings.length, 1);
    assert.match(program.warnings[0] ?? "", /w\.ts:1:18:/);
  });
});

suite("programs that do not compile", () => {
  test("a syntax error: file, line, column and the line itself", async (t) => {
    const error = await rejection(t, { "bad.ts": "const a = 1;\nconst b = a +;\n" });
    assert.equal(error.code, "ENOEXEC");
    assert.match(error.message, /^cannot compile bad\.ts:/);
    assert.match(error.message, /bad\.ts:2:13:/);
    assert.match(error.message, /const b = a \+;/);
  });

  test("an import of godwit that it does not have", async (t) => {
    const error = await rejection(t, { "a.ts": `import { Tread } from "godwit"; print(Tread);` });
    assert.equal(error.code, "ENOEXEC");
    assert.match(error.message, /No matching export in "godwit:library" for import "Tread"/);
  });

  test("missing files and packages: what to do", async (t) => {
    const error = await rejection(t, { "a.ts": `import "./gone.ts";\nimport "nowhere";\n` });
    assert.match(error.message, /cannot find "\.\/gone\.ts"; check the path/);
    assert.match(error.message, /cannot find "nowhere"; install it: npm install nowhere/);
    assert.match(error.message, /a\.ts:2:7:/);
  });

  for (const [specifier, advice] of [
    ["node:fs", /--allow-read/],
    ["fs/promises", /--allow-read/],
    ["worker_threads", /`Thread` of "godwit"/],
    ["node:child_process", /`spawn` of "godwit"/],
    ["dns", /`fetch`/],
    ["node:v8", /nothing takes its place/],
  ] as const) {
    test(`${specifier} is a module of Node.js: what to use instead`, async (t) => {
      const error = await rejection(t, { "a.ts": `import * as it from "${specifier}"; print(it);` });
      assert.equal(error.code, "ENOEXEC");
      assert.match(error.message, new RegExp(`"${specifier}" is a module of Node\\.js`));
      assert.match(error.message, advice);
      assert.match(error.message, /a\.ts:1:20:/);
      assert.doesNotMatch(error.message, /platform|esbuild/, "no advice that nobody here can follow");
    });
  }

  test("many errors: the first ones, and how many more", async (t) => {
    const lines = Array.from({ length: 25 }, (_, index) => `import "./gone${index}.ts";`);
    const error = await rejection(t, { "a.ts": lines.join("\n") });
    assert.match(error.message, /gone9\.ts/);
    assert.doesNotMatch(error.message, /gone10\.ts/);
    assert.match(error.message, /and 15 more$/);
  });

  test("no such file, a directory, no permission", async (t) => {
    const workingDirectory = temporaryFolder(t, { "dir/x.ts": "", "locked/y.ts": "" });
    const options = { guestExports: EXPORTS, workingDirectory };
    await assert.rejects(compileProgram("no.ts", options), { code: "ENOENT", message: /there is no program no\.ts/ });
    await assert.rejects(compileProgram("dir", options), { code: "EISDIR", message: /is a directory/ });
    if (process.getuid?.() === 0) return; // root may read everything
    chmodSync(join(workingDirectory, "locked"), 0);
    t.after(() => chmodSync(join(workingDirectory, "locked"), 0o700));
    await assert.rejects(compileProgram("locked/y.ts", options), { code: "EACCES" });
  });

  test("a bundle over the bound", { timeout: 60_000 }, async (t) => {
    const error = await rejection(t, { "big.ts": `print(${JSON.stringify("x".repeat(PROGRAM_MAX_BYTES))});` });
    assert.equal(error.code, "ENOEXEC");
    assert.match(error.message, /is 32\.0 MiB, and at most 32 MiB are taken/);
  });
});

suite("the engine's exports", () => {
  test("are read from its manifest; one that is missing or odd is an error that says what to do", async (t) => {
    const folder = temporaryFolder(t, {
      "good.json": `{ "guestExports": ["a", "b"] }`,
      "odd.json": `{ "guestExports": [1] }`,
      "bad.json": "{",
    });
    assert.deepEqual(await guestExports(join(folder, "good.json")), ["a", "b"]);
    for (const name of ["odd.json", "bad.json", "none.json"]) {
      await assert.rejects(guestExports(join(folder, name)), { code: "EENGINE", message: /npm run build/ });
    }
  });
});
