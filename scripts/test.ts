/**
 * Runs the tests: `node dist/scripts/test.js [WORD...]`, where a word chooses the files whose path contains it. Node 20's
 * runner takes no patterns, and later ones no folders, so the files are found here.
 *
 * Most files wait more than they work: two run side by side. One that measures time or memory, or needs most of the machine,
 * says so (test-order.ts), and runs after them, with no other beside it.
 */

import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isAlone } from "./test-order.ts";

const TESTS = fileURLToPath(new URL("../test/", import.meta.url));
const SOURCES = fileURLToPath(new URL("../../test/", import.meta.url));
const SUMMARY = fileURLToPath(new URL("./test-summary.js", import.meta.url));
/** A test, or a file of tests that leaves something behind and so never ends, fails after this long. */
const TIMEOUT_MS = 30 * 60_000;
const LANES = Math.min(2, availableParallelism());

function sourceOf(path: string): Promise<string> {
  return readFile(join(SOURCES, path.replace(/\.js$/, ".ts")), "utf8");
}

/** Resolves with the exit code. @param told the file in which the summary is to be. */
function run(paths: readonly string[], lanes: number, told: string): Promise<number> {
  if (paths.length === 0) return Promise.resolve(0);
  const reporters = { spec: "stdout", [SUMMARY]: told };
  const reports = Object.entries(reporters).flatMap(([name, where]) => [
    `--test-reporter=${name}`,
    `--test-reporter-destination=${where}`,
  ]);
  const flags = ["--test", `--test-timeout=${TIMEOUT_MS}`, `--test-concurrency=${lanes}`, ...reports];
  const files = paths.map((path) => join(TESTS, path));
  const runner = spawn(process.execPath, [...flags, ...files], { stdio: "inherit" });
  return new Promise((resolve) => {
    runner.on("exit", (code, signal) => resolve(code ?? (signal === null ? 1 : 130)));
  });
}

const words = process.argv.slice(2);
const found = (await readdir(TESTS, { recursive: true }))
  .filter((path) => path.endsWith(".test.js"))
  .filter((path) => words.length === 0 || words.some((word) => path.includes(word)))
  .sort();
if (found.length === 0) throw new Error(`no test file's path contains ${words.join(" or ")}`);

const alone = new Set<string>();
for (const path of found) if (isAlone(await sourceOf(path))) alone.add(path);
const together = found.filter((path) => !alone.has(path));
const folder = await mkdtemp(join(tmpdir(), "godwit-tests-"));
try {
  const [first, second] = [join(folder, "together"), join(folder, "alone")];
  const codes = [await run(together, LANES, first), await run([...alone], 1, second)];
  process.exitCode = codes.find((code) => code !== 0) ?? 0;
  // Last of all, so that whoever sees only the end of it knows.
  for (const told of [first, second]) process.stdout.write(await readFile(told, "utf8").catch(() => ""));
} finally {
  await rm(folder, { recursive: true, force: true });
}
