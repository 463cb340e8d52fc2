/**
 * Saved frames. A function that is on the stack at a stop leaves in the unwind buffer one record: the locals that are
 * live at the call it is suspended in, grouped by type, and last the call's number (i32). The innermost
 * function's record comes first. The buffer's descriptor is two words in memory: where the next record goes, and the
 * buffer's end. While a thread is rebuilt, slow copies take their cells from the end, which moves down to them; a stop
 * takes all of them off the stack, so nothing ever gives cells back one by one.
 */

import { present } from "../assert.ts";
import type { CellWriter } from "./cell-writer.ts";
import { CodeWriter, NO_LABEL } from "./code-writer.ts";
import type { SuspendingCall } from "./control-tree.ts";
import { Op } from "./wasm-code.ts";
import { type FunctionBody, type FunctionType, F32, F64, I32, I64, type ValueType } from "./wasm-module.ts";

/** Values of the state global. */
export const STATE_NORMAL = 0;
export const STATE_UNWINDING = 1;
export const STATE_REWINDING = 2;

/** Indices of what the instrumented functions share: two globals, and functions. */
export interface Runtime {
  readonly state: number;
  /** Global: address of the descriptor of the buffer in use. */
  readonly descriptor: number;
  /** (bytes) → address: takes the last record away. */
  readonly popFrame: number;
  /** (bytes) → address: cells for a slow copy, all zero. Traps when they would meet the records. */
  readonly takeCells: number;
  /** () → number of the call in the last record. */
  readonly resumePoint: number;
  /** (call number, values of these types...): adds a record. Traps when the buffer is full. */
  saverOf(types: readonly ValueType[]): number;
  /** (address of cells): takes a record away and sets these cells from it. */
  cellRestorerOf(cells: readonly Cell[]): number;
  /** (call number, address of cells): adds a record of these cells. */
  cellSaverOf(cells: readonly Cell[]): number;
}

/** A local of a slow copy, in memory. */
export interface Cell {
  readonly offset: number;
  readonly type: ValueType;
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
function recordOf(call: SuspendingCall, locals: readonly ValueType[]): { readonly local: number; readonly type: ValueType }[] {
  const all = call.live.map((local) => ({ local, type: present(locals[local], "local") }));
  return TYPE_ORDER.flatMap((type) => all.filter((item) => item.type === type));
}

/** The edge after a call that leaves the function when the call came back because of a stop. */
export function writeUnwindEdge(code: CodeWriter, runtime: Runtime, call: SuspendingCall, type: FunctionType, locals: readonly ValueType[]): void {
  const record = recordOf(call, locals);
  writeEdge(code, runtime, call, type, () => {
    for (const { local } of record) code.get(local);
    return runtime.saverOf(record.map((item) => item.type));
  });
}

/** The same edge where locals are cells. */
export function writeCellUnwindEdge(code: CellWriter, runtime: Runtime, call: SuspendingCall, type: FunctionType, locals: readonly ValueType[]): void {
  writeEdge(code, runtime, call, type, () => {
    code.get(code.base);
    return runtime.cellSaverOf(cellsOf(code, call, locals));
  });
}

function writeEdge(code: CodeWriter, runtime: Runtime, call: SuspendingCall, type: FunctionType, values: () => number): void {
  code.indexed(Op.globalGet, runtime.state);
  code.constant(STATE_UNWINDING);
  code.op(Op.i32Eq);
  code.open(Op.if, NO_LABEL);
  code.constant(call.number);
  code.indexed(Op.call, values());
  for (const result of type.results) code.zero(result);
  code.op(Op.return);
  code.close();
}

/** Takes the record of this call from the buffer and sets the cells of the locals that it holds. */
export function writeCellRestore(code: CellWriter, runtime: Runtime, call: SuspendingCall, locals: readonly ValueType[]): void {
  code.get(code.base);
  code.indexed(Op.call, runtime.cellRestorerOf(cellsOf(code, call, locals)));
}

function cellsOf(code: CellWriter, call: SuspendingCall, locals: readonly ValueType[]): Cell[] {
  return recordOf(call, locals).map(({ local, type }) => ({ offset: code.offsetOf(local), type }));
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
  return { type: withBuffer ? { parameters: [I32], results: [] } : NO_RESULT, body: { locals: [], code: code.finish() } };
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

/** See {@link Runtime.cellRestorerOf}. */
export function cellRestorer(runtime: Pick<Runtime, "popFrame">, cells: readonly Cell[]): AddedFunction {
  const [base, record] = [0, 1];
  const code = new CodeWriter();
  code.constant(recordBytes(cells.map(({ type }) => type)));
  code.indexed(Op.call, runtime.popFrame);
  code.set(record);
  let from = 0;
  for (const { offset, type } of cells) {
    code.get(base);
    code.get(record);
    code.load(type, from);
    code.store(type, offset);
    from += bytesOf(type);
  }
  code.op(Op.return);
  return { type: { parameters: [I32], results: [] }, body: { locals: [I32], code: code.finish() } };
}

/** See {@link Runtime.cellSaverOf}. */
export function cellSaver(saver: number, cells: readonly Cell[]): AddedFunction {
  const [number, base] = [0, 1];
  const code = new CodeWriter();
  code.get(number);
  for (const { offset, type } of cells) {
    code.get(base);
    code.load(type, offset);
  }
  code.indexed(Op.call, saver);
  code.op(Op.return);
  return { type: { parameters: [I32, I32], results: [] }, body: { locals: [], code: code.finish() } };
}

/** See {@link Runtime.popFrame}. */
export function popFrame(descriptor: number): AddedFunction {
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

/** See {@link Runtime.takeCells}. */
export function takeCells(descriptor: number): AddedFunction {
  const [bytes, base] = [0, 1];
  const code = new CodeWriter();
  code.indexed(Op.globalGet, descriptor);
  code.load(I32, 4);
  code.get(bytes);
  code.op(Op.i32Sub);
  code.indexed(Op.localTee, base);
  code.indexed(Op.globalGet, descriptor);
  code.load(I32, 0);
  code.op(Op.i32LtU);
  code.open(Op.if, NO_LABEL);
  code.op(Op.unreachable);
  code.close();
  code.indexed(Op.globalGet, descriptor);
  code.get(base);
  code.store(I32, 4);
  code.get(base);
  code.op(Op.return);
  return { type: { parameters: [I32], results: [I32] }, body: { locals: [I32], code: code.finish() } };
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
