/**
 * Deadlines in order: a binary heap. Removal is lazy: an entry that no longer holds is skipped when it comes up. So that
 * those that were given up do not pile up until then, they are swept out whenever the heap has doubled.
 */

export interface Deadline {
  /** On the host's monotonic clock. */
  readonly atMs: number;
  /** Does what is due; called once, unless `holds` says that it no longer is. */
  readonly due: () => void;
  readonly holds: () => boolean;
}

/** A deadline and its number: of two for the same moment, the one that was added first comes first. */
interface Entry {
  readonly deadline: Deadline;
  readonly number: number;
}

/** Fewer entries than this are not worth a sweep. */
const SWEEP_MIN = 1024;

export class DeadlineQueue {
  #heap: Entry[] = [];
  #added = 0;
  /** Invariant: at the last sweep at most half as many entries held, or it is SWEEP_MIN. */
  #sweepAt = SWEEP_MIN;

  /** Entries, given up ones among them: at most twice as many as hold, and a few. */
  get size(): number {
    return this.#heap.length;
  }

  add(deadline: Deadline): void {
    if (this.#heap.length >= this.#sweepAt) this.#sweep();
    const heap = this.#heap;
    const entry = { deadline, number: this.#added++ };
    let child = heap.length;
    heap.push(entry);
    while (child > 0) {
      const parent = (child - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !isBefore(entry, above)) break;
      heap[child] = above;
      child = parent;
    }
    heap[child] = entry;
  }

  /** When the first deadline that still holds is due; Infinity when there is none. */
  nextMs(): number {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined) return Infinity;
      if (first.deadline.holds()) return first.deadline.atMs;
      this.#removeFirst();
    }
  }

  /** Takes out and carries out everything that is due. */
  expire(nowMs: number): void {
    while (this.nextMs() <= nowMs) {
      const first = this.#heap[0];
      this.#removeFirst();
      first?.deadline.due();
    }
  }

  /** A list in order is a heap. */
  #sweep(): void {
    this.#heap = this.#heap.filter(({ deadline }) => deadline.holds()).sort((a, b) => (isBefore(a, b) ? -1 : 1));
    this.#sweepAt = Math.max(SWEEP_MIN, 2 * this.#heap.length);
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let parent = 0;
    for (;;) {
      let child = 2 * parent + 1;
      const left = heap[child];
      if (left === undefined) break;
      const right = heap[child + 1];
      const lesser = right !== undefined && isBefore(right, left) ? right : left;
      if (lesser === right) child++;
      if (!isBefore(lesser, last)) break;
      heap[parent] = lesser;
      parent = child;
    }
    heap[parent] = last;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.deadline.atMs < b.deadline.atMs || (a.deadline.atMs === b.deadline.atMs && a.number < b.number);
}
