/**
 * The C stack's guard. The engine checks for overflow itself, but not everywhere: some of its recursions would run past
 * the end of the stack, which for a thread's stack lies in the middle of the heap. Every function that moves the stack
 * pointer below the stack's low end traps instead, and a trap ends the process cleanly.
 */

import { type Instruction, Op, VOID } from "./wasm-code.ts";
import { I32, type ValueType } from "./wasm-module.ts";

/** Name of the exported global that holds the low end of the running thread's stack; 0 guards nothing. */
export const STACK_LOW = "__stack_low";

export interface GuardedCode {
  readonly code: readonly Instruction[];
  readonly locals: readonly ValueType[];
}

/** The same code with the guard before each change of the stack pointer. `firstFree` is the number of a new local. */
export function guardStack(
  code: readonly Instruction[],
  locals: readonly ValueType[],
  firstFree: number,
  stackPointer: number,
  stackLow: number,
): GuardedCode {
  let label = code.reduce((most, { op, index }) => (isConstruct(op) ? Math.max(most, index) : most), 0);
  let guarded = false;
  const result = code.flatMap((instruction): readonly Instruction[] => {
    if (instruction.op !== Op.globalSet || instruction.index !== stackPointer) return [instruction];
    guarded = true;
    label++;
    return [
      { op: Op.localTee, index: firstFree },
      { op: Op.globalGet, index: stackLow },
      { op: Op.i32LtU, index: 0 },
      { op: Op.if, index: label, blockType: VOID },
      { op: Op.unreachable, index: 0 },
      { op: Op.end, index: 0 },
      { op: Op.localGet, index: firstFree },
      instruction,
    ];
  });
  return guarded ? { code: result, locals: [...locals, I32] } : { code, locals };
}

function isConstruct(op: number): boolean {
  return op === Op.block || op === Op.loop || op === Op.if;
}
