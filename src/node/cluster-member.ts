/** A node that joins a cluster, takes part in it, and leaves it. */

import type { Engine } from "../cluster/engine.ts";
import type { LinksOptions } from "../cluster/links.ts";
import type { PidBlock } from "../cluster/pid-blocks.ts";
import { GodwitError } from "../errors.ts";
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
import { Switch } from "../switch/switch.ts";
import { Node, type NodeOptions } from "./node.ts";

export interface MemberSettings extends Omit<NodeOptions, "firstPid"> {
  readonly engine: Engine;
  readonly identity: LinksOptions["identity"];
  /** Where links of peers are taken. */
  readonly address: string;
  /** Where its control is served. */
  readonly socket: string;
  readonly version: string;
  readonly log: (line: string) => void;
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
  #fence: Fence | undefined;
  readonly #endMeasuring: () => void;
  #stopping: Promise<void> | undefined;
  /** Called when a node that was drained has nothing left that needs it. */
  onEmpty: () => void = () => {};
  /** Called when others have taken this node for dead, and may have its processes: nothing may go on here. */
  onDeposed: (reason: Error) => void = () => {};

  private constructor(settings: MemberSettings, view: ClusterView, block: PidBlock, parts: Parts) {
    const { version, log } = settings;
    this.view = view;
    this.#block = block;
    this.cluster = parts.cluster;
    this.own = parts.own;
    this.#durability = parts.durability;
    this.#failover = parts.failover;
    this.control = new WholeControl({ view, own: this.own, stop: () => this.stop() });
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
      const handlers = withNames(parts.names, withAssurance(parts.cluster, view.directory));
      view.handlers = parts.switch.withSessions(handlers);
      const member: ClusterMember = new ClusterMember(settings, view, block, parts);
      const record = { ...parts.own.info(), version, addresses: [await view.links.listening] };
      const lease = await view.membership.join(record, () => parts.own.load());
      member.#fence = new Fence(parts.cluster.node, lease);
      void lease.lost.then((reason) => member.onDeposed(reason));
      view.onEntry = (pid, entry) => parts.failover.changed(pid, entry);
      view.membership.watch(({ kind }) => (kind === "joined" ? undefined : void parts.failover.sweep()));
      void parts.failover.sweep();
      return member;
    } catch (error) {
      await view.close();
      throw error;
    }
  }

  /** Ends the node's processes, and leaves. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#endMeasuring();
    this.#failover.close();
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
  const cluster = new ClusterNode({ node, engine, links: () => view.links, claim });
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
  const { membership, links } = view;
  const clients = await Switch.open({ name, cluster: { directory: view.engine.directory, membership, links } });
  const own = new MemberControl({
    node,
    events: view.events,
    version,
    socket,
    services: async () => clients,
    cluster: { node: cluster, targets, ended },
  });
  return { cluster, own, names, durability, failover, switch: clients };
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
