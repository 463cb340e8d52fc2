/**
 * A node's switch: the front tier that owns clients' connections, and the home's side of them. Between the two go sessions,
 * over the cluster's links, or within the node.
 */

import type { ExposeOptions, Front, ServiceInfo, ServiceStart } from "../abi/control.ts";
import type { Link, LinkHandlers, Links } from "../cluster/link.ts";
import { type EndpointCluster, EndpointMap } from "./endpoint-map.ts";
import { Fronts } from "./fronts.ts";
import { Homes } from "./homes.ts";
import { failure } from "../errors.ts";
import { type Processes, Starter } from "./starter.ts";
import { SessionPost } from "./session-post.ts";

export interface SwitchOptions {
  /** Name of the node. */
  readonly name: string;
  /** Absent where the node is alone. */
  readonly cluster?: EndpointCluster & { readonly links: Links };
}

export class Switch {
  readonly map: EndpointMap;
  readonly homes: Homes;
  readonly #fronts: Fronts;
  readonly #post: SessionPost;
  readonly #starters = new Map<string, Starter>();
  /** Told when the last front is gone with its last client. */
  onUnused: () => void = () => {};
  /** What starts the processes of services that are started when they are wanted. */
  processes: Processes | undefined;

  private constructor({ name, cluster }: SwitchOptions, map: EndpointMap) {
    this.map = map;
    this.#post = new SessionPost(name, cluster?.links, {
      heard: (side, peer, message) =>
        side === "home" ? this.homes.heard(peer, message) : this.#fronts.heard(peer, message),
      lost: (peer, error) => {
        this.#fronts.lost(peer);
        this.homes.lost(peer, error);
      },
    });
    const wanted = (service: string) => this.#starters.get(service)?.wanted();
    this.#fronts = new Fronts(name, map, this.#post, () => this.onUnused(), wanted);
    const attachHere = (asked: unknown) => this.#fronts.attach(name, asked);
    this.homes = new Homes({ self: name, map, links: cluster?.links, post: this.#post, attachHere });
  }

  static async open(options: SwitchOptions): Promise<Switch> {
    return new Switch(options, await EndpointMap.open(options.name, options.cluster));
  }

  /** Accepts clients of a service at an address of this node. @throws GodwitError EINVAL, EADDRINUSE, EACCES, EAGAIN. */
  async expose(options: ExposeOptions): Promise<Front> {
    const front = await this.#fronts.expose(options);
    if (options.start !== undefined) {
      this.#starters.get(options.service)?.close();
      this.#starters.set(options.service, this.#starter(options.service, options.start));
    }
    return front;
  }

  #starter(service: string, start: ServiceStart): Starter {
    if (this.processes === undefined) throw failure("ENOSYS", "this switch cannot start processes");
    return new Starter(start, {
      processes: this.processes,
      isServed: () => this.map.of(service).length > 0,
      isWanted: () => this.#fronts.isWantedFor(service),
      retire: (pid, idleMs) => this.homes.retire(service, pid, idleMs),
    });
  }

  /** Accepts no more there; those that are served already go on. */
  unexpose(service: string, address?: string): Front[] {
    const gone = this.#fronts.unexpose(service, address);
    if (this.#fronts.all().some((front) => front.service === service)) return gone;
    this.#starters.get(service)?.close();
    this.#starters.delete(service);
    return gone;
  }

  /** Whether clients of services come to this node, or are there. */
  get isInUse(): boolean {
    return this.#fronts.isInUse;
  }

  /** What this node knows of services: all their processes, with what this switch has of them, and its own fronts. */
  services(): ServiceInfo[] {
    const fronts = this.#fronts.all();
    const endpoints = this.map.all();
    const names = new Set([...endpoints.map(({ service }) => service), ...fronts.map(({ service }) => service)]);
    return [...names].sort().map((name) => ({
      name,
      members: endpoints
        .filter(({ service }) => service === name)
        .map(({ pid, home, protocol }) => ({ pid, home, protocol, open: this.#fronts.openOf(pid) })),
      fronts: fronts.filter(({ service }) => service === name),
    }));
  }

  /** A node's handlers, with what is for the switch taken out. */
  withSessions(handlers: LinkHandlers): LinkHandlers {
    return {
      bulk: (peer, stream, header) => handlers.bulk(peer, stream, header),
      told: (link: Link, kind, body) => {
        if (!this.#post.told(link, kind, body)) handlers.told(link, kind, body);
      },
      asked: async (link, kind, body) => {
        if (kind !== "session/attach") return handlers.asked(link, kind, body);
        this.#post.watch(link);
        return this.#fronts.attach(link.peer, body);
      },
    };
  }

  stop(): void {
    for (const starter of this.#starters.values()) starter.close();
    this.#fronts.stop();
    this.map.close();
  }
}
