/** What one watcher has been told, so that after a gap it is told what changed meanwhile and nothing twice. */

import type { Change, Entry } from "./engine.ts";

export class WatchState {
  readonly #onChange: (change: Change) => void;
  /** The revisions that were told, of the entries that are there. */
  readonly #told = new Map<string, number>();
  /** While a state is being told anew: the keys that were there before and have not come up. */
  #missing: Set<string> | undefined;
  #isCurrent = false;

  constructor(onChange: (change: Change) => void) {
    this.#onChange = onChange;
  }

  /** The store is about to tell its whole state. */
  begin(): void {
    this.#missing = new Set(this.#told.keys());
  }

  put(entry: Entry): void {
    this.#missing?.delete(entry.key);
    if ((this.#told.get(entry.key) ?? 0) >= entry.revision) return;
    this.#told.set(entry.key, entry.revision);
    this.#onChange({ kind: "put", entry });
  }

  /** `revision` is that of the deletion. */
  delete(key: string, revision: number): void {
    this.#missing?.delete(key);
    const told = this.#told.get(key);
    if (told === undefined || told >= revision) return;
    this.#told.delete(key);
    this.#onChange({ kind: "delete", key, revision: told });
  }

  /** The store has told its whole state: what did not come up is gone. */
  current(): void {
    for (const key of this.#missing ?? []) this.delete(key, Infinity);
    this.#missing = undefined;
    if (this.#isCurrent) return;
    this.#isCurrent = true;
    this.#onChange({ kind: "current" });
  }
}
