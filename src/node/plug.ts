/** The node's end of one channel: between a process, on whatever LWP it is, and a driver of something outside. */

import { type ChannelRequest, type Frame, frameCost, FRAME_KINDS } from "../abi/channel.ts";
import { type ErrorCode, failure, GodwitError } from "../errors.ts";
import { isLast } from "../kernel/channel.ts";
import type { ToLwp } from "../kernel/protocol.ts";
import { CHANNEL_WINDOW_BYTES, CHANNELS_WINDOW_BYTES, URGENT_MESSAGE_MAX_CHARS } from "../limits.ts";
import type { Driver, Line } from "../resources/line.ts";
import type { NetAccess } from "../resources/net-access.ts";
import type { Portable } from "../switch/homes.ts";
import type { Entry } from "./process-table.ts";

/** What comes in by a listener; a `socket` once was an exchange. */
export type Arrival = "exchange" | "stream" | "socket";
/** Or a process's own socket for datagrams, which is opened anew. */
type Left = Arrival | "datagrams";
export type Tell = (entry: Entry, message: ToLwp) => void;

/** All channels of one process. */
export interface Panel {
  readonly plugs: Map<string, Plug>;
  /** Pushed to the process and not taken by it, over all its channels. */
  untaken: number;
  /** What it may connect to, and the connections that it keeps; from its first request on. */
  access: NetAccess | undefined;
}

/** A channel as another home goes on with it. */
export interface PlugRecord {
  readonly channel: string;
  readonly arrival: Left;
  readonly untaken: number;
  /** Frames of the process's that wait for the driver; and the one before them, which it has and the process was not told. */
  readonly frames: readonly Frame[];
  readonly passing: (Pick<Frame, "kind"> & { readonly cost: number }) | null;
  /** The process has closed it, or has ended, and what it sent before still goes out. */
  readonly isAbandoned: boolean;
  /** The driver's. */
  readonly state: unknown;
}

export class Plug implements Line {
  #entry: Entry;
  readonly #id: string;
  #panel: Panel;
  readonly #tell: Tell;
  #driver: Driver | undefined;
  /** Pushed and not taken. */
  #untaken = 0;
  /** The driver was told to wait. */
  #stalled = false;
  #closed = false;
  /** An exchange is over with the end of its response; the process says of the others when it is done with them. */
  #isExchange: boolean;
  readonly #isStream: boolean;
  /** The process has closed it, or has ended, and what it has sent is still to go out. */
  #isAbandoned = false;
  /** How the process opened it; undefined for what came in. */
  readonly request: ChannelRequest | undefined;
  /** What another home has left for the driver. */
  state: unknown;
  /** Where a listener accepts, once it does. */
  address: string | undefined;
  /** Called when it is closed; not when another home goes on with it. */
  onClose: () => void = () => {};
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
    this.#isStream = origin === "stream";
    this.closed = new Promise((resolve) => (this.#onClosed = resolve));
    panel.plugs.set(id, this);
  }

  get entry(): Entry {
    return this.#entry;
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
    const isDatagrams = this.request?.kind === "datagram";
    if (this.#closed || !(this.isPortable || isDatagrams)) return undefined;
    const state = this.isPortable ? (this.#driver as Portable).leave() : null;
    this.#forget();
    if (state === null) this.#driver?.close();
    const passing = this.#passing === undefined ? null : { kind: this.#passing.kind, cost: frameCost(this.#passing) };
    const arrived = this.#isExchange ? "exchange" : this.#isStream ? "stream" : "socket";
    return {
      channel: this.#id,
      arrival: isDatagrams ? "datagrams" : arrived,
      untaken: this.#untaken,
      frames: [...this.#queue],
      passing,
      isAbandoned: this.#isAbandoned,
      state,
    };
  }

  /** Goes on where it was left, once it has a driver. */
  resume({ untaken, frames, passing, isAbandoned, state }: PlugRecord): void {
    this.state = state;
    this.#isAbandoned = isAbandoned;
    this.#untaken += untaken;
    this.#panel.untaken += untaken;
    this.#stalled = !this.#hasRoom;
    this.#queue.push(...frames);
    if (passing !== null) this.#passed(passing.kind, passing.cost);
  }

  set driver(driver: Driver) {
    this.#driver = driver;
    if (this.#closed) driver.close();
    else void this.#passOn();
  }

  // ---- Towards the process

  push(frame: Frame): boolean {
    if (this.#closed || this.#isAbandoned) return !this.#closed;
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

  /** What others have not taken holds nobody up of whom all was taken. */
  get #hasRoom(): boolean {
    if (this.#untaken === 0) return true;
    return this.#untaken < CHANNEL_WINDOW_BYTES && this.#panel.untaken < CHANNELS_WINDOW_BYTES;
  }

  ping(message: string): void {
    if (this.#closed) return;
    const said = message.slice(0, URGENT_MESSAGE_MAX_CHARS);
    this.#tell(this.#entry, { op: "ping", pid: this.#entry.pid, channel: this.#id, message: said });
  }

  break(code: ErrorCode, message: string): void {
    if (this.#closed) return;
    if (!this.#isAbandoned)
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
      const { code, message } = error instanceof GodwitError ? error : failure("EIO", messageOf(error));
      // The program was done with it when it had sent it: it hears of this too late, or not at all.
      if (this.#isExchange && !this.#closed) this.#report(message);
      this.break(code, message);
    }
    this.#taking = false;
  }

  #report(why: string): void {
    this.#entry.output.push(
      "stderr",
      Buffer.from(`godwit: process ${this.#entry.pid}: a response was refused: ${why}\n`),
    );
  }

  /** The driver has taken a frame. */
  #passed(kind: Frame["kind"], cost: number): void {
    if (kind === FRAME_KINDS.upgrade) this.#isExchange = false;
    if ((this.#isExchange || this.#isAbandoned) && isLast(kind)) return this.close();
    if (!this.#isAbandoned) this.#tell(this.#entry, { op: "room", pid: this.#entry.pid, channel: this.#id, cost });
  }

  /** It is another process's from now on. */
  give(to: Entry, panel: Panel): void {
    this.#panel.plugs.delete(this.#id);
    this.#panel.untaken -= this.#untaken;
    this.#entry = to;
    this.#panel = panel;
    panel.plugs.set(this.#id, this);
    panel.untaken += this.#untaken;
  }

  /**
   * Its process has closed it, or has ended: an answer that it has given whole, and what it has sent of a stream up to an
   * end, still go to the client.
   */
  abandon(): void {
    const unsent = this.#passing === undefined ? this.#queue : [this.#passing, ...this.#queue];
    this.#isAbandoned = (this.#isExchange || this.#isStream) && unsent.some(({ kind }) => isLast(kind));
    if (!this.#isAbandoned) return this.close();
    // What comes for it goes nowhere, and holds nobody up who has yet to read.
    this.#panel.untaken -= this.#untaken;
    this.#untaken = 0;
    for (const plug of this.#panel.plugs.values()) plug.#unstall();
  }

  /** Nothing goes over it any more. */
  close(): void {
    if (this.#closed) return;
    this.#forget();
    this.#driver?.close();
    this.onClose();
  }

  #forget(): void {
    this.#closed = true;
    this.#onClosed();
    this.#panel.plugs.delete(this.#id);
    this.#panel.untaken -= this.#untaken;
    if (this.#stalled) for (const plug of this.#panel.plugs.values()) plug.#unstall();
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A frame whose bytes are a buffer of their own: what crosses to an LWP takes its whole buffer along. */
export function own(frame: Frame): Frame {
  const { kind, bytes } = frame;
  const isOwn = bytes.byteLength === bytes.buffer.byteLength && bytes.constructor === Uint8Array;
  return isOwn ? frame : { kind, bytes: new Uint8Array(bytes) };
}
