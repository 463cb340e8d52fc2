/** The front's end of a session: in the place of a process for a client whose connection is here. */

import type { Frame } from "../abi/channel.ts";
import { assert } from "../assert.ts";
import { type ErrorCode, GodwitError } from "../errors.ts";
import { SESSION_PINGS_MAX, URGENT_MESSAGE_MAX_CHARS } from "../limits.ts";
import { headAndBody, wholeFrame } from "../resources/frame.ts";
import type { Driver, Line } from "../resources/line.ts";
import type { ServiceProtocol } from "./endpoint-map.ts";
import type { FrontAddress } from "./front-address.ts";
import type { Inquiry, Policy } from "./policy.ts";
import type { Holdings } from "./holdings.ts";
import { BEGINNING, type Counts, type Item, PARTING, Session, windowOf } from "./session.ts";
import type { SessionMessage } from "./session-post.ts";

/** Whom a session is with. */
export interface Place {
  readonly pid: number;
  /** Name of the node that is the process's home. */
  readonly home: string;
}

interface Surroundings {
  /** What fronts have in memory of what clients send, and of what is for them. */
  readonly uploads: Holdings;
  readonly downloads: Holdings;
  /** A name that no session had before. */
  newId(): string;
  send(home: string, message: SessionMessage): void;
  /** It is with nobody any more: another is to be found, or it is told that there is none. */
  homeless(session: FrontSession): void;
  /** It was with this process, which could not take it, or is done with it. */
  left(place: Place, how: "refused" | "done"): void;
  /** Nothing comes of it any more. */
  gone(session: FrontSession): void;
  /** Where its client could ask without a relay, now that a process of this home answers. */
  alternative(home: string): string | null;
}

/** A request may be made again when it changes nothing, or the same every time (RFC 9110, 9.2). */
const REPEATABLE = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]);

/** What a client is given a process for. */
export interface Order {
  readonly service: string;
  readonly protocol: ServiceProtocol;
  readonly policy: Policy;
  /** Of the front's address. */
  readonly scheme: FrontAddress["scheme"];
  /** Its address is the machine's own: so are its clients. */
  readonly isNear: boolean;
  /** The front is for clients that were told of the node. */
  readonly isCareOf: boolean;
  /** Connections are spread over nodes, which give what comes on them to their own processes first. */
  readonly isSpread: boolean;
}

export class FrontSession implements Line {
  readonly order: Order;
  readonly #around: Surroundings;
  #id = "";
  #session: Session;
  #place: Place | undefined;
  #driver: Driver | undefined;
  /** The client is to send no more until there is room. */
  #stalled = false;
  /** The home is to tell when it is done with all. */
  #hasAsked = false;
  /** From the process, for the driver: the session's window bounds them. */
  readonly #queue: Item[] = [];
  #taking = false;
  /** Told to the home out of band, which has not said that it has heard it. */
  #pings = 0;
  /** Something of the answer has come. */
  #isAnswered = false;
  /** It was given to a process that did not answer it: that is done once. */
  #isRepeated = false;
  /** The client is gone: nothing more is said to it. */
  #hasParted = false;
  #isOver = false;

  /** @param first the client's first frame, of which its head tells what it asks for. */
  constructor(order: Order, first: Frame, around: Surroundings) {
    this.order = order;
    this.#around = around;
    this.#session = this.#begin([first]);
  }

  #begin(items: readonly Item[]): Session {
    const { uploads, downloads } = this.#around;
    const counts: Counts = { kept: (bytes) => uploads.count(bytes), open: (bytes) => downloads.count(bytes) };
    const session = new Session(BEGINNING, windowOf(this.order.protocol), counts);
    for (const item of items) session.send(item);
    return session;
  }

  /** What takes the answer. */
  set driver(driver: Driver) {
    this.#driver = driver;
    void this.#passOn();
  }

  get id(): string {
    return this.#id;
  }

  get place(): Place | undefined {
    return this.#place;
  }

  /** What the client has said first. Known as long as no process has it. */
  get inquiry(): Inquiry & { readonly method?: string } {
    const [first] = this.#session.isWhole ? this.#session.after(0).items : [];
    assert(first !== undefined, "the first item is kept until a process has it");
    return headAndBody(first as Frame).head as Inquiry & { readonly method?: string };
  }

  // ---- From the client

  push(frame: Frame): boolean {
    if (this.#isOver || this.#hasParted) return false;
    this.#say(frame);
    // What was asked before is answered without this one: some come yet of a client that is told to wait.
    this.#hasAsked = false;
    this.#stalled ||= !this.#hasRoom;
    this.#goOn();
    return !this.#stalled;
  }

  /** Whether the client may send some more: within the window, and within what there is for all. */
  get #hasRoom(): boolean {
    return this.#session.hasRoom && this.#around.uploads.allows(this.#session.keptBytes);
  }

  /** Lets the client send again, once there is room. For all that there is for all, its home tells of small amounts, too. */
  #goOn(): void {
    if (!this.#stalled) return;
    if (this.#hasRoom) {
      this.#stalled = false;
      this.#hasAsked = false;
      if (!this.#hasParted) this.#driver?.resume();
    } else if (this.#session.hasRoom && this.#place !== undefined && !this.#hasAsked) {
      this.#hasAsked = true;
      this.#around.send(this.#place.home, { op: "ask", id: this.#id });
    }
  }

  break(code: ErrorCode, message: string): void {
    if (this.#isOver || this.#hasParted) return;
    this.#hasParted = true;
    if (this.#place === undefined) return this.#close();
    this.#say({ kind: PARTING, bytes: new Uint8Array(Buffer.from(JSON.stringify({ code, message }))) });
  }

  /** What finds the process busy with others is lost. */
  ping(message: string): void {
    if (this.#isOver || this.#hasParted || this.#place === undefined || this.#pings >= SESSION_PINGS_MAX) return;
    this.#pings++;
    const said = message.slice(0, URGENT_MESSAGE_MAX_CHARS);
    this.#around.send(this.#place.home, { op: "ping", id: this.#id, message: said });
  }

  #say(item: Item): void {
    const number = this.#session.send(item);
    if (this.#place !== undefined) this.#send(this.#place, number, item);
  }

  #send({ home }: Place, number: number, item: Item): void {
    this.#around.send(home, { op: "item", id: this.#id, number, item, done: this.#session.takeDone() });
  }

  alternative(): string | null {
    return this.#place === undefined ? null : this.#around.alternative(this.#place.home);
  }

  // ---- Whom it is with

  /** A process is to serve it, as one of `service`. */
  assign(place: Place, service: string): void {
    this.#place = place;
    this.#id = this.#around.newId();
    this.#around.send(place.home, { op: "open", id: this.#id, pid: place.pid, service, protocol: this.order.protocol });
    const { first, items } = this.#session.after(0);
    for (const [index, item] of items.entries()) this.#send(place, first + index, item);
    this.#hasAsked = false;
    this.#goOn();
    // Who sends datagrams is not heard before.
    if (this.order.protocol === "udp") this.#driver?.resume();
  }

  /** The process was not there: nothing of this has come to it. A home that says so of what it has taken, or answered, has lost it. */
  refused(): void {
    if (this.#isAnswered || !this.#session.isWhole) return this.lost();
    this.#leave("refused");
    if (this.#hasParted) this.#close();
    else this.#around.homeless(this);
  }

  /** The process goes on at another home, which has received so much. What it is to say that it has received. */
  attach(home: string, received: number): number {
    const { first, items } = this.#session.after(received);
    this.#pings = 0;
    this.#place = { pid: this.#place?.pid ?? 0, home };
    for (const [index, item] of items.entries()) this.#send(this.#place, first + index, item);
    this.#around.send(home, { op: "done", id: this.#id, done: this.#session.takeDone() });
    this.#hasAsked = false;
    this.#goOn();
    return this.#session.received;
  }

  /** The home is gone with all that it had; what it has said before still reaches the client. */
  lost(): void {
    this.#queue.push({ kind: PARTING, bytes: new Uint8Array(0) });
    if (!this.#taking) void this.#passOn();
  }

  /** Gives a request that was not answered to another process, if that can do no harm. */
  #repeat(): boolean {
    if (this.#isAnswered || this.#isRepeated || this.#hasParted || !this.#session.isWhole) return false;
    if (!REPEATABLE.has(this.inquiry.method ?? "")) return false;
    const { items } = this.#session.after(0);
    this.#session.forget();
    this.#session = this.#begin(items);
    // The home that it was with may have been lost in more than one way.
    this.#queue.length = 0;
    this.#isRepeated = true;
    this.#leave("refused");
    this.#around.homeless(this);
    return true;
  }

  // ---- From the process

  /** @throws GodwitError EPROTO. */
  heard(message: Extract<SessionMessage, { op: "item" | "done" | "pinged" | "ask" }>): void {
    if (message.op === "pinged") return void (this.#pings = Math.max(0, this.#pings - 1));
    if (message.op === "ask") {
      this.#session.asked();
      return this.#tellDone();
    }
    const isParting = message.op === "item" && message.item.kind === PARTING;
    if (!isParting) this.#session.acknowledged(message.done);
    this.#goOn();
    if (message.op === "done" || !this.#session.arrived(message.number, message.item)) return;
    if (!isParting) this.#isAnswered = true;
    this.#queue.push(message.item);
    if (!this.#taking) void this.#passOn();
  }

  async #passOn(): Promise<void> {
    if (this.#driver === undefined || this.#taking) return;
    this.#taking = true;
    for (let item = this.#queue.shift(); item !== undefined && !this.#isOver; item = this.#queue.shift()) {
      if (item.kind === PARTING) {
        this.#taking = false;
        if (!this.#repeat()) this.#close();
        return;
      }
      if (!this.#hasParted) await this.#give(this.#driver, item as Frame);
      this.#session.done();
      this.#tellDone();
    }
    this.#taking = false;
  }

  #tellDone(): void {
    if (this.#session.isDue && this.#place !== undefined)
      this.#around.send(this.#place.home, { op: "done", id: this.#id, done: this.#session.takeDone() });
  }

  async #give(driver: Driver, frame: Frame): Promise<void> {
    try {
      const taking = driver.take(frame);
      if (taking !== undefined) await taking;
    } catch (error) {
      if (error instanceof GodwitError) this.break(error.code, error.message);
      else this.break("EIO", error instanceof Error ? error.message : String(error));
    }
  }

  /** There is no process for it. A request is answered so (RFC 9110, 10.2.3); a connection is reset. */
  refuse(why: string): void {
    if (this.order.protocol === "http") void this.#answerWith(overload(this.order.service, why));
    else this.#close();
  }

  async #answerWith(frame: Frame): Promise<void> {
    if (this.#driver !== undefined && !this.#isOver && !this.#hasParted) await this.#give(this.#driver, frame);
    this.#close();
  }

  /** Lets go of the client's connection. */
  #close(): void {
    if (this.#isOver) return;
    this.#driver?.close();
    this.#countRest();
    this.#end();
  }

  /** An answer that is whole is the client's, and takes room here until that has taken it. */
  #countRest(): void {
    const rest = this.#driver?.rest?.();
    if (rest === undefined) return;
    const { downloads } = this.#around;
    downloads.count(rest.sizeBytes);
    void rest.over.then(() => downloads.count(-rest.sizeBytes));
  }

  /** The switch stops. */
  stop(): void {
    if (this.#isOver) return;
    this.break("ECONNRESET", "the switch that had the connection has stopped");
    this.#close();
  }

  #leave(how: "refused" | "done"): void {
    const place = this.#place;
    this.#place = undefined;
    if (place !== undefined) this.#around.left(place, how);
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#session.forget();
    this.#leave("done");
    this.#around.gone(this);
  }
}

function overload(service: string, why: string): Frame {
  const headers = [
    ["content-type", "text/plain; charset=utf-8"],
    ["retry-after", "1"],
  ];
  return wholeFrame({ status: 503, statusText: "", headers }, Buffer.from(`${service}: ${why}\n`));
}
