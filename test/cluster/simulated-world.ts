/** Time, chance, the wires and the directory of a simulated cluster, and what must always hold in it. */

import type { sourceStep, targetStep } from "../../src/kernel/migration.ts";
import type { Owner, Ownership, ruleOnClaim } from "../../src/kernel/ownership.ts";
import type { SimulatedNode } from "./simulated-node.ts";

/** What decides; a test puts something wrong in its place and sees it found. */
export interface Rules {
  readonly sourceStep: typeof sourceStep;
  readonly targetStep: typeof targetStep;
  readonly ruleOnClaim: typeof ruleOnClaim;
  /** Whether a node stops when it cannot know that others take it for alive. */
  readonly stopsWithoutLease: boolean;
}

export interface SimulationOptions {
  readonly seed: number;
  /** Stops after so many. */
  readonly steps?: number;
  readonly rules: Rules;
  readonly trace?: (line: string) => void;
}

/** Something that must never be was. */
export class Violation extends Error {}

export const TOLD = ["moved", "stayed", "superseded", "restored", "crashed", "lost", "ended"] as const;
export type Told = (typeof TOLD)[number];

export interface ProcessEntry extends Ownership {
  readonly revision: number;
}

export interface Program {
  readonly durable: boolean;
  readonly home: string;
  /** What the last image has. */
  image: number;
  /** It has come to its end. */
  isOver: boolean;
}

/** A directory's call takes at most this long to be answered, or is not. */
const CALL_TIMEOUT_MS = 2_000;

interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly action: () => void;
}

export class SimulatedWorld {
  readonly rules: Rules;
  readonly nodes: SimulatedNode[] = [];
  readonly programs = new Map<number, Program>();
  readonly entries = new Map<number, ProcessEntry>();
  /** Living nodes, as the directory has them: which run of each, and when it was last heard. */
  readonly leases = new Map<string, { readonly run: number; heardMs: number }>();
  readonly executing = new Map<number, Owner>();
  /** Processes that a node had, or was to have, that died. */
  readonly mayBeLost = new Set<number>();
  readonly counts = Object.fromEntries(TOLD.map((one) => [one, 0])) as Record<Told, number>;
  /** How far each process has come, and under which epoch it was last run. */
  readonly #done = new Map<number, { work: number; epoch: number }>();
  readonly #trace: ((line: string) => void) | undefined;
  readonly #events: Event[] = [];
  readonly #cuts = new Map<string, number>();
  #awayUntilMs = 0;
  #random: number;
  #order = 0;
  #revision = 0;
  nowMs = 0;
  steps = 0;
  isCalm = false;

  constructor({ seed, rules, trace }: SimulationOptions) {
    this.rules = rules;
    this.#random = seed >>> 0;
    this.#trace = trace;
  }

  // ---- Chance: mulberry32

  #next(): number {
    this.#random = (this.#random + 0x6d2b79f5) >>> 0;
    let mixed = this.#random;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
  below(limit: number): number {
    return Math.floor(this.#next() * limit);
  }
  chance(share: number): boolean {
    return this.#next() < share;
  }
  pick<T>(list: readonly T[]): T {
    const one = list[this.below(list.length)];
    if (one === undefined) throw new Error("there is nothing to choose from");
    return one;
  }

  // ---- Time: a heap of events

  after(delayMs: number, action: () => void): void {
    const event = { atMs: this.nowMs + delayMs, order: this.#order++, action };
    const heap = this.#events;
    let at = heap.length;
    for (; at > 0;) {
      const above = heap[(at - 1) >> 1];
      if (above === undefined || isBefore(above, event)) break;
      heap[at] = above;
      at = (at - 1) >> 1;
    }
    heap[at] = event;
  }

  #take(): Event | undefined {
    const heap = this.#events;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      const [left, right] = [heap[2 * at + 1], heap[2 * at + 2]];
      if (left === undefined) break;
      const isRight = right !== undefined && isBefore(right, left);
      const below = isRight ? right : left;
      if (isBefore(last, below)) break;
      heap[at] = below;
      at = 2 * at + (isRight ? 2 : 1);
    }
    heap[at] = last;
    return first;
  }

  run(untilMs: number, steps: number): void {
    while (this.steps < steps) {
      const event = this.#take();
      if (event === undefined || event.atMs > untilMs) return;
      this.nowMs = event.atMs;
      this.steps++;
      event.action();
    }
  }

  tell(line: () => string): void {
    this.#trace?.(`${String(this.steps).padStart(6)} ${String(this.nowMs).padStart(7)} ms  ${line()}`);
  }

  // ---- Wires

  /** From now on nothing is lost, and everybody reaches everybody. */
  calm(): void {
    this.isCalm = true;
    this.#cuts.clear();
    this.#awayUntilMs = 0;
    this.tell(() => "calm");
  }

  cut(one: string, other: string, forMs: number): void {
    if (one === other) return;
    this.tell(() => `${one} and ${other} do not reach each other for ${forMs} ms`);
    for (const key of [`${one} ${other}`, `${other} ${one}`]) this.#cuts.set(key, this.nowMs + forMs);
  }

  outage(forMs: number): void {
    this.tell(() => `the directory is away for ${forMs} ms`);
    this.#awayUntilMs = this.nowMs + forMs;
  }

  isCut(one: string, other: string): boolean {
    return this.nowMs < (this.#cuts.get(`${one} ${other}`) ?? 0);
  }

  /** How long something is under way; now and then very long. */
  #delayMs(): number {
    if (this.isCalm || this.chance(0.9)) return 1 + this.below(5);
    return this.chance(0.9) ? this.below(300) : this.below(15_000);
  }

  /** Sends something: it arrives once, late, twice, or never. */
  send(from: string, to: string, what: string, arrive: () => void): void {
    const copies = this.isCalm ? 1 : this.chance(0.03) ? 0 : this.chance(0.03) ? 2 : 1;
    this.tell(() => `${from} to ${to}: ${what}${copies === 1 ? "" : ` (${copies} times)`}`);
    for (let copy = 0; copy < copies; copy++)
      if (!this.isCut(from, to)) this.after(this.#delayMs(), () => (this.isCut(from, to) ? undefined : arrive()));
  }

  /**
   * One call of the directory's: whether it is carried out, and whether its answer is heard, are two things. `answer` is
   * given `undefined` when none came in time.
   */
  #call<T>(node: string, carryOut: () => T, answer: (value: T | undefined) => void, byMessage = false): void {
    const isLost = () => this.isCut(node, "directory") || (!this.isCalm && this.chance(0.02));
    let isOver = false;
    const settle = (value: T | undefined) => {
      if (isOver) return;
      isOver = true;
      answer(value);
    };
    this.after(CALL_TIMEOUT_MS, () => settle(undefined));
    if (isLost()) return;
    this.after(this.#delayMs(), () => {
      if (this.nowMs < this.#awayUntilMs && !byMessage) return;
      const value = carryOut();
      if (!isLost()) this.after(this.#delayMs(), () => settle(value));
    });
  }

  /** Hears of a node's life, by messages: they go on while the store elects a leader. */
  beat(node: string, run: number, answer: (isRecorded: boolean) => void): void {
    const heard = () => {
      const lease = this.leases.get(node);
      if (lease?.run !== run) return false;
      lease.heardMs = this.nowMs;
      return true;
    };
    this.#call(node, heard, (isRecorded) => (isRecorded === undefined ? undefined : answer(isRecorded)), true);
  }

  /** A claim as `ProcessDirectory.claim` makes it: a reading, the rule, and a write if the entry is the same still. */
  claim(
    at: string,
    pid: number,
    from: Owner,
    next: Ownership,
    answer: (outcome: "won" | "lost" | "superseded" | "unknown") => void,
  ): void {
    const done = (outcome: "won" | "lost" | "superseded" | "unknown") => {
      this.tell(() => `${at}: claims ${pid} from ${from.node}/${from.epoch} to ${next.node}/${next.epoch}: ${outcome}`);
      answer(outcome);
    };
    const read = () => ({ entry: this.entries.get(pid) });
    this.#call(at, read, (found) => {
      if (found === undefined) return done("unknown");
      const ruled = this.rules.ruleOnClaim(found.entry, from, next);
      if (ruled !== "write") return done(ruled);
      const revision = found.entry?.revision;
      const write = () => {
        if (this.entries.get(pid)?.revision !== revision) return false;
        this.entries.set(pid, { ...next, revision: ++this.#revision });
        this.tell(() => `directory: ${pid} is ${next.node}/${next.epoch}`);
        return true;
      };
      this.#call(at, write, (isWritten) => done(isWritten === true ? "won" : "unknown"));
    });
  }

  /** A process has ended: its entry is taken away, if it is the same still when it was read. Told whether that was heard. */
  forget(pid: number, at: string, answer: (isDone: boolean) => void): void {
    const read = () => ({ revision: this.entries.get(pid)?.revision });
    this.#call(at, read, (found) => {
      if (found === undefined) return answer(false);
      const remove = () => {
        if (this.entries.get(pid)?.revision !== found.revision) return false;
        this.entries.delete(pid);
        this.tell(() => `directory: ${pid} is forgotten`);
        return true;
      };
      this.#call(at, remove, (isDone) => answer(isDone === true));
    });
  }

  begin(pid: number, node: string): void {
    this.entries.set(pid, { node, epoch: 0, home: node, cause: "start", revision: ++this.#revision });
  }

  // ---- What must always hold

  /** A process runs from now on. `isRestored`: from an image, so that it may have done more before. */
  starts(pid: number, at: Owner, work: number, isRestored: boolean): void {
    this.tell(() => `${at.node}: RUNS ${pid} under epoch ${at.epoch}, from ${work}`);
    const other = this.executing.get(pid);
    if (other !== undefined)
      throw new Violation(`process ${pid} runs at ${at.node}/${at.epoch} and at ${other.node}/${other.epoch}`);
    const program = this.programs.get(pid);
    const before = this.#done.get(pid) ?? { work: 0, epoch: 0 };
    if (at.epoch < before.epoch)
      throw new Violation(`process ${pid} runs at ${at.node} under epoch ${at.epoch}, after ${before.epoch}`);
    if (!isRestored && program?.isOver === true)
      throw new Violation(`process ${pid} runs after its end, at ${at.node}`);
    if (!isRestored && work !== before.work)
      throw new Violation(`process ${pid} goes on at ${at.node} from ${work}, and had come to ${before.work}`);
    if (program !== undefined) program.isOver = false;
    this.executing.set(pid, at);
    this.#done.set(pid, { work, epoch: at.epoch });
  }

  /** It runs no more there; returns how far it came. */
  stops(pid: number, node: string): number {
    const done = this.#done.get(pid);
    if (this.executing.get(pid)?.node !== node || done === undefined)
      throw new Violation(`process ${pid} stops at ${node}, and did not run`);
    this.executing.delete(pid);
    done.work += 1 + this.below(100);
    this.tell(() => `${node}: stops ${pid} at ${done.work}`);
    return done.work;
  }
}

function isBefore(one: Event, other: Event): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);
}
