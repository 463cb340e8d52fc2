/** Memory of an idle process, in the node's OS process and when it is swapped out. Each sample is a node of its own. */

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Extent, Group } from "./benchmark.ts";
import { rowOf } from "./row.ts";

const RUNS = 5;
const PROCESSES = 400;
const SWAP_AFTER_MS = 100;
/** Idle processes are done giving memory back when nothing has changed for so long. */
const STEADY_MS = 3000;
const RUN_TIMEOUT_MS = 120_000;
const PROGRAM = fileURLToPath(new URL("./idle-processes.js", import.meta.url));
const RESIDENT = "resident memory of an idle process";
const KEPT = "kept of a process that is swapped out";

/** What `idle-processes.ts` prints. */
export interface IdleMemory {
  /** Growth of the node's resident set for each process. */
  readonly residentBytes: number;
  /** Guest pages that hold something, for each process; of a swapped one, its image. */
  readonly guestBytes: number;
}

export async function measureResident({ quick }: Extent): Promise<Group[]> {
  const [runs, processes, steadyMs] = quick ? [1, 10, 200] : [RUNS, PROCESSES, STEADY_MS];
  const resident: IdleMemory[] = [];
  const swapped: IdleMemory[] = [];
  for (let run = 0; run < runs; run++) {
    resident.push(await idleProcesses(processes, Infinity, steadyMs));
    swapped.push(await idleProcesses(processes, SWAP_AFTER_MS, steadyMs));
  }
  const row = (name: string, from: readonly IdleMemory[], of: (memory: IdleMemory) => number) =>
    rowOf(
      name,
      "KB",
      from.map((memory) => of(memory) / 1000),
    );
  const rows = [
    row(RESIDENT, resident, (memory) => memory.residentBytes),
    row("of that, pages of the guest that are not zero", resident, (memory) => memory.guestBytes),
    row(KEPT, swapped, (memory) => memory.guestBytes),
    row("resident memory of a process that is swapped out", swapped, (memory) => memory.residentBytes),
  ];
  const goals = [
    { row: RESIDENT, atMost: 500 },
    { row: KEPT, atMost: 150 },
  ];
  return [{ title: `Memory of a process (${processes} idle ones)`, rows, goals, missing: [] }];
}

async function idleProcesses(count: number, swapAfterMs: number, steadyMs: number): Promise<IdleMemory> {
  const options = [PROGRAM, ...[count, swapAfterMs, steadyMs].map(String)];
  const { stdout } = await promisify(execFile)(process.execPath, options, { timeout: RUN_TIMEOUT_MS });
  return JSON.parse(stdout) as IdleMemory;
}
