/**
 * Channels of a process (`abi/channel.ts`). What waits in them for the process, and what is known of what it has sent, is
 * part of its record, so that a channel goes on over a move; the connection itself belongs to the node.
 */

import {
  type ChannelKind,
  type ChannelRequest,
  type Frame,
  frameCost,
  FRAME_KINDS,
  type FrameKind,
} from "../abi/channel.ts";
import { assert } from "../assert.ts";
import { type ErrorCode, failure, type GodwitError } from "../errors.ts";
import { CHANNEL_WINDOW_BYTES, CHANNELS_WINDOW_BYTES, FRAME_MAX_BYTES } from "../limits.ts";
import type { Call } from "./call.ts";
import type { Attachment, Binding, Resource } from "./resource.ts";

/** Why nothing goes over a channel any more. */
export interface Break {
  readonly code: ErrorCode;
  readonly message: string;
}

/** A channel as it is saved. */
export interface ChannelRecord {
  /** Unique among the channels of its process. */
  readonly id: string;
  /** 0 for what came in and was not accepted yet. */
  readonly handle: number;
  readonly kind: ChannelKind;
  readonly description: string;
  /** How it was opened; null for what came in. */
  readonly request: ChannelRequest | null;
  /** The listener that it came in by, or "". */
  readonly listener: string;
  readonly incoming: readonly Frame[];
  /** Taken by the process, and the node not told yet, as window cost. */
  readonly untold: number;
  /** Sent, and not acknowledged by the node, as window cost. */
  readonly outgoing: number;
  readonly sentEnd: boolean;
  readonly receivedEnd: boolean;
  readonly broken: Break | null;
  /** The token by which its breaking is told out of band; 0 when it is not. */
  readonly urgent: number;
}

export class Channel implements Resource {
  readonly id: string;
  /** An exchange becomes a socket when its request for one is granted. */
  kind: ChannelKind;
  readonly attachment: Attachment = "fixed";
  readonly request: ChannelRequest | null;
  readonly listener: string;
  handle: number;
  /** Frames for the process, in order; the node keeps them within the window. */
  readonly incoming: Frame[];
  /** Exchanges or streams that wait to be accepted. */
  readonly queue: Channel[] = [];
  readonly receivers: Call[] = [];
  readonly acceptors: Call[] = [];
  /** Calls that wait for its breaking. */
  readonly watchers: Call[] = [];
  untold: number;
  outgoing: number;
  sentEnd: boolean;
  receivedEnd: boolean;
  broken: Break | undefined;
  urgent: number;
  /** A fork is about to give it to a child: nobody else uses it any more. No process is captured meanwhile. */
  leaving = false;
  readonly #description: string;

  constructor(record: ChannelRecord) {
    this.id = record.id;
    this.kind = record.kind;
    this.request = record.request;
    this.listener = record.listener;
    this.handle = record.handle;
    this.incoming = [...record.incoming];
    this.untold = record.untold;
    this.outgoing = record.outgoing;
    this.sentEnd = record.sentEnd;
    this.receivedEnd = record.receivedEnd;
    this.broken = record.broken ?? undefined;
    this.urgent = record.urgent;
    this.#description = record.description;
  }

  get binding(): Binding {
    return channelBinding(this.kind);
  }

  /** Whether nothing more is to be said in it. A stream is closed by its process, whose threads may share it. */
  get isOver(): boolean {
    if (this.kind === "exchange") return this.sentEnd;
    if (this.kind === "fetch") return this.receivedEnd;
    return this.kind === "socket" && this.sentEnd && this.receivedEnd;
  }

  describe(): string {
    return this.broken === undefined ? this.#description : `${this.#description}, broken: ${this.broken.message}`;
  }

  /** The next frame, if there is one. */
  takeFrame(): Frame | undefined {
    const frame = this.incoming.shift();
    if (frame === undefined) return undefined;
    this.untold += frameCost(frame);
    if (isLast(frame.kind)) this.receivedEnd = true;
    return frame;
  }

  /** What the node is to be told was taken; it is told now. */
  takeUntold(): number {
    const { untold } = this;
    this.untold = 0;
    return untold;
  }

  /** Its node knows what becomes of it: with its process, or by a message. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  leave(): Promise<void> {
    return this.close();
  }

  save(): ChannelRecord {
    return {
      id: this.id,
      handle: this.handle,
      kind: this.kind,
      description: this.#description,
      request: this.request,
      listener: this.listener,
      incoming: [...this.incoming],
      untold: this.untold,
      outgoing: this.outgoing,
      sentEnd: this.sentEnd,
      receivedEnd: this.receivedEnd,
      broken: this.broken ?? null,
      urgent: this.urgent,
    };
  }
}

/** Any listener of its kind serves; a connection is this one and no other. */
export function channelBinding(kind: ChannelKind): Binding {
  return isReopened(kind) ? "type" : "identifier";
}

/** Whether a copy of its process, or the process at another home, opens its own in place of it. */
export function isReopened(kind: ChannelKind): boolean {
  return kind === "listener" || kind === "datagram";
}

/** Ids of channels that came in by a switch begin so: they go on wherever the home of their process is. */
export const SESSION_PREFIX = "s";

/** A channel at its beginning. */
export function newChannel(
  fields: Pick<ChannelRecord, "id" | "handle" | "kind" | "description" | "request" | "listener">,
): ChannelRecord {
  const fresh = { incoming: [], untold: 0, outgoing: 0, sentEnd: false, receivedEnd: false, broken: null, urgent: 0 };
  return { ...fields, ...fresh };
}

/** Whether a frame of this kind is the last of its direction. */
export function isLast(kind: FrameKind): boolean {
  return kind === FRAME_KINDS.end || kind === FRAME_KINDS.whole;
}

/** Frames that a process takes before the node is told of all. As many of the largest untold sums fit in a window. */
const UNTOLD_MAX = CHANNELS_WINDOW_BYTES / CHANNEL_WINDOW_BYTES;

/** So many channels cannot fill the window of all: each has at most its own, and a frame that crosses the end of it. */
const FEW = Math.floor(CHANNELS_WINDOW_BYTES / (CHANNEL_WINDOW_BYTES + FRAME_MAX_BYTES));

/** The channels of a process. */
export class ChannelTable {
  readonly #channels = new Map<string, Channel>();
  /** Sends that wait for room, in order. */
  readonly senders: Call[] = [];
  /** Those that have a frame for an asynchronous call, for whose result there was no room. */
  readonly heldBack = new Set<Channel>();
  /** Of all channels, sent and not acknowledged, as window cost. */
  #outgoing = 0;
  #taken = 0;

  restore(records: readonly ChannelRecord[]): void {
    for (const record of records) this.add(new Channel(record));
  }

  add(channel: Channel): void {
    assert(!this.#channels.has(channel.id), "a channel's id is its own");
    this.#channels.set(channel.id, channel);
    this.#outgoing += channel.outgoing;
    if (channel.handle === 0) this.#channels.get(channel.listener)?.queue.push(channel);
  }

  find(id: string): Channel | undefined {
    return this.#channels.get(id);
  }

  all(): Channel[] {
    return [...this.#channels.values()];
  }

  remove(channel: Channel): void {
    if (!this.#channels.delete(channel.id)) return;
    this.heldBack.delete(channel);
    this.#outgoing -= channel.outgoing;
    const queue = this.#channels.get(channel.listener)?.queue ?? [];
    const index = queue.indexOf(channel);
    if (index >= 0) queue.splice(index, 1);
  }

  /** Whether the channel takes one more frame now: within its window, and that of all channels together; or since it has none. */
  hasRoom(channel: Channel): boolean {
    if (channel.outgoing === 0) return true;
    return channel.outgoing < CHANNEL_WINDOW_BYTES && this.#outgoing < CHANNELS_WINDOW_BYTES;
  }

  sent(channel: Channel, cost: number): void {
    channel.outgoing += cost;
    this.#outgoing += cost;
  }

  /**
   * Channels of which the node is to be told now that `channel` gave a frame: seldom, and before the node believes a
   * window to be full that is not.
   */
  toTell(channel: Channel): Channel[] {
    // Where there are so many that they could fill the window of all, each may be waiting for just this.
    const isDry = channel.incoming.length === 0 && !channel.receivedEnd && this.#channels.size > FEW;
    if (isDry || channel.untold >= CHANNEL_WINDOW_BYTES / 4) return [channel];
    if (++this.#taken % UNTOLD_MAX !== 0) return [];
    return this.all().filter(({ untold }) => untold > 0);
  }

  save(): ChannelRecord[] {
    return this.all().map((channel) => channel.save());
  }
}

/** What a fork's child has of its parent's channels. */
export interface Inheritance {
  /** Channels that the parent gives up, by handle: the child's as they are. */
  readonly gives: readonly number[];
  readonly listeners: "copy" | "share" | "leave";
}
const NOTHING_GIVEN: Inheritance = { gives: [], listeners: "copy" };

/**
 * Channels of a copy (a fork's child, a process that is restored): connections stay with the one they belong to, unless they
 * are given; listeners are opened again.
 */
export function channelsOfCopy(
  records: readonly ChannelRecord[],
  why: GodwitError,
  { gives, listeners }: Inheritance = NOTHING_GIVEN,
): ChannelRecord[] {
  const leftOut = ({ kind, handle, broken }: ChannelRecord) =>
    (handle === 0 && broken === null) || (isReopened(kind) && listeners === "leave");
  return records.flatMap((record) => {
    if (leftOut(record)) return [];
    if (gives.includes(record.handle)) return [record];
    // It gets another head, with the address that it has here.
    if (isReopened(record.kind))
      return [{ ...record, ...EMPTY, request: listeners === "share" ? accepting(record.request) : record.request }];
    return [{ ...record, ...EMPTY, broken: record.broken ?? { code: why.code, message: why.message } }];
  });
}
const EMPTY = { incoming: [], outgoing: 0, untold: 0 };

/** Who shares an address with a holder accepts there. */
function accepting(request: ChannelRequest | null): ChannelRequest | null {
  if (request?.kind !== "listener") return request;
  const { holds: _, ...own } = request;
  return own;
}

/** What becomes of connections in a fork's child. */
export function leftWithParent(parent: number): GodwitError {
  return failure("ECONNRESET", `the connection stayed with process ${parent}, from which this one was forked`);
}

/** What becomes of connections in an image. */
export function leftBehind(): GodwitError {
  return failure("ECONNRESET", "the connection stayed where the process was when its image was made");
}
