/** The rules of CONTRIBUTING.md that a machine can check. */

import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { describe, test } from "node:test";
import { isAlone } from "../../scripts/test-order.ts";
import { publicSurface } from "../../scripts/public-surface.ts";
import { ERROR_CODES } from "../../src/errors.ts";

const LINES_MAX = 400;
/** Files that may be longer, each with the reason. */
const LONGER: Readonly<Record<string, string>> = {};

const FORBIDDEN_NAME = /^(utils?|helpers?|managers?|common|misc)\b/i;
const FOLDERS = ["src", "test", "bench", "scripts", "examples"];

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes("node_modules"))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

const sources = FOLDERS.flatMap(filesUnder).filter((path) => /\.(ts|js|c|java)$/.test(path));

/** Those of `paths` whose text has a line that `matches`, as `path:line: text`. */
function linesWhere(paths: readonly string[], matches: (line: string) => boolean): string[] {
  return paths.flatMap((path) =>
    readFileSync(path, "utf8")
      .split("\n")
      .flatMap((line, index) => (matches(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
  );
}

test(`no file of src is longer than ${LINES_MAX} lines`, () => {
  const tooLong = filesUnder("src")
    .filter((path) => path.endsWith(".ts") && !(path in LONGER))
    .map((path) => ({ path, lines: readFileSync(path, "utf8").split("\n").length - 1 }))
    .filter(({ lines }) => lines > LINES_MAX);
  assert.deepEqual(tooLong, []);
});

test("every exception to the length is needed", () => {
  const needless = Object.keys(LONGER).filter((path) => readFileSync(path, "utf8").split("\n").length - 1 <= LINES_MAX);
  assert.deepEqual(needless, []);
});

test("no work is left as a note in the code", () => {
  const note = new RegExp(`\\b(${["TO.DO", "FIX.ME", "X.X.X", "HA.CK"].join("|").replaceAll(".", "")})\\b`);
  const prose = readdirSync(".").filter((name) => name.endsWith(".md"));
  assert.deepEqual(
    linesWhere([...sources, ...prose], (line) => note.test(line)),
    [],
  );
});

test("a file is a noun", () => {
  assert.deepEqual(
    FOLDERS.flatMap(filesUnder).filter((path) => FORBIDDEN_NAME.test(basename(path))),
    [],
  );
});

/** Codes that nobody names because they pass through from the host's file system under the same name. */
const PASSED_THROUGH = new Set(["ENOTEMPTY"]);

test("every error code is thrown somewhere", () => {
  const text = filesUnder("src")
    .filter((path) => path.endsWith(".ts") && path !== join("src", "errors.ts"))
    .map((path) => readFileSync(path, "utf8"))
    .join("\n");
  const unused = Object.keys(ERROR_CODES).filter((code) => !PASSED_THROUGH.has(code) && !text.includes(`"${code}"`));
  assert.deepEqual(unused, []);
});

describe("doc comments", () => {
  for (const entry of ["src/guest/index.ts", "src/client/index.ts"]) {
    test(`of every function, class and value that ${entry} exports`, () => {
      const surface = publicSurface(entry);
      assert.ok(surface.length > 0, `${entry} exports nothing that was found`);
      assert.deepEqual(
        surface.filter(({ kind, doc }) => kind !== "type" && doc === "").map(({ file, name }) => `${file}: ${name}`),
        [],
      );
    });
  }

  test("are found where they are, and missed where they are not", (context) => {
    const root = mkdtempSync(join(tmpdir(), "godwit-surface-"));
    context.after(() => rmSync(root, { recursive: true, force: true }));
    writeFileSync(
      join(root, "part.ts"),
      `/** A. */\nexport class A {}\n// not a doc\nexport const b = 1;\nexport function inner() {}\n`,
    );
    writeFileSync(
      join(root, "index.ts"),
      `export { A, b } from "./part.ts";\n/** C. */\n\nfunction c() {}\nexport { c };\nexport interface D {}\nexport { x } from "a-package";\n`,
    );
    const surface = publicSurface(join(root, "index.ts")).map(({ kind, name, doc }) => `${kind} ${name}: ${doc}`);
    assert.deepEqual(surface, ["class A: A.", "value b: ", "function c: C.", "type D: "]);
  });
});

test("a file of tests that runs alone says so, and why, where the runner looks", () => {
  const tests = filesUnder("test").filter((path) => path.endsWith(".test.ts"));
  const marked = tests.filter((path) => readFileSync(path, "utf8").includes("\n * @alone"));
  assert.ok(marked.length > 0);
  for (const path of marked) assert.ok(isAlone(readFileSync(path, "utf8")), path);
  assert.equal(isAlone("/** One of many. */\n\n/**\n * @alone: too late\n */"), false);
  assert.equal(isAlone("/**\n * Without a reason.\n *\n * @alone:\n */"), false);
});
