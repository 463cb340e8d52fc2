/** Traps: where a guest that runs leaves for its kernel. */

import type { GuestResult, GuestValues } from "./guest-values.ts";

/** What the kernel answers to a system call: a result, an error, or that the thread is to block. */
export type SyscallOutcome =
  | { readonly kind: "result"; readonly value: GuestResult }
  | { readonly kind: "error"; readonly code: string; readonly message: string }
  | { readonly kind: "block" };

/** What the processor asks of its kernel while a guest runs. None of these may throw except to end the process. */
export interface Traps {
  syscall(number: number, callId: number, values: GuestValues, argv: number, argc: number): SyscallOutcome;
  /** The outcome of the call that a resumed thread was blocked in. Never `block`. */
  delivery(): SyscallOutcome;
  /** True to stop the thread here. */
  poll(): boolean;
  realTimeMs(): number;
  monotonicMs(): number;
  randomBytes(into: Uint8Array): void;
  /** A promise was rejected with nobody to handle it, or was handled after all; the guest library has noted which. */
  rejectionNoted(): void;
  /** Text of the engine itself, on its standard streams: its diagnostics. */
  engineOutput(bytes: Uint8Array): void;
}
