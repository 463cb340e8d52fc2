/** Moves processes of a service about, as often as is asked for, and drains a node in their midst. */

import { setTimeout as delay } from "node:timers/promises";
import type { MoveReport } from "../../src/abi/control.ts";
import { GodwitError } from "../../src/errors.ts";
import type { Cluster } from "./cluster.ts";

/** Of all moves that were made. */
export interface Moves {
  readonly count: number;
  readonly perSecond: number;
  /** How long the process stood still, and how long the move took. */
  readonly stoppedMs: Times;
  readonly wholeMs: Times;
  /** Why one did not move, and how often: a drain moved it, or its home, at that moment. */
  readonly stayed: Readonly<Record<string, number>>;
}

export interface Times {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export function timesOf(allMs: readonly number[]): Times {
  const sorted = allMs.toSorted((one, other) => one - other);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

export class Unrest {
  readonly #cluster: Cluster;
  readonly #pids: readonly number[];
  readonly #everyMs: number;
  /** Where each was last seen. */
  readonly #places = new Map<number, string>();
  readonly #moved: MoveReport[] = [];
  readonly #stay = new Map<string, number>();
  #isOver = false;
  readonly #going: Promise<void>;
  readonly #beganMs = performance.now();

  /**
   * @param pids moved in turn, one each `everyMs`, whether or not moves of others are over; when all are on their way, the next
   * begins when one has arrived.
   */
  constructor(cluster: Cluster, pids: readonly number[], everyMs: number) {
    this.#cluster = cluster;
    this.#pids = pids;
    this.#everyMs = everyMs;
    this.#going = this.#go();
  }

  async #go(): Promise<void> {
    const waiting = [...this.#pids];
    const underWay = new Set<Promise<void>>();
    for (let turn = 0; !this.#isOver; turn++) {
      const due = delay(this.#everyMs);
      const pid = waiting.shift();
      if (pid !== undefined) {
        const move = this.#tryMove(pid, turn).finally(() => {
          underWay.delete(move);
          waiting.push(pid);
        });
        underWay.add(move);
      }
      await due;
      if (waiting.length === 0) await Promise.race(underWay);
    }
    await Promise.all(underWay);
  }

  async #tryMove(pid: number, turn: number): Promise<void> {
    try {
      await this.#move(pid, turn);
    } catch (error) {
      // A drain moves it, or its node has just gone.
      if (!(error instanceof GodwitError)) throw error;
      this.#places.clear();
      this.#stayed(error.message);
    }
  }

  async #move(pid: number, turn: number): Promise<void> {
    if (!this.#places.has(pid))
      for (const one of await this.#cluster.at("n1").list()) this.#places.set(one.pid, one.node);
    const at = this.#places.get(pid) ?? "";
    const others = (await this.#cluster.names()).filter((name) => name !== at);
    // Not in a circle, so that each node hears of each other.
    const report = await this.#cluster.at("n1").migrate(pid, others[(turn * 7 + (turn >> 2)) % others.length] ?? "");
    this.#places.set(pid, report.outcome === "moved" ? report.to : at);
    if (report.outcome === "moved") this.#moved.push(report);
    else this.#stayed(report.reason ?? report.outcome);
  }

  #stayed(reason: string): void {
    this.#stay.set(reason, (this.#stay.get(reason) ?? 0) + 1);
  }

  /** One node joins, and another is emptied and leaves, while the rest goes on. */
  async relieve(leaving: string, joining: string): Promise<void> {
    await this.#cluster.add(joining);
    const { left } = await this.#cluster.at(leaving).drain(leaving);
    if (left.length > 0) throw new Error(`node ${leaving} could not be drained: ${JSON.stringify(left)}`);
    while ((await this.#cluster.names()).includes(leaving)) await delay(20);
  }

  async end(): Promise<Moves> {
    this.#isOver = true;
    await this.#going;
    const count = this.#moved.length;
    return {
      count,
      perSecond: (count * 1000) / (performance.now() - this.#beganMs),
      stoppedMs: timesOf(this.#moved.map(({ downtimeMs }) => downtimeMs)),
      wholeMs: timesOf(this.#moved.map(({ totalMs }) => totalMs)),
      stayed: Object.fromEntries(this.#stay),
    };
  }
}
