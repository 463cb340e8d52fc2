/**
 * Pages that a node keeps of processes that were here, so that they need not be sent to it again: copies, by what they hold.
 * The one that was of no use for longest gives way to the next.
 */

import { assert, present } from "../assert.ts";
import { PAGE_BYTES, PAGE_STORE_MAX_PAGES } from "../limits.ts";
import type { MemoryPage } from "./linear-memory.ts";
import { PAGE_DIGEST_BYTES, pageAt, type PageDigest } from "./page.ts";

/** Pages that room is made for at once. */
const BLOCK_PAGES = 256;

export class PageStore {
  readonly #maxPages: number;
  readonly #blocks: Buffer[] = [];
  /** Where each is, the one that was of no use for longest first. Slots below its size are taken, the others free. */
  readonly #slots = new Map<string, number>();

  constructor(maxPages = PAGE_STORE_MAX_PAGES) {
    assert(maxPages > 0, "a store has room for a page");
    this.#maxPages = maxPages;
  }

  /** How many it has. */
  get size(): number {
    return this.#slots.size;
  }

  /**
   * Keeps a copy. `program` is the digest of the program whose page it is: another's does not find it. Nobody's word is taken
   * for the page's digest: who calls this has computed it from the bytes.
   */
  keep(program: PageDigest, { digest, bytes }: Pick<Required<MemoryPage>, "digest" | "bytes">): void {
    if (this.find(program, digest) !== undefined) return;
    assert(bytes.length === PAGE_BYTES, "a page has PAGE_BYTES bytes");
    const slot = this.#room();
    this.#slots.set(keyOf(program, digest), slot);
    this.#at(slot).set(bytes);
  }

  /** The page of that content, if there is one: a view that holds until the next is kept. */
  find(program: PageDigest, digest: PageDigest): Buffer | undefined {
    const key = keyOf(program, digest);
    const slot = this.#slots.get(key);
    if (slot === undefined) return undefined;
    this.#slots.delete(key);
    this.#slots.set(key, slot);
    return this.#at(slot);
  }

  #room(): number {
    const { size } = this.#slots;
    if (size < this.#maxPages) {
      if (size % BLOCK_PAGES === 0)
        this.#blocks.push(Buffer.alloc(Math.min(BLOCK_PAGES, this.#maxPages - size) * PAGE_BYTES));
      return size;
    }
    const [oldest] = this.#slots;
    const [key, slot] = present(oldest, "oldest page");
    this.#slots.delete(key);
    return slot;
  }

  #at(slot: number): Buffer {
    return pageAt(present(this.#blocks[Math.floor(slot / BLOCK_PAGES)], "block"), slot % BLOCK_PAGES);
  }
}

function keyOf(program: PageDigest, digest: PageDigest): string {
  assert(program.length === PAGE_DIGEST_BYTES && digest.length === PAGE_DIGEST_BYTES, "digests are whole");
  return program + digest;
}
