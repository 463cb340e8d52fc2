/** Gives each client a process of its service: by the front's policy, or in turn when all are busy, within bounds. */

import {
  DATAGRAM_REMOTES_MAX,
  EXCHANGES_MAX,
  HOME_REST_MS,
  SERVICE_QUEUE_MAX,
  SERVICE_REST_MS,
  SERVICE_WAIT_MS,
} from "../limits.ts";
import type { Endpoint, EndpointMap, ServiceProtocol } from "./endpoint-map.ts";
import type { FrontSession, Order, Place } from "./front-session.ts";
import { type Candidate, choose, type Inquiry, serviceFor } from "./policy.ts";
import { Turns } from "./turns.ts";

/** What is known of one process. */
interface Standing {
  /** Sessions with it. */
  open: number;
  /** It could not take one, at this home: it is left alone there until then (ms of `performance.now`). */
  restUntilMs: number;
  restHome: string;
}

interface Waiting {
  readonly session: FrontSession;
  readonly timer: NodeJS.Timeout;
}

/** Clients for whom no process was free: all for the same, of whatever front, and none of them is served before the first. */
interface Queue {
  /** Which they are for: their front's own, or another by its policy. */
  readonly service: string;
  /** Oldest first. */
  readonly waiting: Waiting[];
}

/** What is known of a client when nothing has to be. */
const NOBODY: Inquiry = { remote: "" };

/** Of a process, at this switch. */
const OPEN_MAX = { http: EXCHANGES_MAX, tcp: EXCHANGES_MAX, udp: DATAGRAM_REMOTES_MAX } as const;

export class Dispatcher {
  readonly #self: string;
  readonly #map: EndpointMap;
  /** Of processes, for what they do over one protocol. */
  readonly #standings = new Map<string, Standing>();
  /** By service and protocol: who waits for a process keeps nobody from those of another. */
  readonly #queues = new Map<string, Queue>();
  /** In which of them a session waits. */
  readonly #waitingAt = new Map<FrontSession, string>();
  /** A client of a service waits for a process. */
  readonly #wanted: (service: string) => void;
  /** Answers a client for whom there is no process. */
  readonly #refuse: (session: FrontSession, why: string) => void;
  /** Homes that could not be reached are left alone until then. */
  readonly #silentHomes = new Map<string, number>();
  /** For a connection that is to be served here, a node was chosen first, and for each of its requests a process is. */
  readonly #turns = { connections: new Turns(), requests: new Turns() };
  #rest: NodeJS.Timeout | undefined;
  readonly #endWatch: () => void;

  constructor(
    self: string,
    map: EndpointMap,
    refuse: (session: FrontSession, why: string) => void,
    wanted: (service: string) => void,
  ) {
    this.#self = self;
    this.#wanted = wanted;
    this.#map = map;
    this.#refuse = refuse;
    this.#endWatch = map.watch(() => this.#drain());
  }

  /** Sessions with a process, over a protocol. */
  open(pid: number, protocol: ServiceProtocol): number {
    return this.#standings.get(standingKey(pid, protocol))?.open ?? 0;
  }

  /** Finds a process for a session that is with none. `again`: it was waiting before others came. */
  take(session: FrontSession, again = false): void {
    const { policy, protocol, service: own } = session.order;
    const service = serviceFor(policy, own, policy.kind === "content" ? session.inquiry : NOBODY);
    const key = `${service} ${protocol}`;
    const queue = this.#queues.get(key) ?? { service, waiting: [] };
    const { waiting: others } = queue;
    if ((again || others.length === 0) && this.#place(session, service)) return;
    if (others.length >= SERVICE_QUEUE_MAX) return this.#refuse(session, "too many requests wait");
    const late = () => {
      this.#takeOut(session);
      this.#refuse(session, "no process is free");
    };
    const waiting = { session, timer: setTimeout(late, SERVICE_WAIT_MS) };
    if (again) others.unshift(waiting);
    else others.push(waiting);
    this.#queues.set(key, queue);
    this.#waitingAt.set(session, key);
    this.#wanted(service);
  }

  /** Whether clients of a service wait. */
  isWantedFor(service: string): boolean {
    return [...this.#queues.values()].some((queue) => queue.service === service);
  }

  /** Gives it to a process of the service that it is for, if one is free. */
  #place(session: FrontSession, service: string): boolean {
    const { policy, protocol, isSpread } = session.order;
    const inquiry = policy.kind === "hash" ? session.inquiry : NOBODY;
    const all = this.#free(service, protocol).map(({ pid, home }) =>
      this.#candidate(pid, home, this.open(pid, protocol)),
    );
    const near = isSpread && policy.kind !== "hash" ? all.filter(({ isLocal }) => isLocal) : [];
    if (all.length === 0) return false;
    const chosen = choose(policy, near.length > 0 ? near : all, inquiry, this.#turns.requests.take(policy, service));
    if (chosen === undefined) return false;
    const { pid, home } = chosen;
    this.#standing(pid, protocol).open++;
    session.assign({ pid, home }, service);
    return true;
  }

  /**
   * The process that a client's connection is for, of which `inquiry` is known; undefined when none is free.
   * @param connections those of its front that a node has: they are what is spread.
   */
  glance(
    { policy, protocol, service: own }: Order,
    inquiry: Inquiry,
    connections: (home: string) => number,
  ): Place | undefined {
    const service = serviceFor(policy, own, inquiry);
    const free = this.#free(service, protocol);
    const processes = new Map<string, number>();
    for (const { home } of free) processes.set(home, (processes.get(home) ?? 0) + 1);
    const candidates = free.map(({ pid, home }) =>
      this.#candidate(pid, home, connections(home) / (processes.get(home) ?? 1)),
    );
    return choose(policy, candidates, inquiry, this.#turns.connections.take(policy, service));
  }

  #free(service: string, protocol: ServiceProtocol): Endpoint[] {
    const nowMs = performance.now();
    return this.#map.of(service).filter((one) => one.protocol === protocol && this.#isFree(one, nowMs));
  }

  #candidate(pid: number, home: string, open: number): Candidate & Place {
    return { pid, home, open, isLocal: home === this.#self };
  }

  #isFree({ pid, home, protocol }: Endpoint, nowMs: number): boolean {
    if ((this.#silentHomes.get(home) ?? 0) > nowMs) return false;
    const standing = this.#standings.get(standingKey(pid, protocol));
    return (
      standing === undefined ||
      (standing.open < OPEN_MAX[protocol] && (standing.restUntilMs <= nowMs || standing.restHome !== home))
    );
  }

  #standing(pid: number, protocol: ServiceProtocol): Standing {
    const key = standingKey(pid, protocol);
    let standing = this.#standings.get(key);
    if (standing === undefined) this.#standings.set(key, (standing = { open: 0, restUntilMs: 0, restHome: "" }));
    return standing;
  }

  /** A session is with this process no more. `how`: whether it could not take it, or is done with it. */
  left({ pid, home }: Place, protocol: ServiceProtocol, how: "refused" | "done"): void {
    const standing = this.#standing(pid, protocol);
    standing.open--;
    if (how === "refused") {
      standing.restUntilMs = performance.now() + SERVICE_REST_MS;
      standing.restHome = home;
      return this.#drainIn(SERVICE_REST_MS + 1);
    }
    if (standing.open === 0 && standing.restUntilMs === 0) this.#standings.delete(standingKey(pid, protocol));
    if (this.#queues.size > 0) this.#drain();
  }

  #drainIn(delayMs: number): void {
    this.#rest ??= setTimeout(() => {
      this.#rest = undefined;
      this.#drain();
    }, delayMs);
  }

  /** A home cannot be reached. Most often the cluster will say soon that it is gone. */
  silent(home: string): void {
    this.#silentHomes.set(home, performance.now() + HOME_REST_MS);
    setTimeout(() => this.#drain(), HOME_REST_MS + 1).unref();
  }

  /** A session waits no more. */
  #takeOut(session: FrontSession): void {
    const key = this.#waitingAt.get(session);
    if (key === undefined) return;
    this.#waitingAt.delete(session);
    const { waiting = [] } = this.#queues.get(key) ?? {};
    const [taken] = waiting.splice(
      waiting.findIndex((one) => one.session === session),
      1,
    );
    clearTimeout(taken?.timer);
    if (waiting.length === 0) this.#queues.delete(key);
  }

  /** Its client is gone. */
  gone(session: FrontSession): void {
    this.#takeOut(session);
  }

  /** Processes may be free: those that wait are given to them, in turn. */
  #drain(): void {
    const nowMs = performance.now();
    for (const [home, untilMs] of this.#silentHomes) if (untilMs <= nowMs) this.#silentHomes.delete(home);
    for (const [key, { open, restUntilMs }] of this.#standings)
      if (open === 0 && restUntilMs <= nowMs) this.#standings.delete(key);
    for (const { service, waiting } of this.#queues.values())
      for (const { session } of waiting.slice()) {
        if (!this.#place(session, service)) break;
        this.#takeOut(session);
      }
    // The process that they waited for may be gone.
    for (const { service } of this.#queues.values()) this.#wanted(service);
    this.#drainAgain(nowMs);
  }

  /** Who still waits is looked after when the next process has rested. */
  #drainAgain(nowMs: number): void {
    if (this.#queues.size === 0) return;
    let soonestMs = Infinity;
    for (const { restUntilMs } of this.#standings.values())
      if (restUntilMs > nowMs) soonestMs = Math.min(soonestMs, restUntilMs);
    if (soonestMs < Infinity) this.#drainIn(Math.ceil(soonestMs - nowMs) + 1);
  }

  close(): void {
    this.#endWatch();
    clearTimeout(this.#rest);
    for (const { waiting } of this.#queues.values()) for (const { timer } of waiting) clearTimeout(timer);
    this.#queues.clear();
    this.#waitingAt.clear();
  }
}

function standingKey(pid: number, protocol: ServiceProtocol): string {
  return `${pid} ${protocol}`;
}
