/** What one node answers for itself: its processes, and those that it runs for others. `ClusterControl` puts them together. */

import { hostname } from "node:os";
import { setTimeout as delay } from "node:timers/promises";

import type {
  ClusterControl,
  ClusterEvent,
  DrainOptions,
  DrainReport,
  ExposeOptions,
  ExposureInfo,
  Front,
  Inspection,
  MoveReport,
  NodeInfo,
  NodeLoad,
  NodeState,
  ProcessInfo,
  Replay,
  RestoreOptions,
  ServiceInfo,
  SpawnOptions,
  Stream,
} from "../abi/control.ts";
import type { Lookup, LookupOptions } from "../abi/lookup.ts";
import type { MovePlan } from "../abi/move-plan.ts";
import type { ExitStatus, SignalName } from "../abi/records.ts";
import { failure } from "../errors.ts";
import { DRAIN_READ_MAX_MS, DURABLE_INTERVAL_MS } from "../limits.ts";
import type { ClusterNode } from "./cluster-node.ts";
import { drain } from "./drain.ts";
import type { EventLog } from "./event-log.ts";
import type { Switch } from "../switch/switch.ts";
import type { Node } from "./node.ts";
import type { Entry } from "./process-table.ts";

export interface MemberOptions {
  readonly node: Node;
  readonly events: EventLog;
  readonly version: string;
  readonly socket: string;
  readonly addresses?: readonly string[];
  /** The node's switch, when it is first asked for. */
  readonly services: () => Promise<Switch>;
  /** The same, when there is one from the start: it may hold addresses that nobody has asked this node for. */
  readonly switch?: Switch;
  /** Absent where the node is alone. */
  readonly cluster?: {
    readonly node: ClusterNode;
    /** Nodes that a process may be moved to when this one is drained, the one with the least to do first. */
    readonly targets: () => readonly string[];
    /** Starts a process of any node anew here, with what it keeps; its new pid. */
    readonly restart: (pid: number) => Promise<number>;
    /** A process whose home is here has ended. */
    readonly ended: (pid: number) => void;
  };
}

export class MemberControl implements ClusterControl {
  readonly name: string;
  readonly #options: MemberOptions;
  readonly #node: Node;
  readonly #startedMs = Date.now();
  #state: NodeState = "up";
  /** Processor time of this OS process at the last look, ms, and when that was. */
  #cpuMs = 0;
  #cpuAtMs = performance.now();
  #isDrained = false;
  #switch: Switch | undefined;
  /** Called when a node that was drained is no process's home any more. */
  onEmpty: () => void = () => {};

  constructor(options: MemberOptions) {
    if (options.cluster !== undefined) options.node.mover = (pid, to) => this.migrate(pid, to);
    this.#options = options;
    this.#node = options.node;
    options.node.switchboard.services = async () => (await this.#services()).homes;
    if (options.switch !== undefined) this.#use(options.switch);
    this.name = options.node.name;
    const { node, events } = options;
    node.onStart = ({ pid, parent, name }) => events.tell({ kind: "started", pid, parent: parent?.pid ?? 0, name });
    node.onEnd = ({ pid, name }, status) => {
      events.tell({ kind: "ended", pid, name, status });
      options.cluster?.ended(pid);
      this.#switch?.ended(pid, node.stopping);
      this.#checkEmpty();
    };
  }

  // ---- The node

  /** As it is told to other nodes, each LOAD_INTERVAL_MS. */
  load(): NodeLoad {
    const { user, system } = process.cpuUsage();
    const cpuMs = (user + system) / 1000;
    const atMs = performance.now();
    const shareMs = (atMs - this.#cpuAtMs) * this.#node.lwps.count;
    const cpuPercent = shareMs > 0 ? Math.min(100, Math.round((1000 * (cpuMs - this.#cpuMs)) / shareMs) / 10) : 0;
    [this.#cpuMs, this.#cpuAtMs] = [cpuMs, atMs];
    return {
      processes: this.#node.lwps.processes,
      cpuPercent,
      memoryBytes: process.memoryUsage.rss(),
      state: this.#state,
    };
  }

  info(): Omit<NodeInfo, keyof NodeLoad> {
    const { name, lwps, engineHash } = this.#node;
    const { version, socket, addresses = [] } = this.#options;
    const host = { hostname: hostname(), hostPid: process.pid };
    return {
      name,
      ...host,
      version,
      engine: engineHash,
      lwps: lwps.count,
      startedMs: this.#startedMs,
      addresses,
      socket,
    };
  }

  async nodes(): Promise<NodeInfo[]> {
    return [{ ...this.info(), ...this.load() }];
  }

  events(replay: boolean, on: (event: ClusterEvent) => void): () => void {
    return this.#options.events.subscribe(replay, on);
  }

  async migrate(pid: number, node: string): Promise<MoveReport> {
    const { cluster, events } = this.#options;
    this.#node.table.living(pid);
    if (cluster === undefined) throw failure("ENONODE", `node ${this.name} is alone: there is no node ${node}`);
    const move = await cluster.node.migrate(pid, node);
    events.tell({ kind: "moved", move });
    return move;
  }

  async cancelMove(pid: number): Promise<MoveReport> {
    this.#node.table.living(pid);
    const { cluster } = this.#options;
    if (cluster === undefined) throw failure("EINVAL", `process ${pid} is not being moved: node ${this.name} is alone`);
    return cluster.node.cancelMove(pid);
  }

  async planMove(pid: number, node: string): Promise<MovePlan> {
    const { cluster } = this.#options;
    this.#node.table.living(pid);
    if (cluster === undefined) throw failure("ENONODE", `node ${this.name} is alone: there is no node ${node}`);
    return cluster.node.plan(pid, node);
  }

  async drain(name: string, options: DrainOptions = {}): Promise<DrainReport> {
    const { cluster, events } = this.#options;
    if (name !== this.name) throw failure("ENONODE", `this is node ${this.name}, not ${name}`);
    if (cluster === undefined) throw failure("ENONODE", `node ${name} is alone: there is none to take its processes`);
    if (cluster.targets().length === 0) throw failure("ENONODE", `there is no other node to take those of ${name}`);
    if (options.dryRun === true) return drain(cluster.node, cluster.targets, () => {}, options);
    this.#state = "draining";
    cluster.node.takesIn = false;
    const moved = (move: MoveReport) => events.tell({ kind: "moved", move });
    const report = await drain(cluster.node, cluster.targets, moved, options);
    this.#isDrained = report.left.length === 0;
    if (this.#isDrained) this.#switch?.leave();
    else {
      this.#state = "up";
      cluster.node.takesIn = true;
    }
    this.#checkEmpty();
    return report;
  }

  /** Whether it was drained, and nothing is left that needs it: no process, and no client of a front. */
  #checkEmpty(): void {
    const all = this.#node.table.all();
    const isEmpty = all.every(({ exit }) => exit !== undefined);
    if (this.#isDrained && isEmpty && this.#switch?.isInUse !== true) void this.#leaveRead(all);
  }

  /** Who reads what processes have said before they ended is told all of it first. */
  async #leaveRead(all: readonly Entry[]): Promise<void> {
    const read = Promise.all(all.map(({ ended }) => ended.catch(() => {})));
    await Promise.race([read, delay(DRAIN_READ_MAX_MS, undefined, { ref: false })]);
    setImmediate(() => this.onEmpty());
  }

  async stop(): Promise<void> {
    await this.#node.stop();
    this.#switch?.stop();
  }

  // ---- Services

  async #services(): Promise<Switch> {
    return this.#switch ?? this.#use(await this.#options.services());
  }

  #use(own: Switch): Switch {
    own.onUnused = () => this.#checkEmpty();
    own.processes ??= this;
    return (this.#switch = own);
  }

  async expose(options: ExposeOptions): Promise<Front> {
    const { node = this.name, at = [] } = options;
    if (node !== this.name) throw failure("ENONODE", `there is no node ${node}: this is node ${this.name}`);
    if (this.#options.cluster === undefined && at !== "all" && at.some((one) => one !== node))
      throw failure("ENONODE", `node ${node} is alone: there is no node ${at.find((one) => one !== node)}`);
    if (this.#state === "draining") throw failure("EAGAIN", `node ${node} is being drained: choose another`);
    return (await this.#services()).expose(options);
  }

  async unexpose(service: string, address?: string): Promise<ExposureInfo[]> {
    return (await this.#services()).unexpose(service, address);
  }

  async services(): Promise<ServiceInfo[]> {
    return (await this.#services()).services();
  }

  async openLookup(options: LookupOptions): Promise<Lookup> {
    const { node = this.name } = options;
    if (node !== this.name) throw failure("ENONODE", `there is no node ${node}: this is node ${this.name}`);
    return (await this.#services()).lookups.open(options);
  }

  async closeLookup(address: string): Promise<Lookup[]> {
    return (await this.#services()).lookups.close(address);
  }

  async lookups(): Promise<Lookup[]> {
    return (await this.#services()).lookups.all();
  }

  // ---- Processes

  async spawn({ node = this.name, ...options }: SpawnOptions): Promise<number> {
    this.#checkTakes(node);
    const { durable, ...rest } = options;
    const durability = this.#options.cluster?.node.durability;
    if (durable !== undefined && durability === undefined)
      throw failure(
        "ENONODE",
        `node ${node} is alone: a durable process needs others, as godwit up --nodes 3 starts them`,
      );
    const pid = await this.#node.spawn(rest);
    if (durable === undefined) return pid;
    try {
      await durability?.begin(pid, durable.intervalMs ?? DURABLE_INTERVAL_MS);
    } catch (error) {
      await this.#node.signal(pid, "SIGKILL").catch(() => {});
      throw error;
    }
    return pid;
  }

  async restore(image: Uint8Array, { node = this.name, ...options }: RestoreOptions = {}): Promise<number> {
    this.#checkTakes(node);
    return this.#node.restore(image, options);
  }

  #checkTakes(node: string): void {
    if (node !== this.name) throw failure("ENONODE", `there is no node ${node}: this is node ${this.name}`);
    if (this.#state === "draining") throw failure("EAGAIN", `node ${node} is being drained: choose another`);
  }

  list(): Promise<ProcessInfo[]> {
    return this.#node.list();
  }

  inspect(pid: number): Promise<Inspection> {
    return this.#node.inspect(pid);
  }

  signal(pid: number, signal: SignalName, message?: string): Promise<void> {
    return this.#node.signal(pid, signal, message);
  }

  pause(pid: number): Promise<void> {
    return this.#node.pause(pid);
  }

  async resume(pid: number): Promise<void> {
    if (this.#options.cluster?.node.isUnsettled(pid) === true)
      throw failure("EAGAIN", `process ${pid} is being started anew, and stands still until that is done: try again`);
    return this.#node.resume(pid);
  }

  async fork(pid: number, options: { readonly node?: string } = {}): Promise<number> {
    const child = await this.#node.fork(pid);
    const { node } = options;
    if (node === undefined || this.#node.table.find(child)?.lwp.nodeName === node) return child;
    try {
      const { outcome, reason = "others have it" } = await this.migrate(child, node);
      if (outcome === "moved") return child;
      throw failure("EAGAIN", `the copy of process ${pid} could not be moved to node ${node}: ${reason}`);
    } catch (error) {
      await this.signal(child, "SIGKILL").catch(() => {}); // it may have ended just now
      throw error;
    }
  }

  checkpoint(pid: number): Promise<Uint8Array> {
    return this.#node.checkpoint(pid);
  }

  kept(pid: number): Promise<Uint8Array> {
    return this.#node.kept(pid);
  }

  async restartAt(pid: number, node: string): Promise<number> {
    const { cluster } = this.#options;
    if (cluster === undefined)
      throw failure("ENONODE", `node ${this.name} is alone: process ${pid} cannot go to node ${node}`);
    this.#checkTakes(node);
    return cluster.restart(pid);
  }

  /** @throws GodwitError ESRCH; EREMOTE when it goes on elsewhere. */
  async wait(pid: number): Promise<ExitStatus> {
    const status = await this.#node.wait(pid);
    if (this.#node.stopping && this.#options.cluster?.node.durability?.has(pid) === true)
      throw failure("EREMOTE", `node ${this.name} has stopped, and process ${pid} goes on at another: ask there`);
    return status;
  }

  input(pid: number, bytes: Uint8Array | null): Promise<void> {
    return this.#node.input(pid, bytes);
  }

  async keptOutput(pid: number, on: (stream: Stream, bytes: Uint8Array) => void | Promise<void>): Promise<void> {
    this.#node.output(pid, true, on)();
  }

  output(
    pid: number,
    replay: Replay,
    on: (stream: Stream, bytes: Uint8Array) => void | Promise<void>,
    marked?: (mark: string) => void,
  ): () => void {
    return this.#node.output(pid, replay, on, marked);
  }
}
