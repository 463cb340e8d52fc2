/** `.ci/run` goes through all of its sections, and fails when any one of them does. */

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { describe, test, type TestContext } from "node:test";

const RUN_TIMEOUT_MS = 30_000;

const STEPS = [
  "ci",
  "run --silent web-platform-tests -- --if-possible",
  "test",
  "run --silent lint",
  "run --silent check:format",
  "run --silent check:types",
  "run --silent check:layers",
  "run --silent check:dead-code",
  "run --silent docs",
];

interface Outcome {
  readonly code: number | null;
  readonly output: string;
  /** What npm was asked for, in order. */
  readonly asked: readonly string[];
}

/** Runs a copy of `.ci/run` in an empty repository, where npm only notes what it is asked and does `act`. */
function runCi(context: TestContext, act: string): Outcome {
  const root = mkdtempSync(join(tmpdir(), "godwit-ci-"));
  context.after(() => rmSync(root, { recursive: true, force: true }));
  const repository = join(root, "repository");
  mkdirSync(repository);
  mkdirSync(join(root, "bin"));
  cpSync(".ci", join(repository, ".ci"), { recursive: true });
  execFileSync("git", ["init", "--quiet"], { cwd: repository });
  const log = join(root, "asked");
  writeFileSync(log, "");
  writeFileSync(
    join(root, "bin", "npm"),
    `#!/bin/sh\n[ "$1" = --version ] && exit 0\necho "$*" >> "${log}"\n${act}\nexit 0\n`,
    { mode: 0o755 },
  );
  const { status, stdout, stderr } = spawnSync(join(repository, ".ci", "run"), {
    env: { ...process.env, PATH: `${join(root, "bin")}${delimiter}${process.env["PATH"] ?? ""}` },
    encoding: "utf8",
    timeout: RUN_TIMEOUT_MS,
  });
  return { code: status, output: stdout + stderr, asked: readFileSync(log, "utf8").split("\n").slice(0, -1) };
}

describe(".ci/run", () => {
  test("does every step, in order", (context) => {
    const { code, output, asked } = runCi(context, "");
    assert.equal(code, 0, output);
    assert.deepEqual(asked, STEPS);
    assert.match(output, /all passed/);
  });

  for (const [index, step] of STEPS.entries()) {
    test(`stops with a failure when "npm ${step}" fails`, (context) => {
      const { code, output, asked } = runCi(context, `[ "$*" = "${step}" ] && exit 3`);
      assert.equal(code, 3, output);
      assert.deepEqual(asked, STEPS.slice(0, index + 1));
      assert.match(output, /FAILED in: /);
    });
  }

  test("fails when a step leaves a file behind in the repository", (context) => {
    const { code, output } = runCi(context, "touch generated.md");
    assert.equal(code, 1, output);
    assert.match(output, /generated\.md/);
    assert.match(output, /FAILED in: what is generated is up to date/);
  });
});
