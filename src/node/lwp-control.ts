/** Words of the control block that a node shares with each of its LWPs, by index of an `Int32Array`. */
export const CONTROL_WORDS = {
  /** The node sets it when a message waits: the guest that runs stops at its next poll. */
  attention: 0,
  /** Long operations that it has on the host's threads. */
  longOperations: 1,
  /** Until when it may run guests: a moment of `moment`; 0 for ever. */
  mayRunUntil: 2,
} as const;
export const CONTROL_WORD_COUNT = 16;

/** The host's monotonic time, ms, as all threads have it, in a word: moments less than 24 days apart can be compared. */
export function moment(afterMs = 0): number {
  const word = Number(BigInt.asIntN(32, process.hrtime.bigint() / 1_000_000n + BigInt(afterMs)));
  return word === 0 ? 1 : word;
}

/** A moment is past from the millisecond on that it names: who may run for no time at all does not run in that one either. */
export function isPast(word: number): boolean {
  return word !== 0 && ((moment() - word) | 0) >= 0;
}
