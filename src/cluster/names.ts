/**
 * Names that processes register, one holder in the whole cluster. A name belongs to its process until that ends; the names of
 * processes that died with their node are taken over by whoever wants them next.
 */

import { decode, encode } from "cborg";
import * as v from "valibot";

import { GodwitError, failure } from "../errors.ts";
import type { Change, Engine, Entry, Subscription } from "./engine.ts";

const HOLDER = v.object({ pid: v.number(), node: v.string(), token: v.number() });

/** Who has a name: a process, and the node where it registered it, with the token of its lease at that time. */
export type NameHolder = v.InferOutput<typeof HOLDER>;

const PREFIX = "name/";
/** Two that want a name of a dead one get in each other's way at most so often. */
const ATTEMPTS_MAX = 8;

export class Names {
  readonly #engine: Engine;
  /** Whether there is a node that speaks for the process. */
  readonly #isAlive: (holder: NameHolder) => boolean;
  readonly #holders = new Map<string, NameHolder>();
  #watch: Subscription | undefined;

  private constructor(engine: Engine, isAlive: (holder: NameHolder) => boolean) {
    this.#engine = engine;
    this.#isAlive = isAlive;
  }

  /** Resolves when the present names are known. */
  static async open(engine: Engine, isAlive: (holder: NameHolder) => boolean): Promise<Names> {
    const names = new Names(engine, isAlive);
    await new Promise<void>((resolve) => {
      names.#watch = engine.directory.watch(PREFIX, (change) => {
        if (change.kind === "current") resolve();
        else names.#changed(change);
      });
    });
    return names;
  }

  /** Who has the name, as far as has been heard; nobody when its node is gone. */
  find(name: string): NameHolder | undefined {
    const holder = this.#holders.get(name);
    return holder !== undefined && this.#isAlive(holder) ? holder : undefined;
  }

  /** Takes a name for a process; again, if it has it. @throws GodwitError EEXIST when another living one has it. */
  async register(name: string, holder: NameHolder): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const present = await this.#engine.directory.get(keyOf(name));
      const held = present === undefined ? undefined : holderOf(present);
      if (held?.pid === holder.pid && held.node === holder.node && held.token === holder.token) return;
      if (held !== undefined && held.pid !== holder.pid && this.#isAlive(held)) {
        throw failure("EEXIST", `the name ${name} belongs to process ${held.pid} of node ${held.node}`);
      }
      try {
        if (present === undefined) await this.#engine.directory.create(keyOf(name), encode(holder));
        else await this.#engine.directory.replace(keyOf(name), encode(holder), present.revision);
        this.#holders.set(name, holder);
        return;
      } catch (error) {
        if (!(error instanceof GodwitError) || (error.code !== "EEXIST" && error.code !== "ESTALE")) throw error;
      }
    }
    throw failure("EAGAIN", `too many want the name ${name} at once: try again`);
  }

  /** Lets a name go, if the process has it. */
  async release(name: string, pid: number): Promise<void> {
    const present = await this.#engine.directory.get(keyOf(name));
    if (present === undefined || holderOf(present)?.pid !== pid) return;
    try {
      await this.#engine.directory.delete(keyOf(name), present.revision);
    } catch (error) {
      // Another has it by now.
      if (!(error instanceof GodwitError) || error.code !== "ESTALE") throw error;
    }
  }

  close(): void {
    this.#watch?.stop();
  }

  #changed(change: Exclude<Change, { kind: "current" }>): void {
    const key = change.kind === "put" ? change.entry.key : change.key;
    const name = decodeURIComponent(key.slice(PREFIX.length));
    const holder = change.kind === "put" ? holderOf(change.entry) : undefined;
    if (holder === undefined) this.#holders.delete(name);
    else this.#holders.set(name, holder);
  }
}

/** A name may hold what a path may not, such as slashes. */
function keyOf(name: string): string {
  return PREFIX + encodeURIComponent(name);
}

function holderOf({ value }: Entry): NameHolder | undefined {
  try {
    const holder = v.safeParse(HOLDER, decode(value));
    return holder.success ? holder.output : undefined;
  } catch {
    return undefined;
  }
}
