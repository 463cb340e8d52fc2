/** Writes one function's body: instructions whose branches name labels, turned into depths as the constructs are written. */

import { present } from "../assert.ts";
import { ByteWriter } from "./wasm-bytes.ts";
import { type Instruction, Op, VOID, writeInstruction } from "./wasm-code.ts";
import { F32, F64, I32, I64, type ValueType } from "./wasm-module.ts";

/** A construct that no branch of the original function names. */
export const NO_LABEL = -1;

const LOAD: Readonly<Record<ValueType, number>> = {
  [I32]: Op.i32Load,
  [I64]: Op.i64Load,
  [F32]: Op.f32Load,
  [F64]: Op.f64Load,
};
const STORE: Readonly<Record<ValueType, number>> = {
  [I32]: Op.i32Store,
  [I64]: Op.i64Store,
  [F32]: Op.f32Store,
  [F64]: Op.f64Store,
};
/** Frames are only 4-aligned; the binary form wants the logarithm. */
const FRAME_ALIGNMENT = 2;

export class CodeWriter {
  readonly #out = new ByteWriter();
  /** Labels of the open constructs, the function's own (0) first. */
  readonly #labels: number[] = [0];
  readonly #locals: readonly number[] | undefined;

  /** `locals` renumbers the locals of the instructions that are copied. */
  constructor(locals?: readonly number[]) {
    this.#locals = locals;
  }

  open(op: number, label: number, blockType: number = VOID): void {
    this.#out.byte(op);
    this.#out.byte(blockType);
    this.#labels.push(label);
  }

  otherwise(): void {
    this.#out.byte(Op.else);
  }

  close(): void {
    this.#out.byte(Op.end);
    this.#labels.pop();
  }

  op(op: number): void {
    this.#out.byte(op);
  }

  constant(value: number): void {
    this.#out.byte(Op.i32Const);
    this.#out.signed(value);
  }

  zero(type: ValueType): void {
    if (type === I32) return this.constant(0);
    this.#out.byte(type === I64 ? Op.i64Const : type === F32 ? Op.f32Const : Op.f64Const);
    this.#out.raw(new Uint8Array(type === I64 ? 1 : type === F32 ? 4 : 8));
  }

  /** An instruction that names something by index; a local by its original number. */
  indexed(op: number, index: number): void {
    this.#out.byte(op);
    this.#out.unsigned(this.#isLocal(op) ? this.#local(index) : index);
  }

  get(local: number): void {
    this.indexed(Op.localGet, local);
  }

  set(local: number): void {
    this.indexed(Op.localSet, local);
  }

  branch(op: number, label: number): void {
    this.#out.byte(op);
    this.#out.unsigned(this.#depth(label));
  }

  callIndirect(type: number): void {
    this.#out.byte(Op.callIndirect);
    this.#out.unsigned(type);
    this.#out.byte(0);
  }

  load(type: ValueType, offset: number): void {
    this.#access(present(LOAD[type], "a load"), offset);
  }

  store(type: ValueType, offset: number): void {
    this.#access(present(STORE[type], "a store"), offset);
  }

  copy(instruction: Instruction): void {
    const { op, index, labels } = instruction;
    if (labels !== undefined) {
      this.#out.byte(op);
      this.#out.list(labels.slice(0, -1), (label) => this.#out.unsigned(this.#depth(label)));
      this.#out.unsigned(this.#depth(present(labels.at(-1), "a br_table's default")));
    } else if (op === Op.br || op === Op.brIf) this.branch(op, index);
    else if (this.#isLocal(op)) this.indexed(op, index);
    else writeInstruction(this.#out, instruction, 0);
  }

  /** Ends the function. Its end is never reached by falling through: every tree ends with a return. */
  finish(): Uint8Array {
    this.#out.byte(Op.unreachable);
    this.#out.byte(Op.end);
    return this.#out.finish().slice();
  }

  #access(op: number, offset: number): void {
    this.#out.byte(op);
    this.#out.unsigned(FRAME_ALIGNMENT);
    this.#out.unsigned(offset);
  }

  #isLocal(op: number): boolean {
    return op === Op.localGet || op === Op.localSet || op === Op.localTee;
  }

  #local(index: number): number {
    return this.#locals === undefined ? index : present(this.#locals[index], "a local's new number");
  }

  #depth(label: number): number {
    const at = this.#labels.lastIndexOf(label);
    return this.#labels.length - 1 - present(at < 0 ? undefined : at, `an open construct for label ${label}`);
  }
}
