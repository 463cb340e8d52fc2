/**
 * A function as a tree in *resumable form*: wherever it may suspend, its operand stack is empty. Every value that was
 * on it is in a local, so that the values that a suspended call needs are exactly the locals that are live after it.
 *
 * A construct (block, loop, if) that contains a call that may suspend is *resumable*: it is entered and left with an
 * empty operand stack, and its result, if it has one, is passed in a local. All other code is left as it was.
 */

import type { Instruction } from "./wasm-code.ts";
import type { FunctionType, ValueType } from "./wasm-module.ts";

/** Instructions without control constructs among them. */
export interface Straight {
  readonly kind: "straight";
  readonly code: Instruction[];
}
/** A block, loop or if. An if that is resumable has its condition in the local `condition`. */
export interface Construct {
  readonly kind: "construct";
  readonly op: number;
  readonly label: number;
  readonly blockType: number;
  readonly resumable: boolean;
  readonly condition: number;
  readonly body: Node[];
  readonly otherwise: Node[];
  /** Numbers of the suspending calls inside: [first, end). */
  firstCall: number;
  endCall: number;
}
/** A call that may suspend. */
export interface SuspendingCall {
  readonly kind: "call";
  /** Its number in its function, from 1 in the order of the code. */
  readonly number: number;
  readonly instruction: Instruction;
  readonly callee: FunctionType;
  /** Locals that hold its operands. */
  readonly operands: readonly number[];
  /** call_indirect: the local that holds the table index; otherwise -1. */
  readonly target: number;
  /** Local for its result, or -1. */
  readonly result: number;
  /** Locals to be saved when it suspends; set by the liveness analysis. */
  live: number[];
  /** Locals that may be read after it, its result included; set by the liveness analysis. */
  liveBehind: number[];
}
export type Node = Straight | Construct | SuspendingCall;

export interface FunctionTree {
  readonly type: FunctionType;
  /** Types of all locals: parameters, the function's own, then those that resumable form added. */
  readonly locals: ValueType[];
  readonly body: Node[];
  readonly calls: SuspendingCall[];
}
