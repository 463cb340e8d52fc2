/** Processes as a program sees them: itself, its children, its end. */

import type {
  CheckpointResult,
  ExitStatus,
  ForkRequest,
  MigrateResult,
  ProcessSelf,
  SpawnRequest,
} from "../abi/records.ts";
import { SHARED_WORDS } from "../abi/records.ts";
import type { SignalName } from "../abi/records.ts";
import { sharedWords, step, type Steps, syscall, timeoutOf, type WaitOptions } from "./machine.ts";
import { afterFork } from "./thread.ts";

export type { CheckpointResult, ExitStatus, MigrateResult, ProcessSelf, SignalName };
export type { Capabilities, Quotas } from "../abi/records.ts";

/** Arguments, environment, quotas and capabilities of a child. The last two are never wider than the parent's. */
export type SpawnOptions = SpawnRequest;
export type ForkOptions = Partial<Pick<ForkRequest, "threads">>;

/**
 * This process. Read when asked: `node` changes when the process moves, `parent` when its parent ends, `pid` in a
 * forked child, and `epoch` counts how often the process was restored from an image.
 */
export const self: ProcessSelf = {
  get pid() {
    return sharedWords[SHARED_WORDS.pid] ?? 0;
  },
  get parent() {
    return processInfo().parent;
  },
  get node() {
    return processInfo().node;
  },
  get program() {
    return processInfo().program;
  },
  get arguments() {
    return processInfo().arguments;
  },
  get environment() {
    return processInfo().environment;
  },
  get epoch() {
    return sharedWords[SHARED_WORDS.epoch] ?? 0;
  },
};

function processInfo(): ProcessSelf {
  return syscall("processInfo") as ProcessSelf;
}

/**
 * Copies this process as it stands, from whatever depth of calls. Returns the child's pid in the parent and 0 in the
 * child. The two share nothing afterwards, except that both hold what was open.
 *
 * With `threads: "caller"` (the default, as in UNIX) only the calling thread goes on in the child, so a mutex that
 * another thread held stays locked there; with `"all"` every thread goes on in both.
 *
 * @throws `EPROCLIM` when the quota of processes is used up.
 *
 * @example
 * const pid = fork();
 * if (pid === 0) {
 *   console.log(`child ${self.pid} of ${self.parent}`);
 *   exit(3);
 * }
 * console.log(wait(pid)?.code); // 3
 */
export function fork(options: ForkOptions = {}): number {
  return forkAs({ threads: options.threads ?? "caller" });
}

export function forkAs(request: ForkRequest): number {
  const pid = syscall("fork", request);
  if (pid === 0) afterFork();
  return pid;
}

/**
 * Starts a program (a path to a TypeScript or JavaScript file) as a child. Returns its pid.
 * @throws `EACCES` without the `run` capability, `ENOENT`, `ENOEXEC` when it cannot be compiled, `EPROCLIM`.
 */
export function spawn(program: string, options: SpawnOptions = {}): number {
  return syscall("spawn", String(program), options);
}

/**
 * Replaces this process's program by another. The pid, the mailbox and what is open stay; all else is gone, so a call
 * that succeeds does not return.
 * @throws as {@link spawn} does.
 */
export function exec(program: string, options: SpawnOptions = {}): never {
  syscall("exec", String(program), options);
  throw new Error("exec returned");
}

/** Waits for the end of a child, or of any child; its status is handed out once. `undefined` at the timeout. */
export function wait(pid?: number): ExitStatus;
export function wait(pid: number | undefined, options: WaitOptions): ExitStatus | undefined;
export function wait(pid = -1, options?: WaitOptions): ExitStatus | undefined {
  return (syscall("wait", pid, timeoutOf(options)) as ExitStatus | null) ?? undefined;
}

export function* waitSteps(pid = -1, options?: WaitOptions): Steps<ExitStatus | undefined> {
  return ((yield* step("wait", pid, timeoutOf(options))) as ExitStatus | null) ?? undefined;
}

/** Ends this process, with all of its threads, at once. */
export function exit(code = 0): never {
  syscall("exit", code);
  throw new Error("exit returned");
}

/**
 * Sends a signal to a process.
 * @throws `ESRCH` when there is no such process, `EPERM` when it is not this one or a descendant.
 */
export function kill(pid: number, signal: SignalName = "SIGTERM"): void {
  syscall("kill", pid, signal);
}

/**
 * Moves this process to another node, in the middle of this very statement: it returns there.
 *
 * @throws `ENONODE` when there is no such node, `EAGAIN` with the reason when the process stays.
 *
 * @example
 * for (const node of ["n1", "n2", "n3"]) console.log("now on", migrate(node).node);
 */
export function migrate(node: string): MigrateResult {
  return syscall("migrate", String(node)) as MigrateResult;
}

/**
 * Captures this process into an image file, from which `godwit restore` makes it again, later or elsewhere. It returns
 * in the process that goes on (`restored: false`) and in each one restored from the image (`restored: true`).
 *
 * @throws `EACCES` without the `write` capability.
 *
 * @example
 * if (n % 1000 === 0 && checkpoint({ file: "primes.image" }).restored) console.log("going on at", n);
 */
export function checkpoint(request: { readonly file: string }): CheckpointResult {
  return syscall("checkpoint", { file: String(request.file) }) as CheckpointResult;
}
