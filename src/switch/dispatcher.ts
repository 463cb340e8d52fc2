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

/** Of a process, at this switch. */
const OPEN_MAX = { http: EXCHANGES_MAX, tcp: EXCHANGES_MAX, udp: DATAGRAM_REMOTES_MAX } as const;

export class Dispatcher {
  readonly #self: string;
  readonly #map: EndpointMap;
  readonly #standings = new Map<number, Standing>();
  /** Clients for whom no process was free, by service, oldest first. */
  readonly #queues = new Map<string, Waiting[]>();
  /** A client of a service waits for a process. */
  readonly #wanted: (service: string) => void;
  /** Answers a client for whom there is no process. */
  readonly #refuse: (session: FrontSession, why: string) => void;
  /** Homes that could not be reached are left alone until then. */
  readonly #silentHomes = new Map<string, number>();
  #turn = 0;
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

  /** Sessions with a process. */
  open(pid: number): number {
    return this.#standings.get(pid)?.open ?? 0;
  }

  /** Finds a process for a session that is with none. `again`: it was waiting before others came. */
  take(session: FrontSession, again = false): void {
    const queue = this.#queues.get(session.order.service) ?? [];
    if ((again || queue.length === 0) && this.#place(session)) return;
    if (queue.length >= SERVICE_QUEUE_MAX) return this.#refuse(session, "too many requests wait");
    const late = () => {
      this.#takeOut(session);
      this.#refuse(session, "no process is free");
    };
    const waiting = { session, timer: setTimeout(late, SERVICE_WAIT_MS) };
    if (again) queue.unshift(waiting);
    else queue.push(waiting);
    this.#queues.set(session.order.service, queue);
    this.#wanted(session.order.service);
  }

  /** Whether clients of a service wait. */
  isWantedFor(service: string): boolean {
    return this.#queues.has(service);
  }

  /** Gives it to a process, if one is free. */
  #place(session: FrontSession): boolean {
    const { policy, protocol, service: own, isSpread } = session.order;
    const needsInquiry = policy.kind === "content" || policy.kind === "hash";
    const inquiry = needsInquiry ? session.inquiry : { remote: "" };
    const service = serviceFor(policy, own, inquiry);
    const all = this.#free(service, protocol).map(({ pid, home }) => this.#candidate(pid, home, this.open(pid)));
    const near = isSpread && policy.kind !== "hash" ? all.filter(({ isLocal }) => isLocal) : [];
    const chosen = choose(policy, near.length > 0 ? near : all, inquiry, this.#turn++);
    if (chosen === undefined) return false;
    this.#standing(chosen.pid).open++;
    session.assign({ pid: chosen.pid, home: chosen.home }, service);
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
    const free = this.#free(serviceFor(policy, own, inquiry), protocol);
    const candidates = free.map(({ pid, home }) => {
      const count = free.filter((one) => one.home === home).length;
      return this.#candidate(pid, home, connections(home) / count);
    });
    return choose(policy, candidates, inquiry, this.#turn++);
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
    const standing = this.#standings.get(pid);
    return (
      standing === undefined ||
      (standing.open < OPEN_MAX[protocol] && (standing.restUntilMs <= nowMs || standing.restHome !== home))
    );
  }

  #standing(pid: number): Standing {
    let standing = this.#standings.get(pid);
    if (standing === undefined) this.#standings.set(pid, (standing = { open: 0, restUntilMs: 0, restHome: "" }));
    return standing;
  }

  /** A session is with this process no more. `how`: whether it could not take it, or is done with it. */
  left({ pid, home }: Place, how: "refused" | "done"): void {
    const standing = this.#standing(pid);
    standing.open--;
    if (how === "refused") {
      standing.restUntilMs = performance.now() + SERVICE_REST_MS;
      standing.restHome = home;
      return this.#drainIn(SERVICE_REST_MS + 1);
    }
    if (standing.open === 0 && standing.restUntilMs === 0) this.#standings.delete(pid);
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
    const queue = this.#queues.get(session.order.service) ?? [];
    const index = queue.findIndex((one) => one.session === session);
    if (index < 0) return;
    clearTimeout(queue[index]?.timer);
    queue.splice(index, 1);
    if (queue.length === 0) this.#queues.delete(session.order.service);
  }

  /** Its client is gone. */
  gone(session: FrontSession): void {
    this.#takeOut(session);
  }

  /** Processes may be free: those that wait are given to them, in turn. */
  #drain(): void {
    const nowMs = performance.now();
    for (const [home, untilMs] of this.#silentHomes) if (untilMs <= nowMs) this.#silentHomes.delete(home);
    for (const [pid, { open, restUntilMs }] of this.#standings)
      if (open === 0 && restUntilMs <= nowMs) this.#standings.delete(pid);
    for (const queue of this.#queues.values()) {
      for (const { session } of queue.slice()) {
        if (this.#place(session)) this.#takeOut(session);
        // Of the others some may be for other processes.
        else if (session.order.policy.kind !== "content" && session.order.policy.kind !== "hash") break;
      }
    }
    // The process that they waited for may be gone.
    for (const service of this.#queues.keys()) this.#wanted(service);
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
    for (const queue of this.#queues.values()) for (const { timer } of queue) clearTimeout(timer);
    this.#queues.clear();
  }
}
