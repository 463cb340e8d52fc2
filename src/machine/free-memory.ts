/**
 * Free memory of a guest's heap, cleared. What was there when it was freed means nothing any more, and a page of zeros
 * is left out of every image.
 */

/** Blocks that free memory is taken in, to be cleared. */
const BLOCK_MAX_BYTES = 64 * 1024;
const BLOCK_MIN_BYTES = 16;

interface Allocator {
  wasm_malloc(bytes: number): number;
  wasm_free(address: number): void;
}

/** Takes every free block below the highest byte in use, fills it with zeros, and gives them all back. */
export function clearFreeMemory(allocator: Allocator, memory: WebAssembly.Memory): void {
  const top = topOfUse(memory);
  const taken: number[] = [];
  for (let size = BLOCK_MAX_BYTES; size >= BLOCK_MIN_BYTES; size /= 2) {
    for (;;) {
      const block = allocator.wasm_malloc(size) >>> 0;
      if (block === 0) break;
      taken.push(block);
      if (block + size > top) break;
      new Uint8Array(memory.buffer, block, size).fill(0);
    }
  }
  for (const block of taken.reverse()) allocator.wasm_free(block);
}

function topOfUse(memory: WebAssembly.Memory): number {
  const words = new Int32Array(memory.buffer);
  let top = words.length;
  while (top > 0 && words[top - 1] === 0) top--;
  return top * 4;
}
