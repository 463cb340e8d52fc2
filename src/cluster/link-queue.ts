/** Frames that the peer has not confirmed, in order: they are sent again over the next connection. */

interface Waiting {
  readonly sequence: number;
  readonly frame: Buffer;
}

export class LinkQueue {
  /** Those before `#first` are gone; the list is cut when half of it is. */
  #waiting: (Waiting | undefined)[] = [];
  #first = 0;
  #sizeBytes = 0;

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  add(sequence: number, frame: Buffer): void {
    this.#waiting.push({ sequence, frame });
    this.#sizeBytes += frame.length;
  }

  /** All up to this one have arrived. */
  confirm(sequence: number): void {
    for (;;) {
      const next = this.#waiting[this.#first];
      if (next === undefined || next.sequence > sequence) break;
      this.#sizeBytes -= next.frame.length;
      this.#waiting[this.#first++] = undefined;
    }
    if (this.#first <= this.#waiting.length / 2) return;
    this.#waiting = this.#waiting.slice(this.#first);
    this.#first = 0;
  }

  *frames(): Generator<Buffer, void, undefined> {
    for (let index = this.#first; index < this.#waiting.length; index++) {
      const waiting = this.#waiting[index];
      if (waiting !== undefined) yield waiting.frame;
    }
  }

  clear(): void {
    this.#waiting = [];
    this.#first = 0;
    this.#sizeBytes = 0;
  }
}
