/** The directory of a node that is alone: what is written is known to it, and gone with it. */

import type { Change, Directory, Entry, Subscription } from "../cluster/engine.ts";
import { failure } from "../errors.ts";

export class LoneDirectory implements Directory {
  readonly #entries = new Map<string, Entry>();
  readonly #watches = new Set<{ readonly prefix: string; readonly onChange: (change: Change) => void }>();
  #revision = 0;

  async get(key: string): Promise<Entry | undefined> {
    return this.#entries.get(key);
  }

  async create(key: string, value: Uint8Array): Promise<number> {
    if (this.#entries.has(key)) throw failure("EEXIST", `${key} is there already`);
    return this.#put(key, value);
  }

  async replace(key: string, value: Uint8Array, revision: number): Promise<number> {
    this.#expect(key, revision);
    return this.#put(key, value);
  }

  async delete(key: string, revision: number): Promise<void> {
    this.#expect(key, revision);
    this.#entries.delete(key);
    this.#tell(key, { kind: "delete", key, revision });
  }

  async list(prefix: string): Promise<Entry[]> {
    return [...this.#entries.values()]
      .filter(({ key }) => key.startsWith(prefix))
      .sort((one, other) => (one.key < other.key ? -1 : 1));
  }

  watch(prefix: string, onChange: (change: Change) => void): Subscription {
    const watch = { prefix, onChange };
    this.#watches.add(watch);
    for (const entry of this.#entries.values()) if (entry.key.startsWith(prefix)) onChange({ kind: "put", entry });
    onChange({ kind: "current" });
    return { stop: () => this.#watches.delete(watch) };
  }

  #expect(key: string, revision: number): void {
    if (this.#entries.get(key)?.revision !== revision) throw failure("ESTALE", `${key} is not of revision ${revision}`);
  }

  #put(key: string, value: Uint8Array): number {
    const entry = { key, value, revision: ++this.#revision };
    this.#entries.set(key, entry);
    this.#tell(key, { kind: "put", entry });
    return entry.revision;
  }

  #tell(key: string, change: Change): void {
    for (const { prefix, onChange } of this.#watches) if (key.startsWith(prefix)) onChange(change);
  }
}
