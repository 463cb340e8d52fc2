/** The whole cluster's control, from any place in it: what is about a process goes to its home, and lists are put together. */

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
import type { Member } from "../cluster/membership.ts";
import { failure } from "../errors.ts";
import { MEMBER_ANSWER_MS } from "../limits.ts";
import type { ClusterView } from "./cluster-view.ts";
import { Pursuit } from "./pursuit.ts";
import { merged } from "./service-list.ts";

export interface ClusterControlOptions {
  readonly view: ClusterView;
  /** This node's own; absent where none runs here. */
  readonly own?: ClusterControl;
  /** What is done when it is told to stop. */
  readonly stop: () => Promise<void>;
}

export class WholeControl implements ClusterControl {
  readonly name: string;
  readonly #view: ClusterView;
  readonly #options: ClusterControlOptions;
  readonly #pursuit: Pursuit;
  /** Processes that were given to each node since it told of its load. */
  readonly #given = new Map<string, { readonly load: NodeLoad; count: number }>();

  constructor(options: ClusterControlOptions) {
    this.#options = options;
    this.#view = options.view;
    this.#pursuit = new Pursuit(options.view, (node) => this.#at(node));
    this.name = options.view.name;
  }

  // ---- Nodes

  async nodes(): Promise<NodeInfo[]> {
    return this.#view.membership.all().map(({ load, token: _, ...record }) => ({ ...record, ...load }));
  }

  events(replay: boolean, on: (event: ClusterEvent) => void): () => void {
    return this.#view.events.subscribe(replay, on);
  }

  async migrate(pid: number, node: string): Promise<MoveReport> {
    this.#view.membership.get(node);
    return (await this.#home(pid)).migrate(pid, node);
  }

  async cancelMove(pid: number): Promise<MoveReport> {
    return (await this.#home(pid)).cancelMove(pid);
  }

  async planMove(pid: number, node: string): Promise<MovePlan> {
    this.#view.membership.get(node);
    return (await this.#home(pid)).planMove(pid, node);
  }

  async restartAt(pid: number, node: string): Promise<number> {
    this.#view.membership.get(node);
    await this.#home(pid);
    return this.#at(node).restartAt(pid, node);
  }

  async drain(node: string, options: DrainOptions = {}): Promise<DrainReport> {
    return this.#at(node).drain(node, options);
  }

  // ---- Services

  /**
   * Opened first at this node's switch, or that of one that is to hold it; when nothing is said and it is asked from outside, at
   * the node with the least to do.
   */
  async expose(options: ExposeOptions): Promise<Front> {
    const { at = "all" } = options;
    const named = at === "all" ? [] : at;
    for (const name of named) this.#view.membership.get(name);
    const own = this.#options.own?.name;
    const first = own !== undefined && named.includes(own) ? own : named[0];
    const node = options.node ?? first ?? this.#place();
    return this.#at(node).expose({ ...options, node });
  }

  async unexpose(service: string, address?: string): Promise<ExposureInfo[]> {
    return (await this.#ofAll((node) => node.unexpose(service, address))).flat();
  }

  async services(): Promise<ServiceInfo[]> {
    return merged(await this.#ofAll((node) => node.services()));
  }

  /** As a front's. */
  async openLookup(options: LookupOptions): Promise<Lookup> {
    const node = options.node ?? this.#place();
    return this.#at(node).openLookup({ ...options, node });
  }

  async closeLookup(address: string): Promise<Lookup[]> {
    return (await this.#ofAll((node) => node.closeLookup(address))).flat();
  }

  async lookups(): Promise<Lookup[]> {
    return (await this.#ofAll((node) => node.lookups())).flat();
  }

  /** What all nodes say that answer in time. */
  async #ofAll<T>(ask: (node: ClusterControl) => Promise<T[]>): Promise<T[][]> {
    return Promise.all(this.#view.membership.all().map(({ name }) => this.#inTime(ask(this.#at(name)))));
  }

  /** A node that is just dying is left out. */
  async #inTime<T>(answer: Promise<T[]>): Promise<T[]> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<T[]>((resolve) => (timer = setTimeout(() => resolve([]), MEMBER_ANSWER_MS)));
    return Promise.race([answer.catch(() => []), late]).finally(() => clearTimeout(timer));
  }

  stop(): Promise<void> {
    return this.#options.stop();
  }

  /** The control of a node. @throws GodwitError ENONODE. */
  #at(name: string): ClusterControl {
    const { own } = this.#options;
    return own?.name === name ? own : this.#view.control(name);
  }

  // ---- Processes that there are not yet

  async spawn(options: SpawnOptions): Promise<number> {
    const node = options.node ?? this.#place();
    return this.#at(node).spawn({ ...options, node });
  }

  async restore(image: Uint8Array, options: RestoreOptions = {}): Promise<number> {
    const node = options.node ?? this.#place();
    return this.#at(node).restore(image, { ...options, node });
  }

  /** Where a process goes for which no node was named: to this one; from outside, to the one with the least to do. */
  #place(): string {
    const { own } = this.#options;
    const open = this.#view.membership.all().filter(({ load }) => load.state === "up");
    const chosen =
      open.find(({ name }) => name === own?.name) ?? open.toSorted((a, b) => this.#share(a) - this.#share(b))[0];
    if (chosen === undefined) throw failure("ENONODE", "no node of this cluster takes processes");
    this.#givenTo(chosen).count++;
    return chosen.name;
  }

  #givenTo({ name, load }: Member) {
    const known = this.#given.get(name);
    if (known?.load === load) return known;
    const given = { load, count: 0 };
    this.#given.set(name, given);
    return given;
  }

  /** Processes for each LWP. */
  #share(member: Member): number {
    return (member.load.processes + this.#givenTo(member).count) / member.lwps;
  }

  // ---- Processes

  async list(): Promise<ProcessInfo[]> {
    return (await this.#ofAll((node) => node.list())).flat();
  }

  /** @throws GodwitError ESRCH, ENONODE. */
  #homeNow(pid: number): ClusterControl {
    const home = this.#view.homeOf(pid);
    if (home === undefined)
      throw failure("ESRCH", `there is no process ${pid} in this cluster: see \`godwit ps --all\``);
    if (this.#options.own?.name !== home && this.#view.membership.find(home) === undefined)
      throw failure("ESRCH", `process ${pid} had its home on node ${home}, which is gone`);
    return this.#at(home);
  }

  /** As `#homeNow`, also for a pid that was given a moment ago. */
  async #home(pid: number): Promise<ClusterControl> {
    if (this.#view.homeOf(pid) === undefined) await this.#view.blocks.look(pid);
    return this.#homeNow(pid);
  }

  async inspect(pid: number): Promise<Inspection> {
    return (await this.#home(pid)).inspect(pid);
  }

  async signal(pid: number, signal: SignalName, message?: string): Promise<void> {
    return this.#pursuit.there(pid, (home) => home.signal(pid, signal, message));
  }

  async pause(pid: number): Promise<void> {
    return (await this.#home(pid)).pause(pid);
  }

  async resume(pid: number): Promise<void> {
    return (await this.#home(pid)).resume(pid);
  }

  async fork(pid: number, options: { readonly node?: string } = {}): Promise<number> {
    if (options.node !== undefined) this.#view.membership.get(options.node);
    return (await this.#home(pid)).fork(pid, options);
  }

  async checkpoint(pid: number): Promise<Uint8Array> {
    return (await this.#home(pid)).checkpoint(pid);
  }

  async kept(pid: number): Promise<Uint8Array> {
    return (await this.#home(pid)).kept(pid);
  }

  async wait(pid: number): Promise<ExitStatus> {
    return this.#pursuit.wait(pid);
  }

  async input(pid: number, bytes: Uint8Array | null): Promise<void> {
    return this.#pursuit.input(pid, bytes);
  }

  async keptOutput(pid: number, on: (stream: Stream, bytes: Uint8Array) => void | Promise<void>): Promise<void> {
    return (await this.#home(pid)).keptOutput(pid, on);
  }

  output(pid: number, replay: Replay, on: (stream: Stream, bytes: Uint8Array) => void | Promise<void>): () => void {
    return this.#pursuit.output(pid, replay, on);
  }
}
