/** The home's end of a session: in the place of a client's connection for a process that is at home here. */

import * as v from "valibot";

import { FRAME_BYTES, type Frame } from "../abi/channel.ts";
import { failure, isErrorCode } from "../errors.ts";
import { SESSION_ID_MAX_CHARS, SESSION_OPEN_MAX_BYTES, SESSION_PIECE_MAX_BYTES } from "../limits.ts";
import type { Driver, Line } from "../resources/line.ts";
import type { Holdings } from "./holdings.ts";
import { BEGINNING, isItemKind, type Item, PARTING, Session, type SessionRecord } from "./session.ts";
import type { SessionMessage } from "./session-post.ts";

/** What another home needs to go on with it. */
export interface HomeSessionRecord {
  readonly id: string;
  /** The node that has the client's connection. */
  readonly front: string;
  readonly session: SessionRecord;
}

const text = v.pipe(v.string(), v.maxLength(SESSION_ID_MAX_CHARS));
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const item = v.object({
  kind: v.custom<Item["kind"]>(isItemKind, "an item has a kind that there is"),
  bytes: v.instance(Uint8Array),
});
/** Of an item: it is never nothing. */
const cost = v.pipe(v.number(), v.safeInteger(), v.minValue(FRAME_BYTES));
/** What one end may have of items that are not done with: no more fit. */
const isWithin = (costs: readonly number[]) => costs.reduce((sum, one) => sum + one, 0) <= SESSION_OPEN_MAX_BYTES;
const record = v.object({
  id: text,
  front: text,
  session: v.pipe(
    v.object({ sent: count, kept: v.array(item), received: count, open: v.array(cost) }),
    v.check(({ sent, kept }) => kept.length <= sent, "more is kept than was sent"),
    v.check(({ received, open }) => open.length <= received, "more is open than was received"),
    v.check(
      ({ kept, open }) => isWithin(open) && isWithin(kept.map(({ bytes }) => bytes.length + FRAME_BYTES)),
      "more is under way than a session's window holds",
    ),
  ),
});

/** @throws GodwitError EPROTO for what is none. */
export function homeSessionRecordOf(state: unknown): HomeSessionRecord {
  const checked = v.safeParse(record, state);
  if (checked.success) return checked.output;
  throw failure("EPROTO", `a session's record is malformed: ${checked.issues[0].message}`);
}

interface Surroundings {
  /** What homes keep for fronts. */
  readonly kept: Holdings;
  /** Whether the front's node has as much for its clients as it may. */
  isFull(front: string): boolean;
  /** Something of its process's waits for room, or does not any more. */
  waits(session: HomeSession, isSo: boolean): void;
  send(front: string, message: SessionMessage): void;
  /** Resolves when what was said to a front is not kept here to be sent. */
  sent(front: string): Promise<void>;
  /** It is over, or another node's. */
  gone(session: HomeSession): void;
}

export class HomeSession implements Driver {
  readonly id: string;
  readonly front: string;
  readonly #session: Session;
  readonly #around: Surroundings;
  #line: Line | undefined;
  /** The process is to take something before more is taken here. */
  #stalled = false;
  /** The front knows that this is the home. What is sent before waits. */
  #isAttached: boolean;
  #isOver = false;
  /** The process has closed it, and the front is to be told when it is there. */
  #isClosing = false;
  /** Of the process's: there is no room for it in what there is for all. */
  #waiting: Frame | undefined;
  /** The front is to tell when it is done with all. */
  #hasAsked = false;
  /** Lets the process's next frame come. */
  #taken: (() => void) | undefined;

  /** @param record where it goes on, at another home than before; or its `BEGINNING`. */
  constructor(id: string, front: string, around: Surroundings, record: SessionRecord, windowBytes: number) {
    this.id = id;
    this.front = front;
    this.#around = around;
    this.#session = new Session(record, windowBytes, { kept: (bytes) => around.kept.count(bytes), open: () => {} });
    this.#isAttached = record === BEGINNING;
  }

  /** Its process's end. */
  set line(line: Line) {
    this.#line = line;
  }

  get received(): number {
    return this.#session.received;
  }

  // ---- From the process

  take(frame: Frame): void | Promise<void> {
    if (this.#mayKeep(frame)) this.#say(frame);
    else this.#wait(frame);
    if (this.#waiting === undefined && this.#session.hasRoom) return undefined;
    return new Promise((resolve) => (this.#taken = resolve));
  }

  /** One who has nothing under way may always have some: so all go on. */
  #mayKeep({ bytes }: Frame): boolean {
    const { kept } = this.#around;
    const { keptBytes } = this.#session;
    if (keptBytes === 0 && bytes.length <= SESSION_PIECE_MAX_BYTES) return true;
    return !this.#around.isFull(this.front) && !kept.isFull && kept.allows(keptBytes);
  }

  #wait(frame: Frame | undefined): void {
    this.#waiting = frame;
    this.#around.waits(this, frame !== undefined);
    this.#ask();
  }

  /** The front tells of small amounts, too. */
  #ask(): void {
    if (this.#waiting === undefined || this.#hasAsked || !this.#isAttached || this.#session.keptBytes === 0) return;
    this.#hasAsked = true;
    this.#around.send(this.front, { op: "ask", id: this.id });
  }

  /** There may be room again: what waits goes on, and the process. */
  goOn(): void {
    const frame = this.#waiting;
    if (frame !== undefined && this.#mayKeep(frame)) this.#sayWaiting();
    if (this.#waiting === undefined && this.#session.hasRoom) this.#taken?.();
  }

  /** Whatever room there is: it is the session's. */
  #sayWaiting(): void {
    const frame = this.#waiting;
    if (frame === undefined) return;
    this.#wait(undefined);
    this.#hasAsked = false;
    this.#say(frame);
  }

  #say(item: Item): void {
    const number = this.#session.send(item);
    if (this.#isAttached) this.#send(number, item);
  }

  #send(number: number, item: Item): void {
    this.#around.send(this.front, { op: "item", id: this.id, number, item, done: this.#session.takeDone() });
  }

  resume(): void {
    this.#stalled = false;
    this.#done();
  }

  /** The link to the front brings this there even when the session is forgotten here. */
  close(): void {
    if (this.#isOver || this.#isClosing) return;
    this.#sayWaiting();
    this.#say({ kind: PARTING, bytes: new Uint8Array(0) });
    this.#isClosing = true;
    if (this.#isAttached) this.#end();
  }

  /** The session goes on at another home: nothing is said here any more. */
  leave(): HomeSessionRecord {
    // Whoever gave it will not give it again.
    if (this.#waiting !== undefined) this.#session.send(this.#waiting);
    const record = { id: this.id, front: this.front, session: this.#session.save() };
    this.#end();
    return record;
  }

  #end(): void {
    this.#isOver = true;
    this.#wait(undefined);
    this.#forget();
    this.#taken?.();
    this.#around.gone(this);
  }

  /** What it has said last, and much of it, is in memory until it is sent. */
  #forget(): void {
    if (this.#session.keptBytes < SESSION_PIECE_MAX_BYTES) return this.#session.forget();
    void this.#around.sent(this.front).finally(() => this.#session.forget());
  }

  // ---- From the front

  /** @throws GodwitError EPROTO. */
  heard(message: Extract<SessionMessage, { op: "item" | "done" | "ping" | "ask" }>): void {
    if (message.op === "ping") return this.#pinged(message.message);
    if (message.op === "ask") {
      this.#session.asked();
      return this.#done();
    }
    this.#session.acknowledged(message.done);
    this.goOn();
    if (message.op === "done" || !this.#session.arrived(message.number, message.item)) return;
    const { kind, bytes } = message.item;
    if (kind === PARTING) return this.#parted(bytes);
    // The first one came to the process with the session itself.
    if (message.number > 1) this.#stalled = this.#line?.push({ kind, bytes }) === false;
    this.#done();
  }

  #pinged(message: string): void {
    this.#line?.ping?.(message);
    this.#around.send(this.front, { op: "pinged", id: this.id });
  }

  #done(): void {
    if (this.#stalled || this.#isOver) return;
    this.#session.doneWithAll();
    if (this.#isAttached && this.#session.isDue)
      this.#around.send(this.front, { op: "done", id: this.id, done: this.#session.takeDone() });
  }

  #parted(bytes: Uint8Array): void {
    const { code, message } = partingOf(bytes);
    this.lost(code, message);
  }

  /** The client is gone, or the front with it. */
  lost(code: string, message: string): void {
    this.#line?.break(isErrorCode(code) ? code : "ECONNRESET", message);
    // A line that was closed before says no more.
    this.close();
  }

  /** The front does not go on with this home, or is not known to: nobody waits for it any longer. One that does is told. */
  forsaken(message: string): void {
    if (this.#isOver) return;
    this.#isAttached = true;
    this.#isClosing = false;
    this.lost("ECONNRESET", message);
  }

  /** The front goes on with this home, having received so much. @throws GodwitError EPROTO. */
  attached(received: number): void {
    if (this.#isOver) return;
    const { first, items } = this.#session.after(received);
    this.#isAttached = true;
    for (const [index, item] of items.entries()) this.#send(first + index, item);
    if (this.#isClosing) return this.#end();
    // What it was not told of by the home before.
    this.#around.send(this.front, { op: "done", id: this.id, done: this.#session.takeDone() });
    this.#ask();
    this.#done();
  }
}

const parting = v.pipe(v.string(), v.parseJson(), v.object({ code: v.string(), message: v.string() }));

function partingOf(bytes: Uint8Array): { code: string; message: string } {
  const checked = v.safeParse(parting, Buffer.from(bytes).toString());
  if (checked.success) return checked.output;
  throw failure("EPROTO", `a session's parting is malformed: ${checked.issues[0].message}`);
}
