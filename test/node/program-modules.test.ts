/** What a program may import and use of Node's: what is bundled, for whom, and what is said of what guests lack. */

import assert from "node:assert/strict";
import { type TestContext, suite, test } from "node:test";
import { GodwitError } from "../../src/errors.ts";
import { type Program, compileProgram } from "../../src/node/program.ts";
import { evaluate } from "../cli/guest.ts";
import { temporaryFolder } from "../cli/folder.ts";

const EXPORTS = ["exit", "inspect", "kill", "monotonic", "self", "stderr", "stdout"];

type Files = Readonly<Record<string, string>>;

async function compiled(test: TestContext, files: Files): Promise<Program> {
  const workingDirectory = temporaryFolder(test, files);
  return compileProgram(Object.keys(files)[0] ?? "", { guestExports: EXPORTS, workingDirectory });
}

async function refusal(test: TestContext, files: Files): Promise<string> {
  const error: unknown = await compiled(test, files).then(
    () => assert.fail("it compiled"),
    (error: unknown) => error,
  );
  assert(error instanceof GodwitError && error.code === "ENOEXEC", String(error));
  return error.message;
}

/** Stands for the library, in an engine without one. */
const SETTING = `globalThis.__godwit = { exports: { self: { environment: { FOO: "bar" }, arguments: ["x"], program: "p" }, monotonic: () => 5, inspect: String } };`;

async function output(program: Program): Promise<unknown> {
  const { output, error } = await evaluate(program, SETTING);
  assert.equal(error, undefined);
  return JSON.parse(output);
}

suite("modules of Node's", () => {
  test("by both names, and by require, are one module", async (t) => {
    const program = await compiled(t, {
      "main.ts": `
        import events, { EventEmitter } from "node:events"; import { EventEmitter as Bare } from "events";
        import { join } from "path"; import posix from "node:path/posix";
        const required = require("events"), assert = require("node:assert");
        print(JSON.stringify([events === Bare, required === EventEmitter, typeof assert, join("a", "../b"), posix.sep]));`,
    });
    assert.deepEqual(await output(program), [true, true, "function", "b", "/"]);
    assert.deepEqual(
      program.inputs.map((input) => input.split("/").at(-1)),
      ["main.ts"],
      "godwit's own files are none of the program's",
    );
  });

  test("only what is used of them is in the bundle; a program without them has nothing of it", async (t) => {
    const plain = await compiled(t, { "a.ts": `print(1);` });
    assert.equal(plain.source.trim(), "// a.ts\nprint(1);");
    const small = await compiled(t, { "a.ts": `import { inherits } from "node:util"; print(typeof inherits);` });
    assert.doesNotMatch(small.source, /parseArgs|isDeepStrictEqual|TextDecoder/);
    assert(small.source.length < 1000, small.source);
    const unused = await compiled(t, { "a.ts": `import { Buffer } from "node:buffer"; print(1);` });
    assert.doesNotMatch(unused.source, /Buffer/);
  });

  test("a package's own browser map goes before them, and they before a package of the same name", async (t) => {
    const program = await compiled(t, {
      "main.js": `import mapped from "mapped"; import path from "path"; print(JSON.stringify([mapped, path.sep]));`,
      "node_modules/mapped/package.json": `{ "main": "m.js", "browser": { "util": "./own.js", "crypto": false, "fs": false } }`,
      "node_modules/mapped/m.js": `module.exports = [require("util"), require("crypto"), require("fs"), typeof require("url").parse];`,
      "node_modules/mapped/own.js": `module.exports = "its own";`,
      "node_modules/path/package.json": `{ "main": "p.js" }`,
      "node_modules/path/p.js": `module.exports = { sep: "of the package" };`,
    });
    assert.deepEqual(await output(program), [["its own", {}, {}, "function"], "/"]);
  });

  test("a package of a name that Node has and guests lack is taken", async (t) => {
    const program = await compiled(t, {
      "main.js": `import os from "os"; print(JSON.stringify(os));`,
      "node_modules/os/package.json": `{ "main": "o.js" }`,
      "node_modules/os/o.js": `module.exports = "a package";`,
    });
    assert.equal(await output(program), "a package");
  });

  test("conditions of exports, in the package's order", async (t) => {
    const program = await compiled(t, {
      "main.js": `import a from "a"; import b from "b"; import c from "c"; import d from "d"; const e = require("d");
        print(JSON.stringify([a, b, c, d, e]));`,
      ...packageOf("a", { node: "n", godwit: "g", default: "d" }),
      ...packageOf("b", { node: "n", worker: "w", browser: "b" }),
      ...packageOf("c", { deno: "x", browser: "b", default: "d" }),
      ...packageOf("d", { require: "r", import: "i" }),
    });
    assert.deepEqual(await output(program), ["g", "w", "b", "i", "r"]);
  });
});

function packageOf(name: string, exports: Readonly<Record<string, string>>): Files {
  const entries = Object.entries(exports);
  return {
    [`node_modules/${name}/package.json`]: JSON.stringify({
      exports: Object.fromEntries(entries.map(([condition, file]) => [condition, `./${file}.js`])),
    }),
    ...Object.fromEntries(
      entries.map(([, file]) => [`node_modules/${name}/${file}.js`, `module.exports = ${JSON.stringify(file)};`]),
    ),
  };
}

suite("names of Node's without an import", () => {
  test("process: uses count, probes say that this is not Node", async (t) => {
    const program = await compiled(t, {
      "a.ts": `
        const probe = typeof process !== "undefined" && process.versions?.node ? "node" : "other";
        print(JSON.stringify([probe, typeof process, process.env.FOO, process.env.NODE_ENV, process.env.GONE ?? null,
          process.cwd(), process.platform, process.argv.slice(2), process.browser]));`,
    });
    const expected = ["other", "undefined", "bar", "production", null, "/", "browser", ["x"], true];
    assert.deepEqual(await output(program), expected);
  });

  test("a program's own names are its own", async (t) => {
    const program = await compiled(t, {
      "a.ts": `
        const f = (process: { env: unknown; exit(): string }, Buffer: string) => [process.env, process.exit(), Buffer];
        print(JSON.stringify(f({ env: 1, exit: () => "own" }, "b")));`,
    });
    assert.deepEqual(await output(program), [1, "own", "b"]);
    assert.doesNotMatch(program.source, /nextTick|base64/);
  });
});

suite("modules that guests lack", () => {
  for (const [specifier, advice] of [
    ["node:fs", /--allow-read/],
    ["fs/promises", /the file functions of "godwit"/],
    ["node:net", /`fetch` and `WebSocket`/],
    ["http", /`export default \{ fetch \}`/],
    ["node:zlib", /`CompressionStream`/],
    ["node:worker_threads", /`Thread` of "godwit"/],
    ["node:v8", /nothing takes its place/],
  ] as const) {
    test(`${specifier}: an error with its place and what to use instead`, async (t) => {
      const message = await refusal(t, { "a.ts": `const a = 1;\nimport * as it from "${specifier}"; print(it, a);` });
      assert.match(message, new RegExp(`"${specifier}" is a module of Node\\.js that guests do not have`));
      assert.match(message, advice);
      assert.match(message, /a\.ts:2:20:/);
    });
  }

  test("required by a package that cannot do without: the package's file and line", async (t) => {
    const message = await refusal(t, {
      "a.js": `import "needy";`,
      "node_modules/needy/package.json": `{ "main": "n.js" }`,
      "node_modules/needy/n.js": `const a = 1;\nconst net = require("net");`,
    });
    assert.match(message, /node_modules\/needy\/n\.js:2:20:/);
  });

  test("tried by a package that can: it fails as in Node, when it runs", async (t) => {
    const program = await compiled(t, {
      "a.js": `import tried from "tried"; print(JSON.stringify(tried));`,
      "node_modules/tried/package.json": `{ "main": "t.js" }`,
      "node_modules/tried/t.js": `
        const codes = [];
        try { require("fs"); } catch (error) { codes.push(error.code, error.message.slice(0, 23)); }
        const name = "ne" + "t";
        try { require(name); } catch (error) { codes.push(error.code); }
        module.exports = codes;`,
    });
    assert.deepEqual(await output(program), ["MODULE_NOT_FOUND", "Cannot find module 'fs'", "MODULE_NOT_FOUND"]);
  });

  test("a dynamic import of what is there is bundled, of what is not is a rejection", async (t) => {
    const program = await compiled(t, {
      "a.ts": `
        const { name } = await import("./lib.ts");
        let missing = "there"; try { await import("node:net"); } catch { missing = "rejected"; }
        print(JSON.stringify([name, missing]));`,
      "lib.ts": `export const name = "lib";`,
    });
    assert.deepEqual(await output(program), ["lib", "rejected"]);
  });
});

suite("JSX", () => {
  const runtime = (name: string): Files => ({
    [`node_modules/${name}/package.json`]: `{ "exports": { "./jsx-runtime": "./j.js" } }`,
    [`node_modules/${name}/j.js`]: `exports.jsx = exports.jsxs = (type, { children }) => "${name}:" + type + ":" + children;`,
  });
  const source = `print(JSON.stringify(<b>x</b>));`;

  test("by React's automatic runtime, unless something else is said", async (t) => {
    assert.equal(await output(await compiled(t, { "a.tsx": source, ...runtime("react") })), "react:b:x");
  });

  test("as the project's tsconfig.json says", async (t) => {
    const config = (options: object) => ({ "tsconfig.json": JSON.stringify({ compilerOptions: options }) });
    const imported = {
      "a.tsx": source,
      ...runtime("preact"),
      ...config({ jsx: "react-jsx", jsxImportSource: "preact" }),
    };
    assert.equal(await output(await compiled(t, imported)), "preact:b:x");
    const h = `const h = (type: string, _: null, child: string) => "h:" + type + ":" + child; ${source}`;
    assert.equal(
      await output(await compiled(t, { "a.tsx": h, ...config({ jsx: "react", jsxFactory: "h" }) })),
      "h:b:x",
    );
  });

  test("as a pragma of the file says", async (t) => {
    const pragma = `/** @jsxImportSource preact */\n${source}`;
    assert.equal(await output(await compiled(t, { "a.tsx": pragma, ...runtime("preact") })), "preact:b:x");
  });
});

test("a process that may read nothing but its program may import modules of Node's", async (t) => {
  const folder = temporaryFolder(t, {
    "a.ts": `import { Readable } from "node:stream"; import assert from "assert"; import "./b.ts"; print(typeof Readable, typeof assert);`,
    "b.ts": "",
    "c.ts": `import "./d.ts";`,
    "d.ts": "secret",
  });
  const options = {
    guestExports: EXPORTS,
    workingDirectory: folder,
    mayRead: (path: string) => Promise.resolve(!path.endsWith("d.ts")),
  };
  assert.match((await compileProgram("a.ts", options)).source, /Readable/);
  await assert.rejects(compileProgram("c.ts", options), /d\.ts was not given to the process/);
});
