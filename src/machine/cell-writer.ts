/**
 * Writes a body whose locals live in memory cells, addressed from a base. A slow copy is as large as its function, has
 * a guard around every stretch of it, and hardly ever runs; but V8's optimising compiler takes it up all the same, and
 * with a hundred locals alive across thousands of joins it works for half a minute on the interpreter. With cells there
 * is nothing to keep in registers across a join, and it is done in a second.
 */

import { present } from "../assert.ts";
import { CodeWriter } from "./code-writer.ts";
import { Op } from "./wasm-code.ts";
import { F32, F64, I32, I64, type ValueType } from "./wasm-module.ts";

/** A value passes through one of these on its way from the operand stack to its cell. */
const PASSING: readonly ValueType[] = [I32, I64, F32, F64];

export class CellWriter extends CodeWriter {
  readonly #types: readonly ValueType[];
  readonly #offsets: readonly number[];
  /** Size of the cells. */
  readonly sizeBytes: number;
  /** Local, not a cell: address of the first cell. */
  readonly base: number;
  /** Local, not a cell, for the writer's user. */
  readonly spare: number;
  readonly #passing: number;

  /** `types` of the locals that become cells; further locals are numbered behind them. */
  constructor(types: readonly ValueType[]) {
    super();
    this.#types = types;
    let sizeBytes = 0;
    this.#offsets = types.map((type) => {
      const offset = sizeBytes;
      sizeBytes += type === I64 || type === F64 ? 8 : 4;
      return offset;
    });
    this.sizeBytes = sizeBytes;
    this.base = types.length;
    this.spare = types.length + 1;
    this.#passing = types.length + 2;
  }

  /** Types of the locals that the body declares. */
  get locals(): ValueType[] {
    return [I32, I32, ...PASSING];
  }

  offsetOf(local: number): number {
    return present(this.#offsets[local], "a cell's offset");
  }

  override indexed(op: number, index: number): void {
    const local = op === Op.localGet || op === Op.localSet || op === Op.localTee;
    if (!local) return super.indexed(op, index);
    if (index >= this.#types.length) return super.indexed(op, index - this.#types.length);
    const type = present(this.#types[index], "a local's type");
    const offset = this.offsetOf(index);
    const passing = this.#passing + PASSING.indexOf(type);
    if (op !== Op.localGet) {
      this.set(passing);
      this.get(this.base);
      this.get(passing);
      this.store(type, offset);
    }
    if (op === Op.localTee) return this.get(passing);
    if (op === Op.localSet) return;
    this.get(this.base);
    this.load(type, offset);
  }
}
