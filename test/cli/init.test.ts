/** `godwit init`: projects that work with the package as npm packs it, and nothing overwritten. */

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, after, before, suite, test } from "node:test";
import { fileURLToPath } from "node:url";
import { type Outcome, Running, godwit } from "./command.ts";
import { temporaryFolder, until } from "./folder.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

suite("godwit init", { timeout: 180_000 }, () => {
  /** The package as it would be installed, with its dependencies. */
  let installed = "";
  let home = "";

  before(() => {
    home = mkdtempSync(join(tmpdir(), "godwit-test-"));
    const args = ["pack", "--ignore-scripts", "--offline", "--json", "--pack-destination", home];
    const [packed] = JSON.parse(
      execFileSync("npm", args, { cwd: ROOT, stdio: ["ignore", "pipe", "ignore"] }).toString(),
    );
    execFileSync("tar", ["-xzf", join(home, packed.filename), "-C", home]);
    installed = join(home, "package");
    symlinkSync(join(ROOT, "node_modules"), join(installed, "node_modules"));
  });
  after(() => rmSync(home, { recursive: true, force: true }));

  /** The packed command, in a folder. */
  function packed(t: TestContext, folder: string, args: readonly string[], input = ""): Promise<Outcome> {
    const command = join(installed, "dist/src/cli/main.js");
    const child = spawn(process.execPath, [command, ...args], { cwd: folder, env: { ...process.env, NO_COLOR: "1" } });
    t.after(() => child.kill("SIGKILL"));
    child.stdin.end(input);
    return new Running(child).ended;
  }

  async function made(t: TestContext, kind: string, ...packages: readonly string[]): Promise<string> {
    const folder = temporaryFolder(t);
    const { code, stderr, stdout } = await packed(t, folder, ["init", "My App", "--template", kind]);
    assert.deepEqual([code, stderr], [0, ""]);
    assert.match(stdout, /^Made \.gitignore, README\.md, package\.json, src\/app\.ts, tsconfig\.json in /);
    const project = join(folder, "My App");
    mkdirSync(join(project, "node_modules"));
    symlinkSync(installed, join(project, "node_modules/godwit"));
    for (const name of ["typescript", ...packages])
      symlinkSync(join(ROOT, "node_modules", name), join(project, "node_modules", name));
    return project;
  }

  test("the worker: made, checked, run", async (t) => {
    const project = await made(t, "worker");
    const manifest = JSON.parse(readFileSync(join(project, "package.json"), "utf8"));
    const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    assert.deepEqual([manifest.name, manifest.dependencies], ["my-app", { godwit: `^${version}` }]);
    assert.match(readFileSync(join(project, "README.md"), "utf8"), /^# my-app\n/);
    assert.equal(readFileSync(join(project, ".gitignore"), "utf8").split("\n")[0], "node_modules/");
    const checked = await packed(t, project, ["check", "src/app.ts"]);
    assert.match(checked.stdout, /^src\/app\.ts: fine/);
    assert.equal(checked.code, 0);
    const run = await packed(t, project, ["run", "src/app.ts"], "one\ntwo\nthree\n");
    assert.equal(run.code, 0, run.stderr);
    const lines = run.stdout.trimEnd().split("\n");
    assert.equal(lines.pop(), "3 lines");
    assert.deepEqual(lines.map((line) => line.replace(/^worker \d: /, "")).sort(), ["ONE", "THREE", "TWO"]);
  });

  for (const [kind, packages] of [
    ["plain", []],
    ["hono", ["hono"]],
  ] as const) {
    test(`the ${kind} application: made, checked, served`, async (t) => {
      const project = await made(t, kind, ...packages);
      const checked = await packed(t, project, ["check", "--json", "src/app.ts"]);
      const { problems, needs } = JSON.parse(checked.stdout) as { problems: { severity: string }[]; needs: unknown[] };
      assert.deepEqual(
        problems.filter(({ severity }) => severity === "error"),
        [],
      );
      assert.deepEqual([checked.code, kind === "plain" ? needs : []], [0, []]);
      const command = join(installed, "dist/src/cli/main.js");
      const args = [command, "run", "--listen", "0", "src/app.ts"];
      const running = new Running(spawn(process.execPath, args, { cwd: project }));
      t.after(() => running.child.kill("SIGKILL"));
      await until(() => /Listening on \S+\n/.test(running.stderr) || running.child.exitCode !== null);
      const [, url = ""] = /Listening on (\S+)/.exec(running.stderr) ?? [];
      assert.match(url, /^http:/, running.stderr);
      assert.match(await (await fetch(url)).text(), /^Hello from process \d+\. (Visits: 1|Notes: 0)\n$/);
      const post = (path: string, body: string) =>
        fetch(new URL(path, url), { method: "POST", body, headers: { "content-type": "application/json" } });
      if (kind === "plain") {
        assert.deepEqual(await (await post("/echo", "hi")).json(), { youSent: "hi" });
        assert.equal((await fetch(new URL("/gone", url))).status, 404);
      } else {
        assert.equal((await post("/notes", `{ "text": 1 }`)).status, 400);
        assert.equal((await post("/notes", `{ "text": "first" }`)).status, 201);
        assert.deepEqual(await (await fetch(new URL("/notes/1", url))).json(), { id: 1, text: "first" });
      }
    });
  }

  test("nothing is overwritten, and then nothing is written", async (t) => {
    const folder = temporaryFolder(t, { "README.md": "mine", "src/app.ts": "mine too" });
    const { code, stderr } = await godwit(t, ["init"], { folder });
    assert.equal(code, 1);
    assert.match(stderr, /README\.md, src\/app\.ts are there already/);
    assert.deepEqual(readdirSync(folder), ["README.md", "src"]);
    assert.equal(readFileSync(join(folder, "README.md"), "utf8"), "mine");
  });

  test("beside other files; a template that is none; a directory that cannot be one", async (t) => {
    const folder = temporaryFolder(t, { LICENSE: "mine" });
    const { code, stdout } = await godwit(t, ["init", "--json"], { folder });
    assert.equal(code, 0);
    assert.deepEqual(JSON.parse(stdout).files, [
      ".gitignore",
      "README.md",
      "package.json",
      "src/app.ts",
      "tsconfig.json",
    ]);
    assert.ok(existsSync(join(folder, "src/app.ts")));
    const unknown = await godwit(t, ["init", "x", "--template", "rails"], { folder });
    assert.equal(unknown.code, 2);
    assert.match(unknown.stderr, /plain, hono, worker/);
    const inFile = await godwit(t, ["init", "LICENSE"], { folder });
    assert.equal(inFile.code, 1);
    assert.match(inFile.stderr, /cannot write a project into/);
  });
});
