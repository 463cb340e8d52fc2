/** The directory's entries of processes: whose each is, and under which epoch. The commit point of every move. */

import { decode, encode } from "cborg";
import * as v from "valibot";

import { failure, GodwitError } from "../errors.ts";
import { isSame, type Owner, type Ownership, ruleOnClaim, ruleOnHome } from "../kernel/ownership.ts";
import type { Engine, Entry, Subscription } from "./engine.ts";

/** What the directory says of a process that has moved, or that is to outlive its node. */
export interface ProcessEntry extends Ownership {
  /** Of a process that is to outlive its node. */
  readonly durable?: Durable;
}

/** What is known of a process's images. */
export interface Durable {
  readonly intervalMs: number;
  /** Names of images: a base, and after it one for each time that something had changed. The newest chain first; at most two. */
  readonly chains: readonly (readonly string[])[];
  /** When the last one was taken: wall-clock time, ms since 1970. */
  readonly savedMs: number;
  /** Those that it had registered. */
  readonly names: readonly string[];
}

const DURABLE = v.object({
  intervalMs: v.number(),
  chains: v.array(v.array(v.string())),
  savedMs: v.number(),
  names: v.array(v.string()),
});

/** `lost`: it is the other one's; `superseded`: neither's; `unknown`: the directory did not answer. */
export type ClaimOutcome = "won" | "lost" | "superseded" | "unknown";

/** `superseded`: neither's, or not on those terms any more; `gone`: there is no entry. */
export type HomeOutcome = "kept" | "taken" | "superseded" | "gone";

/** What is settled by the directory when a home moves. */
export type HomeClaims = Pick<ProcessDirectory, "promiseHome" | "takeHome">;

export class ProcessDirectory {
  readonly #engine: Engine;
  /** Entries as they were last told, where they are watched. */
  readonly #told = new Map<number, Entry>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  async find(pid: number): Promise<ProcessEntry | undefined> {
    const entry = await this.#engine.directory.get(keyOf(pid));
    return entry === undefined ? undefined : entryOf(entry);
  }

  /** Makes `to` the owner of a process, if it is `from`'s: see `ruleOnClaim`. Never throws: what cannot be known is `unknown`. */
  async claim(pid: number, from: Owner, to: Owner, home: string, cause: string): Promise<ClaimOutcome> {
    const next = { node: to.node, epoch: to.epoch, home, cause };
    const told = this.#told.get(pid);
    try {
      // What was told may be old, and then decides nothing; but if the entry is that one still, it need not be read first.
      const isHint = told !== undefined && ruleOnClaim(entryOf(told), from, next) === "write";
      if (isHint && (await this.#write(pid, told, from, next)) === "won") return "won";
      return await this.#write(pid, await this.#engine.directory.get(keyOf(pid)), from, next);
    } catch (error) {
      // There was no answer: the entry tells what came of it, when it is read again.
      if (error instanceof GodwitError) return "unknown";
      throw error;
    }
  }

  /** Puts `next` in the place of an entry, if the rule says so. `unknown`: somebody was quicker. @throws GodwitError as the directory. */
  async #write(pid: number, present: Entry | undefined, from: Owner, next: Ownership): Promise<ClaimOutcome> {
    const owner = present === undefined ? undefined : entryOf(present);
    const ruled = ruleOnClaim(owner, from, next);
    if (ruled !== "write") return ruled;
    const durable = owner?.durable;
    const value = encode(durable === undefined ? next : { ...next, durable });
    const { directory } = this.#engine;
    try {
      if (present === undefined) await directory.create(keyOf(pid), value);
      else await directory.replace(keyOf(pid), value, present.revision);
      return "won";
    } catch (error) {
      if (error instanceof GodwitError && (error.code === "ESTALE" || error.code === "EEXIST")) return "unknown";
      throw error;
    }
  }

  /** A process that is durable from its start. @throws GodwitError as the directory; EEXIST. */
  async begin(pid: number, node: string, cause: string, durable: Durable): Promise<void> {
    await this.#engine.directory.create(keyOf(pid), encode({ node, epoch: 0, home: node, cause, durable }));
  }

  /**
   * Notes what became of a process's images, if it is still `owner`'s.
   * @throws GodwitError as the directory: then it is not known whether it was noted.
   */
  async note(pid: number, owner: Owner, durable: Durable): Promise<"noted" | "superseded"> {
    for (;;) {
      const present = await this.#engine.directory.get(keyOf(pid));
      if (present === undefined) return "superseded";
      const entry = entryOf(present);
      if (!isSame(entry, owner)) return "superseded";
      try {
        await this.#engine.directory.replace(keyOf(pid), encode({ ...entry, durable }), present.revision);
        return "noted";
      } catch (error) {
        // Written meanwhile: by a new owner, or with a new home.
        if (!(error instanceof GodwitError) || error.code !== "ESTALE") throw error;
      }
    }
  }

  /**
   * Puts another cause into the entry of a process that is `owner`'s, so that whoever counts on the one before sees that it is
   * over. `gone`: there is no entry.
   * @throws GodwitError as the directory: then it is not known whether it was done.
   */
  async mark(pid: number, owner: Owner, cause: string): Promise<"marked" | "superseded" | "gone"> {
    return this.#change(pid, async (present, { revision }) => {
      if (!isSame(present, owner)) return "superseded";
      await this.#engine.directory.replace(keyOf(pid), encode({ ...present, cause }), revision);
      return "marked";
    });
  }

  /**
   * The home of a process that is `owner`'s says that it is, and promises it to another under a cause of theirs; or, with a new
   * cause, takes such a promise back: who was to take the process under the one before is too late from then on.
   * @param isOurs nothing is written where it is another's home by now, whoever runs it.
   * @throws GodwitError as the directory: then it is not known whether it was done.
   */
  async promiseHome(pid: number, owner: Owner, home: string, cause: string, isOurs = false): Promise<HomeOutcome> {
    return this.#change(pid, async (present, { revision }) => {
      if (isOurs && present.home !== home) return "taken";
      if (!isSame(present, owner)) return "superseded";
      await this.#engine.directory.replace(keyOf(pid), encode({ ...present, home, cause }), revision);
      return "kept";
    });
  }

  /**
   * Makes a node the home of a process that was promised to it: see `ruleOnHome`.
   * @throws GodwitError as the directory: then it is not known whether it was done.
   */
  async takeHome(pid: number, owner: Owner, home: string, cause: string): Promise<HomeOutcome> {
    return this.#change(pid, async (present, { revision }) => {
      const ruled = ruleOnHome(present, owner, home, cause);
      if (ruled === "superseded") return ruled;
      if (ruled === "write") await this.#engine.directory.replace(keyOf(pid), encode({ ...present, home }), revision);
      return "taken";
    });
  }

  /**
   * Takes away the entry of a process that a successor takes the place of, if it is marked with this cause still.
   * @throws GodwitError as the directory: then it is not known whether it was done.
   */
  async retire(pid: number, cause: string): Promise<"retired" | "superseded" | "gone"> {
    return this.#change(pid, async (present, { revision }) => {
      if (present.cause !== cause) return "superseded";
      await this.#engine.directory.delete(keyOf(pid), revision);
      return "retired";
    });
  }

  /** Looks again when somebody was quicker. */
  async #change<T>(pid: number, change: (present: ProcessEntry, entry: Entry) => Promise<T>): Promise<T | "gone"> {
    for (;;) {
      const entry = await this.#engine.directory.get(keyOf(pid));
      if (entry === undefined) return "gone";
      try {
        return await change(entryOf(entry), entry);
      } catch (error) {
        if (!(error instanceof GodwitError) || error.code !== "ESTALE") throw error;
      }
    }
  }

  /** The process has ended. @param home where it was at home: another's is not forgotten. */
  async forget(pid: number, home?: string): Promise<void> {
    const { directory } = this.#engine;
    for (;;) {
      const entry = await directory.get(keyOf(pid));
      if (entry === undefined || (home !== undefined && entryOf(entry).home !== home)) return;
      try {
        return await directory.delete(keyOf(pid), entry.revision);
      } catch (error) {
        // Written meanwhile: it may be another's by now.
        if (!(error instanceof GodwitError) || error.code !== "ESTALE") throw error;
      }
    }
  }

  /**
   * Tells each entry that there is, and every change from then on; `undefined` when the entry is gone. Resolves when the
   * present ones have been told.
   */
  watch(onChange: (pid: number, entry: ProcessEntry | undefined) => void): Promise<Subscription> {
    return new Promise((resolve) => {
      const subscription = this.#engine.directory.watch(PREFIX, (change) => {
        if (change.kind === "current") setImmediate(() => resolve(subscription));
        else if (change.kind === "put") {
          const pid = pidOf(change.entry.key);
          this.#told.set(pid, change.entry);
          onChange(pid, entryOf(change.entry));
        } else {
          this.#told.delete(pidOf(change.key));
          onChange(pidOf(change.key), undefined);
        }
      });
    });
  }

  /** All that there are. */
  async list(): Promise<Map<number, ProcessEntry>> {
    const entries = await this.#engine.directory.list(PREFIX);
    return new Map(entries.map((entry) => [pidOf(entry.key), entryOf(entry)]));
  }
}

const PREFIX = "process/";

function keyOf(pid: number): string {
  return `${PREFIX}${pid}`;
}

function pidOf(key: string): number {
  return Number(key.slice(PREFIX.length));
}

function entryOf({ key, value }: Entry): ProcessEntry {
  const found: unknown = decode(value);
  if (
    typeof found === "object" &&
    found !== null &&
    "node" in found &&
    "epoch" in found &&
    "home" in found &&
    "cause" in found
  ) {
    const { node, epoch, home, cause } = found;
    const durable = "durable" in found ? v.safeParse(DURABLE, found.durable) : undefined;
    if (
      typeof node === "string" &&
      typeof epoch === "number" &&
      typeof home === "string" &&
      typeof cause === "string" &&
      durable?.success !== false
    )
      return { node, epoch, home, cause, ...(durable === undefined ? {} : { durable: durable.output }) };
  }
  throw failure("EPROTO", `the directory's entry ${key} is none of a process's`);
}
