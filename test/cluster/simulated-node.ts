/** A node of a simulated cluster: its processes, its lease, its sides of moves, and what it does about nodes that died. */

import {
  SOURCE_START,
  type SourceAction,
  type SourceEvent,
  type SourceState,
  TARGET_START,
  type TargetAction,
  type TargetEvent,
  type TargetState,
} from "../../src/kernel/migration.ts";
import { MIGRATION_FEW_PAGES, MOVE_RETRY_MS, MOVE_SILENCE_MS } from "../../src/limits.ts";
import { type SimulatedWorld, Violation } from "./simulated-world.ts";

const LEASE_MS = 6_000;
/** Others wait half as long again before they take a holder for dead: it knows before them. */
const DEAD_AFTER_MS = LEASE_MS * 1.5;

interface SimulatedProcess {
  epoch: number;
  /** What was done when it was last stopped. */
  work: number;
  frozen: boolean;
}

interface Handed {
  readonly epoch: number;
  readonly work: number;
}

/** What one side sends the other. */
type Message =
  | { readonly kind: "offer"; readonly pid: number; readonly epoch: number }
  | { readonly kind: "accepted" }
  | { readonly kind: "refused" }
  | { readonly kind: "round" }
  | ({ readonly kind: "hand" } & Handed)
  | { readonly kind: "cancel" }
  | { readonly kind: "taken" }
  | { readonly kind: "declined"; readonly reason: string };

interface Source {
  readonly migration: string;
  readonly pid: number;
  readonly to: string;
  state: SourceState;
  epoch: number;
  frozen: SimulatedProcess | undefined;
  freezing: boolean;
  /** When the peer is taken for gone. */
  silenceMs: number;
}

interface Target {
  readonly migration: string;
  readonly pid: number;
  readonly from: string;
  readonly epoch: number;
  state: TargetState;
  handed: Handed | undefined;
  preparing: boolean;
  silenceMs: number;
}

export class SimulatedNode {
  readonly name: string;
  readonly processes = new Map<number, SimulatedProcess>();
  readonly #world: SimulatedWorld;
  readonly #sources = new Map<string, Source>();
  readonly #targets = new Map<string, Target>();
  /** Pids that are being brought back here. */
  readonly #restoring = new Set<number>();
  /** Which life of the node this is: nothing of an earlier one goes on. */
  #run = 0;
  #heardMs = 0;
  #migrations = 0;
  alive = false;

  constructor(world: SimulatedWorld, name: string) {
    this.#world = world;
    this.name = name;
  }

  /** What it has not let go of, of moves that must be over. */
  left(): string {
    const moves = [...this.#sources.keys(), ...this.#targets.keys()];
    const frozen = [...this.processes].filter(([, one]) => one.frozen).map(([pid]) => `frozen process ${pid}`);
    return [...moves, ...frozen].join(", ");
  }

  // ---- Life and death

  /** Joins, once nobody takes it for alive from before. */
  begin(): void {
    if (this.alive) return;
    const world = this.#world;
    const before = world.leases.get(this.name);
    if (before !== undefined && world.nowMs - before.heardMs < DEAD_AFTER_MS)
      return this.#later(1000, () => this.begin());
    this.alive = true;
    const run = ++this.#run;
    world.leases.set(this.name, { run, heardMs: world.nowMs });
    this.#heardMs = world.nowMs;
    world.tell(() => `${this.name}: joins`);
    this.#beat();
    this.#watch();
  }

  /** Within this life of the node. */
  #later(delayMs: number, action: () => void): void {
    const run = this.#run;
    this.#world.after(delayMs, () => (run === this.#run ? action() : undefined));
  }

  crash(why: string): void {
    const world = this.#world;
    world.tell(() => `${this.name}: is gone: ${why}`);
    world.counts.crashed++;
    this.alive = false;
    this.#run++;
    for (const [pid, one] of this.processes) {
      if (!one.frozen) world.stops(pid, this.name);
      world.mayBeLost.add(pid);
    }
    for (const { pid } of this.#targets.values()) world.mayBeLost.add(pid);
    for (const pid of this.#restoring) world.mayBeLost.add(pid);
    this.processes.clear();
    this.#sources.clear();
    this.#targets.clear();
    this.#restoring.clear();
    for (const peer of world.nodes) if (peer !== this) world.after(world.below(6000), () => peer.#lost(this.name));
  }

  #beat(): void {
    const world = this.#world;
    if (world.nowMs - this.#heardMs >= LEASE_MS && world.rules.stopsWithoutLease) {
      this.crash("it does not know whether others take it for alive");
      return world.after(world.below(20_000), () => this.begin());
    }
    const sentMs = world.nowMs;
    const run = this.#run;
    world.beat(this.name, run, (isRecorded) => {
      if (run === this.#run && isRecorded && sentMs - this.#heardMs < LEASE_MS)
        this.#heardMs = Math.max(this.#heardMs, sentMs);
    });
    this.#later(LEASE_MS / 4, () => this.#beat());
  }

  /** Links to a node that died, or that restarted, are over. */
  #lost(peer: string): void {
    const reason = `node ${peer} is gone`;
    for (const source of Array.from(this.#sources.values()))
      if (source.to === peer) this.#atSource(source, { kind: "peerLost", reason });
    for (const target of Array.from(this.#targets.values()))
      if (target.from === peer) this.#atTarget(target, { kind: "peerLost", reason });
  }

  // ---- Processes

  start(pid: number, durable: boolean): void {
    const world = this.#world;
    world.programs.set(pid, { durable, home: this.name, image: 0, isOver: false });
    if (durable) world.begin(pid, this.name);
    this.#execute(pid, 0, 0, false);
  }

  #execute(pid: number, epoch: number, work: number, isRestored: boolean): void {
    this.#world.starts(pid, { node: this.name, epoch }, work, isRestored);
    this.processes.set(pid, { epoch, work, frozen: false });
  }

  /** A program comes to its end, if it runs here. */
  endProcess(pid: number): void {
    const world = this.#world;
    const process = this.processes.get(pid);
    const program = world.programs.get(pid);
    if (process === undefined || process.frozen || program === undefined) return;
    world.tell(() => `${this.name}: process ${pid} ends`);
    world.counts.ended++;
    world.stops(pid, this.name);
    program.isOver = true;
    this.processes.delete(pid);
    this.#later(world.below(3000), () => this.#forget(pid));
    for (const source of Array.from(this.#sources.values()))
      if (source.pid === pid) this.#atSource(source, { kind: "ended" });
  }

  #forget(pid: number): void {
    const run = this.#run;
    this.#world.forget(pid, this.name, (isDone) => {
      if (!isDone && run === this.#run) this.#later(MOVE_RETRY_MS, () => this.#forget(pid));
    });
  }

  // ---- Nodes that died

  /** Looks for leases that have run out, and for processes whose node is not there. */
  #watch(): void {
    const world = this.#world;
    this.#later(500 + world.below(1500), () => this.#watch());
    for (const [name, { heardMs }] of world.leases) {
      if (world.nowMs - heardMs < DEAD_AFTER_MS || world.isCut(this.name, "directory")) continue;
      world.tell(() => `${this.name}: takes ${name} for dead`);
      world.leases.delete(name);
    }
    for (const [pid, entry] of world.entries) {
      // Its own, too: a claim that an earlier life of it made may have come true after its end.
      const isGone = entry.node === this.name ? !this.#has(pid) : !world.leases.has(entry.node);
      // A move of it from here that is not over yet would end what is brought back.
      if (isGone && !this.#restoring.has(pid) && !this.#isLeaving(pid))
        this.#bringBack(pid, { node: entry.node, epoch: entry.epoch });
    }
  }

  /** Whether a process of the directory's is here, or may be about to be. */
  #has(pid: number): boolean {
    if (this.processes.has(pid) || this.#world.programs.get(pid)?.isOver === true) return true;
    return [...this.#targets.values()].some((target) => target.pid === pid);
  }

  #isLeaving(pid: number): boolean {
    return [...this.#sources.values()].some((source) => source.pid === pid);
  }

  #bringBack(pid: number, from: { node: string; epoch: number }): void {
    const world = this.#world;
    const program = world.programs.get(pid);
    if (program === undefined) return;
    if (!program.durable) {
      // Nothing brings it back: its entry goes.
      if (world.isCut(this.name, "directory")) return;
      world.counts.lost++;
      world.entries.delete(pid);
      return;
    }
    this.#restoring.add(pid);
    const run = this.#run;
    const epoch = from.epoch + 1;
    const next = {
      node: this.name,
      epoch,
      home: program.home,
      cause: `restored by ${this.name}, ${from.epoch}, ${run}`,
    };
    world.claim(this.name, pid, from, next, (outcome) => {
      if (run !== this.#run) return;
      if (outcome === "unknown") return this.#later(MOVE_RETRY_MS, () => this.#againBack(pid, from));
      if (outcome !== "won") return void this.#restoring.delete(pid);
      this.#later(world.below(1000), () => {
        this.#restoring.delete(pid);
        world.counts.restored++;
        this.#execute(pid, epoch, program.image, true);
      });
    });
  }

  #againBack(pid: number, from: { node: string; epoch: number }): void {
    this.#restoring.delete(pid);
    this.#bringBack(pid, from);
  }

  // ---- The source's side, as `node/emigration.ts` carries it out

  migrate(pid: number, to: string): void {
    const world = this.#world;
    const process = this.processes.get(pid);
    if (process === undefined || this.#isLeaving(pid)) return;
    const migration = `move ${this.name}.${this.#run}.${++this.#migrations}`;
    const source: Source = {
      migration,
      pid,
      to,
      state: SOURCE_START,
      epoch: process.epoch,
      frozen: undefined,
      freezing: false,
      silenceMs: Infinity,
    };
    this.#sources.set(migration, source);
    this.#expectSoon(source, () => this.#atSource(source, { kind: "peerLost", reason: "silence" }));
    const owner = { node: this.name, epoch: process.epoch };
    const home = world.programs.get(pid)?.home ?? "";
    const run = this.#run;
    // Its owner is known to be this node before anybody is asked to take it.
    world.claim(this.name, pid, owner, { ...owner, home, cause: `before ${migration}` }, (outcome) => {
      if (run !== this.#run) return;
      if (outcome === "won") this.#send(source.to, source.migration, { kind: "offer", pid, epoch: owner.epoch });
      else this.#atSource(source, { kind: "refused", reason: `the directory: ${outcome}` });
    });
  }

  /** A user gives one up. */
  cancelOne(): void {
    const [source] = this.#sources.values();
    if (source !== undefined) this.#atSource(source, { kind: "cancelled" });
  }

  #atSource(source: Source, event: SourceEvent): void {
    if (this.#sources.get(source.migration) !== source) return;
    const { state, actions } = this.#world.rules.sourceStep(source.state, event);
    this.#world.tell(() => `${this.name}: ${source.migration} of ${source.pid}, ${event.kind}: ${state.kind}`);
    source.state = state;
    for (const action of actions) this.#carryOutAtSource(source, action);
    const isOver = state.kind === "moved" || state.kind === "stayed" || state.kind === "superseded";
    if (!isOver || source.freezing || !this.#sources.delete(source.migration)) return;
    this.#world.counts[state.kind]++;
  }

  #carryOutAtSource(source: Source, action: SourceAction): void {
    const world = this.#world;
    switch (action.do) {
      case "copy":
        this.#send(source.to, source.migration, { kind: "round" });
        this.#expectSoon(source, () => this.#atSource(source, { kind: "peerLost", reason: "silence" }));
        return this.#later(world.below(200), () =>
          this.#atSource(source, { kind: "copied", pages: world.below(3 * MIGRATION_FEW_PAGES) }),
        );
      case "freeze":
        source.freezing = true;
        return this.#later(world.below(50), () => this.#freeze(source));
      case "hand":
        if (source.frozen === undefined) throw new Violation("what is handed is frozen");
        this.#expectSoon(source, () => this.#atSource(source, { kind: "peerLost", reason: "silence" }));
        return this.#send(source.to, source.migration, { kind: "hand", epoch: source.epoch, work: source.frozen.work });
      case "cancel":
        return this.#send(source.to, source.migration, { kind: "cancel" });
      case "thaw":
        return this.#thaw(source, action.epoch);
      case "reclaim":
        return this.#reclaim(source);
      case "forward":
      case "discard":
        this.processes.delete(source.pid);
        source.frozen = undefined;
    }
  }

  #freeze(source: Source): void {
    const world = this.#world;
    const process = this.processes.get(source.pid);
    source.freezing = false;
    if (process === undefined) return this.#atSource(source, { kind: "ended" });
    if (world.chance(0.05)) return this.#atSource(source, { kind: "freezeFailed", reason: "busy" });
    process.work = world.stops(source.pid, this.name);
    process.frozen = true;
    source.frozen = process;
    source.epoch = process.epoch;
    this.#atSource(source, { kind: "frozen" });
  }

  #thaw(source: Source, epoch: "same" | "next"): void {
    const { frozen, pid } = source;
    if (frozen === undefined) return;
    source.frozen = undefined;
    if (epoch === "next") source.epoch++;
    this.#execute(pid, source.epoch, frozen.work, false);
  }

  #reclaim(source: Source): void {
    const { pid, epoch, migration } = source;
    const run = this.#run;
    const home = this.#world.programs.get(pid)?.home ?? "";
    const next = { node: this.name, epoch: epoch + 1, home, cause: migration };
    this.#world.claim(this.name, pid, { node: this.name, epoch }, next, (outcome) => {
      if (run !== this.#run) return;
      if (outcome === "won") return this.#atSource(source, { kind: "reclaimed" });
      if (outcome === "lost") return this.#atSource(source, { kind: "reclaimLost" });
      if (outcome === "superseded") return this.#atSource(source, { kind: "superseded" });
      this.#later(MOVE_RETRY_MS, () => this.#atSource(source, { kind: "reclaimUnknown" }));
    });
  }

  // ---- The target's side, as `node/immigration.ts` carries it out

  #offered(from: string, migration: string, pid: number, epoch: number): void {
    if (this.#targets.has(migration)) return;
    if (this.processes.has(pid) || this.#world.chance(0.05)) return this.#send(from, migration, { kind: "refused" });
    const target: Target = {
      migration,
      pid,
      from,
      epoch,
      state: TARGET_START,
      handed: undefined,
      preparing: false,
      silenceMs: 0,
    };
    this.#targets.set(migration, target);
    this.#expectSoon(target, () => this.#atTarget(target, { kind: "peerLost", reason: "silence" }));
    this.#send(from, migration, { kind: "accepted" });
  }

  #atTarget(target: Target, event: TargetEvent): void {
    if (this.#targets.get(target.migration) !== target) return;
    const { state, actions } = this.#world.rules.targetStep(target.state, event);
    this.#world.tell(() => `${this.name}: ${target.migration} of ${target.pid}, ${event.kind}: ${state.kind}`);
    target.state = state;
    for (const action of actions) this.#carryOutAtTarget(target, action);
    if (state.kind === "running" || (state.kind === "dropped" && !target.preparing))
      this.#targets.delete(target.migration);
  }

  #carryOutAtTarget(target: Target, action: TargetAction): void {
    const world = this.#world;
    const { handed, pid, epoch } = target;
    switch (action.do) {
      case "prepare":
        target.preparing = true;
        return this.#later(world.below(100), () => {
          target.preparing = false;
          const isBad = world.chance(0.05);
          this.#atTarget(target, isBad ? { kind: "prepareFailed", reason: "no memory" } : { kind: "prepared" });
        });
      case "claim":
        return this.#claim(target);
      case "run":
        if (handed === undefined) throw new Violation("what runs has come");
        return this.#execute(pid, epoch + 1, handed.work, false);
      case "tellTaken":
        return this.#send(target.from, target.migration, { kind: "taken" });
      case "tellDeclined":
        return this.#send(target.from, target.migration, { kind: "declined", reason: action.reason });
      case "drop":
        target.handed = undefined;
    }
  }

  #claim(target: Target): void {
    const { pid, epoch, migration } = target;
    const run = this.#run;
    const home = this.#world.programs.get(pid)?.home ?? "";
    const next = { node: this.name, epoch: epoch + 1, home, cause: migration };
    this.#world.claim(this.name, pid, { node: target.from, epoch }, next, (outcome) => {
      if (run !== this.#run) return;
      if (outcome === "won") return this.#atTarget(target, { kind: "claimed" });
      if (outcome !== "unknown") return this.#atTarget(target, { kind: "claimLost" });
      this.#later(MOVE_RETRY_MS, () => this.#atTarget(target, { kind: "claimUnknown" }));
    });
  }

  // ---- Between the two

  #expectSoon(side: Source | Target, lost: () => void): void {
    const atMs = this.#world.nowMs + MOVE_SILENCE_MS;
    side.silenceMs = atMs;
    this.#later(MOVE_SILENCE_MS, () => (side.silenceMs === atMs ? lost() : undefined));
  }

  #send(to: string, migration: string, message: Message): void {
    const world = this.#world;
    world.send(this.name, to, `${migration} ${message.kind}`, () => {
      const peer = world.nodes.find(({ name }) => name === to);
      if (peer?.alive === true) peer.#hear(this.name, migration, message);
    });
  }

  #hear(from: string, migration: string, message: Message): void {
    if (message.kind === "offer") return this.#offered(from, migration, message.pid, message.epoch);
    const source = this.#sources.get(migration);
    if (source !== undefined) this.#hearAtSource(source, message);
    const target = this.#targets.get(migration);
    if (target !== undefined) this.#hearAtTarget(target, message);
  }

  #hearAtSource(source: Source, message: Message): void {
    if (message.kind === "accepted") this.#atSource(source, { kind: "accepted" });
    else if (message.kind === "refused") this.#atSource(source, { kind: "refused", reason: "no room" });
    else if (message.kind === "taken") this.#atSource(source, { kind: "taken" });
    else if (message.kind === "declined") this.#atSource(source, { kind: "declined", reason: message.reason });
  }

  #hearAtTarget(target: Target, message: Message): void {
    if (message.kind === "round")
      return this.#expectSoon(target, () => this.#atTarget(target, { kind: "peerLost", reason: "silence" }));
    if (message.kind === "cancel") return this.#atTarget(target, { kind: "cancelled" });
    if (message.kind !== "hand") return;
    if (message.epoch !== target.epoch) return this.#atTarget(target, { kind: "malformed", reason: "another epoch" });
    if (target.state.kind === "receiving") {
      target.handed = message;
      target.silenceMs = Infinity;
    }
    this.#atTarget(target, { kind: "handed" });
  }
}
