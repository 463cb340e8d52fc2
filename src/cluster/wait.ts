/** Waits that end: with what is waited for, when the time is over, or when the engine is closed. */

import { type GodwitError, failure } from "../errors.ts";
import type { Change, Entry, Subscription } from "./engine.ts";
import { byText } from "./path.ts";

export class Waits {
  readonly #fails = new Set<(error: GodwitError) => void>();
  #closed = false;

  /** Begins something, and waits until it calls back. @throws GodwitError ETIMEDOUT or ECANCELED. */
  async until(what: string, timeoutMs: number, begin: (resolve: () => void) => void): Promise<void> {
    if (this.#closed) throw closedError();
    let timer: NodeJS.Timeout | undefined;
    let fail: (error: GodwitError) => void = () => {};
    try {
      await new Promise<void>((resolve, reject) => {
        fail = reject;
        this.#fails.add(fail);
        timer = setTimeout(() => reject(failure("ETIMEDOUT", `${what} took longer than ${timeoutMs} ms`)), timeoutMs);
        begin(resolve);
      });
    } finally {
      clearTimeout(timer);
      this.#fails.delete(fail);
    }
  }

  close(): void {
    this.#closed = true;
    for (const fail of this.#fails) fail(closedError());
  }
}

export function closedError(): GodwitError {
  return failure("ECANCELED", "the connection to the cluster was closed");
}

type WatchFunction = (prefix: string, onChange: (change: Change) => void) => Subscription;

/** A list is a watch that ends when it has told the state. */
export async function listByWatch(
  waits: Waits,
  prefix: string,
  timeoutMs: number,
  watch: WatchFunction,
): Promise<Entry[]> {
  const entries = new Map<string, Entry>();
  let watching: Subscription | undefined;
  try {
    await waits.until(`the list of ${prefix}`, timeoutMs, (resolve) => {
      watching = watch(prefix, (change) => {
        if (change.kind === "put") entries.set(change.entry.key, change.entry);
        else if (change.kind === "delete") entries.delete(change.key);
        else resolve();
      });
    });
  } finally {
    watching?.stop();
  }
  return [...entries.values()].sort((a, b) => byText(a.key, b.key));
}
