/**
 * Saved frames. A function that is on the stack at a stop leaves in the unwind buffer one record: the locals that are
 * live at the call it is suspended in, grouped by type, and last the call's number (i32). The innermost
 * function's record comes first. The buffer's descriptor is two words in memory: where the next record goes, and the
 * buffer's end.
 */

import { present } from "../assert.ts";
import { CodeWriter, NO_LABEL } from "./code-writer.ts";
import type { SuspendingCall } from "./function-tree.ts";
import { Op } from "./wasm-code.ts";
import { type FunctionBody, type FunctionType, F32, F64, I32, I64, type ValueType } from "./wasm-module.ts";

/** Values of the state global. */
const STATE_NORMAL = 0;
const STATE_UNWINDING = 1;
export const STATE_REWINDING = 2;

/** Indices of what the instrumented functions share: two globals, and functions. */
export interface Runtime {
  readonly state: number;
  /** Global: address of the descriptor of the buffer in use. */
  readonly descriptor: number;
  /** () → number of the call in the last record. */
  readonly resumePoint: number;
  /** (call number, values of these types...): adds a record. Traps when the buffer is full. */
  saverOf(types: readonly ValueType[]): number;
  /** () → values of these types: takes the last record away. */
  restorerOf(types: readonly ValueType[]): number;
}

const NUMBER_BYTES = 4;
/** Records hold values grouped by type, so that many calls can share one saving function. */
const TYPE_ORDER: readonly ValueType[] = [I32, I64, F32, F64];

function bytesOf(type: ValueType): number {
  return type === I64 || type === F64 ? 8 : 4;
}

function recordBytes(types: readonly ValueType[]): number {
  return types.reduce((sum, type) => sum + bytesOf(type), NUMBER_BYTES);
}

/** The locals of a call's record, in the record's order. */
function recordOf(
  call: SuspendingCall,
  locals: readonly ValueType[],
): { readonly local: number; readonly type: ValueType }[] {
  const all = call.live.map((local) => ({ local, type: present(locals[local], "local") }));
  return TYPE_ORDER.flatMap((type) => all.filter((item) => item.type === type));
}

/** The edge after a call that leaves the function when the call came back because of a stop. */
export function writeUnwindEdge(
  code: CodeWriter,
  runtime: Runtime,
  call: SuspendingCall,
  type: FunctionType,
  locals: readonly ValueType[],
): void {
  const record = recordOf(call, locals);
  code.indexed(Op.globalGet, runtime.state);
  code.constant(STATE_UNWINDING);
  code.op(Op.i32Eq);
  code.open(Op.if, NO_LABEL);
  code.constant(call.number);
  for (const { local } of record) code.get(local);
  code.indexed(Op.call, runtime.saverOf(record.map((item) => item.type)));
  for (const result of type.results) code.zero(result);
  code.op(Op.return);
  code.close();
}

/** Takes the record of this call from the buffer and sets the locals that it holds. */
export function writeRestore(
  code: CodeWriter,
  runtime: Runtime,
  call: SuspendingCall,
  locals: readonly ValueType[],
): void {
  const record = recordOf(call, locals);
  code.indexed(Op.call, runtime.restorerOf(record.map((item) => item.type)));
  for (const { local } of record.reverse()) code.set(local);
}

/** A function that the build adds to the module. */
export interface AddedFunction {
  readonly type: FunctionType;
  readonly body: Omit<FunctionBody, "type">;
}

type Globals = Pick<Runtime, "state" | "descriptor">;
const NO_RESULT: FunctionType = { parameters: [], results: [] };

/** The exports by which a host stops and continues a thread, by name. */
export function controlFunctions(runtime: Globals): ReadonlyMap<string, AddedFunction> {
  return new Map([
    ["asyncify_start_unwind", stateChange(STATE_UNWINDING, runtime, true)],
    ["asyncify_stop_unwind", stateChange(STATE_NORMAL, runtime, false)],
    ["asyncify_start_rewind", stateChange(STATE_REWINDING, runtime, true)],
    ["asyncify_stop_rewind", stateChange(STATE_NORMAL, runtime, false)],
    ["asyncify_get_state", readState(runtime)],
  ]);
}

function stateChange(state: number, runtime: Globals, withBuffer: boolean): AddedFunction {
  const code = new CodeWriter();
  code.constant(state);
  code.indexed(Op.globalSet, runtime.state);
  if (withBuffer) {
    code.get(0);
    code.indexed(Op.globalSet, runtime.descriptor);
  }
  code.op(Op.return);
  return {
    type: withBuffer ? { parameters: [I32], results: [] } : NO_RESULT,
    body: { locals: [], code: code.finish() },
  };
}

function readState(runtime: Globals): AddedFunction {
  const code = new CodeWriter();
  code.indexed(Op.globalGet, runtime.state);
  code.op(Op.return);
  return { type: { parameters: [], results: [I32] }, body: { locals: [], code: code.finish() } };
}

/** See {@link Runtime.saverOf}. */
export function saver(descriptor: number, types: readonly ValueType[]): AddedFunction {
  const number = 0;
  const base = types.length + 1;
  const top = base + 1;
  const code = new CodeWriter();
  code.indexed(Op.globalGet, descriptor);
  code.load(I32, 0);
  code.indexed(Op.localTee, base);
  code.constant(recordBytes(types));
  code.op(Op.i32Add);
  code.indexed(Op.localTee, top);
  code.indexed(Op.globalGet, descriptor);
  code.load(I32, 4);
  code.op(Op.i32GtU);
  code.open(Op.if, NO_LABEL);
  code.op(Op.unreachable);
  code.close();
  code.indexed(Op.globalGet, descriptor);
  code.get(top);
  code.store(I32, 0);
  let offset = 0;
  types.forEach((type, at) => {
    code.get(base);
    code.get(at + 1);
    code.store(type, offset);
    offset += bytesOf(type);
  });
  code.get(base);
  code.get(number);
  code.store(I32, offset);
  code.op(Op.return);
  return { type: { parameters: [I32, ...types], results: [] }, body: { locals: [I32, I32], code: code.finish() } };
}

/** See {@link Runtime.restorerOf}. */
export function restorer(descriptor: number, types: readonly ValueType[]): AddedFunction {
  const base = 0;
  const code = new CodeWriter();
  code.indexed(Op.globalGet, descriptor);
  code.indexed(Op.globalGet, descriptor);
  code.load(I32, 0);
  code.constant(recordBytes(types));
  code.op(Op.i32Sub);
  code.indexed(Op.localTee, base);
  code.store(I32, 0);
  let offset = 0;
  for (const type of types) {
    code.get(base);
    code.load(type, offset);
    offset += bytesOf(type);
  }
  code.op(Op.return);
  return { type: { parameters: [], results: types }, body: { locals: [I32], code: code.finish() } };
}

/** See {@link Runtime.resumePoint}. */
export function resumePoint(descriptor: number): AddedFunction {
  const code = new CodeWriter();
  code.indexed(Op.globalGet, descriptor);
  code.load(I32, 0);
  code.constant(NUMBER_BYTES);
  code.op(Op.i32Sub);
  code.load(I32, 0);
  code.op(Op.return);
  return { type: { parameters: [], results: [I32] }, body: { locals: [], code: code.finish() } };
}
