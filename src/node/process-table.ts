/** The process table of a node: every process it has, or had not long ago, and how they descend from each other. */

import type { Capabilities, ExitStatus, Quotas } from "../abi/records.ts";
import { assert } from "../assert.ts";
import { failure } from "../errors.ts";
import { ENDED_PROCESSES_MAX, NAMES_MAX, PID_BLOCK, PID_MAX, PROCESSES_PER_NODE_MAX } from "../limits.ts";
import { Account } from "./account.ts";
import type { Held } from "./held.ts";
import { InputGate } from "./input-gate.ts";
import type { Lwp } from "./lwp.ts";
import { OutputLog } from "./output-log.ts";

/** A parent's `wait` that has not been answered. */
export interface ParentWait {
  readonly call: number;
  /** The child, or -1 for any. */
  readonly pid: number;
  /** When it gives up, on the host's monotonic clock; undefined for never. */
  atMs: number | undefined;
  timer: NodeJS.Timeout | undefined;
}

export interface Entry {
  readonly pid: number;
  /** Who started it, while that one lives: it alone can wait for it. */
  parent: Entry | undefined;
  /** The nearest of its ancestors that lives: it may signal this one, and whoever watches it sees this one's output. */
  ancestor: Entry | undefined;
  /** Living processes whose nearest living ancestor this is. */
  readonly heirs: Set<Entry>;
  /** What it counts towards. */
  readonly account: Account;
  /** The same object for all that descend from one process that nobody started. */
  readonly family: object;
  name: string;
  lwp: Lwp;
  /** Set while it is handed from one LWP to another, and until a forked child is there. */
  held: Held | undefined;
  readonly quotas: Quotas;
  readonly capabilities: Capabilities;
  readonly workingDirectory: string;
  readonly startedMs: number;
  readonly output: OutputLog;
  readonly input: InputGate;
  /** At most NAMES_MAX. */
  readonly names: Set<string>;
  cpuMs: number;
  exit: ExitStatus | undefined;
  /** Ended children that nobody waited for yet: the last ZOMBIES_MAX. */
  readonly zombies: ExitStatus[];
  readonly waits: ParentWait[];
  /** The last waits that were answered: one that is made again after a move is not answered twice. */
  readonly answeredWaits: Set<number>;
  /** How often it went on from an image: its calls are numbered anew from there. */
  life: number;
  /** Resolves at its end, once its output was taken. */
  readonly ended: Promise<ExitStatus>;
  readonly resolveEnded: (status: ExitStatus) => void;
  /** Its end will not be known here. */
  readonly rejectEnded: (error: Error) => void;
}

export type NewEntry = Pick<Entry, "pid" | "parent" | "name" | "lwp" | "quotas" | "capabilities" | "workingDirectory">;

/** Names that processes of other nodes have, and that those of this one have for them. */
export interface FarNames {
  /** Takes a name in the whole cluster. @throws GodwitError EEXIST; EAGAIN; as the cluster's directory. */
  register(name: string, pid: number): Promise<void>;
  /** Whose it is, as far as has been heard. */
  find(name: string): number | undefined;
  /** @throws GodwitError ENOENT; as a message on this node; ENONODE or ECONNRESET when its home cannot be reached. */
  send(name: string, from: number, payload: Uint8Array): Promise<void>;
}

export class ProcessTable {
  /** Absent where the node is alone. */
  far: FarNames | undefined;
  readonly #entries = new Map<number, Entry>();
  readonly #names = new Map<string, Entry>();
  /** Ended ones among them, the oldest first. */
  readonly #ended = new Set<number>();
  readonly #firstPid: number;
  #nextPid: number;
  #living = 0;

  /** @param firstPid of the block of pids that are this node's to give. */
  constructor(firstPid = 1) {
    assert(firstPid > 0 && firstPid + PID_BLOCK - 1 <= PID_MAX, "a block of pids is a part of all there are");
    this.#firstPid = firstPid;
    this.#nextPid = firstPid;
  }

  /** A pid that no process here has. */
  nextPid(): number {
    for (;;) {
      const pid = this.#nextPid;
      this.#nextPid = pid + 1 < this.#firstPid + PID_BLOCK ? pid + 1 : this.#firstPid;
      if (!this.#entries.has(pid)) return pid;
    }
  }

  /** Whether an image's own pid can be kept: elsewhere a process may have it that is not known here. */
  isFree(pid: number): boolean {
    return pid >= this.#firstPid && pid < this.#firstPid + PID_BLOCK && !this.#entries.has(pid);
  }

  /** Throws EPROCLIM when one more process would be more than the node, or an ancestor, may have. */
  checkRoom(parent: Entry | undefined): void {
    if (this.#living >= PROCESSES_PER_NODE_MAX)
      throw failure("EPROCLIM", `this node has ${PROCESSES_PER_NODE_MAX} processes: end some first`);
    parent?.account.checkRoom();
  }

  add(fields: NewEntry, outputTaken: (sizeBytes: number) => void): Entry {
    const { promise: ended, resolve: resolveEnded, reject: rejectEnded } = promiseWithResolver<ExitStatus>();
    ended.catch(() => {}); // heard by those who wait for it
    const { pid, parent, quotas } = fields;
    const entry: Entry = {
      ...fields,
      ancestor: parent,
      heirs: new Set(),
      account: Account.of(pid, quotas.processesMax, parent?.account),
      family: parent?.family ?? {},
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
      life: 0,
      ended,
      resolveEnded,
      rejectEnded,
    };
    // A child writes where its ancestors do: whoever watches one of them sees it too.
    entry.output.subscribe(false, (stream, bytes) => entry.ancestor?.output.pass(stream, bytes));
    parent?.heirs.add(entry);
    this.#entries.set(pid, entry);
    this.#living++;
    entry.account.add(1);
    return entry;
  }

  /** Marks a process as ended; it stays known for a while. Its children are orphans from now on. */
  end(entry: Entry, status: ExitStatus): void {
    entry.exit = status;
    this.#living--;
    entry.account.add(-1);
    const { ancestor, heirs, names } = entry;
    ancestor?.heirs.delete(entry);
    for (const heir of heirs) {
      if (heir.parent === entry) heir.parent = undefined;
      heir.ancestor = ancestor;
      ancestor?.heirs.add(heir);
    }
    heirs.clear();
    entry.ancestor = undefined;
    for (const name of names) this.#names.delete(name);
    this.#ended.add(entry.pid);
    this.#forgetOldest();
  }

  /** Takes out an entry that never came to be. */
  remove(entry: Entry, status: ExitStatus): void {
    this.end(entry, status);
    this.#ended.delete(entry.pid);
    this.#entries.delete(entry.pid);
  }

  find(pid: number): Entry | undefined {
    return this.#entries.get(pid);
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

  /** A process that has not ended, once its home does not move. @throws GodwitError ESRCH, as when it has moved. */
  async settled(pid: number): Promise<Entry> {
    for (let entry = this.living(pid); ; entry = this.living(pid)) {
      if (entry.held?.why !== "leaving") return entry;
      await entry.held.over;
    }
  }

  all(): Entry[] {
    return [...this.#entries.values()];
  }

  named(name: string): Entry | undefined {
    return this.#names.get(name);
  }

  register(entry: Entry, name: string): void {
    const holder = this.#names.get(name);
    if (holder !== undefined && holder !== entry)
      throw failure("EEXIST", `the name ${name} belongs to process ${holder.pid}`);
    if (entry.names.size >= NAMES_MAX && !entry.names.has(name))
      throw failure("ENOSPC", `process ${entry.pid} has registered ${NAMES_MAX} names, the most it may`);
    this.#names.set(name, entry);
    entry.names.add(name);
  }

  /** Lets a name go that the process has. */
  unregister(entry: Entry, name: string): void {
    if (entry.names.delete(name)) this.#names.delete(name);
  }

  #forgetOldest(): void {
    for (const pid of this.#ended) {
      if (this.#ended.size <= ENDED_PROCESSES_MAX) return;
      this.#ended.delete(pid);
      this.#entries.delete(pid);
    }
  }
}

/** Whether `entry` is `ancestor` or descends from it. */
export function descendsFrom(entry: Entry, ancestor: Entry): boolean {
  for (let one: Entry | undefined = entry; one !== undefined; one = one.ancestor) if (one === ancestor) return true;
  return false;
}

function promiseWithResolver<T>(): {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (error: Error) => void;
} {
  let resolve: (value: T) => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<T>((settle, refuse) => {
    resolve = settle;
    reject = refuse;
  });
  return { promise, resolve, reject };
}
