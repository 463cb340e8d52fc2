/**
 * Saved frames. A function that is on the stack at a stop leaves in the unwind buffer one record: the locals that are
 * live at the call it is suspended in, in the order of their numbers, and last the call's number (i32). The innermost
 * function's record comes first. The buffer's descriptor is two words in memory: where the next record goes, and the
 * buffer's end.
 */

import { present } from "../assert.ts";
import { CodeWriter, NO_LABEL } from "./code-writer.ts";
import type { SuspendingCall } from "./control-tree.ts";
import { Op, VOID } from "./wasm-code.ts";
import { type FunctionBody, type FunctionType, I32, I64, F64, type ValueType } from "./wasm-module.ts";

/** Values of the state global. */
export const STATE_NORMAL = 0;
export const STATE_UNWINDING = 1;
export const STATE_REWINDING = 2;

/** Indices of what the instrumented functions share: two globals, and the functions below. */
export interface Runtime {
  readonly state: number;
  /** Global: address of the descriptor of the buffer in use. */
  readonly descriptor: number;
  /** (bytes, call number) → address: makes room for a record and writes its number. Traps when the buffer is full. */
  readonly pushFrame: number;
  /** (bytes) → address: takes the last record away. */
  readonly popFrame: number;
  /** () → number of the call in the last record. */
  readonly resumePoint: number;
}

const NUMBER_BYTES = 4;

function bytesOf(type: ValueType): number {
  return type === I64 || type === F64 ? 8 : 4;
}

function frameBytes(call: SuspendingCall, locals: readonly ValueType[]): number {
  return call.live.reduce((sum, local) => sum + bytesOf(present(locals[local], "local")), NUMBER_BYTES);
}

/** The edge after a call that leaves the function when the call came back because of a stop. `base` is a free i32 local. */
export function writeUnwindEdge(code: CodeWriter, runtime: Runtime, call: SuspendingCall, type: FunctionType, locals: readonly ValueType[], base: number): void {
  code.indexed(Op.globalGet, runtime.state);
  code.constant(STATE_UNWINDING);
  code.op(Op.i32Eq);
  code.open(Op.if, NO_LABEL);
  code.constant(frameBytes(call, locals));
  code.constant(call.number);
  code.indexed(Op.call, runtime.pushFrame);
  code.set(base);
  let offset = 0;
  for (const local of call.live) {
    const valueType = present(locals[local], "local");
    code.get(base);
    code.get(local);
    code.store(valueType, offset);
    offset += bytesOf(valueType);
  }
  for (const result of type.results) code.zero(result);
  code.op(Op.return);
  code.close();
}

/** Takes the record of this call from the buffer and sets the locals that it holds. */
export function writeRestore(code: CodeWriter, runtime: Runtime, call: SuspendingCall, locals: readonly ValueType[], base: number): void {
  code.constant(frameBytes(call, locals));
  code.indexed(Op.call, runtime.popFrame);
  code.set(base);
  let offset = 0;
  for (const local of call.live) {
    const valueType = present(locals[local], "local");
    code.get(base);
    code.load(valueType, offset);
    code.set(local);
    offset += bytesOf(valueType);
  }
}

/** What the module needs to have at run time, in the order of `Runtime` and of the exports. */
export interface RuntimeFunction {
  readonly export?: string;
  readonly type: FunctionType;
  readonly body: Omit<FunctionBody, "type">;
}

const NO_RESULT: FunctionType = { parameters: [], results: [] };

export function runtimeFunctions(runtime: Pick<Runtime, "state" | "descriptor">): Readonly<Record<"pushFrame" | "popFrame" | "resumePoint", RuntimeFunction>> & { readonly exported: readonly RuntimeFunction[] } {
  return {
    pushFrame: pushFrame(runtime.descriptor),
    popFrame: popFrame(runtime.descriptor),
    resumePoint: resumePoint(runtime.descriptor),
    exported: [
      stateChange("asyncify_start_unwind", STATE_UNWINDING, runtime, true),
      stateChange("asyncify_stop_unwind", STATE_NORMAL, runtime, false),
      stateChange("asyncify_start_rewind", STATE_REWINDING, runtime, true),
      stateChange("asyncify_stop_rewind", STATE_NORMAL, runtime, false),
      readState(runtime),
    ],
  };
}

function stateChange(name: string, state: number, runtime: Pick<Runtime, "state" | "descriptor">, withBuffer: boolean): RuntimeFunction {
  const code = new CodeWriter();
  code.constant(state);
  code.indexed(Op.globalSet, runtime.state);
  if (withBuffer) {
    code.get(0);
    code.indexed(Op.globalSet, runtime.descriptor);
  }
  code.op(Op.return);
  return { export: name, type: withBuffer ? { parameters: [I32], results: [] } : NO_RESULT, body: { locals: [], code: code.finish() } };
}

function readState(runtime: Pick<Runtime, "state">): RuntimeFunction {
  const code = new CodeWriter();
  code.indexed(Op.globalGet, runtime.state);
  code.op(Op.return);
  return { export: "asyncify_get_state", type: { parameters: [], results: [I32] }, body: { locals: [], code: code.finish() } };
}

function pushFrame(descriptor: number): RuntimeFunction {
  const [bytes, number, base, top] = [0, 1, 2, 3];
  const code = new CodeWriter();
  code.indexed(Op.globalGet, descriptor);
  code.load(I32, 0);
  code.indexed(Op.localTee, base);
  code.get(bytes);
  code.op(Op.i32Add);
  code.indexed(Op.localTee, top);
  code.indexed(Op.globalGet, descriptor);
  code.load(I32, 4);
  code.op(Op.i32GtU);
  code.open(Op.if, NO_LABEL, VOID);
  code.op(Op.unreachable);
  code.close();
  code.indexed(Op.globalGet, descriptor);
  code.get(top);
  code.store(I32, 0);
  code.get(top);
  code.constant(NUMBER_BYTES);
  code.op(Op.i32Sub);
  code.get(number);
  code.store(I32, 0);
  code.get(base);
  code.op(Op.return);
  return { type: { parameters: [I32, I32], results: [I32] }, body: { locals: [I32, I32], code: code.finish() } };
}

function popFrame(descriptor: number): RuntimeFunction {
  const [bytes, base] = [0, 1];
  const code = new CodeWriter();
  code.indexed(Op.globalGet, descriptor);
  code.indexed(Op.globalGet, descriptor);
  code.load(I32, 0);
  code.get(bytes);
  code.op(Op.i32Sub);
  code.indexed(Op.localTee, base);
  code.store(I32, 0);
  code.get(base);
  code.op(Op.return);
  return { type: { parameters: [I32], results: [I32] }, body: { locals: [I32], code: code.finish() } };
}

function resumePoint(descriptor: number): RuntimeFunction {
  const code = new CodeWriter();
  code.indexed(Op.globalGet, descriptor);
  code.load(I32, 0);
  code.constant(NUMBER_BYTES);
  code.op(Op.i32Sub);
  code.load(I32, 0);
  code.op(Op.return);
  return { type: { parameters: [], results: [I32] }, body: { locals: [], code: code.finish() } };
}
