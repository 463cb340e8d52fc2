/** Watches the files that a program is made of. */

import { type FSWatcher, existsSync, statSync, watch } from "node:fs";
import { dirname, join } from "node:path";
import { remark } from "./print.ts";

/** Editors write a file in several steps, and several files at once: a change is over when this long nothing follows. */
const SETTLE_MS = 50;
/** Files beside the sources that say how these are read. */
const SETTINGS: readonly string[] = ["package.json", "tsconfig.json"];

export class SourceWatch {
  /** By folder. Folders are watched, not files: a file that an editor replaces, or that is made only now, is seen as well. */
  readonly #watchers = new Map<string, FSWatcher>();
  readonly #files = new Set<string>();
  readonly #onChange: () => void;
  #anyFile = false;
  #timer: NodeJS.Timeout | undefined;

  /** @param onChange called once for changes that come together */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /**
   * Watches `files`, beside those before.
   * @param sinceMs when they were about to be read (`Date.now()`): what has changed since is a change
   * @param anyFile whether every file in their folders counts: one that is missing may be made
   */
  watch(files: Iterable<string>, sinceMs: number, anyFile: boolean): void {
    this.#anyFile = anyFile;
    for (const file of files) {
      this.#files.add(file);
      this.#watchFolder(dirname(file));
      const atMs = modifiedMs(file);
      if (atMs > sinceMs && atMs <= Date.now()) this.#changed();
    }
  }

  #watchFolder(folder: string): void {
    if (this.#watchers.has(folder) || !existsSync(folder)) return;
    try {
      const watcher = watch(folder, (_event, name) => {
        if (name === null || this.#counts(folder, name)) this.#changed();
      });
      watcher.on("error", () => {
        // The folder is gone, and so are its files; it is watched again when it is there again.
        watcher.close();
        this.#watchers.delete(folder);
      });
      this.#watchers.set(folder, watcher);
    } catch (error) {
      remark(`cannot watch ${folder}, its changes are not seen: ${String(error)}`);
    }
  }

  #counts(folder: string, name: string): boolean {
    return this.#anyFile || SETTINGS.includes(name) || this.#files.has(join(folder, name));
  }

  #changed(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#onChange, SETTLE_MS);
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }
}

/** 0 for a file that is not there. */
function modifiedMs(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
