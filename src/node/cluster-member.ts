/** A node that joins a cluster, takes part in it, and leaves it. */

import type { Engine, Lease } from "../cluster/engine.ts";
import type { LinksOptions } from "../cluster/links.ts";
import type { MemberRecord } from "../cluster/membership.ts";
import type { PidBlock } from "../cluster/pid-blocks.ts";
import { GodwitError, failure } from "../errors.ts";
import { loadEngine } from "../machine/load.ts";
import { assuredClaim, withAssurance } from "./assurance.ts";
import { WholeControl } from "./cluster-control.ts";
import { ClusterNode } from "./cluster-node.ts";
import { ClusterView } from "./cluster-view.ts";
import { ControlServer } from "./control-server.ts";
import { Durability } from "./durability.ts";
import { ClusterNames, withNames } from "./far-names.ts";
import type { Happening } from "./event-log.ts";
import { Failover } from "./failover.ts";
import { Fence } from "./fence.ts";
import { MemberControl } from "./member-control.ts";
import { measure } from "./telemetry.ts";
import type { Siblings } from "../switch/handoff.ts";
import type { SocketShare } from "../switch/front-listener.ts";
import { Switch } from "../switch/switch.ts";
import { Node, type NodeOptions } from "./node.ts";
import { Readmission } from "./readmission.ts";
import { WeakMoves, withWeakMoves } from "./weak-move.ts";

export interface MemberSettings extends Omit<NodeOptions, "firstPid"> {
  readonly engine: Engine;
  readonly identity: LinksOptions["identity"];
  /** Where links of peers are taken. */
  readonly address: string;
  /** Where its control is served. */
  readonly socket: string;
  readonly version: string;
  readonly log: (line: string) => void;
  /** Nodes of this machine to which connections can be given; absent where there are none. */
  readonly siblings?: Siblings;
  /** What nodes that one process has started have together. */
  readonly sockets?: SocketShare;
}

export class ClusterMember {
  readonly cluster: ClusterNode;
  /** Of this node alone. */
  readonly own: MemberControl;
  /** Of the whole cluster. */
  readonly control: WholeControl;
  readonly view: ClusterView;
  readonly #block: PidBlock;
  readonly #served: ControlServer;
  readonly #durability: Durability;
  readonly #failover: Failover;
  readonly #readmission: Readmission;
  readonly #names: ClusterNames;
  readonly #switch: Switch;
  #fence: Fence | undefined;
  readonly #endMeasuring: () => void;
  #stopping: Promise<void> | undefined;
  /** Called when a node that was drained has nothing left that needs it. */
  onEmpty: () => void = () => {};
  /** Called when others have taken this node for dead and another has its name: it cannot come back, and nothing goes on here. */
  onDeposed: (reason: Error) => void = () => {};

  private constructor(settings: MemberSettings, view: ClusterView, block: PidBlock, parts: Parts) {
    const { version, log } = settings;
    this.view = view;
    this.#block = block;
    this.cluster = parts.cluster;
    this.own = parts.own;
    this.#durability = parts.durability;
    this.#failover = parts.failover;
    this.#names = parts.names;
    this.#switch = parts.switch;
    this.#readmission = new Readmission({ view, cluster: this.cluster, durability: this.#durability });
    this.cluster.homing.isCutOff = () => this.#fence?.isUp === true;
    this.control = new WholeControl({ view, own: this.own, stop: () => this.stop() });
    parts.switch.processes = this.control;
    this.#served = new ControlServer(this.own, { version, log, stop: () => this.stop() });
    this.#endMeasuring = measure(parts.cluster.node, version, view.events);
    view.serveControl = (connection) => this.#served.accept(connection);
    parts.own.onEmpty = () => this.onEmpty();
  }

  /**
   * Starts a node as a member of a cluster.
   * @throws GodwitError EEXIST when the cluster has a living node of that name; ECLUSTER, ETIMEDOUT; EENGINE.
   */
  static async join(settings: MemberSettings): Promise<ClusterMember> {
    const { engine, identity, address, log, version } = settings;
    const machine = loadEngine();
    machine.catch(() => {}); // heard below
    const view = await ClusterView.open({ engine, identity, address, log });
    try {
      const block = await view.blocks.take(identity.name);
      const parts = await makeParts(settings, view, block, await machine, () => member.#fence?.isUp === false);
      const named = withNames(
        parts.names,
        withWeakMoves(parts.weakMoves, withAssurance(parts.cluster, view.directory)),
      );
      view.handlers = parts.switch.withSessions(named);
      const member: ClusterMember = new ClusterMember(settings, view, block, parts);
      const record = { ...parts.own.info(), version, addresses: [await view.links.listening] };
      const lease = await view.membership.join(record, () => parts.own.load());
      member.#fence = new Fence(parts.cluster.node, lease, () => member.#goneOn());
      void member.#comeBack(lease, record, log);
      view.onEntry = (pid, entry) => parts.failover.changed(pid, entry);
      view.membership.watch(({ kind }) => (kind === "joined" ? undefined : void parts.failover.sweep()));
      void parts.failover.sweep();
      return member;
    } catch (error) {
      await view.close();
      throw error;
    }
  }

  /** Guests go on that stood still: what became of others meanwhile is looked at now. */
  #goneOn(): void {
    void this.#failover.sweep();
    void this.#readmission.settleAway();
  }

  /** Becomes a member again whenever others have taken this node for dead. */
  async #comeBack(first: Lease, record: MemberRecord, log: (line: string) => void): Promise<void> {
    for (let lease = first; ;) {
      const reason = await lease.lost;
      log(`${reason.message}: its processes stand still until it is a member again`);
      try {
        const next = await this.#readmission.run(record);
        if (next === undefined) return;
        lease = next;
      } catch (error) {
        if (!(error instanceof GodwitError)) throw error;
        return this.onDeposed(error);
      }
      log("it is a member again, and goes on with what nobody has restored");
      this.#fence?.renew(lease);
      void this.#names.renew();
    }
  }

  /** Ends the node's processes, and leaves. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /**
   * Lets go of everything at once, without a word to the other nodes and without a last image: of a node that others may have taken
   * for dead already, and in whose place they go on.
   */
  abandon(): Promise<void> {
    this.#stopping ??= this.#abandon();
    return this.#stopping;
  }

  async #abandon(): Promise<void> {
    for (const lwp of this.cluster.node.lwps.all()) lwp.mayRunFor(0);
    this.#endMeasuring();
    this.#failover.close();
    this.#readmission.close();
    this.#durability.close();
    await this.view.close();
    this.#switch.stop();
    await this.cluster.node.stop();
    this.#fence?.remove();
  }

  async #stop(): Promise<void> {
    this.#endMeasuring();
    this.#failover.close();
    this.#readmission.close();
    this.cluster.takesIn = false;
    await this.#durability.leave();
    this.#fence?.remove();
    await this.own.stop();
    // Pids of it may be in use elsewhere still: then it is not to be given again.
    const isFree = [...(await this.view.directory.list()).keys()].every((pid) => !this.#block.has(pid));
    if (isFree) await this.#block.release();
    await this.view.membership.leave();
    await this.view.close();
  }
}

interface Parts {
  readonly cluster: ClusterNode;
  readonly own: MemberControl;
  readonly names: ClusterNames;
  readonly weakMoves: WeakMoves;
  readonly durability: Durability;
  readonly failover: Failover;
  readonly switch: Switch;
}

async function makeParts(
  settings: MemberSettings,
  view: ClusterView,
  block: PidBlock,
  engine: Awaited<ReturnType<typeof loadEngine>>,
  isAlive: () => boolean,
): Promise<Parts> {
  const { name, lwps, swapAfterMs, version, socket } = settings;
  const { firstPid } = block;
  const given = { ...(lwps === undefined ? {} : { lwps }), ...(swapAfterMs === undefined ? {} : { swapAfterMs }) };
  const node = new Node({ name, firstPid, ...given }, engine);
  const names = await ClusterNames.open(view, node);
  node.table.far = names;
  const claim = assuredClaim(view);
  const cluster = new ClusterNode({
    node,
    engine,
    links: () => view.links,
    claim,
    homes: view.directory,
    log: settings.log,
  });
  const targets = () =>
    view.membership
      .all()
      .filter((one) => one.name !== name && one.engine === engine.manifest.hash && one.load.state === "up")
      .sort((a, b) => a.load.processes / a.lwps - b.load.processes / b.lwps)
      .map((one) => one.name);
  const { directory } = view;
  const tell = (happening: Happening) => view.events.tell(happening);
  const { secret } = settings.identity;
  const durability = new Durability({ cluster, engine, blobs: view.engine.blobs, directory, secret, isAlive, tell });
  const failover = new Failover({
    cluster,
    durability,
    engine,
    directory,
    isAlive: (node) => view.membership.find(node) !== undefined,
    isMember: (node) => view.membership.isMember(node),
    isFenced: () => !isAlive(),
    candidates: () => [...targets(), ...(cluster.takesIn ? [name] : [])],
    tell,
  });
  const ended = (pid: number) => {
    // What is durable outlives a node that stops.
    if (node.stopping && durability.has(pid)) return;
    const entry = node.table.find(pid);
    if (entry !== undefined) void names.ended(entry);
    void durability.ended(pid).then(() => forget(view, pid));
  };
  const weakMoves = new WeakMoves(node, () => view.links, directory);
  cluster.isUnsettled = (pid) => weakMoves.isUnsettled(pid);
  const restart = async (pid: number) => {
    if (view.homeOf(pid) === undefined) await view.blocks.look(pid);
    const home = view.homeOf(pid);
    if (home === undefined) throw failure("ESRCH", `there is no process ${pid} in this cluster`);
    return weakMoves.restart(pid, home);
  };
  const { membership, links } = view;
  const { messages, blobs, directory: entries } = view.engine;
  const isHome = async (home: string, pid: number) =>
    view.entryOf(pid)?.home === home || (await directory.find(pid))?.home === home;
  const ground = { directory: entries, membership, links, messages, blobs, secret, isHome };
  const { siblings, sockets } = settings;
  const near = siblings === undefined ? {} : { siblings };
  const clients = await Switch.open({ name, sockets, cluster: ground, ...near });
  const own = new MemberControl({
    node,
    events: view.events,
    version,
    socket,
    services: async () => clients,
    switch: clients,
    cluster: { node: cluster, targets, restart, ended },
  });
  return { cluster, own, names, weakMoves, durability, failover, switch: clients };
}

/** The directory has nothing to say any more of a process that has ended. What it tells may be late: it is read. */
async function forget(view: ClusterView, pid: number): Promise<void> {
  try {
    await view.directory.forget(pid, view.name);
  } catch (error) {
    // The store cannot be reached: what is left behind is one small entry.
    if (!(error instanceof GodwitError)) throw error;
  }
}
