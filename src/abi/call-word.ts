/** System calls as the guest library knows them: a word each, for the template has no room for the table. */

import { SYSCALLS, type Syscall, type SyscallName } from "./syscalls.ts";

/** The bit of a call whose result is JSON; the three below it are of arguments that are. */
export const RESULT_JSON = 8;

/** A call's number, times 16, with a bit for each argument that is JSON and one for a JSON result. */
export type CallWords = Readonly<Record<SyscallName, number>>;

/** All of them. The library finds them where it says `CALL_WORDS`. */
export function callWords(): CallWords {
  const words = {} as Record<SyscallName, number>;
  for (const [name, { number, arguments: kinds, result }] of Object.entries<Syscall>(SYSCALLS)) {
    let word = number * 16 + (result === "json" ? RESULT_JSON : 0);
    for (const [index, kind] of kinds.entries()) if (kind === "json") word += 1 << index;
    words[name as SyscallName] = word;
  }
  return words;
}
