/** `godwit check`: what it finds, where it says it is, and what it lets pass. */

import assert from "node:assert/strict";
import { mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, suite, test } from "node:test";
import { fileURLToPath } from "node:url";
import { type Outcome, godwit } from "./command.ts";
import { temporaryFolder } from "./folder.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

interface Problem {
  readonly kind: string;
  readonly severity: string;
  readonly place?: { readonly file: string; readonly line: number; readonly column: number };
  readonly message: string;
}

interface Need {
  readonly flag: string;
  readonly names: readonly string[] | "all";
}

interface Found {
  readonly problems: readonly Problem[];
  readonly needs: readonly Need[];
  readonly bundle?: { readonly files: number };
}

/** The native compiler, and the last one in JavaScript. */
const TYPESCRIPT = ["node_modules/typescript", "test/packages/typescript-5/node_modules/typescript"] as const;

/** A project with TypeScript and godwit installed. */
function project(
  test: TestContext,
  files: Readonly<Record<string, string>>,
  typescript: (typeof TYPESCRIPT)[number] = TYPESCRIPT[0],
): string {
  const folder = temporaryFolder(test, files);
  mkdirSync(join(folder, "node_modules"), { recursive: true });
  symlinkSync(join(ROOT, typescript), join(folder, "node_modules/typescript"));
  symlinkSync(ROOT, join(folder, "node_modules/godwit"));
  return folder;
}

async function found(test: TestContext, folder: string, args: readonly string[]): Promise<Found & Outcome> {
  const outcome = await godwit(test, ["check", "--json", ...args], { folder });
  assert.equal(outcome.stderr, "");
  return { ...outcome, ...(JSON.parse(outcome.stdout) as Found) };
}

function lines(problems: readonly Problem[]): string[] {
  return problems.map(({ severity, place, message }) => {
    const where = place === undefined ? "" : `${place.file}:${place.line}:${place.column} `;
    return `${where}${severity} ${message.split(/[:;]/)[0]}`;
  });
}

suite("godwit check", { concurrency: 2, timeout: 120_000 }, () => {
  test("a program with nothing wrong, and what it will need", async (t) => {
    const folder = project(t, {
      "app.ts": `
        import { readFile, writeFile, open, promises, self, spawn, sleep } from "godwit";
        import note from "./note.txt";
        import { part } from "./part.tsx";
        sleep(1);
        console.log(note, part, readFile("data/a.txt").length, self.environment["HOME"]);
        void promises.readFile("b.txt");
        open("log", { append: true });
        writeFile("out", note);
        for (const name of ["x", "y"]) spawn(name);
        setTimeout(() => {}, 1);`,
      "part.tsx": "export const part: string = 'p';",
      "note.txt": "note",
    });
    const { code, problems, needs, bundle } = await found(t, folder, ["app.ts"]);
    assert.deepEqual(problems, []);
    assert.equal(code, 0);
    assert.equal(bundle?.files, 3);
    assert.deepEqual(
      needs.map(({ flag, names }) => [flag, names]),
      [
        ["--allow-env", "all"],
        ["--allow-read", ["b.txt", "data/a.txt"]],
        ["--allow-run", "all"],
        ["--allow-write", ["log", "out"]],
      ],
    );
    const { stdout } = await godwit(t, ["check", "app.ts"], { folder });
    assert.match(stdout, /^ {2}--allow-read=b\.txt,data\/a\.txt {2}\(.*readFile at app\.ts:\d+:\d+ and 1 more\)$/m);
    assert.match(stdout, /^app\.ts: fine \(3 files, \d+ kB\)$/m);
  });

  for (const typescript of TYPESCRIPT)
    test(`a server, its options first, last or with its handler: ${typescript}`, async (t) => {
      const folder = project(
        t,
        {
          "app.ts": `import { listen, serve } from "godwit";
serve({ port: 8080 }, (request) => new Response(request.url));
serve(async (request, { HOME }) => new Response(request.url + HOME), { name: "web", organisation: "iterative" });
serve({ port: 8080, hostname: "::1", handler: (request) => new Response(request.url), onError: String });
serve({ port: 8080 }, { fetch: (request) => new Response(request.url) });
for (const { remote } of listen({ port: 7000, transport: "udp" })) console.log(remote);
serve({ port: "8080" }, () => new Response());
serve({ port: 8080 });
`,
          "tsconfig.json": `{ "extends": "godwit/tsconfig.json" }`,
        },
        typescript,
      );
      const { problems, needs } = await found(t, folder, ["app.ts"]);
      assert.deepEqual(
        problems.map(({ place }) => place?.line),
        [4, 7, 8],
      );
      assert.deepEqual(
        needs.map(({ flag, names }) => [flag, names]),
        [["--allow-listen", "all"]],
      );
    });

  for (const typescript of TYPESCRIPT)
    test(`types, with the project's own settings and declarations: ${typescript}`, (t) => projectTypes(t, typescript));

  async function projectTypes(t: TestContext, typescript: (typeof TYPESCRIPT)[number]): Promise<void> {
    const files = {
      "src/app.ts": `const a: string[] = ["x"];\nconst b: string = a[0];\nconsole.log(b, GIVEN);\nexport {};\n`,
      "src/given.d.ts": "declare const GIVEN: number;\n",
      "src/other.ts": "const broken: string = 1;\n",
      "tsconfig.json": `{ "extends": "godwit/tsconfig.json", "compilerOptions": { "noUncheckedIndexedAccess": true } }`,
    };
    const folder = project(t, files, typescript);
    const { code, problems } = await found(t, folder, ["src/app.ts"]);
    assert.deepEqual(lines(problems), [
      "src/app.ts:2:7 error TS2322",
      "src/app.ts:3:16 error `GIVEN` is declared nowhere, and guests have no such global",
    ]);
    assert.equal(code, 1);
    assert.deepEqual(readdirSync(join(folder, "node_modules/.cache/godwit")), [], "nothing is left behind");
  }

  test("globals that guests lack: at their places, not where the program knows better, a warning in packages", async (t) => {
    const folder = project(t, {
      "app.js": `
import { shown } from "a-package";
import "./lower.js";
const Bun = { own: true };
const é = "é"; console.log(é, Deno.args, Bun, shown);
{ const process = { env: {} }; console.log(process.env); }
if (typeof window !== "undefined") console.log(window.name);
try { console.log(document.title); } catch { console.log("no page"); }
console.log(globalThis.navigator, { location: 1 }.location);
import("./later.js");`,
      "lower.js": `using held = { [Symbol.dispose]() {} };\nconsole.log(Intl);\n`,
      "later.js": `export const x = () => localStorage;`,
      "node_modules/a-package/package.json": `{ "type": "module", "exports": "./index.js" }`,
      "node_modules/a-package/index.js": `export const shown = () => [document, document, typeof indexedDB];`,
    });
    const { code, problems } = await found(t, folder, ["app.js"]);
    assert.deepEqual(lines(problems), [
      "app.js:5:31 error `Deno` does not exist in guests",
      "later.js:1:24 error `localStorage` does not exist in guests",
      "lower.js:2:13 error `Intl` does not exist in guests",
      "node_modules/a-package/index.js:1:29 warning `document` does not exist in guests",
    ]);
    assert.equal(code, 1);
  });

  test("a warning is no failure", async (t) => {
    const folder = project(t, {
      "app.js": `import { f } from "p"; console.log(f);`,
      "node_modules/p/index.js": `exports.f = () => document.title;`,
    });
    const { code, stdout } = await godwit(t, ["check", "app.js"], { folder });
    assert.equal(code, 0);
    assert.match(stdout, /^node_modules\/p\/index\.js:1:19: warning: `document`/);
    assert.match(stdout, /app\.js: 1 warning \(2 files/);
  });

  test("modules of Node.js that a package asks for as it runs, but not those that it only tries for", async (t) => {
    const folder = project(t, {
      "app.js": `import p from "p"; console.log(p); import { basename } from "node:path"; console.log(basename("a/b"));`,
      "node_modules/p/index.js": `
let fs;
try { fs = require("fs"); } catch { fs = null; }
exports.connect = () => require("net").connect(1, fs);`,
    });
    const { code, problems } = await found(t, folder, ["app.js"]);
    assert.deepEqual(
      problems.map(({ kind, place }) => `${place?.file}:${place?.line} ${kind}`),
      ["node_modules/p/index.js:4 compile"],
    );
    assert.match(problems[0]?.message ?? "", /^"net" /);
    assert.equal(code, 1);
  });

  test("what cannot be bundled is told once, with the types beside it", async (t) => {
    const folder = project(t, {
      "app.ts": `import fs from "node:child_process";\nimport { a } from "./gone.ts";\nconst n: string = 1;\nconsole.log(fs, a, n);\n`,
      "broken.ts": `const = 1;\n`,
    });
    const { code, problems, bundle } = await found(t, folder, ["app.ts"]);
    assert.deepEqual(
      problems.map(({ kind, place }) => `${place?.line}:${place?.column} ${kind}`),
      ["1:16 compile", "2:19 compile", "3:7 type"],
    );
    assert.match(problems[0]?.message ?? "", /"node:child_process" .*`spawn` of "godwit"/s);
    assert.deepEqual([code, bundle], [1, undefined]);
    const broken = await found(t, folder, ["broken.ts"]);
    assert.deepEqual(
      broken.problems.map(({ kind, place }) => `${place?.line}:${place?.column} ${kind}`),
      ["1:7 compile"],
    );
  });

  test("a project without TypeScript hears how to get it, or leaves types out", async (t) => {
    const folder = temporaryFolder(t, { "app.ts": "const n: string = 1; console.log(n);" });
    const without = await found(t, folder, ["app.ts"]);
    assert.match(without.problems[0]?.message ?? "", /npm install -D typescript/);
    assert.equal(without.code, 1);
    assert.deepEqual(await found(t, folder, ["--no-types", "app.ts"]).then(({ code }) => code), 0);
  });

  test("without settings and without godwit installed, types of the library are found all the same", async (t) => {
    const folder = temporaryFolder(t, { "app.ts": `import { self } from "godwit";\nconst n: string = self.pid;\n` });
    mkdirSync(join(folder, "node_modules"));
    symlinkSync(join(ROOT, "node_modules/typescript"), join(folder, "node_modules/typescript"));
    assert.deepEqual(lines((await found(t, folder, ["app.ts"])).problems), ["app.ts:2:7 error TS2322"]);
  });

  test("no such file", async (t) => {
    const { code, stderr } = await godwit(t, ["check", "gone.ts"], { folder: temporaryFolder(t) });
    assert.equal(code, 1);
    assert.match(stderr, /there is no program gone\.ts/);
  });
});
