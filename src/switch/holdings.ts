/** What sessions of a node have in memory: one count for all of a kind, with its bound, and a share of it for each part. Pure. */

import { assert } from "../assert.ts";

/** Of what is left nobody takes more than this part: the less there is, the less each has. */
const PART = 64;
/** Who was full is not until there is some room again. */
const EASED = 7 / 8;

export class Holdings {
  readonly #maxBytes: number;
  readonly #within: Holdings | undefined;
  readonly #turned: (isFull: boolean) => void;
  #heldBytes = 0;
  #isFull = false;

  /**
   * @param turned told when it is full, and when it is not any more.
   * @param within of what it is a part: what is counted here is counted there.
   */
  constructor(maxBytes: number, turned: (isFull: boolean) => void = () => {}, within?: Holdings) {
    this.#maxBytes = maxBytes;
    this.#turned = turned;
    this.#within = within;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** So much more is held, or less. */
  count(moreBytes: number): void {
    this.#heldBytes += moreBytes;
    assert(this.#heldBytes >= 0, "nobody lets go of what is not held");
    this.#within?.count(moreBytes);
    const isFull = this.#heldBytes >= (this.#isFull ? EASED * this.#maxBytes : this.#maxBytes);
    if (isFull === this.#isFull) return;
    this.#isFull = isFull;
    this.#turned(isFull);
  }

  /** Whether nobody else should begin to hold something. */
  get isFull(): boolean {
    return this.#isFull || this.#within?.isFull === true;
  }

  /** Whether one who holds so much of it may hold some more. One who holds nothing always may: so everybody goes on. */
  allows(ownBytes: number): boolean {
    if (ownBytes === 0) return true;
    const leftBytes = this.#maxBytes - this.#heldBytes;
    return ownBytes < leftBytes / PART && this.#within?.allows(ownBytes) !== false;
  }
}
