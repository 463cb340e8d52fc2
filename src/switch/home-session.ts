/** The home's end of a session: in the place of a client's connection for a process that is at home here. */

import type { Frame } from "../abi/channel.ts";
import { failure, isErrorCode } from "../errors.ts";
import type { Driver, Line } from "../resources/line.ts";
import { BEGINNING, type Item, PARTING, Session, type SessionRecord } from "./session.ts";
import type { SessionMessage } from "./session-post.ts";

/** What another home needs to go on with it. */
export interface HomeSessionRecord {
  readonly id: string;
  /** The node that has the client's connection. */
  readonly front: string;
  readonly session: SessionRecord;
}

interface Surroundings {
  send(front: string, message: SessionMessage): void;
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
  /** Lets the process's next frame come. */
  #goOn: (() => void) | undefined;

  /** @param record where it goes on, at another home than before; or its `BEGINNING`. */
  constructor(id: string, front: string, around: Surroundings, record: SessionRecord, windowBytes: number) {
    this.id = id;
    this.front = front;
    this.#around = around;
    this.#session = new Session(record, windowBytes);
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
    this.#say(frame);
    if (this.#session.hasRoom) return undefined;
    return new Promise((resolve) => (this.#goOn = resolve));
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
    this.#say({ kind: PARTING, bytes: new Uint8Array(0) });
    this.#isClosing = true;
    if (this.#isAttached) this.#end();
  }

  /** The session goes on at another home: nothing is said here any more. */
  leave(): HomeSessionRecord {
    const record = { id: this.id, front: this.front, session: this.#session.save() };
    this.#end();
    return record;
  }

  #end(): void {
    this.#isOver = true;
    this.#goOn?.();
    this.#around.gone(this);
  }

  // ---- From the front

  /** @throws GodwitError EPROTO. */
  heard(message: Extract<SessionMessage, { op: "item" | "done" | "ping" }>): void {
    if (message.op === "ping") return this.#pinged(message.message);
    this.#session.acknowledged(message.done);
    if (this.#session.hasRoom) this.#goOn?.();
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

  /** The front goes on with this home, having received so much. @throws GodwitError EPROTO. */
  attached(received: number): void {
    if (this.#isOver) return;
    const { first, items } = this.#session.after(received);
    this.#isAttached = true;
    for (const [index, item] of items.entries()) this.#send(first + index, item);
    if (this.#isClosing) return this.#end();
    // What it was not told of by the home before.
    this.#around.send(this.front, { op: "done", id: this.id, done: this.#session.takeDone() });
    this.#done();
  }
}

function partingOf(bytes: Uint8Array): { code: string; message: string } {
  const value: unknown = JSON.parse(Buffer.from(bytes).toString());
  const { code, message } = (typeof value === "object" && value !== null ? value : {}) as Record<string, unknown>;
  if (typeof code === "string" && typeof message === "string") return { code, message };
  throw failure("EPROTO", "a session's parting is malformed");
}
