/**
 * Free memory of a guest's heap, cleared. What was there when it was freed means nothing any more, and a page of zeros
 * is left out of every image, and of every process's memory that is made from one.
 *
 * The heap is the C library's (dlmalloc): chunks one behind the other from the heap's start to the memory's end. A chunk begins
 * with the size of the one before it, if that one is free, and its own size with flags; a free one goes on with what links
 * it to others. The last is the trailer, which is no chunk: its flags are those of none.
 */

const HEADER_BYTES = 8;
/** Chunks begin where their content, behind the header, has this alignment. */
const ALIGNMENT = 16;
const FLAGS = 7;
const IN_USE = 2;
const IN_USE_BEFORE = 1;
/** What a free chunk begins with, from its header on: links of a list, or from a size on a node of a tree. */
const LIST_BYTES = 16;
const TREE_BYTES = 32;
const TREE_FROM_BYTES = 256;

interface Extent {
  readonly start: number;
  readonly end: number;
}

/**
 * Fills what is free with zeros; `heapBase` is the heap's address. False when the heap is not as the library makes it, as a
 * hostile image's may not be: then nothing is changed. No thread may be in the middle of an allocation.
 */
export function clearFreeMemory(memory: ArrayBufferLike, heapBase: number): boolean {
  const free = freeExtents(memory, heapBase);
  for (const { start, end } of free ?? []) new Uint8Array(memory, start, end - start).fill(0);
  return free !== undefined;
}

function freeExtents(memory: ArrayBufferLike, heapBase: number): Extent[] | undefined {
  const words = new Uint32Array(memory);
  const free: Extent[] = [];
  let at = heapBase + (ALIGNMENT - HEADER_BYTES);
  while (at + HEADER_BYTES <= memory.byteLength) {
    const head = words[(at + 4) >>> 2] ?? 0;
    const size = head - (head & FLAGS);
    const end = at + size;
    if (end > memory.byteLength) return undefined;
    if ((head & (IN_USE | IN_USE_BEFORE)) === 0) return end === memory.byteLength ? free : undefined;
    if (size < LIST_BYTES || size % ALIGNMENT !== 0) return undefined;
    const links = size < TREE_FROM_BYTES ? LIST_BYTES : TREE_BYTES;
    if ((head & IN_USE) === 0) free.push({ start: at + links, end });
    at = end;
  }
  return undefined;
}
