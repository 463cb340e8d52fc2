/**
 * One end of a session: what goes between a front, which has the client's connection, and the home of the process that
 * serves it. Items have numbers; each is kept until the other end is done with it, so that nothing is lost or comes twice when
 * the process's home moves and the session goes on with another. What is done with makes room: one count is the flow
 * control and the acknowledgement. Pure: who uses it sends what it says, and says what came.
 */

import { type Frame, frameCost } from "../abi/channel.ts";
import { assert } from "../assert.ts";
import { failure } from "../errors.ts";
import { CHANNEL_WINDOW_BYTES, DATAGRAM_WINDOW_BYTES, SESSION_OPEN_MAX_BYTES } from "../limits.ts";
import type { ServiceProtocol } from "./endpoint-map.ts";

/** Kind of the item after which an end says nothing more: JSON of a `Break` when it is one, else empty. */
export const PARTING = 0;

/** Of a frame or a parting. What each means is between the driver and the process. */
export function isItemKind(value: unknown): value is Item["kind"] {
  return Number.isSafeInteger(value) && (value as number) >= PARTING && (value as number) < 32;
}

export interface Item {
  readonly kind: Frame["kind"] | typeof PARTING;
  readonly bytes: Uint8Array;
}

/** An end as another node goes on with it. */
export interface SessionRecord {
  /** Number of the last item that was sent. */
  readonly sent: number;
  /** Those that the other end is not done with, the last being `sent`. */
  readonly kept: readonly Item[];
  /** Number of the last item that came. */
  readonly received: number;
  /** Costs of the last of those, which this end is not done with. */
  readonly open: readonly number[];
}

/** Told how much more an end has in memory, or less. */
export interface Counts {
  /** Of what it has sent. */
  kept(moreBytes: number): void;
  /** Of what came. */
  open(moreBytes: number): void;
}

const UNCOUNTED: Counts = { kept: () => {}, open: () => {} };

/** Of a session's end that nothing has come to or gone from. */
export const BEGINNING: SessionRecord = { sent: 0, kept: [], received: 0, open: [] };

export class Session {
  readonly #windowBytes: number;
  #sent: number;
  /** Sent, and the other end is not done with them. */
  readonly #kept: Item[];
  #keptBytes = 0;
  #received: number;
  /** Costs of what came and this end is not done with, oldest first. */
  readonly #open: number[];
  #openBytes = 0;
  /** Done with, and the other end was not told. */
  #untoldBytes = 0;
  /** The other end waits to be told when this one is done with all that came. */
  #isAsked = false;
  #counts: Counts;

  /** @param windowBytes of what the other end is not done with, for each direction. Both ends have the same. */
  constructor(record: SessionRecord = BEGINNING, windowBytes = CHANNEL_WINDOW_BYTES, counts: Counts = UNCOUNTED) {
    this.#windowBytes = windowBytes;
    this.#counts = counts;
    this.#sent = record.sent;
    this.#kept = [...record.kept];
    this.#received = record.received;
    this.#open = [...record.open];
    this.#keep(this.#kept.reduce((sum, item) => sum + costOf(item), 0));
    this.#opened(this.#open.reduce((sum, cost) => sum + cost, 0));
  }

  #keep(moreBytes: number): void {
    this.#keptBytes += moreBytes;
    this.#counts.kept(moreBytes);
  }

  #opened(moreBytes: number): void {
    this.#openBytes += moreBytes;
    this.#counts.open(moreBytes);
  }

  /** Nothing comes of it any more: what it has in memory counts for nothing. */
  forget(): void {
    const counts = this.#counts;
    this.#counts = UNCOUNTED;
    counts.kept(-this.#keptBytes);
    counts.open(-this.#openBytes);
  }

  // ---- Out

  /** Keeps an item, and gives it its number. */
  send(item: Item): number {
    this.#kept.push(item);
    this.#sent++;
    this.#keep(costOf(item));
    return this.#sent;
  }

  /** Whether one more item is within the window. */
  get hasRoom(): boolean {
    return this.#keptBytes < this.#windowBytes;
  }

  /** What the other end is not done with. */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** Whether the other end is done with none yet. */
  get isWhole(): boolean {
    return this.#kept.length === this.#sent;
  }

  /** The other end is done with all up to this one. @throws GodwitError EPROTO for one that was not sent. */
  acknowledged(number: number): void {
    if (number > this.#sent) throw failure("EPROTO", `item ${number} was acknowledged, and ${this.#sent} were sent`);
    const known = this.#sent - this.#kept.length;
    const done = this.#kept.splice(0, Math.max(0, number - known));
    if (done.length > 0) this.#keep(-done.reduce((sum, item) => sum + costOf(item), 0));
    assert(this.#keptBytes >= 0, "what is kept costs something");
  }

  /** What the other end has not received, which says what it has. @throws GodwitError EPROTO when that cannot be. */
  after(received: number): { readonly first: number; readonly items: readonly Item[] } {
    const known = this.#sent - this.#kept.length;
    if (received > this.#sent || received < known)
      throw failure("EPROTO", `the other end has ${received} items; ${this.#sent} were sent, ${known} acknowledged`);
    return { first: received + 1, items: this.#kept.slice(received - known) };
  }

  // ---- In

  /** Number of the last item that came. */
  get received(): number {
    return this.#received;
  }

  /**
   * An item came; false for one that has come before. When this end is done with it, it says so.
   * @throws GodwitError EPROTO for one that is not the next, or more than the window holds.
   */
  arrived(number: number, item: Item): boolean {
    if (number <= this.#received) return false;
    if (number !== this.#received + 1) throw failure("EPROTO", `item ${number} came after item ${this.#received}`);
    this.#received = number;
    const cost = costOf(item);
    this.#open.push(cost);
    this.#opened(cost);
    if (this.#openBytes > SESSION_OPEN_MAX_BYTES) throw failure("EPROTO", "more came than a session's window holds");
    return true;
  }

  /** This end is done with the oldest item that it was not done with. */
  done(): void {
    const cost = this.#open.shift() ?? 0;
    assert(cost > 0, "nobody is done with what has not come");
    this.#untoldBytes += cost;
    this.#opened(-cost);
  }

  /** This end is done with all that came. */
  doneWithAll(): void {
    while (this.#open.length > 0) this.done();
  }

  /** The other end has less room than its window, and waits for word of what it has sent. */
  asked(): void {
    this.#isAsked = true;
  }

  /** Whether the other end is to be told now, or it might believe the window to be full that is not. */
  get isDue(): boolean {
    const isAwaited = this.#isAsked && this.#open.length === 0 && this.#untoldBytes > 0;
    return isAwaited || this.#untoldBytes >= this.#windowBytes / 4;
  }

  /** The number of the last item that this end is done with: the other end is told with this. */
  takeDone(): number {
    this.#untoldBytes = 0;
    if (this.#open.length === 0) this.#isAsked = false;
    return this.#received - this.#open.length;
  }

  // ---- Elsewhere

  /** What another node needs to go on with this end. What came goes along with whoever took it. */
  save(): SessionRecord {
    return { sent: this.#sent, kept: [...this.#kept], received: this.#received, open: [...this.#open] };
  }
}

function costOf(item: Item): number {
  return frameCost(item as Frame);
}

/** By what comes over it. */
export function windowOf(protocol: ServiceProtocol): number {
  return protocol === "udp" ? DATAGRAM_WINDOW_BYTES : CHANNEL_WINDOW_BYTES;
}
