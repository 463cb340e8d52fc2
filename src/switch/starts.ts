/**
 * Services that scale to zero: a process is started when a client comes, at whatever front, and there is none; and ended when none
 * comes. Who creates the entry `runs/SERVICE` of the directory starts it; that is one node, however many want it at once. Its home
 * ends it, which knows the clients of all fronts, and is another after a drain.
 */

import * as v from "valibot";

import type { ServiceStart, SpawnOptions, StartInfo } from "../abi/control.ts";
import type { ExitStatus, SignalName } from "../abi/records.ts";
import { assert } from "../assert.ts";
import type { Directory } from "../cluster/engine.ts";
import type { Membership } from "../cluster/membership.ts";
import { type ErrorCode, failure, GodwitError } from "../errors.ts";
import { SERVICE_GRACE_MS, SERVICE_IDLE_LOOK_MS, SERVICE_RACE_MS, SERVICE_RESTART_MS } from "../limits.ts";
import { Entries } from "./entries.ts";
import { isRace, type Run, RUNS, runOf, runValue, type Start, startOf, STARTS, startValue } from "./exposure.ts";
import type { Vault } from "./vault.ts";

/** Processes of the whole cluster. */
export interface Processes {
  spawn(options: SpawnOptions): Promise<number>;
  signal(pid: number, signal: SignalName): Promise<void>;
  /** Wherever its home is meanwhile. @throws GodwitError ESRCH when it is gone for good. */
  wait(pid: number): Promise<ExitStatus>;
}

export interface StartsOptions {
  readonly self: string;
  readonly directory: Directory;
  readonly vault: Vault;
  /** Absent where the node is alone. */
  readonly membership: Membership | undefined;
  readonly processes: () => Processes | undefined;
  /** Whether a service has a process, wherever. */
  isServed(service: string): boolean;
  /** Whether clients wait for one here. */
  isWanted(service: string): boolean;
  /** Takes a process that is at home here out of its service, if it has had no client for so long. */
  retire(service: string, pid: number, idleMs: number): boolean;
}

/** Said by a node that takes no more processes, or is gone. */
const FULL: ReadonlySet<ErrorCode> = new Set(["EAGAIN", "EPROCLIM", "ENONODE"]);

const PROGRAM = v.looseObject({ name: v.string(), source: v.string() });

export class Starts {
  readonly #options: StartsOptions;
  #definitions: Entries<Start> | undefined;
  #runs: Entries<Run> | undefined;
  /** Programs as the vault had them, by their names there. */
  readonly #programs = new Map<string, SpawnOptions>();
  /** Services whose process this node is just starting. */
  readonly #starting = new Set<string>();
  /** Processes whose end is waited for. */
  readonly #followed = new Set<number>();
  /** Looks after what runs, by key. */
  readonly #looks = new Map<string, NodeJS.Timeout>();
  #endMembers: () => void = () => {};
  #isOver = false;

  private constructor(options: StartsOptions) {
    this.#options = options;
  }

  /** Resolves when it is known what is defined, and what runs. */
  static async open(options: StartsOptions): Promise<Starts> {
    const starts = new Starts(options);
    const { directory, membership } = options;
    starts.#definitions = await Entries.open(directory, STARTS, startOf, (key, start) => {
      if (start !== undefined) starts.wanted(start.service);
      else starts.wanted(key.slice(STARTS.length));
    });
    starts.#runs = await Entries.open(
      directory,
      RUNS,
      runOf,
      (key, run) => starts.#runs !== undefined && starts.#ran(key, run),
    );
    for (const run of starts.#runs.all()) starts.#ran(RUNS + run.service, run);
    starts.#endMembers =
      membership?.watch(() => {
        for (const { service } of starts.#known.runs.all()) starts.wanted(service);
      }) ?? (() => {});
    return starts;
  }

  get #known(): { readonly definitions: Entries<Start>; readonly runs: Entries<Run> } {
    assert(this.#definitions !== undefined && this.#runs !== undefined, "what is defined is read before it is used");
    return { definitions: this.#definitions, runs: this.#runs };
  }

  // ---- Definitions

  /** A service is started so from now on; a process that runs goes on. @throws GodwitError EMSGSIZE; as the directory. */
  async define(service: string, { program, idleMs }: ServiceStart): Promise<void> {
    const { vault } = this.#options;
    const secret = await vault.put(program);
    try {
      const value = startValue({ program: program.name, idleMs, secret });
      const before = await this.#known.definitions.put(STARTS + service, value);
      if (before !== undefined) void vault.drop(before.secret);
    } catch (error) {
      void vault.drop(secret);
      throw error;
    }
  }

  /** Nothing is started any more; what runs is ended when it has no clients. @throws GodwitError as the directory. */
  async undefine(service: string): Promise<void> {
    const removed = await this.#known.definitions.remove(STARTS + service);
    if (removed !== undefined) void this.#options.vault.drop(removed.secret);
  }

  of(service: string): StartInfo | undefined {
    const start = this.#known.definitions.get(STARTS + service);
    if (start === undefined) return undefined;
    const pid = this.#known.runs.get(RUNS + service)?.pid ?? null;
    return { program: start.program, idleMs: start.idleMs, ...(pid === null ? {} : { pid }) };
  }

  /** Services that have a definition. */
  services(): string[] {
    return this.#known.definitions.all().map(({ service }) => service);
  }

  /** Names of what is kept in the vault for them. */
  secrets(): string[] {
    return this.#known.definitions.all().map(({ secret }) => secret);
  }

  // ---- Starts

  /** A client may wait for a process of the service here. */
  wanted(service: string): void {
    const options = this.#options;
    if (this.#isOver || this.#runs === undefined || this.#starting.has(service)) return;
    const start = this.#known.definitions.get(STARTS + service);
    if (start === undefined || !options.isWanted(service) || options.isServed(service)) return;
    const run = this.#runs.get(RUNS + service);
    // It does not serve yet, or not any more.
    if (run !== undefined && run.pid !== null) return void this.#follow(run, run.pid);
    if (run !== undefined && this.#isStarting(run)) return;
    this.#starting.add(service);
    void this.#start(start, run).finally(() => {
      this.#starting.delete(service);
      this.wanted(service);
    });
  }

  /** Whether another node is just starting the process. One of an earlier run of this node is not. */
  #isStarting({ starter, token }: Run): boolean {
    return starter !== this.#options.self && this.#options.membership?.find(starter)?.token === token;
  }

  /** @param stale what a node left behind that died while it started one. Never rejects. */
  async #start(start: Start, stale: Run | undefined): Promise<void> {
    const { self, membership } = this.#options;
    const { service, idleMs } = start;
    const key = RUNS + service;
    const by = { starter: self, token: membership?.find(self)?.token ?? 0, idleMs };
    const { runs } = this.#known;
    try {
      const value = runValue({ ...by, pid: null });
      const revision =
        stale === undefined ? await runs.create(key, value) : await runs.replace(key, value, stale.revision);
      let pid: number;
      try {
        pid = await this.#spawn(start);
      } catch (error) {
        if (!(error instanceof GodwitError)) throw error;
        // Whoever wants it tries again when this is gone, or its starter.
        return await this.#forgetLater(key, revision);
      }
      try {
        await runs.replace(key, runValue({ ...by, pid }), revision);
      } catch (error) {
        // Others have taken this node for dead, and start another; or nobody will know of this one.
        this.#end(pid, "SIGKILL");
        // As long as its starter lives nobody else would take the entry's place.
        if (error instanceof GodwitError && !isRace(error)) return await this.#forgetLater(key, revision);
        throw error;
      }
    } catch (error) {
      if (!(error instanceof GodwitError)) throw error;
      await pause(isRace(error) ? SERVICE_RACE_MS : SERVICE_RESTART_MS);
    }
  }

  async #spawn({ secret }: Start): Promise<number> {
    const { vault } = this.#options;
    const processes = this.#options.processes();
    if (processes === undefined) throw failure("ENOSYS", "this switch cannot start processes");
    let program = this.#programs.get(secret);
    if (program === undefined) {
      const kept = v.safeParse(PROGRAM, await vault.get(secret));
      if (!kept.success) throw failure("ECORRUPT", `what is kept as ${secret} is no program`);
      program = kept.output;
      // Of what is not defined any more nothing is kept.
      const used = new Set(this.secrets());
      for (const name of this.#programs.keys()) if (!used.has(name)) this.#programs.delete(name);
      this.#programs.set(secret, program);
    }
    return this.#spawnAt(processes, program);
  }

  /** At this node; at another, if this one takes no more. */
  async #spawnAt(processes: Processes, program: SpawnOptions): Promise<number> {
    const { self, membership } = this.#options;
    const others = (membership?.all() ?? [])
      .filter(({ name, load }) => name !== self && load.state === "up")
      .sort((one, other) => one.load.processes / one.lwps - other.load.processes / other.lwps);
    const places = program.node === undefined ? [self, ...others.map(({ name }) => name)] : [program.node];
    for (;;) {
      const node = places.shift();
      try {
        return await processes.spawn(node === undefined ? program : { ...program, node });
      } catch (error) {
        const isFull = error instanceof GodwitError && FULL.has(error.code);
        if (!isFull || places.length === 0) throw error;
      }
    }
  }

  /** A process that was started and does not serve: when it has ended, another is started, though not at once. */
  async #follow({ service, revision }: Run, pid: number): Promise<void> {
    if (this.#followed.has(pid)) return;
    this.#followed.add(pid);
    try {
      await this.#options.processes()?.wait(pid);
      await this.#forgetLater(RUNS + service, revision);
    } catch (error) {
      if (!(error instanceof GodwitError)) throw error;
      // It is gone with its home. Where that is not known, it is asked again when it is wanted.
      if (error.code === "ESRCH") await this.#forget(RUNS + service, revision);
    } finally {
      this.#followed.delete(pid);
    }
  }

  async #forgetLater(key: string, revision: number): Promise<void> {
    await pause(SERVICE_RESTART_MS);
    if (!this.#isOver) await this.#forget(key, revision);
  }

  /** What cannot be deleted now is tried again, unless it is another by then. */
  async #forget(key: string, revision: number): Promise<void> {
    for (;;) {
      try {
        return await this.#known.runs.delete(key, revision);
      } catch (error) {
        if (!(error instanceof GodwitError)) throw error;
        if (isRace(error) || this.#isOver) return;
      }
      await pause(SERVICE_RESTART_MS);
      if (this.#isOver) return;
    }
  }

  // ---- Ends

  #ran(key: string, run: Run | undefined): void {
    clearInterval(this.#looks.get(key));
    this.#looks.delete(key);
    if (run === undefined) return this.wanted(key.slice(RUNS.length));
    const { pid, idleMs } = run;
    if (pid === null || this.#isOver) return;
    const look = setInterval(() => this.#look(key, run, pid), Math.min(idleMs / 2, SERVICE_IDLE_LOOK_MS)).unref();
    this.#looks.set(key, look);
  }

  #look(key: string, { service, idleMs, revision }: Run, pid: number): void {
    if (!this.#options.retire(service, pid, idleMs)) return;
    // The next client is for another process, which may be started while this one ends.
    void this.#forget(key, revision);
    this.#end(pid, "SIGTERM");
    setTimeout(() => this.#end(pid, "SIGKILL"), SERVICE_GRACE_MS).unref();
  }

  #end(pid: number, signal: SignalName): void {
    this.#options
      .processes()
      ?.signal(pid, signal)
      .catch(() => {}); // it may have ended
  }

  /** A process that was at home here has ended: with its node, if that stops. */
  ended(pid: number, isStopping: boolean): void {
    const run = this.#runs?.all().find((one) => one.pid === pid);
    if (run === undefined) return;
    if (isStopping) void this.#forget(RUNS + run.service, run.revision);
    else void this.#forgetLater(RUNS + run.service, run.revision);
  }

  /** Starts no more. What serves is ended by its home, when it has no clients. */
  close(): void {
    this.#isOver = true;
    this.#endMembers();
    this.#definitions?.close();
    this.#runs?.close();
    for (const look of this.#looks.values()) clearInterval(look);
  }
}

/** It keeps nobody from ending. */
function pause(forMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, forMs).unref());
}
