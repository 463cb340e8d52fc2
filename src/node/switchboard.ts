/**
 * The node's ends of its processes' channels: each joins a process, on whatever LWP it is, to a driver of something outside.
 * What is on its way to a process is within the windows of `limits.ts`; who would exceed them is told to wait.
 */

import { type ChannelRequest, type Frame, frameCost, FRAME_KINDS, serviceName } from "../abi/channel.ts";
import { unreachable } from "../assert.ts";
import { type ErrorCode, failure, GodwitError } from "../errors.ts";
import { isLast, isReopened, SESSION_PREFIX } from "../kernel/channel.ts";
import type { FromLwp, ToLwp } from "../kernel/protocol.ts";
import { CHANNEL_WINDOW_BYTES, CHANNELS_WINDOW_BYTES } from "../limits.ts";
import type { Driver, Line } from "../resources/line.ts";
import { type Acceptor, Listeners } from "../resources/listener.ts";
import type { NetAccess } from "../resources/net-access.ts";
import type { HomeSession } from "../switch/home-session.ts";
import type { Homes, Portable } from "../switch/homes.ts";
import type { Entry } from "./process-table.ts";

/** What a process has an LWP tell of its channels. */
export type ChannelMessage = Extract<FromLwp, { op: "open" | "frame" | "taken" | "close" }>;
/** What comes in by a listener. */
type Arrival = "exchange" | "stream";
type Tell = (entry: Entry, message: ToLwp) => void;

/** All channels of one process. */
interface Panel {
  readonly plugs: Map<string, Plug>;
  /** Pushed to the process and not taken by it, over all its channels. */
  untaken: number;
  /** What it may connect to, and the connections that it keeps; from its first request on. */
  access: NetAccess | undefined;
}

/** A channel as another home goes on with it. */
export interface PlugRecord {
  readonly channel: string;
  readonly arrival: Arrival;
  readonly untaken: number;
  /** Frames of the process's that wait for the driver; and the one before them, which it has and the process was not told. */
  readonly frames: readonly Frame[];
  readonly passing: (Pick<Frame, "kind"> & { readonly cost: number }) | null;
  /** The driver's. */
  readonly state: unknown;
}

class Plug implements Line {
  readonly #entry: Entry;
  readonly #id: string;
  readonly #panel: Panel;
  readonly #tell: Tell;
  #driver: Driver | undefined;
  /** Pushed and not taken. */
  #untaken = 0;
  /** The driver was told to wait. */
  #stalled = false;
  #closed = false;
  /** An exchange is over with the end of its response; the process says of the others when it is done with them. */
  #isExchange: boolean;
  /** How the process opened it; undefined for what came in. */
  readonly request: ChannelRequest | undefined;
  /** Resolves when nothing goes over it any more. */
  readonly closed: Promise<void>;
  #onClosed: () => void = () => {};
  /** Frames of the process's that wait for the driver: the process's window bounds them. */
  readonly #queue: Frame[] = [];
  #taking = false;
  /** The frame that the driver is taking. */
  #passing: Frame | undefined;

  /** @param origin how it was opened, or what came in. */
  constructor(entry: Entry, id: string, panel: Panel, tell: Tell, origin: ChannelRequest | Arrival) {
    this.#entry = entry;
    this.#id = id;
    this.#panel = panel;
    this.#tell = tell;
    this.request = typeof origin === "string" ? undefined : origin;
    this.#isExchange = origin === "exchange";
    this.closed = new Promise((resolve) => (this.#onClosed = resolve));
    panel.plugs.set(id, this);
  }

  /** Whether it is over soon, by itself. */
  get isShort(): boolean {
    return this.#isExchange;
  }

  /** Whether another home can go on with it. */
  get isPortable(): boolean {
    return this.#driver !== undefined && "leave" in this.#driver;
  }

  /** Nothing goes over it here any more: another home goes on with it. Undefined when none can. */
  leave(): PlugRecord | undefined {
    if (this.#closed || !this.isPortable) return undefined;
    const state = (this.#driver as Portable).leave();
    this.#forget();
    const passing = this.#passing === undefined ? null : { kind: this.#passing.kind, cost: frameCost(this.#passing) };
    const arrival = this.#isExchange ? "exchange" : "stream";
    return { channel: this.#id, arrival, untaken: this.#untaken, frames: [...this.#queue], passing, state };
  }

  /** Goes on where it was left. */
  resume({ untaken, frames, passing }: PlugRecord, drive: (line: Line) => Driver): void {
    this.#untaken += untaken;
    this.#panel.untaken += untaken;
    this.#stalled = !this.#hasRoom;
    this.#queue.push(...frames);
    this.#driver = drive(this);
    if (passing !== null) this.#passed(passing.kind, passing.cost);
    void this.#passOn();
  }

  set driver(driver: Driver) {
    this.#driver = driver;
    if (this.#closed) driver.close();
    else void this.#passOn();
  }

  // ---- Towards the process

  push(frame: Frame): boolean {
    if (this.#closed) return false;
    this.#tell(this.#entry, { op: "frame", pid: this.#entry.pid, channel: this.#id, frame: own(frame) });
    return this.count(frame);
  }

  /** Counts a frame that is on its way; whether there is room for another. */
  count(frame: Frame): boolean {
    const cost = frameCost(frame);
    this.#untaken += cost;
    this.#panel.untaken += cost;
    this.#stalled ||= !this.#hasRoom;
    return !this.#stalled;
  }

  get #hasRoom(): boolean {
    return this.#untaken < CHANNEL_WINDOW_BYTES && this.#panel.untaken < CHANNELS_WINDOW_BYTES;
  }

  break(code: ErrorCode, message: string): void {
    if (this.#closed) return;
    this.#tell(this.#entry, { op: "broken", pid: this.#entry.pid, channel: this.#id, why: { code, message } });
    this.close();
  }

  taken(cost: number): void {
    this.#untaken -= cost;
    this.#panel.untaken -= cost;
    for (const plug of this.#panel.plugs.values()) plug.#unstall();
  }

  #unstall(): void {
    if (!this.#stalled || !this.#hasRoom) return;
    this.#stalled = false;
    this.#driver?.resume();
  }

  // ---- Towards the world

  take(frame: Frame): void {
    this.#queue.push(frame);
    if (!this.#taking) void this.#passOn();
  }

  async #passOn(): Promise<void> {
    if (this.#driver === undefined || this.#taking) return;
    this.#taking = true;
    try {
      for (let frame = this.#queue.shift(); frame !== undefined; frame = this.#queue.shift()) {
        this.#passing = frame;
        const passing = this.#driver.take(frame);
        if (passing !== undefined) await passing;
        if (this.#closed) break;
        this.#passing = undefined;
        this.#passed(frame.kind, frameCost(frame));
      }
    } catch (error) {
      if (error instanceof GodwitError) this.break(error.code, error.message);
      else this.break("EIO", error instanceof Error ? error.message : String(error));
    }
    this.#taking = false;
  }

  /** The driver has taken a frame. */
  #passed(kind: Frame["kind"], cost: number): void {
    if (kind === FRAME_KINDS.upgrade) this.#isExchange = false;
    if (this.#isExchange && isLast(kind)) return this.close();
    this.#tell(this.#entry, { op: "room", pid: this.#entry.pid, channel: this.#id, cost });
  }

  /** Nothing goes over it any more. */
  close(): void {
    if (this.#closed) return;
    this.#forget();
    this.#driver?.close();
  }

  #forget(): void {
    this.#closed = true;
    this.#onClosed();
    this.#panel.plugs.delete(this.#id);
    this.#panel.untaken -= this.#untaken;
    if (this.#stalled) for (const plug of this.#panel.plugs.values()) plug.#unstall();
  }
}

/** A frame whose bytes are a buffer of their own: what crosses to an LWP takes its whole buffer along. */
function own(frame: Frame): Frame {
  const { kind, bytes } = frame;
  const isOwn = bytes.byteLength === bytes.buffer.byteLength && bytes.constructor === Uint8Array;
  return isOwn ? frame : { kind, bytes: new Uint8Array(bytes) };
}

export class Switchboard {
  readonly #tell: Tell;
  readonly #panels = new Map<number, Panel>();
  readonly #listeners = new Listeners();
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
        return this.#open(entry, channel, message.request, message.body);
      case "frame":
        return plug?.take(message.frame);
      case "taken":
        return plug?.taken(message.cost);
      case "close":
        return plug?.close();
    }
  }

  #open(entry: Entry, id: string, request: ChannelRequest, body: Uint8Array): void {
    const plug = new Plug(entry, id, this.#panel(entry), this.#tell, request);
    this.#drive(entry, id, plug, request, body).then(
      (driver) => (plug.driver = driver),
      (error: unknown) => {
        if (error instanceof GodwitError) plug.break(error.code, error.message);
        else plug.break("EIO", error instanceof Error ? error.message : String(error));
      },
    );
  }

  async #drive(entry: Entry, id: string, plug: Plug, request: ChannelRequest, body: Uint8Array): Promise<Driver> {
    const service = "address" in request ? serviceName(request.address) : undefined;
    if (service !== undefined) return this.#serve(entry, id, plug, service, request);
    switch (request.kind) {
      case "listener":
        return this.#listeners.join(request.address, plug, this.#acceptor(entry, id, "exchange"));
      case "datagram":
        throw failure("EADDRNOTAVAIL", "this node has no datagrams yet");
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
    const protocol = request.kind === "listener" ? (request.protocol ?? "http") : "udp";
    const accept = this.#acceptor(entry, id, protocol === "http" ? "exchange" : "stream", SESSION_PREFIX);
    return homes.join(service, entry.pid, protocol, plug, accept);
  }

  /** A node whose processes connect nowhere does not pay for the clients. */
  async #access(entry: Entry): Promise<NetAccess> {
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

  /** Which channels a process has, and how it opened those that it did. */
  of(entry: Entry): { readonly id: string; readonly request: ChannelRequest | undefined }[] {
    const plugs = this.#panels.get(entry.pid)?.plugs ?? new Map<string, Plug>();
    return [...plugs].map(([id, { request }]) => ({ id, request }));
  }

  /** Opens a process's channel that it had at another home. */
  reopen(entry: Entry, id: string, request: ChannelRequest): void {
    this.#open(entry, id, request, new Uint8Array(0));
  }

  /** What another home can go on with of a process's channels: over here. Its services stay, and know of no home. */
  leave(entry: Entry): PlugRecord[] {
    const plugs = [...(this.#panels.get(entry.pid)?.plugs.values() ?? [])];
    return plugs.flatMap((plug) => {
      const record = plug.leave();
      return record === undefined || plug.request !== undefined ? [] : [record];
    });
  }

  /** Goes on with channels of a process that has its home here from now on. */
  async resume(entry: Entry, records: readonly PlugRecord[]): Promise<void> {
    if (records.length === 0) return;
    if (this.services === undefined) throw failure("EADDRNOTAVAIL", `node ${this.#nodeName} has no switch`);
    const homes = await this.services();
    const sessions = records.map((record) => {
      const plug = new Plug(entry, record.channel, this.#panel(entry), this.#tell, record.arrival);
      let session: HomeSession | undefined;
      plug.resume(record, (line) => (session = homes.resume(record.state, line)));
      return session;
    });
    await homes.attach(sessions.filter((session) => session !== undefined));
  }

  /** No new exchanges come for a process; resolves when it has answered those that did, or after so long. */
  async retire(entry: Entry, graceMs: number): Promise<void> {
    const plugs = [...(this.#panels.get(entry.pid)?.plugs.values() ?? [])];
    for (const plug of plugs)
      if (plug.request !== undefined && isReopened(plug.request.kind) && !plug.isPortable) plug.close();
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
    for (const plug of this.#panels.get(entry.pid)?.plugs.values() ?? []) plug.close();
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
