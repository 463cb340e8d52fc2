/** Threads to compare with: POSIX threads in C, Java threads. Compiles what this machine has the tools for. */

import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type Row, rowsFrom } from "../row.ts";

const STEP_TIMEOUT_MS = 120_000;
const SOURCES = fileURLToPath(new URL("../../../bench/compare/", import.meta.url));
const execute = promisify(execFile);

/** Compiled programs, each of which measures and returns its rows; and what could not be compiled for want of a tool. */
export interface ThreadPrograms {
  readonly programs: readonly (() => Promise<Row[]>)[];
  readonly missing: readonly string[];
  /** Removes what was compiled. */
  remove(): Promise<void>;
}

export async function threadPrograms(): Promise<ThreadPrograms> {
  const scratch = await mkdtemp(join(tmpdir(), "godwit-compare-"));
  const remove = () => rm(scratch, { recursive: true, force: true });
  const programs: (() => Promise<Row[]>)[] = [];
  const missing: string[] = [];
  const attempt = async (what: string, prepare: () => Promise<() => Promise<Row[]>>): Promise<void> => {
    try {
      programs.push(await prepare());
    } catch (error) {
      if (!isMissingTool(error)) throw error;
      missing.push(`${what} (${error.path} is not installed)`);
    }
  };
  const pthreads = join(scratch, "pthreads");
  const java = (where: string): string[] => ["-cp", scratch, "Threads", where];
  try {
    await attempt("POSIX threads in C", async () => {
      await run("cc", ["-O2", "-pthread", "-o", pthreads, join(SOURCES, "pthreads.c")]);
      return () => rowsOf(pthreads, []);
    });
    await attempt("Java threads", async () => {
      await run("javac", ["-d", scratch, join(SOURCES, "Threads.java")]);
      await run("java", ["-version"]);
      return () => rowsOf("java", java("any core"));
    });
    await attempt("Java threads on one core", async () => {
      await run("taskset", ["--version"]);
      await run("java", ["-version"]);
      return () => rowsOf("taskset", ["-c", "0", "java", ...java("one core")]);
    });
  } catch (error) {
    await remove();
    throw error;
  }
  return { programs, missing, remove };
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
