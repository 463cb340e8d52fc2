/**
 * Runs the tests: `node dist/scripts/test.js [WORD...]`, where a word chooses the files whose path contains it. Node 20's
 * runner takes no patterns, and later ones no folders, so the files are found here.
 */

import { spawn } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const TESTS = fileURLToPath(new URL("../test/", import.meta.url));

const words = process.argv.slice(2);
const found = (await readdir(TESTS, { recursive: true }))
  .filter((path) => path.endsWith(".test.js"))
  .filter((path) => words.length === 0 || words.some((word) => path.includes(word)))
  .sort()
  .map((path) => join(TESTS, path));
if (found.length === 0) throw new Error(`no test file's path contains ${words.join(" or ")}`);

/** A test, or a file of tests that leaves something behind and so never ends, fails after this long. */
const TIMEOUT_MS = 30 * 60_000;

const flags = ["--test", `--test-timeout=${TIMEOUT_MS}`, "--test-reporter=spec"];
const runner = spawn(process.execPath, [...flags, ...found], { stdio: "inherit" });
runner.on("exit", (code, signal) => {
  process.exitCode = code ?? (signal === null ? 1 : 130);
});
