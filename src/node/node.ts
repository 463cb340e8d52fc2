/** A node: one machine's share of the system. It owns the process table and spreads processes over its LWPs. */

import { availableParallelism } from "node:os";

import type { Inspection, NodeControl, ProcessInfo, Replay, RestoreOptions, SpawnOptions } from "../abi/control.ts";
import type { ExitStatus, SignalName } from "../abi/records.ts";
import { assert } from "../assert.ts";
import { failure } from "../errors.ts";
import { EVERYTHING, narrow, NO_CAPABILITIES } from "../kernel/capability.ts";
import type { Answer, Birth, Completion, Question, Rebirth, ToLwp } from "../kernel/protocol.ts";
import { quotasOf } from "../kernel/quota.ts";
import { checkRecord } from "../kernel/record-check.ts";
import { INPUT_CHUNK_MAX_BYTES, SWAP_AFTER_MS, ZOMBIES_MAX } from "../limits.ts";
import type { Engine } from "../machine/engine.ts";
import { assertEngine, describeImage } from "../machine/image.ts";
import { loadEngine } from "../machine/load.ts";
import { answerWaits, serve } from "./guest-requests.ts";
import { balance } from "./hand-over.ts";
import { Held } from "./held.ts";
import { KeptStates } from "./kept-states.ts";
import type { Lwp } from "./lwp.ts";
import { LwpPool } from "./lwp-pool.ts";
import { LwpThread, type Told } from "./lwp-thread.ts";
import type { Marked, Subscriber } from "./output-log.ts";
import { type Entry, ProcessTable } from "./process-table.ts";
import { Switchboard } from "./switchboard.ts";

export interface NodeOptions {
  readonly name: string;
  /** Worker threads that run processes; one for each core by default. */
  readonly lwps?: number;
  /** How long a process is idle before its memory is let go; Infinity for never. */
  readonly swapAfterMs?: number;
  /** The first of the PID_BLOCK pids that it gives; 1 for a node that is alone. */
  readonly firstPid?: number;
}

/** Starts a node in this OS process. */
export async function startNode(options: NodeOptions): Promise<Node> {
  return new Node(options, await loadEngine());
}

export class Node implements NodeControl {
  readonly name: string;
  readonly table: ProcessTable;
  readonly engineHash: string;
  readonly lwps: LwpPool;
  readonly switchboard: Switchboard;
  readonly #kept = new KeptStates((pid) => void this.resume(pid).catch(() => {}));
  /** Moves a process of ours that asks for it to another node; undefined for a node that is alone. */
  mover: ((pid: number, to: string) => Promise<{ readonly outcome: string; readonly reason?: string }>) | undefined;
  /** Takes what is told of processes whose home is another node; false for those whose home is here. */
  relay: (lwp: LwpThread, message: Told) => boolean = () => false;
  /** Told of each process whose home is here, when it begins and when it has ended. */
  onStart: (entry: Entry) => void = () => {};
  onEnd: (entry: Entry, status: ExitStatus) => void = () => {};
  stopping = false;

  constructor(options: NodeOptions, engine: Engine) {
    this.name = options.name;
    this.table = new ProcessTable(options.firstPid);
    this.switchboard = new Switchboard(options.name, (entry, message) => this.tell(entry, message));
    this.engineHash = engine.manifest.hash;
    const make = (index: number) => {
      const lwp: LwpThread = new LwpThread(index, options.name, engine, options.swapAfterMs ?? SWAP_AFTER_MS, {
        told: (message) => {
          if (!this.relay(lwp, message)) this.told(lwp, message);
        },
        load: () => balance(this),
        failed: (error) => this.#lwpFailed(lwp, error),
      });
      return lwp;
    };
    this.lwps = new LwpPool(options.lwps ?? availableParallelism(), make);
  }

  // ---- NodeControl

  async spawn(options: SpawnOptions, isHeld = false): Promise<number> {
    const workingDirectory = options.workingDirectory ?? process.cwd();
    const pid = this.start(undefined, {
      program: { name: options.name, source: options.source, sourceMap: options.sourceMap ?? "" },
      arguments: options.arguments ?? [],
      environment: options.environment ?? {},
      quotas: quotasOf(options.quotas ?? {}),
      capabilities: narrow(EVERYTHING, { ...NO_CAPABILITIES, ...options.capabilities }, workingDirectory),
      workingDirectory,
      stress: options.stress,
      kept: options.kept,
      isHeld,
    });
    if (options.outputHeld === true) this.table.get(pid).output.hold();
    return pid;
  }

  async restore(image: Uint8Array, options: RestoreOptions = {}): Promise<number> {
    const described = describeImage(image);
    assertEngine(described, this.engineHash);
    const record = checkRecord(described.state);
    const workingDirectory = options.workingDirectory ?? process.cwd();
    const rebirth: Rebirth = {
      pid: this.table.isFree(record.pid) ? record.pid : this.table.nextPid(),
      parent: 0,
      quotas: quotasOf({ ...record.quotas, ...options.quotas }),
      capabilities: narrow(EVERYTHING, { ...NO_CAPABILITIES, ...options.capabilities }, workingDirectory),
      environment: options.environment,
      workingDirectory,
      stress: options.stress,
    };
    this.table.checkRoom(undefined);
    const lwp = this.lwps.leastLoaded();
    const { pid, quotas, capabilities } = rebirth;
    const entry = this.enter({
      pid,
      parent: undefined,
      name: record.program.name,
      lwp,
      quotas,
      capabilities,
      workingDirectory,
    });
    if (record.input.closed) entry.input.close();
    try {
      await lwp.restore({ op: "restore", rebirth, image });
    } catch (error) {
      if (entry.exit === undefined) this.#drop(entry);
      throw error;
    }
    return entry.pid;
  }

  async list(): Promise<ProcessInfo[]> {
    return Promise.all(this.table.all().map((entry) => this.#info(entry)));
  }

  async inspect(pid: number): Promise<Inspection> {
    const entry = this.table.living(pid);
    const { inspection } = await this.ask(entry, { kind: "inspect" });
    const { summary, ...rest } = inspection;
    return {
      process: { ...this.#identity(entry), ...summary },
      ...rest,
      mailbox: { ...rest.mailbox, names: [...entry.names] },
    };
  }

  async signal(pid: number, signal: SignalName, message = ""): Promise<void> {
    this.tell(await this.table.settled(pid), { op: "signal", pid, signal, message });
  }

  async pause(pid: number): Promise<void> {
    this.tell(await this.table.settled(pid), { op: "pause", pid, paused: true });
  }

  async resume(pid: number): Promise<void> {
    this.tell(await this.table.settled(pid), { op: "pause", pid, paused: false });
  }

  async fork(pid: number): Promise<number> {
    const entry = this.table.living(pid);
    while (entry.held !== undefined) await entry.held.over;
    const child = this.#reserveFork(this.table.living(pid));
    try {
      await entry.lwp.ask(pid, { kind: "fork", child: child.pid });
    } catch (error) {
      this.#drop(child);
      throw error;
    }
    return child.pid;
  }

  async checkpoint(pid: number): Promise<Uint8Array> {
    return (await this.ask(this.table.living(pid), { kind: "capture" })).image;
  }

  kept(pid: number): Promise<Uint8Array> {
    return this.#kept.ask(pid, () => this.tell(this.table.living(pid), { op: "keep", pid }));
  }

  async wait(pid: number): Promise<ExitStatus> {
    return this.table.get(pid).ended;
  }

  async input(pid: number, bytes: Uint8Array | null): Promise<void> {
    for (let start = 0; start < (bytes?.length ?? 1); start += INPUT_CHUNK_MAX_BYTES) {
      const entry = await this.table.settled(pid); // its home may have moved while there was no room
      if (bytes === null) {
        entry.input.close();
        return this.tell(entry, { op: "input", pid, bytes });
      }
      const chunk = bytes.slice(start, start + INPUT_CHUNK_MAX_BYTES);
      const room = entry.input.put(chunk.length);
      this.tell(entry, { op: "input", pid, bytes: chunk });
      await room;
    }
  }

  output(pid: number, replay: Replay, on: Subscriber, marked?: Marked): () => void {
    return this.table.get(pid).output.subscribe(replay, on, marked);
  }

  async stop(): Promise<void> {
    this.stopping = true;
    await this.lwps.stop();
    // Those that were between two LWPs.
    for (const entry of this.table.all()) {
      if (entry.exit === undefined)
        this.ended({ pid: entry.pid, code: 137, signal: "SIGKILL", reason: "the node stopped" }, entry.cpuMs);
    }
  }

  // ---- Processes

  /** Starts a program as a child of `parent`, or of nobody. Throws EPROCLIM. */
  start(parent: Entry | undefined, birth: Omit<Birth, "pid" | "parent">): number {
    this.table.checkRoom(parent);
    const pid = this.table.nextPid();
    const lwp = this.lwps.leastLoaded();
    const { quotas, capabilities, workingDirectory } = birth;
    this.enter({ pid, parent, name: birth.program.name, lwp, quotas, capabilities, workingDirectory });
    lwp.tell({ op: "spawn", birth: { ...birth, pid, parent: parent?.pid ?? 0 } });
    return pid;
  }

  /** Has a process's LWP carry out its fork; the channels that it gives are the child's from now on. Throws EPROCLIM. */
  forkFor(parent: Entry, call: number, gives: readonly string[]): void {
    const child = this.#reserveFork(parent);
    this.switchboard.give(parent, child, gives);
    parent.lwp.tell({ op: "fork", pid: parent.pid, call, child: child.pid });
  }

  /** An entry for a child that the parent's LWP is about to make: what it is told waits until it is there. */
  #reserveFork(parent: Entry): Entry {
    this.table.checkRoom(parent);
    const { name, lwp, quotas, capabilities, workingDirectory } = parent;
    const child = this.enter({ pid: this.table.nextPid(), parent, name, lwp, quotas, capabilities, workingDirectory });
    child.held = new Held();
    return child;
  }

  tell(entry: Entry, message: ToLwp): void {
    if (entry.exit !== undefined) return;
    if (entry.held === undefined) entry.lwp.tell(message);
    else entry.held.messages.push(message);
  }

  /** Completes a system call. What a process waits for before it can be handed over is not held back. */
  complete(entry: Entry, call: number, outcome: Completion): void {
    if (entry.exit === undefined) entry.lwp.tell({ op: "complete", pid: entry.pid, call, outcome });
  }

  async ask<K extends Question["kind"]>(
    entry: Entry,
    question: Extract<Question, { kind: K }>,
  ): Promise<Extract<Answer, { kind: K }>> {
    // Nothing may come between the last look and the question: not even a turn of the promises.
    while (entry.held !== undefined) await entry.held.over;
    if (entry.exit !== undefined) throw failure("ESRCH", `process ${entry.pid} has ended with code ${entry.exit.code}`);
    return entry.lwp.ask(entry.pid, question);
  }

  /** It is there: what it was told in the meantime reaches it. */
  settle(entry: Entry): void {
    const { held } = entry;
    entry.held = undefined;
    for (const message of held?.messages ?? []) this.tell(entry, message);
    held?.end();
    answerWaits(this, entry);
  }

  /** Its home is another node now. */
  forget(entry: Entry): void {
    entry.lwp.processes--;
    this.switchboard.closeAll(entry);
    entry.input.close(); // what was told has gone along
    this.table.remove(entry, { pid: entry.pid, code: 0, reason: "its home has moved" });
    entry.held?.end();
    entry.held = undefined; // who waits for its end looks whether there is another
    entry.rejectEnded(failure("EREMOTE", `process ${entry.pid} is at home at another node now: ask again`));
  }

  enter(fields: Parameters<ProcessTable["add"]>[0]): Entry {
    if (this.stopping) throw failure("ECANCELED", "this node is stopping");
    const entry: Entry = this.table.add(fields, (sizeBytes) =>
      this.tell(entry, { op: "outputTaken", pid: entry.pid, sizeBytes }),
    );
    entry.lwp.processes++;
    this.onStart(entry);
    return entry;
  }

  /** Takes out an entry that never came to be. */
  #drop(entry: Entry | undefined): void {
    if (entry === undefined || entry.exit !== undefined) return;
    entry.lwp.processes--;
    const status = { pid: entry.pid, code: 1, reason: "it never started" };
    this.switchboard.giveBack(entry);
    this.table.remove(entry, status);
    this.onEnd(entry, status);
    this.settle(entry);
    entry.resolveEnded(status);
  }

  #identity(entry: Entry): Omit<ProcessInfo, "state" | "threads" | "memoryBytes" | "cpuMs" | "mailbox" | "epoch"> {
    const { pid, name, startedMs, exit } = entry;
    const parent = entry.parent?.exit === undefined ? (entry.parent?.pid ?? 0) : 0;
    return {
      pid,
      parent,
      name,
      node: entry.lwp.nodeName,
      lwp: entry.lwp.index,
      startedMs,
      ...(exit === undefined ? {} : { exit }),
    };
  }

  async #info(entry: Entry): Promise<ProcessInfo> {
    const nothing = { threads: 0, memoryBytes: 0, mailbox: 0, epoch: 0 };
    const over: ProcessInfo = { ...this.#identity(entry), state: "ended", cpuMs: entry.cpuMs, ...nothing };
    if (entry.exit !== undefined) return over;
    // Nothing is asked of it, and it may be long until it is known where it is at home.
    if (entry.held?.why !== undefined) return { ...over, state: "rehoming" };
    const answer = await this.ask(entry, { kind: "summary" }).catch(() => undefined);
    return { ...over, ...this.#identity(entry), ...answer?.summary };
  }

  // ---- What LWPs tell

  /** @internal */
  told(lwp: Lwp, message: Told): void {
    switch (message.op) {
      case "ended":
        return this.ended(message.status, message.cpuMs);
      case "output":
        return this.table.find(message.pid)?.output.push(message.stream, message.bytes);
      case "open":
      case "frame":
      case "taken":
      case "close": {
        const entry = this.table.find(message.pid);
        return entry === undefined || entry.exit !== undefined ? undefined : this.switchboard.told(entry, message);
      }
      case "kept":
        return this.#kept.told(message);
      case "inputTaken":
        return this.table.find(message.pid)?.input.taken(message.sizeBytes);
      case "request": {
        const entry = this.table.find(message.pid);
        return entry === undefined ? undefined : serve(this, entry, message.call, message.request);
      }
      case "forked": {
        const child = this.table.find(message.child);
        if (child === undefined) return;
        assert(child.lwp === lwp, "a child begins on its parent's LWP");
        return this.settle(child);
      }
      case "unborn":
        return this.#drop(this.table.find(message.child));
    }
  }

  ended(status: ExitStatus, cpuMs: number): void {
    const entry = this.table.find(status.pid);
    if (entry === undefined || entry.exit !== undefined) return;
    this.switchboard.closeAll(entry);
    this.#kept.ended(entry.pid);
    const { parent } = entry;
    entry.cpuMs = cpuMs;
    entry.lwp.processes--;
    entry.input.close();
    this.table.end(entry, status);
    this.onEnd(entry, status);
    this.settle(entry);
    for (const one of entry.waits.splice(0)) clearTimeout(one.timer);
    void entry.output.drained().then(() => entry.resolveEnded(status));
    if (parent === undefined) return;
    parent.zombies.push(status);
    if (parent.zombies.length > ZOMBIES_MAX) parent.zombies.shift();
    this.tell(parent, { op: "signal", pid: parent.pid, signal: "SIGCHLD" });
    answerWaits(this, parent);
  }

  /** A worker died under its processes: a bug of ours, or memory ran out. They are gone; the node goes on. */
  #lwpFailed(lwp: LwpThread, error: Error): void {
    for (const entry of this.table.all()) {
      if (entry.lwp !== lwp || entry.exit !== undefined) continue;
      const reason = `its LWP failed: ${error.message}`;
      entry.output.push("stderr", Buffer.from(`godwit: process ${entry.pid} ended: ${reason}\n${error.stack ?? ""}\n`));
      this.ended({ pid: entry.pid, code: 139, reason }, entry.cpuMs);
    }
    this.lwps.remove(lwp);
  }
}
