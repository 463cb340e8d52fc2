/** A cluster as seen from one place, which may be a node or only look on: who is there, where each process is at home. */

import type { Duplex } from "node:stream";

import type { ClusterControl } from "../abi/control.ts";
import { NodeClient } from "../client/node-client.ts";
import { Transport } from "../client/transport.ts";
import type { Engine, Subscription } from "../cluster/engine.ts";
import type { LinkHandlers } from "../cluster/link.ts";
import { createLinks, type LinksOptions, type NodeLinks } from "../cluster/links.ts";
import { Membership } from "../cluster/membership.ts";
import { PidBlocks } from "../cluster/pid-blocks.ts";
import { type ProcessEntry, ProcessDirectory } from "../cluster/process-directory.ts";
import { failure } from "../errors.ts";
import { PAST_HOMES_MAX } from "../limits.ts";
import { EventLog } from "./event-log.ts";

export interface ViewOptions {
  readonly engine: Engine;
  readonly identity: LinksOptions["identity"];
  /** Where links of peers are taken. */
  readonly address: string;
  readonly log: (line: string) => void;
}

/** Header of a stream over which another node's control is asked. */
const CONTROL_STREAM = { kind: "control" } as const;

const NOT_A_NODE: LinkHandlers = {
  told: () => {},
  asked: async (_, kind) => {
    throw failure("EPROTO", `what runs here is no node: it is not asked for "${kind}"`);
  },
  bulk: (_, stream) => void stream.destroy(),
};

export class ClusterView {
  readonly name: string;
  readonly engine: Engine;
  readonly membership: Membership;
  readonly blocks: PidBlocks;
  readonly directory: ProcessDirectory;
  readonly links: NodeLinks;
  readonly events: EventLog;
  /** What comes over links, but for control. */
  handlers: LinkHandlers = NOT_A_NODE;
  /** What the directory says of a process has changed. */
  onEntry: (pid: number, entry: ProcessEntry | undefined) => void = () => {};
  /** Takes connections of other nodes' control. */
  serveControl: (connection: Duplex) => void = (connection) => void connection.destroy();
  /** Processes that have moved, or are to outlive their node. */
  readonly #entries = new Map<number, ProcessEntry>();
  /** One for each node: it keeps a process's input in order, and its end behind its output. */
  readonly #controls = new Map<string, { readonly token: number; readonly client: NodeClient }>();
  /** Of those that are over. */
  readonly #pastHomes = new Map<number, string>();
  #watch: Subscription | undefined;

  private constructor(options: ViewOptions, membership: Membership, blocks: PidBlocks) {
    const { engine, identity, address, log } = options;
    this.name = identity.name;
    this.engine = engine;
    this.membership = membership;
    this.blocks = blocks;
    this.directory = new ProcessDirectory(engine);
    this.events = new EventLog(identity.name, engine);
    const handlers: LinkHandlers = {
      told: (link, kind, body) => this.handlers.told(link, kind, body),
      asked: (link, kind, body) => this.handlers.asked(link, kind, body),
      bulk: (peer, stream, header) => {
        if (isControl(header)) this.serveControl(stream);
        else this.handlers.bulk(peer, stream, header);
      },
    };
    const resolve = (peer: string) => membership.find(peer)?.addresses;
    this.links = createLinks({ identity, address, engine, resolve, handlers, log });
    membership.watch(({ kind, member }) => {
      if (kind !== "joined") {
        this.links.drop(member.name);
        this.#controls.delete(member.name);
      }
      this.events.note({ kind, node: member.name, atMs: Date.now() });
    });
  }

  /** Resolves when it is known who and what is there, and links are taken. */
  static async open(options: ViewOptions): Promise<ClusterView> {
    const { engine } = options;
    const view = new ClusterView(options, await Membership.open(engine), await PidBlocks.open(engine));
    await view.events.listen();
    view.#watch = await view.directory.watch((pid, entry) => {
      if (entry === undefined) view.#over(pid);
      else view.#entries.set(pid, entry);
      view.onEntry(pid, entry);
    });
    await view.links.listening;
    return view;
  }

  /** What the directory says of a process, as far as has been heard. */
  entryOf(pid: number): ProcessEntry | undefined {
    return this.#entries.get(pid);
  }

  /** The home of a process that has ended still knows of it. */
  #over(pid: number): void {
    const last = this.#entries.get(pid);
    this.#entries.delete(pid);
    if (last === undefined) return;
    this.#pastHomes.set(pid, last.home);
    for (const oldest of this.#pastHomes.keys()) {
      if (this.#pastHomes.size <= PAST_HOMES_MAX) break;
      this.#pastHomes.delete(oldest);
    }
  }

  /** Name of the node where a process is at home, if it is known. */
  homeOf(pid: number): string | undefined {
    const past = this.#pastHomes.get(pid);
    const given = this.blocks.nodeOf(pid);
    // Of a node that has left the pids are another's to give.
    const isOver = past === undefined || (given !== undefined && this.membership.find(past) === undefined);
    return this.#entries.get(pid)?.home ?? (isOver ? given : past);
  }

  /** The control of another node, over a connection of its own for each request. @throws GodwitError ENONODE. */
  control(name: string): ClusterControl {
    const { version, hostPid, token } = this.membership.get(name);
    const known = this.#controls.get(name);
    if (known?.token === token) return known.client;
    const open = () => this.links.bulk(name, CONTROL_STREAM);
    const client = new NodeClient(new Transport(`node ${name}`, open), { name, version, hostPid });
    this.#controls.set(name, { token, client });
    return client;
  }

  async close(): Promise<void> {
    this.#watch?.stop();
    this.events.close();
    this.blocks.close();
    this.membership.close();
    await this.links.close();
    await this.engine.close();
  }
}

function isControl(header: unknown): boolean {
  return typeof header === "object" && header !== null && Reflect.get(header, "kind") === CONTROL_STREAM.kind;
}
