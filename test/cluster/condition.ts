/** Waiting for conditions in tests, with a bound. */

import { setTimeout as delay } from "node:timers/promises";

/** Until `holds` is true; what it throws counts as false. Rejects after `timeoutMs`, with what was thrown last. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, timeoutMs = 15_000): Promise<void> {
  const endMs = performance.now() + timeoutMs;
  for (let last: unknown = "it is false"; ;) {
    try {
      if (await holds()) return;
    } catch (error) {
      last = error;
    }
    if (performance.now() > endMs) throw new Error(`${what} did not happen within ${timeoutMs} ms: ${String(last)}`);
    await delay(10);
  }
}

/** Rejects when `promise` takes longer. */
export async function within<T>(what: string, promise: Promise<T>, timeoutMs = 15_000): Promise<T> {
  const stop = new AbortController();
  const late = delay(timeoutMs, undefined, { signal: stop.signal }).then(() => {
    throw new Error(`${what} took longer than ${timeoutMs} ms`);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    stop.abort();
    late.catch(() => {});
  }
}
