/** The target's side of a move: carries out what `kernel/migration.ts` decides. */

import type { Duplex } from "node:stream";
import * as v from "valibot";

import { onLost } from "../cluster/link-loss.ts";
import type { Link } from "../cluster/link.ts";
import { assert, unreachable } from "../assert.ts";
import { failure, GodwitError } from "../errors.ts";
import { createMemory, memoryMaxBytes } from "../kernel/address-space.ts";
import { templateFor } from "../kernel/capture.ts";
import {
  TARGET_START,
  type TargetAction,
  type TargetEvent,
  targetStep,
  type TargetState,
} from "../kernel/migration.ts";
import type { Released } from "../kernel/protocol.ts";
import { checkRecord } from "../kernel/record-check.ts";
import {
  ADDRESS_SPACE_MAX_BYTES,
  MIGRATION_ROUNDS_MAX,
  MOVE_FRAME_MAX_BYTES,
  MOVE_RETRY_MS,
  MOVE_SILENCE_MS,
  PAGE_BYTES,
  PID_MAX,
  WASM_PAGE_BYTES,
} from "../limits.ts";
import type { Engine } from "../machine/engine.ts";
import { assertEngine, decodeImage } from "../machine/image.ts";
import { materialise as fillMemory, UNCHANGED } from "../machine/linear-memory.ts";
import type { PageDigest } from "../machine/page.ts";
import { applyRound } from "../machine/page-rounds.ts";
import type { PageStore } from "../machine/page-store.ts";
import type { Claim } from "./emigration.ts";
import { received } from "./luggage.ts";
import type { LwpThread } from "./lwp-thread.ts";
import { readFrames } from "./move-frame.ts";
import { decodeQuestion, encodeAnswer } from "./page-question.ts";

/** Says to the source that a frame was taken in. */
const TAKEN = Buffer.from([1]);

const name = v.pipe(v.string(), v.minLength(1), v.maxLength(200));
const offerShape = v.object({
  migration: v.pipe(v.string(), v.uuid()),
  pid: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(PID_MAX)),
  name: v.pipe(v.string(), v.maxLength(200)),
  home: name,
  epoch: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  engine: v.pipe(v.string(), v.maxLength(100)),
  memoryBytes: v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(ADDRESS_SPACE_MAX_BYTES)),
  memoryQuotaBytes: v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(ADDRESS_SPACE_MAX_BYTES)),
  /** Images are taken of it, here from then on. */
  durable: v.optional(v.boolean(), false),
});

/** What a source says of the process that it offers. */
export type Offer = v.InferOutput<typeof offerShape>;

/** @throws GodwitError EPROTO for what is no offer. */
export function offerOf(body: unknown): Offer {
  const checked = v.safeParse(offerShape, body);
  if (checked.success) return checked.output;
  throw failure("EPROTO", `an offer is malformed: ${checked.issues[0].message}`);
}

/** What the target's node does with a process that has come. */
export interface Landing {
  readonly lwp: LwpThread;
  /** It has been won: takes it into the node's books, and starts it. */
  landed(): Promise<void>;
  /** It will not come. */
  dropped(): void;
}

export interface ImmigrationOptions {
  readonly offer: Offer;
  readonly self: string;
  readonly engine: Engine;
  /** Pages that need not be sent to here. */
  readonly store: PageStore;
  /** To the source. */
  readonly link: Link;
  readonly claim: Claim;
  readonly landing: Landing;
}

export class Immigration {
  readonly offer: Offer;
  readonly #options: ImmigrationOptions;
  readonly #events: TargetEvent[] = [];
  #wake: () => void = () => {};
  #state: TargetState = TARGET_START;
  #memory: WebAssembly.Memory | undefined;
  #handed: Released | undefined;
  #silence: NodeJS.Timeout | undefined;
  /** Images taken so far; a hostile source sends no more than a memory could need. */
  #bytesLeft: number;
  #hasStream = false;
  /** Whose pages come, once it was asked about some. */
  #program: PageDigest | undefined;

  constructor(options: ImmigrationOptions) {
    this.#options = options;
    this.offer = options.offer;
    this.#bytesLeft = MOVE_FRAME_MAX_BYTES + 2 * MIGRATION_ROUNDS_MAX * this.#mostBytes;
    this.#expectSoon();
  }

  /** The node that it comes from. */
  get source(): string {
    return this.#options.link.peer;
  }

  /** Whether it is being sent already: there is one stream to a move. */
  get hasStream(): boolean {
    return this.#hasStream;
  }

  heard(event: TargetEvent): void {
    this.#events.push(event);
    this.#wake();
  }

  /** Resolves when the process runs here, or will not. */
  async run(): Promise<TargetState["kind"]> {
    const forget = onLost(this.#options.link, (error) => this.heard({ kind: "peerLost", reason: error.message }));
    while (!this.#over) await this.#next();
    forget();
    clearTimeout(this.#silence);
    return this.#state.kind;
  }

  get #over(): boolean {
    return this.#state.kind === "running" || (this.#state.kind === "dropped" && !this.#preparing);
  }
  #preparing = false;

  async #next(): Promise<void> {
    if (this.#events.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
    const event = this.#events.shift();
    if (event === undefined) return;
    const { state, actions } = targetStep(this.#state, event);
    this.#state = state;
    for (const action of actions) await this.#carryOut(action);
  }

  async #carryOut(action: TargetAction): Promise<void> {
    const { offer, landing, link } = this.#options;
    const { migration, pid } = offer;
    switch (action.do) {
      case "prepare":
        this.#preparing = true;
        return void this.#prepare();
      case "claim":
        return void this.#claim();
      case "run":
        return landing.landed();
      case "tellTaken":
        return link.tell("move/taken", { migration });
      case "tellDeclined":
        return link.tell("move/declined", { migration, reason: action.reason });
      case "drop":
        this.#memory = undefined;
        if (this.#handed !== undefined) landing.lwp.tell({ op: "discard", pid });
        return;
      default:
        return unreachable(action, "action of a target");
    }
  }

  #expectSoon(): void {
    clearTimeout(this.#silence);
    const reason = `node ${this.#options.link.peer} was silent for ${MOVE_SILENCE_MS} ms`;
    this.#silence = setTimeout(() => this.heard({ kind: "peerLost", reason }), MOVE_SILENCE_MS);
  }

  /** Takes what the source sends. The stream is left open after the last of it: its end tells a source that we are gone. */
  async receive(stream: Duplex): Promise<void> {
    assert(!this.#hasStream, "there is one stream to a move");
    this.#hasStream = true;
    try {
      for await (const frame of readFrames(stream)) {
        if (this.#handed !== undefined) throw failure("EPROTO", "the source goes on after the end");
        this.#expectSoon();
        if (!this.#take(frame)) {
          stream.write(TAKEN);
          continue;
        }
        clearTimeout(this.#silence);
        this.heard({ kind: "handed" });
      }
      if (this.#handed === undefined) this.heard({ kind: "peerLost", reason: "the source's stream ended" });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.heard(error instanceof GodwitError ? { kind: "malformed", reason } : { kind: "peerLost", reason });
    }
  }

  /** The largest address space that the process can have. */
  get #mostBytes(): number {
    return memoryMaxBytes(this.#options.engine, this.offer.memoryQuotaBytes);
  }

  #spend(sizeBytes: number): void {
    this.#bytesLeft -= sizeBytes;
    if (this.#bytesLeft < 0) throw failure("EPROTO", "the source sends more than any process has");
  }

  /**
   * Puts those of some pages in place that are kept here, and says which: the others are to be sent.
   * @throws GodwitError EPROTO; ENOMEM.
   */
  asked(body: unknown): object {
    if (!this.#hasStream || this.#handed !== undefined || this.#state.kind !== "receiving")
      throw failure("EPROTO", "a move's pages are asked about while they come");
    this.#expectSoon();
    this.#spend(PAGE_BYTES);
    const { program, memoryBytes, pages } = decodeQuestion(body, this.#mostBytes);
    this.#spend(pages.length * PAGE_BYTES);
    this.#program = program;
    const memory = Buffer.from(this.#room(memoryBytes).buffer);
    const here = pages.map(({ number, digest }) => {
      const kept = this.#options.store.find(program, digest);
      kept?.copy(memory, number * PAGE_BYTES);
      return kept !== undefined;
    });
    return encodeAnswer(here);
  }

  /** True for the last frame. */
  #take(frame: Buffer): boolean {
    const { engine, offer, store } = this.#options;
    this.#spend(frame.length);
    const image = decodeImage(frame, { memoryMaxBytes: this.#mostBytes });
    assertEngine(image, engine.manifest.hash);
    const memory = this.#room(image.memoryBytes);
    applyRound(memory.buffer, image);
    if (image.state === null) {
      if (this.#program !== undefined) for (const page of image.pages) store.keep(this.#program, page);
      return false;
    }
    const { record: sent, outputInFlight } = image.state as { record?: unknown; outputInFlight?: unknown };
    const checked = checkRecord(sent);
    if (checked.pid !== offer.pid || checked.epoch !== offer.epoch)
      throw failure("EPROTO", "the process that came is not the one that was offered");
    if (typeof outputInFlight !== "number" || !(outputInFlight >= 0))
      throw failure("EPROTO", "a move's last frame is malformed");
    const record = { ...received(checked), epoch: offer.epoch + 1, hosted: offer.home !== this.#options.self };
    this.#handed = { record, memory, outputInFlight };
    return true;
  }

  /** The process's memory, of at least this size, with the template in it from the start. */
  #room(sizeBytes: number): WebAssembly.Memory {
    const { engine, offer } = this.#options;
    if (this.#memory === undefined) {
      this.#memory = createMemory(engine, Math.max(sizeBytes, engine.manifest.memoryBytes), offer.memoryQuotaBytes);
      fillMemory(this.#memory.buffer, templateFor(engine), UNCHANGED);
    }
    const missing = sizeBytes - this.#memory.buffer.byteLength;
    if (missing > 0) this.#memory.grow(Math.ceil(missing / WASM_PAGE_BYTES));
    return this.#memory;
  }

  async #prepare(): Promise<void> {
    const handed = this.#handed;
    assert(handed !== undefined, "what is put in place has come");
    try {
      await this.#options.landing.lwp.prepare(handed);
      this.#preparing = false;
      this.heard({ kind: "prepared" });
    } catch (error) {
      this.#preparing = false;
      this.heard({ kind: "prepareFailed", reason: error instanceof Error ? error.message : String(error) });
    }
  }

  async #claim(): Promise<void> {
    const { claim, offer, link, self } = this.#options;
    const from = { node: link.peer, epoch: offer.epoch };
    const outcome = await claim(offer.pid, from, { node: self, epoch: offer.epoch + 1 }, offer.migration);
    if (outcome === "won") return this.heard({ kind: "claimed" });
    if (outcome !== "unknown") return this.heard({ kind: "claimLost" });
    setTimeout(() => this.heard({ kind: "claimUnknown" }), MOVE_RETRY_MS);
  }
}
