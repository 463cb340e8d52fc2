/**
 * The node's ends of its processes' channels: each joins a process, on whatever LWP it is, to a driver of something outside.
 * What is on its way to a process is within the windows of `limits.ts`; who would exceed them is told to wait.
 */

import { type ChannelRequest, FRAME_KINDS, type ListenerHead, serviceName } from "../abi/channel.ts";
import { unreachable } from "../assert.ts";
import { failure, GodwitError } from "../errors.ts";
import { SESSION_PREFIX } from "../kernel/channel.ts";
import type { FromLwp, ToLwp } from "../kernel/protocol.ts";
import { jsonFrame } from "../resources/frame.ts";
import { DatagramSockets } from "../resources/datagram.ts";
import type { Driver } from "../resources/line.ts";
import { type Acceptor, Listeners } from "../resources/listener.ts";
import { StreamListeners } from "../resources/stream-listener.ts";
import { DatagramService } from "../switch/datagram-service.ts";
import type { Homes, Portable } from "../switch/homes.ts";
import { type Arrival, messageOf, own, type Panel, Plug, type PlugRecord, type Tell } from "./plug.ts";
import type { Entry } from "./process-table.ts";

/** What a process has an LWP tell of its channels. */
export type ChannelMessage = Extract<FromLwp, { op: "open" | "frame" | "taken" | "close" }>;

const NO_MORE = "the process that holds the address accepts there no more";

/** Keeps a service for the children that serve it: who accepts nothing needs no client. */
function hold(plug: Plug): Portable {
  const head: ListenerHead = { address: plug.address ?? "" };
  plug.push(jsonFrame(FRAME_KINDS.head, head));
  const nothing = () => {};
  return { take: nothing, resume: nothing, close: nothing, leave: nothing };
}

export class Switchboard {
  readonly #tell: Tell;
  readonly #panels = new Map<number, Panel>();
  readonly #listeners = new Listeners();
  readonly #streamListeners = new StreamListeners();
  readonly #datagramSockets = new DatagramSockets();
  readonly #nodeName: string;
  #lastExchange = 0;
  /** The home's side of the node's switch; absent where there are no services. */
  services: (() => Promise<Homes>) | undefined;

  /** @param tell passes a message to the LWP that a process is on, or keeps it until the process is on one. */
  constructor(nodeName: string, tell: Tell) {
    this.#nodeName = nodeName;
    this.#tell = tell;
  }

  /** A process did something with a channel. */
  told(entry: Entry, message: ChannelMessage): void {
    const { channel } = message;
    const plug = this.#panels.get(entry.pid)?.plugs.get(channel);
    switch (message.op) {
      case "open":
        return this.#open(entry, channel, message.request, message.body, { shared: message.shared === true });
      case "frame":
        return plug?.take(message.frame);
      case "taken":
        return plug?.taken(message.cost);
      case "close":
        return plug?.abandon();
    }
  }

  #open(
    entry: Entry,
    id: string,
    request: ChannelRequest,
    body: Uint8Array,
    { shared = false, left }: { readonly shared?: boolean; readonly left?: PlugRecord | undefined } = {},
  ): void {
    const plug = new Plug(entry, id, this.#panel(entry), this.#tell, request);
    if (left !== undefined) plug.resume(left);
    if (shared) plug.address = this.#panels.get(entry.parent?.pid ?? 0)?.plugs.get(id)?.address;
    if (shared && plug.address === undefined) return plug.break("ECANCELED", NO_MORE);
    if (request.kind === "listener" && request.holds !== undefined) plug.onClose = () => this.#dismiss(entry, id);
    this.#drive(entry, id, plug, request, body).then(
      (driver) => (plug.driver = driver),
      (error: unknown) => {
        const { code, message } = error instanceof GodwitError ? error : failure("EIO", messageOf(error));
        plug.break(code, message);
      },
    );
  }

  /** Who held an address is gone: its children accept no more. */
  #dismiss(holder: Entry, id: string): void {
    for (const { plugs } of this.#panels.values()) {
      const plug = plugs.get(id);
      if (plug?.entry.parent === holder) plug.break("ECANCELED", NO_MORE);
    }
  }

  async #drive(entry: Entry, id: string, plug: Plug, request: ChannelRequest, body: Uint8Array): Promise<Driver> {
    const service = "address" in request ? serviceName(request.address) : undefined;
    if (service !== undefined) return this.#serve(entry, id, plug, service, request);
    switch (request.kind) {
      case "listener":
        if (request.protocol === "tcp")
          return this.#streamListeners.join(
            plug.address ?? request.address,
            plug,
            this.#acceptor(entry, id, "stream"),
            { listening: (at) => (plug.address = at) },
          );
        return this.#listeners.join(plug.address ?? request.address, plug, this.#acceptor(entry, id, "exchange"), {
          listening: (at) => (plug.address = at),
          holdsFor: request.holds,
        });
      case "datagram":
        return this.#datagramSockets.join(request.address, plug, entry.capabilities.net);
      case "fetch":
        return (await import("../resources/fetch.ts")).openFetch(request, body, plug, await this.#access(entry));
      case "socket":
        return (await import("../resources/websocket.ts")).openSocket(request, plug, await this.#access(entry));
      default:
        return unreachable(request, "channel request");
    }
  }

  /** Clients of a service come over sessions, from fronts of any node. */
  async #serve(entry: Entry, id: string, plug: Plug, service: string, request: ChannelRequest): Promise<Driver> {
    if (this.services === undefined)
      throw failure(
        "EADDRNOTAVAIL",
        `service:${service} is for a node's switch: start a node with \`godwit up\`, and run the program on it with --detach`,
      );
    const homes = await this.services();
    plug.address = `service:${service}`;
    if (request.kind === "listener" && request.holds !== undefined) return hold(plug);
    if (request.kind === "datagram") return this.#serveDatagrams(entry, plug, service, homes);
    const protocol = request.kind === "listener" ? (request.protocol ?? "http") : "http";
    const accept = this.#acceptor(entry, id, protocol === "http" ? "exchange" : "stream", SESSION_PREFIX);
    return homes.join(service, entry.pid, protocol, plug, accept);
  }

  async #serveDatagrams(entry: Entry, plug: Plug, service: string, homes: Homes): Promise<Driver> {
    const datagrams = new DatagramService(plug);
    datagrams.listener = homes.join(service, entry.pid, "udp", plug, datagrams.accept);
    if (plug.state !== undefined) await datagrams.restore(plug.state, entry.pid, homes);
    return datagrams;
  }

  /** A node whose processes connect nowhere does not pay for the clients. */
  async #access(entry: Entry) {
    const { NetAccess } = await import("../resources/net-access.ts");
    return (this.#panel(entry).access ??= new NetAccess(entry.capabilities.net));
  }

  /** Makes exchanges or streams for a listener: each a new channel of its process. */
  #acceptor(entry: Entry, listener: string, kind: Arrival, prefix = "x"): Acceptor {
    return (frame, drive) => {
      const id = `${prefix}${++this.#lastExchange}@${this.#nodeName}`;
      const plug = new Plug(entry, id, this.#panel(entry), this.#tell, kind);
      const first = own(frame);
      this.#tell(entry, { op: "incoming", pid: entry.pid, listener, channel: id, frame: first });
      plug.count(first);
      plug.driver = drive(plug);
    };
  }

  /** Channels of one process, or all that it has, are another's from now on, with what waits to be told of them. */
  give(from: Entry, to: Entry, ids?: readonly string[]): void {
    const plugs = this.#panels.get(from.pid)?.plugs ?? new Map<string, Plug>();
    const given = new Set(ids ?? [...plugs.keys()]);
    for (const id of given) plugs.get(id)?.give(to, this.#panel(to));
    const waiting = from.held?.messages ?? [];
    const concerns = (message: ToLwp) =>
      "channel" in message && message.op !== "incoming" && given.has(message.channel);
    for (const message of waiting.filter(concerns)) {
      waiting.splice(waiting.indexOf(message), 1);
      this.#tell(to, { ...message, pid: to.pid } as ToLwp);
    }
  }

  /** A child that never came to be: what it was given is its parent's again. */
  giveBack(child: Entry): void {
    const { parent } = child;
    if (parent !== undefined && parent.exit === undefined) this.give(child, parent);
    this.closeAll(child);
  }

  /** Which channels a process has, and how it opened those that it did. */
  of(entry: Entry): { readonly id: string; readonly request: ChannelRequest | undefined }[] {
    const plugs = this.#panels.get(entry.pid)?.plugs ?? new Map<string, Plug>();
    return [...plugs].map(([id, { request }]) => ({ id, request }));
  }

  /** Opens a process's channel that it had at another home, with what was left of it there; unless it never went. */
  reopen(entry: Entry, id: string, request: ChannelRequest, left?: PlugRecord): void {
    if (this.#panels.get(entry.pid)?.plugs.has(id) !== true)
      this.#open(entry, id, request, new Uint8Array(0), { left });
  }

  /** What another home can go on with of a process's channels: over here. Its services stay, and know of no home. */
  leave(entry: Entry): PlugRecord[] {
    const plugs = [...(this.#panels.get(entry.pid)?.plugs.values() ?? [])];
    return plugs.flatMap((plug) => {
      const record = plug.leave();
      return record === undefined || (plug.request !== undefined && record.arrival !== "datagrams") ? [] : [record];
    });
  }

  /** Goes on with channels of a process that has its home here from now on. */
  async resume(entry: Entry, records: readonly PlugRecord[]): Promise<void> {
    if (records.length === 0) return;
    if (this.services === undefined) throw failure("EADDRNOTAVAIL", `node ${this.#nodeName} has no switch`);
    const homes = await this.services();
    const sessions = records.flatMap((record) => {
      if (record.arrival === "datagrams") return [];
      const plug = new Plug(entry, record.channel, this.#panel(entry), this.#tell, record.arrival);
      plug.resume(record);
      const session = homes.resume(record.state, entry.pid, plug);
      plug.driver = session;
      return [session];
    });
    await homes.attach(sessions);
  }

  /** No new exchanges come for a process; resolves when it has answered those that did, or after so long. */
  async retire(entry: Entry, graceMs: number): Promise<void> {
    const plugs = [...(this.#panels.get(entry.pid)?.plugs.values() ?? [])];
    for (const plug of plugs) {
      // What is no listener goes on until the home does.
      if (plug.request?.kind !== "listener" || plug.isPortable) continue;
      plug.onClose = () => {};
      plug.close();
    }
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, graceMs)));
    const answered = Promise.all(
      plugs.filter(({ isShort, isPortable }) => isShort && !isPortable).map(({ closed }) => closed),
    );
    await Promise.race([answered, late]);
    clearTimeout(timer);
  }

  /** A process has ended. */
  closeAll(entry: Entry): void {
    for (const plug of this.#panels.get(entry.pid)?.plugs.values() ?? []) plug.abandon();
    this.#panels.get(entry.pid)?.access?.close();
    this.#panels.delete(entry.pid);
  }

  #panel(entry: Entry): Panel {
    if (entry.exit !== undefined) throw failure("ESRCH", `process ${entry.pid} has ended`);
    let panel = this.#panels.get(entry.pid);
    if (panel === undefined) this.#panels.set(entry.pid, (panel = { plugs: new Map(), untaken: 0, access: undefined }));
    return panel;
  }
}
