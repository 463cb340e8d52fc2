/** Words of the control block that a node shares with each of its LWPs, by index of an `Int32Array`. */
export const CONTROL_WORDS = {
  /** The node sets it when a message waits: the guest that runs stops at its next poll. */
  attention: 0,
  /** Long operations that it has on the host's threads. */
  longOperations: 1,
} as const;
export const CONTROL_WORD_COUNT = 16;
