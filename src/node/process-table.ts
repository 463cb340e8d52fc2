/** The process table of a node: every process it has, or had not long ago, and how they descend from each other. */

import type { Capabilities, ExitStatus, Quotas } from "../abi/records.ts";
import { failure } from "../errors.ts";
import { ENDED_PROCESSES_MAX, PROCESSES_PER_NODE_MAX } from "../limits.ts";
import type { ToLwp } from "../kernel/protocol.ts";
import { InputGate } from "./input-gate.ts";
import type { LwpThread } from "./lwp-thread.ts";
import { OutputLog } from "./output-log.ts";

/** A parent's `wait` that has not been answered. */
export interface ParentWait {
  readonly call: number;
  /** The child, or -1 for any. */
  readonly pid: number;
  readonly timer: NodeJS.Timeout | undefined;
}

export interface Entry {
  readonly pid: number;
  readonly parent: Entry | undefined;
  name: string;
  lwp: LwpThread;
  /** Set while it is handed from one LWP to another: what it is told waits here, in order. */
  held: ToLwp[] | undefined;
  readonly quotas: Quotas;
  readonly capabilities: Capabilities;
  readonly workingDirectory: string;
  readonly startedMs: number;
  readonly output: OutputLog;
  readonly input: InputGate;
  readonly names: Set<string>;
  cpuMs: number;
  exit: ExitStatus | undefined;
  /** Ended children that nobody waited for yet. */
  readonly zombies: ExitStatus[];
  readonly waits: ParentWait[];
  /** Waits that were answered: one that is made again after a move is not answered twice. */
  readonly answeredWaits: Set<number>;
  /** Living processes that descend from it, itself included. */
  living: number;
  /** Resolves at its end, once its output was taken. */
  readonly ended: Promise<ExitStatus>;
  readonly resolveEnded: (status: ExitStatus) => void;
}

export type NewEntry = Pick<Entry, "pid" | "parent" | "name" | "lwp" | "quotas" | "capabilities" | "workingDirectory">;

export class ProcessTable {
  readonly #entries = new Map<number, Entry>();
  readonly #names = new Map<string, Entry>();
  #lastPid = 0;
  #living = 0;

  /** A pid that no process here has. */
  nextPid(): number {
    do this.#lastPid++;
    while (this.#entries.has(this.#lastPid));
    return this.#lastPid;
  }

  /** Whether an image's own pid can be kept. */
  isFree(pid: number): boolean {
    return pid > 0 && !this.#entries.has(pid);
  }

  /** Throws EPROCLIM when one more process would be more than the node, or an ancestor, may have. */
  checkRoom(parent: Entry | undefined): void {
    if (this.#living >= PROCESSES_PER_NODE_MAX) throw failure("EPROCLIM", `this node has ${PROCESSES_PER_NODE_MAX} processes: end some first`);
    for (let entry = parent; entry !== undefined; entry = entry.parent) {
      if (entry.living >= entry.quotas.processesMax) {
        throw failure("EPROCLIM", `process ${entry.pid} may have ${entry.quotas.processesMax} processes below it: end some, or raise --processes`);
      }
    }
  }

  add(fields: NewEntry, outputTaken: (sizeBytes: number) => void): Entry {
    const { promise: ended, resolve: resolveEnded } = promiseWithResolver<ExitStatus>();
    const entry: Entry = {
      ...fields,
      held: undefined,
      startedMs: Date.now(),
      output: new OutputLog(outputTaken),
      input: new InputGate(),
      names: new Set(),
      cpuMs: 0,
      exit: undefined,
      zombies: [],
      waits: [],
      answeredWaits: new Set(),
      living: 1,
      ended,
      resolveEnded,
    };
    const { parent } = fields;
    // A child writes where its parent does: whoever watches the parent sees it too.
    if (parent !== undefined) entry.output.subscribe(false, (stream, bytes) => (parent.output.watched ? parent.output.pass(stream, bytes) : undefined));
    this.#entries.set(entry.pid, entry);
    this.#living++;
    for (let above = entry.parent; above !== undefined; above = above.parent) above.living++;
    return entry;
  }

  /** Marks a process as ended; it stays known for a while. */
  end(entry: Entry, status: ExitStatus): void {
    entry.exit = status;
    this.#living--;
    for (let one: Entry | undefined = entry; one !== undefined; one = one.parent) one.living--;
    for (const name of entry.names) this.#names.delete(name);
    this.#forgetOldest();
  }

  /** Takes out an entry that never came to be. */
  remove(entry: Entry): void {
    this.end(entry, { pid: entry.pid, code: 1, reason: "it never started" });
    this.#entries.delete(entry.pid);
  }

  get(pid: number): Entry {
    const entry = this.#entries.get(pid);
    if (entry === undefined) throw failure("ESRCH", `there is no process ${pid} on this node: see \`godwit ps --all\``);
    return entry;
  }

  /** A process that has not ended. */
  living(pid: number): Entry {
    const entry = this.get(pid);
    if (entry.exit !== undefined) throw failure("ESRCH", `process ${pid} has ended with code ${entry.exit.code}`);
    return entry;
  }

  all(): Entry[] {
    return [...this.#entries.values()];
  }

  named(name: string): Entry | undefined {
    return this.#names.get(name);
  }

  register(entry: Entry, name: string): void {
    const holder = this.#names.get(name);
    if (holder !== undefined && holder !== entry) throw failure("EEXIST", `the name ${name} belongs to process ${holder.pid}`);
    this.#names.set(name, entry);
    entry.names.add(name);
  }

  #forgetOldest(): void {
    let ended = this.#entries.size - this.#living;
    for (const [pid, entry] of this.#entries) {
      if (ended <= ENDED_PROCESSES_MAX) return;
      if (entry.exit === undefined) continue;
      this.#entries.delete(pid);
      ended--;
    }
  }
}

/** Whether `entry` is `ancestor` or descends from it. */
export function descendsFrom(entry: Entry, ancestor: Entry): boolean {
  for (let one: Entry | undefined = entry; one !== undefined; one = one.parent) if (one === ancestor) return true;
  return false;
}

/** The process that a family begins with: the one that no process started. */
export function familyOf(entry: Entry): Entry {
  let first = entry;
  while (first.parent !== undefined) first = first.parent;
  return first;
}

function promiseWithResolver<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
