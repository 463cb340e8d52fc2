/**
 * Files and directories that a node makes in the system's temporary folder for its processes: copies and scratch directories.
 * They are of no use once the OS process that made them is gone, which cannot tidy up when it is killed. So their names
 * say whose they are: `godwit-UUID.PID-PLACE`.
 */

import { createHash, randomUUID } from "node:crypto";
import { readlinkSync } from "node:fs";
import { lstat, readdir, rm } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";

const NAME = /^godwit-[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}\.(\d{1,10})-([\da-f]{8})$/;
/** Containers may share a folder, and machines; their numbers of OS processes mean others there. */
const PLACE = createHash("sha256").update(`${hostname()} ${numbering()}`).digest("hex").slice(0, 8);

/** What numbers this machine's, or container's, OS processes. */
function numbering(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return ""; // not on Linux: there is one
  }
}

/** Where the next one is to be. */
export function temporaryPath(): string {
  return join(tmpdir(), `godwit-${randomUUID()}.${process.pid}-${PLACE}`);
}

/**
 * Removes what OS processes of this user have left there that are gone. What cannot be looked at or removed stays. Resolves with
 * the names of what went.
 */
export async function removeLeftovers(): Promise<string[]> {
  const names = await readdir(tmpdir()).catch(() => []);
  const removed: string[] = [];
  for (const name of names) {
    const [, pid, place] = NAME.exec(name) ?? [];
    if (pid === undefined || place !== PLACE || isAlive(Number(pid))) continue;
    if (await remove(join(tmpdir(), name))) removed.push(name);
  }
  return removed;
}

/** Whether there is an OS process of that number, whoever's. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
}

/** Whether it was this user's, and is gone. */
async function remove(path: string): Promise<boolean> {
  try {
    const { uid } = await lstat(path);
    if (uid !== process.getuid?.()) return false;
    await rm(path, { recursive: true });
    return true;
  } catch {
    return false; // another node was quicker, or it is not for us to remove
  }
}
