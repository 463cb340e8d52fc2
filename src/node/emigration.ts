/** The source's side of a move: carries out what `kernel/migration.ts` decides. */

import { randomUUID } from "node:crypto";
import type { Duplex } from "node:stream";

import type { MoveReport } from "../abi/control.ts";
import { onLost } from "../cluster/link-loss.ts";
import type { Link } from "../cluster/link.ts";
import { assert, unreachable } from "../assert.ts";
import { failure, GodwitError } from "../errors.ts";
import {
  SOURCE_START,
  type SourceAction,
  type SourceEvent,
  sourceStep,
  type SourceState,
} from "../kernel/migration.ts";
import type { Owner } from "../kernel/ownership.ts";
import type { Released } from "../kernel/protocol.ts";
import { MOVE_RETRY_MS, MOVE_SILENCE_MS } from "../limits.ts";
import type { Engine } from "../machine/engine.ts";
import type { PageStore } from "../machine/page-store.ts";
import type { LwpThread } from "./lwp-thread.ts";
import type { ProcessRecord } from "../kernel/process-record.ts";
import type { Luggage } from "./luggage.ts";
import { PageStream } from "./page-stream.ts";
import type { Seat } from "./seat.ts";

/**
 * Changes the owner of a process in the directory, from one to another, if it is still the first.
 * `lost`: it is the other side's of this move; `superseded`: a third one's; `unknown`: there was no answer.
 */
export type Claim = (
  pid: number,
  from: Owner,
  to: Owner,
  migration: string,
) => Promise<"won" | "lost" | "superseded" | "unknown">;

export interface EmigrationOptions {
  readonly seat: Seat;
  readonly self: string;
  readonly engine: Engine;
  /** Where its pages are kept when it has left. */
  readonly store: PageStore;
  readonly link: Link;
  readonly openBulk: (header: unknown) => Promise<Duplex>;
  readonly claim: Claim;
  /** What stands in the way of a process that holds this, if anything does. */
  readonly obstacle: (held: Pick<ProcessRecord, "handles" | "channels">) => Promise<string | undefined>;
  readonly pack: (record: ProcessRecord) => Promise<Luggage>;
  /** What the target is asked to take, beside what every offer says. */
  readonly offer: object;
}

export class Emigration {
  readonly migration = randomUUID();
  readonly #options: EmigrationOptions;
  readonly #stream: PageStream;
  readonly #events: SourceEvent[] = [];
  #wake: () => void = () => {};
  #state: SourceState = SOURCE_START;
  #frozen: Released | undefined;
  /** Where it was frozen: its seat may have another by the time that it leaves. */
  #lwp: LwpThread | undefined;
  #luggage: Luggage | undefined;
  #silence: NodeJS.Timeout | undefined;
  #frozenMs = 0;
  #downtimeMs = 0;
  #roundCount = 0;
  #epoch = 0;

  constructor(options: EmigrationOptions) {
    this.#options = options;
    const { engine, link, store, seat } = options;
    this.#stream = new PageStream({
      engine,
      migration: this.migration,
      link,
      store,
      program: async () => (await seat.lwp.ask(seat.pid, { kind: "program" })).start.program.source,
      said: () => this.#expectSoon(),
      broke: () => this.heard({ kind: "peerLost", reason: `the stream to node ${this.target} broke` }),
    });
  }

  get pid(): number {
    return this.#options.seat.pid;
  }

  get target(): string {
    return this.#options.link.peer;
  }

  /** Something that happened: told by the target, by a user, by the node. */
  heard(event: SourceEvent): void {
    this.#events.push(event);
    this.#wake();
  }

  async run(): Promise<MoveReport> {
    const startMs = performance.now();
    const { seat, self, link } = this.#options;
    const forget = onLost(link, (error) => this.heard({ kind: "peerLost", reason: error.message }));
    void this.#offer();
    while (!this.#over) await this.#next();
    forget();
    clearTimeout(this.#silence);
    this.#stream.end();
    const state = this.#state;
    assert(state.kind === "moved" || state.kind === "stayed" || state.kind === "superseded", "a move that is over");
    return {
      migration: this.migration,
      pid: seat.pid,
      name: seat.name,
      from: self,
      to: link.peer,
      outcome: state.kind,
      ...(state.kind === "stayed" ? { reason: state.reason } : {}),
      rounds: this.#roundCount,
      pages: this.#stream.pages,
      found: this.#stream.found,
      bytes: this.#stream.bytes,
      downtimeMs: this.#downtimeMs,
      totalMs: performance.now() - startMs,
      epoch: this.#epoch,
    };
  }

  /** Over once nothing is under way that would still have to be undone. */
  get #over(): boolean {
    const { kind } = this.#state;
    return (
      (kind === "moved" || kind === "stayed" || kind === "superseded") && this.#events.length === 0 && !this.#freezing
    );
  }
  #freezing = false;

  async #next(): Promise<void> {
    if (this.#events.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
    const event = this.#events.shift();
    if (event === undefined) return;
    const { state, actions } = sourceStep(this.#state, event);
    this.#state = state;
    for (const action of actions) await this.#carryOut(action);
  }

  async #carryOut(action: SourceAction): Promise<void> {
    switch (action.do) {
      case "copy":
        return void this.#copy();
      case "freeze":
        this.#freezing = true;
        return void this.#freeze();
      case "hand":
        return void this.#hand();
      case "cancel":
        this.#options.link.tell("move/cancel", { migration: this.migration });
        this.#stream.destroy();
        return;
      case "thaw":
        return this.#thaw(action.epoch);
      case "reclaim":
        return void this.#reclaim();
      case "forward":
        return this.#leave(this.#options.link.peer);
      case "discard":
        return this.#leave(undefined);
      default:
        return unreachable(action, "action of a source");
    }
  }

  /** A target that is silent for too long is as good as gone. */
  #expectSoon(): void {
    clearTimeout(this.#silence);
    const reason = `node ${this.#options.link.peer} was silent for ${MOVE_SILENCE_MS} ms`;
    this.#silence = setTimeout(() => this.heard({ kind: "peerLost", reason }), MOVE_SILENCE_MS);
  }

  async #offer(): Promise<void> {
    const { seat, link, openBulk, engine, offer } = this.#options;
    const { migration } = this;
    try {
      const { lwp, pid } = seat;
      // An LWP that is busy with the process answers after its slice: at once, then, and not one after the other.
      const [{ summary }, held, { memory }] = await Promise.all([
        lwp.ask(pid, { kind: "summary" }),
        lwp.ask(pid, { kind: "resources" }),
        lwp.ask(pid, { kind: "memory" }),
      ]);
      this.#epoch = summary.epoch;
      const obstacle = await this.#options.obstacle(held);
      if (obstacle !== undefined) return this.heard({ kind: "refused", reason: obstacle });
      const about = { pid, name: seat.name, home: seat.home, epoch: summary.epoch };
      const { hash } = engine.manifest;
      const memoryBytes = memory.buffer.byteLength;
      await link.request(
        "move/offer",
        { migration, ...about, engine: hash, memoryBytes, memoryQuotaBytes: seat.memoryQuotaBytes, ...offer },
        { timeoutMs: MOVE_SILENCE_MS },
      );
      const opening = openBulk({ migration });
      const [bulk] = await Promise.all([opening, this.#assure()]).catch((error: unknown) => {
        // A stream that nobody sends over would stay open on both nodes.
        void opening.then((stream) => stream.on("error", () => {}).destroy(), messageOf);
        throw error;
      });
      this.#stream.open(bulk);
      if (this.#state.kind !== "offering") return void bulk.destroy();
      this.heard({ kind: "accepted" });
    } catch (error) {
      this.heard({ kind: "refused", reason: messageOf(error) });
    }
  }

  /**
   * Makes sure that the directory answers, and that it has the process as this node's: from then on a move only changes an
   * entry, and one that is gone tells that the process has ended.
   */
  async #assure(): Promise<void> {
    const { seat, self, claim } = this.#options;
    const owner = { node: self, epoch: this.#epoch };
    const outcome = await claim(seat.pid, owner, owner, `before ${this.migration}`);
    if (outcome === "won") return;
    if (outcome === "unknown") throw failure("EAGAIN", "the directory does not answer: try again");
    if (seat.ended) throw failure("ESRCH", `process ${seat.pid} has ended`);
    throw failure("EAGAIN", `the directory has process ${seat.pid} as another node's`);
  }

  async #copy(): Promise<void> {
    const { seat } = this.#options;
    try {
      const { memory } = await seat.lwp.ask(seat.pid, { kind: "memory" });
      const pages = await this.#stream.copy(memory.buffer);
      this.#roundCount++;
      this.heard({ kind: "copied", pages });
    } catch (error) {
      this.heard(seat.ended ? { kind: "ended" } : { kind: "peerLost", reason: messageOf(error) });
    }
  }

  async #freeze(): Promise<void> {
    const { seat } = this.#options;
    try {
      await seat.hold();
      this.#frozenMs = performance.now();
      this.#lwp = seat.lwp;
      this.#frozen = await this.#lwp.ask(seat.pid, { kind: "freeze" });
      this.#epoch = this.#frozen.record.epoch;
      this.#freezing = false;
      seat.frozen();
      this.heard({ kind: "frozen" });
    } catch (error) {
      this.#freezing = false;
      if (!seat.ended) seat.stays();
      this.heard(seat.ended ? { kind: "ended" } : { kind: "freezeFailed", reason: messageOf(error) });
    }
  }

  async #hand(): Promise<void> {
    const frozen = this.#frozen;
    assert(frozen !== undefined, "what is handed is frozen");
    try {
      const { memory, outputInFlight } = frozen;
      const luggage = await this.#options.pack(frozen.record);
      if (this.#frozen === undefined) return luggage.unpack(); // it was given up meanwhile
      this.#luggage = luggage;
      const { record } = luggage;
      const goesOn = () => this.#frozen !== undefined;
      await this.#stream.hand(memory.buffer, { record, outputInFlight }, goesOn);
    } catch (error) {
      this.heard({ kind: "peerLost", reason: messageOf(error) });
    }
  }

  #thaw(epoch: "same" | "next"): void {
    const { seat } = this.#options;
    if (this.#frozen === undefined) return;
    this.#frozen = undefined;
    this.#luggage?.unpack();
    if (epoch === "next") this.#epoch++;
    this.#downtimeMs += performance.now() - this.#frozenMs;
    this.#lwp?.tell({ op: "thaw", pid: seat.pid, epoch: this.#epoch });
    seat.stays();
  }

  async #reclaim(): Promise<void> {
    const { seat, self, claim } = this.#options;
    const from = { node: self, epoch: this.#epoch };
    const outcome = await claim(seat.pid, from, { node: self, epoch: this.#epoch + 1 }, this.migration);
    if (outcome === "won") return this.heard({ kind: "reclaimed" });
    if (outcome === "lost") return this.heard({ kind: "reclaimLost" });
    if (outcome === "superseded") return this.heard({ kind: "superseded" });
    setTimeout(() => this.heard({ kind: "reclaimUnknown" }), MOVE_RETRY_MS);
  }

  async #leave(to: string | undefined): Promise<void> {
    const { seat } = this.#options;
    this.#downtimeMs += performance.now() - this.#frozenMs;
    this.#frozen = undefined;
    this.#lwp?.tell({ op: "depart", pid: seat.pid, left: this.#luggage?.left ?? [] });
    if (to !== undefined) this.#epoch++;
    void this.#stream.keep();
    await seat.left(to);
  }
}

function messageOf(error: unknown): string {
  if (error instanceof GodwitError) return error.message;
  return error instanceof Error ? error.message : String(error);
}
