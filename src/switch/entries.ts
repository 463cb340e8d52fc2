/** Entries of the directory below a prefix, as far as has been heard; what is written here is known before it is told. */

import type { Change, Directory, Entry, Subscription } from "../cluster/engine.ts";
import { GodwitError } from "../errors.ts";
import { isRace } from "./exposure.ts";

interface Revised {
  readonly revision: number;
}

export class Entries<T extends Revised> {
  readonly #directory: Directory;
  readonly #read: (entry: Entry) => T | undefined;
  readonly #changed: (key: string, value: T | undefined) => void;
  readonly #known = new Map<string, T>();
  /** Revisions of what was removed here, until that is told: what is told of them before is old. */
  readonly #removed = new Map<string, number>();
  #watch: Subscription | undefined;

  private constructor(
    directory: Directory,
    read: (entry: Entry) => T | undefined,
    changed: (key: string, value: T | undefined) => void,
  ) {
    this.#directory = directory;
    this.#read = read;
    this.#changed = changed;
  }

  /** Resolves when the present ones are known. @param changed told of each change, and of the present ones. */
  static async open<T extends Revised>(
    directory: Directory,
    prefix: string,
    read: (entry: Entry) => T | undefined,
    changed: (key: string, value: T | undefined) => void,
  ): Promise<Entries<T>> {
    const entries = new Entries(directory, read, changed);
    await new Promise<void>((resolve) => {
      entries.#watch = directory.watch(prefix, (change) => {
        if (change.kind === "current") resolve();
        else entries.#told(change);
      });
    });
    return entries;
  }

  get(key: string): T | undefined {
    return this.#known.get(key);
  }

  all(): T[] {
    return [...this.#known.values()];
  }

  #told(change: Exclude<Change, { kind: "current" }>): void {
    if (change.kind === "put") return this.#heard(change.entry);
    const { key, revision } = change;
    if (this.#removed.get(key) === revision) this.#removed.delete(key);
    const known = this.#known.get(key)?.revision;
    if (known === undefined) return;
    // What was written here meanwhile may be there, or be what was deleted: of quick changes the last is told alone.
    if (known > revision) return void this.#look(key, known);
    this.#known.delete(key);
    this.#changed(key, undefined);
  }

  async #look(key: string, revision: number): Promise<void> {
    try {
      const present = await this.#directory.get(key);
      if (present === undefined && this.#known.get(key)?.revision === revision) this.#forget(key, revision);
    } catch (error) {
      if (!(error instanceof GodwitError)) throw error;
    }
  }

  #heard(entry: Entry): void {
    const { key, revision } = entry;
    if ((this.#known.get(key)?.revision ?? 0) >= revision || (this.#removed.get(key) ?? 0) >= revision) return;
    this.#removed.delete(key);
    const value = this.#read(entry);
    if (value === undefined) this.#known.delete(key);
    else this.#known.set(key, value);
    this.#changed(key, value);
  }

  /** @throws GodwitError EEXIST, or as the directory. */
  async create(key: string, value: Uint8Array): Promise<number> {
    return this.#wrote(key, value, await this.#directory.create(key, value));
  }

  /** @throws GodwitError ESTALE when it has another revision, or as the directory. */
  async replace(key: string, value: Uint8Array, before: number): Promise<number> {
    return this.#wrote(key, value, await this.#directory.replace(key, value, before));
  }

  #wrote(key: string, value: Uint8Array, revision: number): number {
    this.#heard({ key, value, revision });
    return revision;
  }

  /** Writes it, whatever was there, and returns that. @throws GodwitError as the directory. */
  async put(key: string, value: Uint8Array): Promise<T | undefined> {
    for (;;) {
      const before = await this.#directory.get(key);
      try {
        if (before === undefined) await this.create(key, value);
        else await this.replace(key, value, before.revision);
        return before === undefined ? undefined : this.#read(before);
      } catch (error) {
        if (!isRace(error)) throw error;
      }
    }
  }

  /** Deletes it. @throws GodwitError ESTALE when it has another revision or is gone, or as the directory. */
  async delete(key: string, revision: number): Promise<void> {
    await this.#directory.delete(key, revision);
    if ((this.#known.get(key)?.revision ?? Infinity) <= revision) this.#forget(key, revision);
  }

  #forget(key: string, revision: number): void {
    this.#removed.set(key, revision);
    this.#known.delete(key);
    this.#changed(key, undefined);
  }

  /** Deletes what is there now, and returns it; nothing when somebody else did. @throws GodwitError as the directory. */
  async remove(key: string): Promise<T | undefined> {
    for (;;) {
      const present = await this.#directory.get(key);
      if (present === undefined) {
        const known = this.#known.get(key);
        if (known !== undefined) this.#forget(key, known.revision);
        return undefined;
      }
      try {
        await this.delete(key, present.revision);
        return this.#read(present);
      } catch (error) {
        if (!isRace(error)) throw error;
      }
    }
  }

  close(): void {
    this.#watch?.stop();
  }
}
