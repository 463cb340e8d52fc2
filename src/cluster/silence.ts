/**
 * Notices who has fallen silent. Time is measured by the observer's own probes, which go the same way as the others' beats:
 * it passes only when a probe comes back, and between two of them by twice their interval at most. So an observer
 * that is cut off, or was stopped or kept busy, finds nobody dead: its probes stayed away as well.
 */

export class Silence {
  readonly #silentMs = new Map<string, number>();
  #lastProbeMs: number | undefined;

  /** Someone is to be listened to from now on. */
  expect(name: string): void {
    if (!this.#silentMs.has(name)) this.#silentMs.set(name, 0);
  }

  forget(name: string): void {
    this.#silentMs.delete(name);
  }

  /** Someone was heard. */
  heard(name: string): void {
    if (this.#silentMs.has(name)) this.#silentMs.set(name, 0);
  }

  /** A probe came back that was sent at `sentMs`, one of every `intervalMs`: others could have been heard meanwhile. */
  probed(sentMs: number, intervalMs: number): void {
    const since = this.#lastProbeMs === undefined ? 0 : sentMs - this.#lastProbeMs;
    if (since < 0) return; // Overtaken by a later one.
    this.#lastProbeMs = sentMs;
    const passedMs = Math.min(since, 2 * intervalMs);
    for (const [name, silentMs] of this.#silentMs) this.#silentMs.set(name, silentMs + passedMs);
  }

  /** For how long nothing was heard of `name`, ms. */
  of(name: string): number {
    return this.#silentMs.get(name) ?? 0;
  }
}
