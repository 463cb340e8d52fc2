/** The home's side of services: which processes here serve which, and their ends of the sessions with fronts. */

import * as v from "valibot";

import { type Frame, FRAME_KINDS, type ListenerHead } from "../abi/channel.ts";
import type { Links } from "../cluster/link.ts";
import { failure, GodwitError } from "../errors.ts";
import {
  CHANNEL_WINDOW_BYTES,
  HOME_KEPT_MAX_BYTES,
  SESSION_ATTACH_TIMEOUT_MS,
  SESSIONS_OPENING_MAX,
} from "../limits.ts";
import { jsonFrame } from "../resources/frame.ts";
import type { Driver, Line } from "../resources/line.ts";
import type { Acceptor } from "../resources/listener.ts";
import { type EndpointMap, SERVICE_PROTOCOLS, type ServiceProtocol } from "./endpoint-map.ts";
import { Holdings } from "./holdings.ts";
import { HomeSession, homeSessionRecordOf } from "./home-session.ts";
import { BEGINNING, PARTING, type SessionRecord, windowOf } from "./session.ts";
import type { SessionMessage, SessionPost } from "./session-post.ts";

/** A channel's driver that another home can go on with. */
export interface Portable extends Driver {
  /** Lets go of it without a word, and tells what another home needs. */
  leave(): unknown;
}

/** What a process that serves has had to do, for the fronts of all nodes. */
interface Usage {
  /** Sessions. */
  open: number;
  /** Services. */
  serves: number;
  /** When a client came last, or left (ms of `performance.now`). */
  lastMs: number;
}

/** A process that serves a service. */
class ServiceListener implements Portable {
  readonly service: string;
  readonly pid: number;
  readonly protocol: ServiceProtocol;
  readonly accept: Acceptor;
  readonly usage: Usage;
  /** What its sessions keep. */
  readonly kept: Holdings;
  readonly #closed: (listener: ServiceListener, isLeft: boolean) => void;

  constructor(
    service: string,
    pid: number,
    protocol: ServiceProtocol,
    accept: Acceptor,
    usage: Usage,
    kept: Holdings,
    closed: (listener: ServiceListener, isLeft: boolean) => void,
  ) {
    this.usage = usage;
    this.kept = kept;
    this.service = service;
    this.pid = pid;
    this.protocol = protocol;
    this.accept = accept;
    this.#closed = closed;
  }

  take(): void {}
  resume(): void {}

  close(): void {
    this.#closed(this, false);
  }

  leave(): undefined {
    this.#closed(this, true);
    return undefined;
  }
}

const attached = v.array(v.nullable(v.pipe(v.number(), v.safeInteger(), v.minValue(0))));

export class Homes {
  readonly #self: string;
  readonly #map: EndpointMap;
  readonly #links: Links | undefined;
  readonly #post: SessionPost;
  /** Attaches to a front of this very node. */
  readonly #attachHere: (asked: readonly Attachment[]) => Promise<(number | null)[]>;
  readonly #listeners = new Map<string, ServiceListener>();
  readonly #sessions = new Map<string, HomeSession>();
  /** What they keep for fronts. */
  readonly #kept = new Holdings(HOME_KEPT_MAX_BYTES, (isFull) => isFull || this.#relieve());
  /** Nodes whose fronts have as much for their clients as they may. */
  readonly #full = new Set<string>();
  /** Sessions with something of their processes' that waits for room, in their order. */
  readonly #waiting = new Set<HomeSession>();
  /** Of processes that serve, or have sessions, by pid. */
  readonly #usages = new Map<number, Usage>();
  /** Sessions whose first item is awaited, by front: it comes to the process with them. At most SESSIONS_OPENING_MAX of each. */
  readonly #opening = new Map<string, Map<string, ServiceListener>>();

  constructor(options: {
    readonly self: string;
    readonly map: EndpointMap;
    readonly links: Links | undefined;
    readonly post: SessionPost;
    readonly attachHere: (asked: readonly Attachment[]) => Promise<(number | null)[]>;
  }) {
    this.#self = options.self;
    this.#map = options.map;
    this.#links = options.links;
    this.#post = options.post;
    this.#attachHere = options.attachHere;
  }

  /**
   * A process of this node serves a service from now on: clients come by `accept`. When others can know it, its head says so.
   * @throws GodwitError EADDRINUSE when it does already, over the same protocol.
   */
  join(service: string, pid: number, protocol: ServiceProtocol, line: Line, accept: Acceptor): Portable {
    const key = keyOf(service, pid, protocol);
    if (this.#listeners.has(key)) throw failure("EADDRINUSE", `process ${pid} serves ${service} (${protocol}) already`);
    const kept = new Holdings(HOME_KEPT_MAX_BYTES / 2, (isFull) => isFull || this.#relieve(), this.#kept);
    const listener = new ServiceListener(service, pid, protocol, accept, this.#usageOf(pid), kept, (one, isLeft) => {
      if (this.#listeners.get(key) !== one) return;
      this.#listeners.delete(key);
      one.usage.serves--;
      this.#forgetUnused(pid);
      // What cannot be written now counts for nothing when this node is gone; fronts that ask are told before.
      if (!isLeft) this.#map.withdraw(service, pid, protocol).catch(() => {});
    });
    this.#listeners.set(key, listener);
    listener.usage.serves++;
    void this.#publish(key, listener, protocol, line);
    return listener;
  }

  async #publish(key: string, listener: ServiceListener, protocol: ServiceProtocol, line: Line): Promise<void> {
    const { service, pid } = listener;
    // A process that leaves takes its listener along at once: nothing is written for it any more.
    const isHere = () => this.#listeners.get(key) === listener;
    try {
      await this.#map.publish(service, pid, protocol, isHere);
      const head: ListenerHead = { address: `service:${service}` };
      if (isHere()) line.push(jsonFrame(FRAME_KINDS.head, head));
    } catch (error) {
      if (!isHere()) return;
      const code = error instanceof GodwitError ? error.code : "EIO";
      line.break(
        code,
        `service ${service} cannot be served: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }

  #usageOf(pid: number): Usage {
    let usage = this.#usages.get(pid);
    if (usage === undefined) this.#usages.set(pid, (usage = { open: 0, serves: 0, lastMs: performance.now() }));
    return usage;
  }

  #forgetUnused(pid: number): void {
    const usage = this.#usages.get(pid);
    if (usage?.open === 0 && usage.serves === 0) this.#usages.delete(pid);
  }

  /**
   * Takes a process that has had no client for so long out of its service: true when that is done. Clients that are on
   * their way to it are refused here, and find another.
   */
  retire(service: string, pid: number, idleMs: number): boolean {
    const all = SERVICE_PROTOCOLS.flatMap((protocol) => this.#listeners.get(keyOf(service, pid, protocol)) ?? []);
    const isIdle = ({ usage }: ServiceListener) => usage.open === 0 && performance.now() - usage.lastMs >= idleMs;
    if (all.length === 0 || !all.every(isIdle)) return false;
    for (const opening of this.#opening.values())
      if ([...opening.values()].some((listener) => all.includes(listener))) return false;
    for (const listener of all) listener.close();
    return true;
  }

  /** Sessions of a process, or of all. */
  get open(): number {
    return this.#sessions.size;
  }

  /** What sessions keep, in bytes. */
  get heldBytes(): number {
    return this.#kept.heldBytes;
  }

  /** There is room again. */
  #relieve(): void {
    for (const session of this.#waiting) session.goOn();
  }

  // ---- From fronts

  heard(front: string, message: SessionMessage): void {
    const { id } = message;
    if (message.op === "open") return this.#opened(front, message);
    if (message.op === "full") return this.#isFull(front, message.isSo);
    if (message.op === "refused" || message.op === "pinged") return;
    const listener = this.#opening.get(front)?.get(id);
    if (listener !== undefined && message.op === "item") return this.#begin(front, listener, message);
    const session = this.#sessions.get(id);
    if (session?.front !== front) return;
    this.#spare(session, () => session.heard(message));
  }

  #isFull(front: string, isSo: boolean): void {
    if (isSo) this.#full.add(front);
    else if (this.#full.delete(front)) this.#relieve();
  }

  #opened(front: string, { id, pid, service, protocol }: Extract<SessionMessage, { op: "open" }>): void {
    const listener = this.#listeners.get(keyOf(service, pid, protocol));
    if (listener === undefined)
      return this.#refuse(front, id, "ESRCH", `process ${pid} does not serve ${service} here`);
    const opening = this.#opening.get(front) ?? new Map<string, ServiceListener>();
    // A front says at once what its client has said first.
    if (opening.size >= SESSIONS_OPENING_MAX)
      return this.#refuse(front, id, "EAGAIN", `${SESSIONS_OPENING_MAX} sessions of node ${front} have not begun`);
    if (this.#sessions.has(id)) return this.#refuse(front, id, "EEXIST", `session ${id} is here already`);
    this.#opening.set(front, opening.set(id, listener));
  }

  #refuse(front: string, id: string, code: string, message: string): void {
    this.#post.send(front, "front", { op: "refused", id, code, message });
  }

  #begin(front: string, listener: ServiceListener, message: Extract<SessionMessage, { op: "item" }>): void {
    const { id, number, item } = message;
    const { service, pid, protocol } = listener;
    this.#opening.get(front)?.delete(id);
    if (this.#listeners.get(keyOf(service, pid, protocol)) !== listener)
      return this.#refuse(front, id, "ESRCH", `process ${pid} does not serve ${service} here any more`);
    if (number !== 1 || item.kind === PARTING || this.#sessions.has(id))
      return this.#refuse(front, id, "EPROTO", `session ${id} does not begin with what its client has said`);
    const session = this.#make(id, front, BEGINNING, pid, windowOf(protocol), listener.kept);
    this.#spare(session, () => {
      listener.accept(item as Frame, (line) => {
        session.line = line;
        return session;
      });
      session.heard(message);
    });
  }

  /** What is wrong with what a front says ends that session. */
  #spare(session: HomeSession, hear: () => void): void {
    try {
      hear();
    } catch (error) {
      if (!(error instanceof GodwitError)) throw error;
      session.lost("EPROTO", error.message);
    }
  }

  #make(
    id: string,
    front: string,
    state: SessionRecord,
    pid: number,
    windowBytes: number,
    kept = this.#kept,
  ): HomeSession {
    const usage = this.#usageOf(pid);
    usage.open++;
    const session = new HomeSession(
      id,
      front,
      {
        kept,
        isFull: (of) => this.#full.has(of),
        waits: (one, isSo) => void (isSo ? this.#waiting.add(one) : this.#waiting.delete(one)),
        send: (to, message) => this.#post.send(to, "front", message),
        sent: (to) => this.#post.drained(to),
        gone: (one) => {
          if (this.#sessions.get(id) !== one) return;
          this.#sessions.delete(id);
          usage.open--;
          usage.lastMs = performance.now();
          this.#forgetUnused(pid);
        },
      },
      state,
      windowBytes,
    );
    this.#sessions.set(id, session);
    return session;
  }

  /** A front is gone, and its clients with it. */
  lost(front: string, error: Error): void {
    this.#opening.delete(front);
    this.#isFull(front, false);
    for (const session of this.#sessions.values())
      if (session.front === front) session.lost("ECONNRESET", `the client's connection is gone: ${error.message}`);
  }

  // ---- Homes that move

  /** Goes on with a session of a process that has its home here from now on. @throws GodwitError EPROTO. */
  resume(state: unknown, pid: number, line: Line, windowBytes = CHANNEL_WINDOW_BYTES): HomeSession {
    const { id, front, session } = homeSessionRecordOf(state);
    if (this.#sessions.has(id)) throw failure("EEXIST", `session ${id} is here already`);
    const resumed = this.#make(id, front, session, pid, windowBytes);
    resumed.line = line;
    return resumed;
  }

  /** Tells the fronts of sessions that they go on here. Those whose client is gone meanwhile end. */
  async attach(sessions: readonly HomeSession[]): Promise<void> {
    const byFront = new Map<string, HomeSession[]>();
    for (const session of sessions) byFront.set(session.front, [...(byFront.get(session.front) ?? []), session]);
    await Promise.all([...byFront].map(([front, all]) => this.#attachTo(front, all)));
  }

  async #attachTo(front: string, sessions: readonly HomeSession[]): Promise<void> {
    const asked = sessions.map(({ id, received }) => ({ id, received }));
    try {
      const answer = v.parse(attached, await this.#ask(front, asked));
      for (const [index, session] of sessions.entries()) {
        const received = answer[index] ?? null;
        if (received === null) session.forsaken("the client closed the connection while its server moved");
        else session.attached(received);
      }
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      for (const session of sessions) session.forsaken(`the client's connection is gone: ${why}`);
    }
  }

  async #ask(front: string, asked: readonly Attachment[]): Promise<unknown> {
    if (front === this.#self) return this.#attachHere(asked);
    if (this.#links === undefined) throw failure("ENONODE", `there is no node ${front}`);
    const link = await this.#links.to(front);
    this.#post.watch(link);
    return link.request("session/attach", asked, { timeoutMs: SESSION_ATTACH_TIMEOUT_MS });
  }
}

function keyOf(service: string, pid: number, protocol: ServiceProtocol): string {
  return `${service}/${pid}/${protocol}`;
}

/** A session, and the number of the last item that its new home has. */
export interface Attachment {
  readonly id: string;
  readonly received: number;
}
