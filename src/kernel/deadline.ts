/** Deadlines in order: a binary heap. Removal is lazy: an entry that no longer holds is skipped when it comes up. */

export interface Deadline {
  /** On the host's monotonic clock. */
  readonly atMs: number;
  /** Does what is due; called once, unless `holds` says that it no longer is. */
  readonly due: () => void;
  readonly holds: () => boolean;
}

export class DeadlineQueue {
  readonly #heap: Deadline[] = [];

  add(deadline: Deadline): void {
    const heap = this.#heap;
    let child = heap.length;
    heap.push(deadline);
    while (child > 0) {
      const parent = (child - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || above.atMs <= deadline.atMs) break;
      heap[child] = above;
      child = parent;
    }
    heap[child] = deadline;
  }

  /** When the first deadline that still holds is due; Infinity when there is none. */
  nextMs(): number {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined) return Infinity;
      if (first.holds()) return first.atMs;
      this.#removeFirst();
    }
  }

  /** Takes out and carries out everything that is due. */
  expire(nowMs: number): void {
    while (this.nextMs() <= nowMs) {
      const first = this.#heap[0];
      this.#removeFirst();
      first?.due();
    }
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
      const lesser = right !== undefined && right.atMs < left.atMs ? right : left;
      if (lesser === right) child++;
      if (last.atMs <= lesser.atMs) break;
      heap[parent] = lesser;
      parent = child;
    }
    heap[parent] = last;
  }
}
