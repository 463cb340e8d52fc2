import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readImports } from "../../scripts/imports.ts";
import { checkLayering, findCycles, LAYERS, readSources, type SourceFile } from "../../scripts/layering.ts";

/** A source tree from `{ path: source }`. */
function tree(files: Readonly<Record<string, string>>): SourceFile[] {
  return Object.entries(files).map(([path, source]) => ({ path, imports: readImports(path, source) }));
}

test("src is in order", () => {
  assert.deepEqual(checkLayering(readSources("src")), []);
});

test("the layers themselves have no cycle, and name only one another", () => {
  const layers = Object.entries(LAYERS);
  for (const [name, layer] of layers) {
    for (const to of [...layer.imports, ...(layer.dynamic ?? [])]) assert.ok(to in LAYERS, `${name} names ${to}`);
  }
  const asFiles = tree(
    Object.fromEntries(
      layers.map(([name, { imports }]) => [name, imports.map((to) => `import "./${to}";`).join("\n")]),
    ),
  );
  assert.deepEqual(findCycles(asFiles), []);
});

describe("a source's imports", () => {
  const kinds = (source: string): string[] =>
    readImports("a.ts", source).map((each) => `${each.kind} ${each.specifier} ${each.line}`);

  test("of every form are seen", () => {
    assert.deepEqual(kinds(`import "./effect.ts";\nimport x, { type y } from "./value.ts";`), [
      "value ./effect.ts 1",
      "value ./value.ts 2",
    ]);
    assert.deepEqual(kinds(`export * from "./all.ts"; export { a } from "./some.ts"; export const b = 1;`), [
      "value ./all.ts 1",
      "value ./some.ts 1",
    ]);
    assert.deepEqual(kinds(`const m = await import("./later.ts"); new URL("./worker.ts", import.meta.url);`), [
      "dynamic ./later.ts 1",
      "dynamic ./worker.ts 1",
    ]);
  });

  test("that the compiler erases are seen as types", () => {
    assert.deepEqual(kinds(`import type { A } from "./a.ts";\nimport { type B } from "./b.ts";`), [
      "type ./a.ts 1",
      "value ./b.ts 2", // the compiler keeps an empty import
    ]);
    assert.deepEqual(kinds(`export type { C } from "./c.ts"; export type * from "./d.ts";`), [
      "type ./c.ts 1",
      "type ./d.ts 1",
    ]);
    assert.deepEqual(kinds(`let e: import("./e.ts").E; let f: typeof import("./f.ts");`), [
      "type ./e.ts 1",
      "type ./f.ts 1",
    ]);
  });

  test("in comments and strings are none", () => {
    assert.deepEqual(kinds(`// import "./no.ts"\nconst text = 'import "./no.ts"'; /* import("./no.ts") */`), []);
  });

  test("in a broken source are an error", () => {
    assert.throws(() => readImports("a.ts", "import {"), SyntaxError);
  });
});

describe("the check refuses", () => {
  const leaf = {
    "machine/page.ts": "",
    "kernel/thread.ts": "",
    "node/node.ts": "",
    "client/client.ts": "",
    "limits.ts": "",
  };
  const refused = (path: string, source: string, expected: RegExp): void => {
    const problems = checkLayering(tree({ ...leaf, [path]: source }));
    assert.equal(problems.length, 1, problems.join("\n"));
    assert.match(problems[0] ?? "", expected);
  };

  test("an import against the layers, with its place", () =>
    refused(
      "machine/bad.ts",
      `import "../limits.ts";\nimport { t } from "../kernel/thread.ts";`,
      /^machine\/bad\.ts:2: machine may not import kernel/,
    ));
  test("a type of a higher layer", () =>
    refused("kernel/bad.ts", `let n: import("../node/node.ts").Node;`, /kernel may not import node .*a type/));
  test("a re-export", () =>
    refused("client/bad.ts", `export * from "../machine/page.ts";`, /client may not import machine/));
  test("a layer skipped", () =>
    refused("resources/bad.ts", `import "../machine/page.ts";`, /resources may not import machine/));
  test("the command line loading the node at its start", () =>
    refused("cli/bad.ts", `import { n } from "../node/node.ts";`, /only by a dynamic import/));
  test("the foundation standing on anything", () =>
    refused("errors.ts", `import "./machine/page.ts";`, /errors may not import machine/));
  test("the kernel reaching the host", () => refused("kernel/bad.ts", `import "node:fs";`, /may not use the host/));
  test("a guest using a package", () =>
    refused("guest/bad.ts", `import type { X } from "cborg";`, /may not use the host/));
  test("a folder without a place", () => refused("misc/bad.ts", "", /"misc" is not a layer/));
  test("a file that is not there", () => refused("kernel/bad.ts", `import "./gone.ts";`, /is not there/));
  test("a file outside src", () => refused("cli/bad.ts", `import "../../scripts/x.ts";`, /outside src/));

  test("a worker's file that is not there", () =>
    refused("node/bad.ts", `new URL("./gone.js", import.meta.url);`, /is not there/));

  test("a ring of files", () => {
    const ring = tree({
      "kernel/a.ts": `import { b } from "./b.ts";`,
      "kernel/b.ts": `import { type C } from "./c.ts";`,
      "kernel/c.ts": `export * from "./a.ts";`,
    });
    assert.deepEqual(checkLayering(ring), [
      "kernel/a.ts:1: imports itself: kernel/a.ts -> kernel/b.ts -> kernel/c.ts -> kernel/a.ts",
    ]);
  });
});

test("the check allows what the layers allow", () => {
  const files = tree({
    "limits.ts": "",
    "errors.ts": `import "./limits.ts";`,
    "abi/records.ts": `import "../limits.ts";`,
    "machine/page.ts": `import "node:crypto"; import type { R } from "../abi/records.ts";`,
    "kernel/thread.ts": `import "../machine/page.ts"; import "../errors.ts"; import "node:path"; export type T = 1;`,
    "kernel/process.ts": `import "./thread.ts"; export type P = 1;`,
    "kernel/wait.ts": `import type { P } from "./process.ts"; import type { T } from "./thread.ts";`,
    "node/node.ts": `import "../kernel/thread.ts"; new URL("./worker.js", import.meta.url);`,
    "node/worker.ts": `import type { N } from "./node.ts";`,
    "client/client.ts": `import "../abi/records.ts";`,
    "cli/main.ts": `import "commander"; import "../client/client.ts"; await import("../node/node.ts");`,
  });
  assert.deepEqual(checkLayering(files), []);
});
