/** The directory's entries of processes: whose each is, and under which epoch. The commit point of every move. */

import { decode, encode } from "cborg";

import { failure, GodwitError } from "../errors.ts";
import type { Engine, Entry, Subscription } from "./engine.ts";

/** What the directory says of a process that has moved, or that is to outlive its node. */
export interface ProcessEntry {
  /** The node that runs it. */
  readonly node: string;
  readonly epoch: number;
  /** The node where it is at home. */
  readonly home: string;
  /** What made this entry: a move's id, so that a write whose answer was lost is known again. */
  readonly cause: string;
}

/** `lost`: it is the other one's; `superseded`: neither's; `unknown`: the directory did not answer. */
export type ClaimOutcome = "won" | "lost" | "superseded" | "unknown";

interface Owner {
  readonly node: string;
  readonly epoch: number;
}

export class ProcessDirectory {
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  async find(pid: number): Promise<ProcessEntry | undefined> {
    const entry = await this.#engine.directory.get(keyOf(pid));
    return entry === undefined ? undefined : entryOf(entry);
  }

  /**
   * Makes `to` the owner of a process, if it is `from`'s or has no entry, being its home's. One that this same cause has made is won
   * again. Never throws: what cannot be known is `unknown`.
   */
  async claim(pid: number, from: Owner, to: Owner, home: string, cause: string): Promise<ClaimOutcome> {
    const key = keyOf(pid);
    const value = encode({ node: to.node, epoch: to.epoch, home, cause });
    try {
      const present = await this.#engine.directory.get(key);
      if (present === undefined) {
        await this.#engine.directory.create(key, value);
        return "won";
      }
      const owner = entryOf(present);
      if (owner.node === to.node && owner.epoch === to.epoch && owner.cause === cause) return "won";
      if (owner.cause === cause) return "lost";
      if (owner.node !== from.node || owner.epoch !== from.epoch) return "superseded";
      await this.#engine.directory.replace(key, value, present.revision);
      return "won";
    } catch (error) {
      // Somebody was quicker, or there was no answer: the entry tells which, when it is read again.
      if (error instanceof GodwitError) return "unknown";
      throw error;
    }
  }

  /** The process has ended. */
  async forget(pid: number): Promise<void> {
    const entry = await this.#engine.directory.get(keyOf(pid));
    if (entry !== undefined) await this.#engine.directory.delete(keyOf(pid), entry.revision).catch(() => {});
  }

  /**
   * Tells each entry that there is, and every change from then on; `undefined` when the entry is gone. Resolves when the
   * present ones have been told.
   */
  watch(onChange: (pid: number, entry: ProcessEntry | undefined) => void): Promise<Subscription> {
    return new Promise((resolve) => {
      const subscription = this.#engine.directory.watch(PREFIX, (change) => {
        if (change.kind === "current") setImmediate(() => resolve(subscription));
        else if (change.kind === "put") onChange(pidOf(change.entry.key), entryOf(change.entry));
        else onChange(pidOf(change.key), undefined);
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
    if (typeof node === "string" && typeof epoch === "number" && typeof home === "string" && typeof cause === "string")
      return { node, epoch, home, cause };
  }
  throw failure("EPROTO", `the directory's entry ${key} is none of a process's`);
}
