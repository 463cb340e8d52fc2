/**
 * A node's switch: the front tier that owns clients' connections, and the home's side of them. Between the two go sessions,
 * over the cluster's links, or within the node.
 */

import type { ExposeOptions, ExposureInfo, Front, ServiceInfo } from "../abi/control.ts";
import type { Blobs, Messages } from "../cluster/engine.ts";
import type { Link, LinkHandlers, Links } from "../cluster/link.ts";
import { assert } from "../assert.ts";
import { type EndpointCluster, EndpointMap } from "./endpoint-map.ts";
import type { SocketShare } from "./front-listener.ts";
import { FrontMap } from "./front-map.ts";
import { Fronts, type IsHome } from "./fronts.ts";
import { Handoff, type Siblings } from "./handoff.ts";
import { Lookups } from "./lookup/lookups.ts";
import { Homes } from "./homes.ts";
import { Exposures } from "./exposures.ts";
import { LoneDirectory } from "./lone-directory.ts";
import { Reach } from "./reach.ts";
import { SessionPost } from "./session-post.ts";
import type { Processes } from "./starter.ts";
import { START, Starts } from "./starts.ts";
import { LoneVault, SealedVault, type Vault } from "./vault.ts";

export interface SwitchOptions {
  /** Name of the node. */
  readonly name: string;
  /** What other nodes of this machine have together with this one. */
  readonly sockets?: SocketShare | undefined;
  /** Absent where the node is alone. */
  readonly cluster?: EndpointCluster & {
    readonly links: Links;
    readonly messages: Messages;
    readonly isHome: IsHome;
    readonly blobs: Blobs;
    /** The cluster's. */
    readonly secret: Uint8Array;
  };
  /** Nodes to which connections can be given; absent where there are none. */
  readonly siblings?: Siblings;
}

/** Published when a node lets an address go. */
const FREED = "exposure/freed";

export class Switch {
  readonly map: EndpointMap;
  readonly homes: Homes;
  readonly lookups: Lookups;
  readonly #frontMap: FrontMap;
  readonly #fronts: Fronts;
  readonly #post: SessionPost;
  readonly #vault: Vault;
  #isHome: IsHome = async () => false;
  #exposures: Exposures | undefined;
  #starts: Starts | undefined;
  /** Told when the last front is gone with its last client. */
  onUnused: () => void = () => {};
  /** What starts the processes of services that are started when they are wanted. */
  processes: Processes | undefined;

  private constructor({ name, cluster, sockets, siblings }: SwitchOptions, map: EndpointMap, frontMap: FrontMap) {
    this.map = map;
    this.#frontMap = frontMap;
    const reach = new Reach(name, cluster?.membership);
    this.lookups = new Lookups(name, { endpoints: map, fronts: frontMap, reach });
    this.#vault = cluster === undefined ? new LoneVault() : new SealedVault(cluster.blobs, cluster.secret);
    this.#post = new SessionPost(name, cluster?.links, {
      heard: (side, peer, message) =>
        side === "home" ? this.homes.heard(peer, message) : this.#fronts.heard(peer, message),
      lost: (peer, error) => {
        this.#fronts.lost(peer);
        this.homes.lost(peer, error);
      },
    });
    const wanted = (service: string) => this.#starts?.wanted(service);
    this.#fronts = new Fronts(name, map, frontMap, reach, this.#post, () => this.onUnused(), wanted);
    if (cluster !== undefined && siblings !== undefined)
      this.#fronts.handoff = new Handoff({
        self: name,
        siblings,
        links: cluster.links,
        glance: (...of) => this.#fronts.glance(...of),
        adopt: (order, paper) => this.#fronts.adopt(order, paper),
        unused: () => this.#fronts.isInUse || this.onUnused(),
      });
    this.#fronts.sockets = sockets;
    if (cluster !== undefined) this.#isHome = cluster.isHome;
    // The word of this node's own home is taken for that.
    const attachHere = (asked: unknown) => this.#fronts.attach(name, asked, async () => true);
    this.homes = new Homes({ self: name, map, links: cluster?.links, post: this.#post, attachHere });
  }

  /** Resolves when it is known what is served and exposed; this node holds its addresses as soon as it can. */
  static async open(options: SwitchOptions): Promise<Switch> {
    const { name, cluster } = options;
    const [map, frontMap] = await Promise.all([EndpointMap.open(name, cluster), FrontMap.open(name, cluster)]);
    const opened = new Switch(options, map, frontMap);
    await opened.#open(options);
    return opened;
  }

  async #open({ name, cluster }: SwitchOptions): Promise<void> {
    const directory = cluster?.directory ?? new LoneDirectory();
    const membership = cluster?.membership;
    const common = { self: name, directory, vault: this.#vault, membership };
    this.#starts = await Starts.open({
      ...common,
      links: cluster?.links,
      processes: () => this.processes,
      isServed: (service) => this.map.of(service).length > 0,
      isWanted: (service) => this.#fronts.isWantedFor(service),
      retire: (service, pid, idleMs) => this.homes.retire(service, pid, idleMs),
    });
    const freed = () => cluster?.messages.publish(FREED, new Uint8Array(0));
    this.#exposures = await Exposures.open({ ...common, fronts: this.#fronts, freed });
    await cluster?.messages.subscribe(FREED, () => this.#exposures?.tryAll());
  }

  get #parts(): { readonly exposures: Exposures; readonly starts: Starts } {
    const [exposures, starts] = [this.#exposures, this.#starts];
    assert(exposures !== undefined && starts !== undefined, "a switch is open before it is used");
    return { exposures, starts };
  }

  /** Accepts clients of a service at an address. @throws GodwitError EINVAL, EADDRINUSE, EACCES, EAGAIN; as the directory. */
  async expose({ start, ...options }: ExposeOptions): Promise<Front> {
    const { exposures, starts } = this.#parts;
    const isFirst = !exposures.isExposed(options.service);
    const front = await exposures.expose(options);
    try {
      if (start !== undefined) await starts.define(options.service, start);
    } catch (error) {
      if (isFirst) await exposures.unexpose(options.service, front.address).catch(() => {}); // the first fault is told
      throw error;
    }
    const used = new Set([...exposures.secrets(), ...starts.secrets()]);
    void this.#vault.sweep((secret) => used.has(secret));
    return front;
  }

  /** Nobody accepts there any more; those that are served already go on. Returns what this node has taken back. */
  async unexpose(service: string, address?: string): Promise<ExposureInfo[]> {
    const { exposures, starts } = this.#parts;
    const gone = await exposures.unexpose(service, address);
    if (!exposures.isExposed(service)) await starts.undefine(service);
    return gone;
  }

  /** The node is about to go away: addresses that others can hold are theirs from now on, and connections that others can take. */
  leave(): void {
    this.#fronts.handoff?.leave();
    this.#fronts.retireCareOf();
    this.#parts.exposures.leave();
  }

  /** A process that was at home here has ended. @param isStopping since its node stops. */
  ended(pid: number, isStopping: boolean): void {
    this.#parts.starts.ended(pid, isStopping);
  }

  /** Whether clients of services come to this node, or are there. */
  get isInUse(): boolean {
    return this.#fronts.isInUse;
  }

  /** What sessions have in memory here, in bytes: for homes, for clients, and for fronts. */
  get held(): { readonly uploads: number; readonly downloads: number; readonly kept: number } {
    return { ...this.#fronts.held, kept: this.homes.heldBytes };
  }

  /** What this node knows of services: all their processes, with what this switch has of them, and its own fronts. */
  services(): ServiceInfo[] {
    const { exposures, starts } = this.#parts;
    const fronts = this.#fronts.all();
    const endpoints = this.map.all();
    const exposed = exposures.all();
    const names = new Set([...endpoints, ...exposed].map(({ service }) => service).concat(starts.services()));
    return [...names].sort().map((name) => {
      const start = starts.of(name);
      return {
        name,
        members: endpoints
          .filter(({ service }) => service === name)
          .map(({ pid, home, protocol }) => ({ pid, home, protocol, open: this.#fronts.openOf(pid, protocol) })),
        fronts: fronts.filter(({ service }) => service === name),
        exposures: exposed.filter(({ service }) => service === name).map(({ service: _, ...exposure }) => exposure),
        ...(start === undefined ? {} : { start }),
      };
    });
  }

  /** A node's handlers, with what is for the switch taken out. */
  withSessions(handlers: LinkHandlers): LinkHandlers {
    return {
      bulk: (peer, stream, header) => handlers.bulk(peer, stream, header),
      told: (link: Link, kind, body) => {
        if (kind === "handoff") this.#fronts.handoff?.told(link, body);
        else if (!this.#post.told(link, kind, body)) handlers.told(link, kind, body);
      },
      asked: async (link, kind, body) => {
        if (kind === "handoff/front" && this.#fronts.handoff !== undefined)
          return this.#fronts.handoff.asked(link.peer, body);
        if (kind === START) return this.#parts.starts.asked(body);
        if (kind !== "session/attach") return handlers.asked(link, kind, body);
        this.#post.watch(link);
        return this.#fronts.attach(link.peer, body, this.#isHome);
      },
    };
  }

  stop(): void {
    this.#starts?.close();
    this.#exposures?.close();
    this.#fronts.stop();
    this.lookups.stop();
    this.#frontMap.close();
    this.map.close();
  }
}
