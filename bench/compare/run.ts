/**
 * The programs to compare with: POSIX threads in C, Java threads, and Node's own ways to start a program. Compiles and
 * runs what this machine has the tools for, and says which it has not.
 *
 *     node dist/bench/compare/run.js
 */

import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type Row, rowsFrom } from "../row.ts";
import { tableOf } from "../table.ts";

const STEP_TIMEOUT_MS = 120_000;
const SOURCES = fileURLToPath(new URL("../../../bench/compare/", import.meta.url));
const execute = promisify(execFile);

/** What was measured, and what could not be for want of a tool: "Java threads (javac is not installed)". */
export interface Comparison {
  readonly rows: readonly Row[];
  readonly missing: readonly string[];
}

/** Runs every comparison program that this machine can compile; they run one after the other, alone. */
export async function compare(): Promise<Comparison> {
  const scratch = await mkdtemp(join(tmpdir(), "godwit-compare-"));
  try {
    const rows: Row[] = [];
    const missing: string[] = [];
    const attempt = async (what: string, measure: () => Promise<Row[]>): Promise<void> => {
      try {
        rows.push(...(await measure()));
      } catch (error) {
        if (!isMissingTool(error)) throw error;
        missing.push(`${what} (${error.path} is not installed)`);
      }
    };
    await attempt("POSIX threads in C", () => posixThreads(scratch));
    await attempt("Java threads", () => javaThreads(scratch));
    await attempt("Java threads on one core", () => rowsOf("taskset", ["-c", "0", ...java(scratch, "one core")]));
    await attempt("programs started by Node", () => rowsOf(process.execPath, [compiled("./node-spawn.js")]));
    return { rows, missing };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function posixThreads(scratch: string): Promise<Row[]> {
  const program = join(scratch, "pthreads");
  await run("cc", ["-O2", "-pthread", "-o", program, join(SOURCES, "pthreads.c")]);
  return rowsOf(program, []);
}

async function javaThreads(scratch: string): Promise<Row[]> {
  await run("javac", ["-d", scratch, join(SOURCES, "Threads.java")]);
  const [command = "", ...options] = java(scratch, "any core");
  return rowsOf(command, options);
}

function java(classes: string, label: string): string[] {
  return ["java", "-cp", classes, "Threads", label];
}

function compiled(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}

async function rowsOf(command: string, options: readonly string[]): Promise<Row[]> {
  return rowsFrom(await run(command, options));
}

async function run(command: string, options: readonly string[]): Promise<string> {
  const { stdout } = await execute(command, options, { timeout: STEP_TIMEOUT_MS });
  return stdout;
}

function isMissingTool(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "code" in error && error.code === "ENOENT" && "syscall" in error;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { rows, missing } = await compare();
  console.log(tableOf("To compare with", rows));
  for (const what of missing) console.error(`NOT MEASURED: ${what}`);
}
