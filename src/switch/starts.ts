/**
 * Services that scale to zero: a process is started when a client comes, at whatever front, and there is none; and ended when none
 * comes. Who creates the entry `runs/SERVICE` of the directory has it started; that is one node, however many want it at once. Its home
 * ends it, which knows the clients of all fronts, and is another after a drain.
 */

import { randomUUID } from "node:crypto";

import type { ServiceStart, StartInfo } from "../abi/control.ts";
import type { SignalName } from "../abi/records.ts";
import { assert } from "../assert.ts";
import type { Directory } from "../cluster/engine.ts";
import type { Links } from "../cluster/link.ts";
import type { Membership } from "../cluster/membership.ts";
import { type ErrorCode, failure, GodwitError } from "../errors.ts";
import { SERVICE_GRACE_MS, SERVICE_IDLE_LOOK_MS, SERVICE_RACE_MS, SERVICE_RESTART_MS } from "../limits.ts";
import { Entries } from "./entries.ts";
import { isRace, type Run, RUNS, runOf, runValue, type Start, startOf, STARTS, startValue } from "./exposure.ts";
import { type Processes, Starter } from "./starter.ts";
import type { Vault } from "./vault.ts";

export interface StartsOptions {
  readonly self: string;
  readonly directory: Directory;
  readonly vault: Vault;
  /** Absent where the node is alone. */
  readonly membership: Membership | undefined;
  readonly links: Links | undefined;
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

/** Asked of a node at which a process is to be started. */
export const START = "service/start";

export class Starts {
  readonly #options: StartsOptions;
  #definitions: Entries<Start> | undefined;
  #runs: Entries<Run> | undefined;
  #local: Starter | undefined;
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
    starts.#local = new Starter({ ...options, runs: starts.#runs });
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

  get #starter(): Starter {
    assert(this.#local !== undefined, "what runs is read before anything is started");
    return this.#local;
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
      const left = this.#known.runs.get(RUNS + service);
      if (left !== undefined) this.#tidy(left);
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
    const token = membership?.find(self)?.token ?? 0;
    const run = { service, starter: self, token, id: randomUUID(), pid: null, idleMs };
    const { runs } = this.#known;
    try {
      const revision = await (stale === undefined
        ? runs.create(key, runValue(run))
        : runs.replace(key, runValue(run), stale.revision));
      try {
        await this.#startAt(start, { ...run, revision });
      } catch (error) {
        if (!(error instanceof GodwitError)) throw error;
        // Whoever wants it tries again when this is gone, or its starter. What may have been started all the same is ended.
        await this.#forgetLater(key, revision);
      }
    } catch (error) {
      if (!(error instanceof GodwitError)) throw error;
      await pause(isRace(error) ? SERVICE_RACE_MS : SERVICE_RESTART_MS);
    }
  }

  /** At this node; at another, if this one takes no more. @throws GodwitError what the last of them says. */
  async #startAt(start: Start, run: Run): Promise<void> {
    const { self, membership, links } = this.#options;
    const starter = this.#starter;
    starter.keepOnly(new Set(this.secrets()));
    const { node: named } = await starter.program(start);
    const others = (membership?.all() ?? [])
      .filter(({ name, load }) => name !== self && load.state === "up")
      .sort((one, other) => one.load.processes / one.lwps - other.load.processes / other.lwps);
    const places = named === undefined ? [self, ...others.map(({ name }) => name)] : [named];
    for (const [index, place] of places.entries()) {
      try {
        if (place === self) return await starter.start(start, run);
        if (links === undefined) throw failure("ENONODE", `there is no node ${place}: this one is alone`);
        return void (await (await links.to(place)).request(START, { service: run.service, id: run.id }));
      } catch (error) {
        const isFull = error instanceof GodwitError && FULL.has(error.code);
        if (!isFull || index === places.length - 1) throw error;
      }
    }
  }

  /** Another node wants a process to be started here. @throws GodwitError as `Starter.asked`. */
  async asked(body: unknown): Promise<null> {
    await this.#starter.asked(body);
    return null;
  }

  /** An entry of this node's for a start that is over: it was not heard that it was made, or an earlier run of the node made it. */
  #tidy({ service, starter, pid, revision }: Run): void {
    if (pid !== null || starter !== this.#options.self || this.#starting.has(service)) return;
    void this.#forgetLater(RUNS + service, revision);
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
    if (this.#isOver) return;
    if (pid === null) return this.#tidy(run);
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
    this.#local?.close();
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
