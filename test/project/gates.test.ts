/** The gates catch what they are there for: each is run, with the project's own configuration, over a small project. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { describe, test, type TestContext } from "node:test";

const GATE_TIMEOUT_MS = 60_000;

/** A project of these files under the configuration of this one; removed when the test ends. */
function project(context: TestContext, files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), "godwit-gates-"));
  context.after(() => rmSync(root, { recursive: true, force: true }));
  for (const name of [".oxlintrc.json", ".prettierrc.json", ".prettierignore", "knip.jsonc", "tsconfig.base.json"]) {
    cpSync(name, join(root, name));
  }
  symlinkSync(resolve("node_modules"), join(root, "node_modules"));
  const all = {
    "package.json": JSON.stringify({ name: "sample", type: "module" }),
    "tsconfig.json": JSON.stringify({
      extends: "./tsconfig.base.json",
      compilerOptions: { rootDir: ".", outDir: "dist", types: ["node"] },
      include: ["src"],
    }),
    ...files,
  };
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

interface Outcome {
  readonly code: number;
  readonly output: string;
}

/** Runs a development tool of ours by the path of its JavaScript entry. */
function run(cwd: string, tool: string, ...args: string[]): Promise<Outcome> {
  return new Promise((done, fail) => {
    const options = { cwd, timeout: GATE_TIMEOUT_MS, maxBuffer: 2 ** 24, env: { ...process.env, NO_COLOR: "1" } };
    execFile(process.execPath, [resolve("node_modules", tool), ...args], options, (error, stdout, stderr) => {
      const code = error === null ? 0 : error.code;
      if (typeof code === "number") done({ code, output: stdout + stderr });
      else fail(new Error(`${tool} did not end by itself`, { cause: error }));
    });
  });
}

const lint = (cwd: string): Promise<Outcome> => run(cwd, "oxlint/bin/oxlint", "--type-aware", "src");
const deadCode = (cwd: string): Promise<Outcome> => run(cwd, "knip/bin/knip.js", "--no-config-hints");

describe("lint", () => {
  test("passes clean code", async (context) => {
    const root = project(context, {
      "src/node/a.ts": `export function twice(n: number): number {\n  return 2 * n;\n}\n`,
    });
    const { code, output } = await lint(root);
    assert.equal(code, 0, output);
  });

  const faults: readonly (readonly [rule: string, path: string, source: string])[] = [
    ["no-explicit-any", "src/a.ts", `export const a: any = 1;`],
    ["no-non-null-assertion", "src/a.ts", `export const first = (list: string[]): string => list[0]!;`],
    [
      "consistent-type-imports",
      "src/a.ts",
      `import { Stats } from "node:fs";\nexport const size = (s: Stats): number => s.size;`,
    ],
    ["no-floating-promises", "src/a.ts", `export function f(): void {\n  Promise.reject(new Error("lost"));\n}`],
    ["no-misused-promises", "src/a.ts", `export function f(p: Promise<boolean>): number {\n  return p ? 1 : 2;\n}`],
    [
      "switch-exhaustiveness-check",
      "src/a.ts",
      `export function f(x: "a" | "b"): void {\n  switch (x) {\n    case "a":\n      break;\n  }\n}`,
    ],
    ["no-default-export", "src/a.ts", `export default 1;`],
    ["no-console", "src/node/a.ts", `console.log(1);`],
    ["no-restricted-globals", "src/kernel/a.ts", `export const now = (): number => Date.now();`],
    ["no-restricted-properties", "src/kernel/a.ts", `export const chance = (): number => Math.random();`],
  ];
  for (const [rule, path, source] of faults) {
    test(`refuses by ${rule}`, async (context) => {
      const { code, output } = await lint(project(context, { [path]: `${source}\n` }));
      assert.notEqual(code, 0, output);
      assert.ok(output.includes(`(${rule})`), output);
    });
  }

  test("refuses a ring of imports", async (context) => {
    const root = project(context, {
      "src/a.ts": `import { b } from "./b.ts";\nexport const a = (): number => b();\n`,
      "src/b.ts": `import { a } from "./a.ts";\nexport const b = (): number => a();\n`,
    });
    const { code, output } = await lint(root);
    assert.notEqual(code, 0, output);
    assert.ok(output.includes("(no-cycle)"), output);
  });
});

describe("dead code", () => {
  const files = {
    "src/cli/main.ts": `import { used } from "../node/parts.ts";\nused();\n`,
    "src/node/parts.ts": `export function used(): void {}\n`,
  };

  test("passes code that is all in use", async (context) => {
    const { code, output } = await deadCode(project(context, files));
    assert.equal(code, 0, output);
  });

  const faults: readonly (readonly [what: string, named: string, change: Record<string, string>])[] = [
    [
      "an export nobody imports",
      "spare",
      { "src/node/parts.ts": `export function used(): void {}\nexport function spare(): void {}\n` },
    ],
    [
      "a type nobody imports",
      "Spare",
      { "src/node/parts.ts": `export function used(): void {}\nexport type Spare = 1;\n` },
    ],
    ["a file nobody imports", "src/node/lost.ts", { "src/node/lost.ts": `export const lost = 1;\n` }],
    [
      "a dependency nobody uses",
      "commander",
      { "package.json": `{ "type": "module", "dependencies": { "commander": "*" } }` },
    ],
    [
      "a dependency nobody declares",
      "cborg",
      { "src/node/parts.ts": `import "cborg";\nexport function used(): void {}\n` },
    ],
  ];
  for (const [what, named, change] of faults) {
    test(`refuses ${what}`, async (context) => {
      const { code, output } = await deadCode(project(context, { ...files, ...change }));
      assert.notEqual(code, 0, output);
      assert.ok(output.includes(named), output);
    });
  }
});

test("format refuses what prettier would change", async (context) => {
  const root = project(context, { "src/a.ts": `export const a = 'x'\n` });
  const { code, output } = await run(root, "prettier/bin/prettier.cjs", "--check", "src");
  assert.notEqual(code, 0, output);
  assert.ok(output.includes("src/a.ts"), output);
});
