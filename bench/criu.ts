/**
 * What CRIU does with a Node program of like size: it is stopped and written to a folder in memory, and brought back from
 * there. Only where there is a criu that works with this machine's kernel; whether it does, it says itself (`criu check`).
 */

import { execFile, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import type { Extent, Group } from "./benchmark.ts";
import { type Row, rowOf } from "./row.ts";

const run = promisify(execFile);
const TIMEOUT_MS = 60_000;
const RUNS = 10;
const SIZES_MB = [2, 64];
const TITLE = "CRIU: a Node program is stopped, written, and brought back";

/** Holds the heap and says so; then it only waits. */
const PROGRAM = `
const heap = new Uint32Array(Number(process.argv[1]) * 2 ** 18);
for (let i = 0, x = 1; i < heap.length; i++) heap[i] = x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
require("node:fs").writeFileSync(process.argv[2], String(heap[heap.length - 1]));
setInterval(() => {}, 1000);`;

export async function measureCriu({ quick }: Extent): Promise<Group> {
  const found = await findCriu();
  if ("missing" in found)
    return { title: TITLE, rows: [], goals: [], missing: [`a Node program under CRIU: ${found.missing}`] };
  const rows: Row[] = [];
  const missing: string[] = [];
  for (const mb of quick ? SIZES_MB.slice(0, 1) : SIZES_MB)
    try {
      const samples: number[] = [];
      for (let turn = 0; turn < (quick ? 1 : RUNS); turn++) samples.push(await thereAndBack(found.path, mb));
      rows.push(rowOf(`${mb} MB`, "ms", samples));
    } catch (error) {
      missing.push(`a Node program of ${mb} MB under CRIU: ${firstError(error)}`);
    }
  return { title: TITLE, rows, goals: [], missing };
}

/** One that works here, or why there is none. */
async function findCriu(): Promise<{ path: string } | { missing: string }> {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"];
  const path = folders.map((folder) => join(folder, "criu")).find((each) => existsSync(each));
  if (path === undefined) return { missing: "criu is not installed" };
  try {
    const { stdout } = await run(path, ["--version"], { timeout: TIMEOUT_MS });
    const version = /Version: *(\S+)/.exec(stdout)?.[1] ?? "of unknown version";
    return await run(path, ["check"], { timeout: TIMEOUT_MS }).then(
      () => ({ path }),
      (error: unknown) => ({ missing: `criu ${version} does not work with this kernel: ${firstError(error)}` }),
    );
  } catch (error) {
    return { missing: `criu does not start: ${firstError(error)}` };
  }
}

function firstError(error: unknown): string {
  const text = error instanceof Error && "stderr" in error ? String(error.stderr) || error.message : String(error);
  const line = text.split("\n").find((each) => each.includes("Error") && !each.includes("exited, status"));
  return (line ?? text.split("\n")[0] ?? "").trim();
}

/** Milliseconds from the request to stop it until it runs again. */
async function thereAndBack(criu: string, mb: number): Promise<number> {
  const memory = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
  const folder = mkdtempSync(join(memory, "godwit-criu-"));
  const images = join(folder, "images");
  mkdirSync(images);
  const sign = join(folder, "ready");
  // In a session of its own, as its number is used again.
  const child = spawn(process.execPath, ["-e", PROGRAM, String(mb), sign], { detached: true, stdio: "ignore" });
  const pid = child.pid ?? 0;
  try {
    const deadlineMs = performance.now() + TIMEOUT_MS;
    while (!existsSync(sign) || readFileSync(sign).length === 0) {
      if (performance.now() > deadlineMs || child.exitCode !== null) throw new Error("the program did not start");
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    const beganMs = performance.now();
    await run(criu, ["dump", "-t", String(pid), "-D", images], { timeout: TIMEOUT_MS });
    await run(criu, ["restore", "-d", "-D", images], { timeout: TIMEOUT_MS });
    const tookMs = performance.now() - beganMs;
    if (readdirSync("/proc").includes(String(pid))) return tookMs;
    throw new Error("it did not come back");
  } finally {
    if (pid > 1 && existsSync(`/proc/${pid}`)) process.kill(pid, "SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
}
