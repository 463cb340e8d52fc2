/** The few functions of the WebAssembly System Interface that the engine's C library calls: clocks, chance, diagnostics. */

import type { Traps } from "./trap.ts";

const ERRNO_SUCCESS = 0;
const ERRNO_BADF = 8;
const ERRNO_NOSYS = 52;
const CLOCK_REALTIME = 0;
const STDOUT = 1;
const STDERR = 2;

export function systemInterface(memory: WebAssembly.Memory, traps: () => Traps): WebAssembly.Imports[string] {
  const bytes = (address: number, length: number) => new Uint8Array(memory.buffer, address, length);
  const view = () => new DataView(memory.buffer);
  return {
    clock_time_get: (clock: number, _precision: bigint, out: number) => {
      const ms = clock === CLOCK_REALTIME ? traps().realTimeMs() : traps().monotonicMs();
      view().setBigUint64(out, BigInt(Math.round(ms * 1e6)), true);
      return ERRNO_SUCCESS;
    },
    fd_close: () => ERRNO_NOSYS,
    fd_fdstat_get: () => ERRNO_BADF,
    fd_seek: () => ERRNO_NOSYS,
    fd_write: (descriptor: number, vectors: number, count: number, writtenOut: number) => {
      if (descriptor !== STDOUT && descriptor !== STDERR) return ERRNO_BADF;
      let written = 0;
      for (let at = vectors; at < vectors + count * 8; at += 8) {
        const length = view().getUint32(at + 4, true);
        traps().engineOutput(bytes(view().getUint32(at, true), length).slice());
        written += length;
      }
      view().setUint32(writtenOut, written, true);
      return ERRNO_SUCCESS;
    },
    random_get: (address: number, length: number) => {
      const random = new Uint8Array(length);
      traps().randomBytes(random);
      bytes(address, length).set(random);
      return ERRNO_SUCCESS;
    },
  };
}
