/** Instructions of a WebAssembly function: decoded with branch targets by label, and the effect of each on the operand stack. */

import { failure } from "../errors.ts";
import { ByteReader, type ByteWriter } from "./wasm-bytes.ts";
import { F32, F64, I32, I64, type ValueType } from "./wasm-module.ts";

export const Op = {
  unreachable: 0x00,
  nop: 0x01,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  brTable: 0x0e,
  return: 0x0f,
  call: 0x10,
  callIndirect: 0x11,
  returnCall: 0x12,
  drop: 0x1a,
  select: 0x1b,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  globalGet: 0x23,
  globalSet: 0x24,
  i32Load: 0x28,
  i64Load: 0x29,
  f32Load: 0x2a,
  f64Load: 0x2b,
  i32Store: 0x36,
  i64Store: 0x37,
  f32Store: 0x38,
  f64Store: 0x39,
  i32Const: 0x41,
  i64Const: 0x42,
  f32Const: 0x43,
  f64Const: 0x44,
  i32Eqz: 0x45,
  i32Eq: 0x46,
  i32Ne: 0x47,
  i32LtU: 0x49,
  i32GtU: 0x4b,
  i32Add: 0x6a,
  i32Sub: 0x6b,
  i32Mul: 0x6c,
  i32Or: 0x72,
  prefix: 0xfc,
  memoryFill: 0xfc0b,
} as const;

/** A block's type: no result, or one of this value type. */
export const VOID = 0x40;

/**
 * One instruction. `index` is what it names: a local, global, function, type (call_indirect) or a label (block, loop,
 * if, br, br_if; labels are numbered in the order of their blocks, 0 is the function itself).
 */
export interface Instruction {
  readonly op: number;
  readonly index: number;
  /** br_table: its labels, the default last. */
  readonly labels?: readonly number[];
  /** block, loop, if: the result's type, or VOID. */
  readonly blockType?: number;
  /** The operands of any other instruction, in binary form. */
  readonly bytes?: Uint8Array;
}

/** Decodes a body's instructions. The function's own final `end` is left out. */
export function decodeCode(code: Uint8Array): Instruction[] {
  const reader = new ByteReader(code);
  const list: Instruction[] = [];
  const labels = [0];
  let nextLabel = 1;
  const label = (depth: number): number => labels[labels.length - 1 - depth] ?? 0;
  while (!reader.done) {
    const op = reader.byte();
    switch (op) {
      case Op.block:
      case Op.loop:
      case Op.if:
        labels.push(nextLabel);
        list.push({ op, index: nextLabel++, blockType: readBlockType(reader) });
        break;
      case Op.end:
        labels.pop();
        if (labels.length > 0) list.push({ op, index: 0 });
        break;
      case Op.br:
      case Op.brIf:
        list.push({ op, index: label(reader.unsigned()) });
        break;
      case Op.brTable: {
        const targets = reader.list(() => label(reader.unsigned()));
        list.push({ op, index: 0, labels: [...targets, label(reader.unsigned())] });
        break;
      }
      case Op.call:
      case Op.localGet:
      case Op.localSet:
      case Op.localTee:
      case Op.globalGet:
      case Op.globalSet:
        list.push({ op, index: reader.unsigned() });
        break;
      case Op.callIndirect:
        list.push({ op, index: reader.unsigned() });
        if (reader.byte() !== 0) throw failure("EENGINE", "a call_indirect through a table other than the first");
        break;
      default:
        list.push(readPlain(reader, op));
    }
  }
  return list;
}

function readBlockType(reader: ByteReader): number {
  const type = reader.byte();
  if (![VOID, I32, I64, F32, F64].includes(type))
    throw failure("EENGINE", "a block with parameters or several results");
  return type;
}

function readPlain(reader: ByteReader, op: number): Instruction {
  const start = reader.position;
  let code = op;
  if (op === Op.prefix) {
    const extension = reader.unsigned();
    code = (Op.prefix << 8) | extension;
    if (extension === 10) reader.skip(2);
    else if (extension === 11) reader.skip(1);
  } else if (op >= 0x28 && op <= 0x3e) {
    reader.unsigned();
    reader.unsigned();
  } else if (op === 0x3f || op === 0x40) reader.skip(1);
  else if (op === Op.i32Const || op === Op.i64Const) while (reader.byte() >= 0x80);
  else if (op === Op.f32Const) reader.skip(4);
  else if (op === Op.f64Const) reader.skip(8);
  if (reader.position === start) return { op, index: 0 };
  return { op: code, index: 0, bytes: reader.bytes.subarray(start, reader.position) };
}

/** Writes an instruction whose labels have been turned into depths by the caller. Not for br_table. */
export function writeInstruction(writer: ByteWriter, instruction: Instruction, depth: number): void {
  const { op } = instruction;
  writer.byte(op > 0xff ? Op.prefix : op);
  switch (op) {
    case Op.block:
    case Op.loop:
    case Op.if:
      writer.byte(instruction.blockType ?? VOID);
      break;
    case Op.br:
    case Op.brIf:
      writer.unsigned(depth);
      break;
    case Op.call:
    case Op.returnCall:
    case Op.localGet:
    case Op.localSet:
    case Op.localTee:
    case Op.globalGet:
    case Op.globalSet:
      writer.unsigned(instruction.index);
      break;
    case Op.callIndirect:
      writer.unsigned(instruction.index);
      writer.byte(0);
      break;
    default:
      if (instruction.bytes !== undefined) writer.raw(instruction.bytes);
  }
}

/** What an instruction takes from and leaves on the operand stack. */
export interface StackEffect {
  readonly takes: readonly ValueType[];
  readonly leaves: readonly ValueType[];
}

const TYPES: Readonly<Record<string, ValueType>> = { i: I32, l: I64, f: F32, d: F64 };

/** Ranges of operation codes that share one effect: from, to, operands and result (i = i32, l = i64, f = f32, d = f64). */
const EFFECTS: readonly (readonly [number, number, string])[] = [
  [0x01, 0x01, ">"],
  [0x28, 0x28, "i>i"],
  [0x29, 0x29, "i>l"],
  [0x2a, 0x2a, "i>f"],
  [0x2b, 0x2b, "i>d"],
  [0x2c, 0x2f, "i>i"],
  [0x30, 0x35, "i>l"],
  [0x36, 0x36, "ii>"],
  [0x37, 0x37, "il>"],
  [0x38, 0x38, "if>"],
  [0x39, 0x39, "id>"],
  [0x3a, 0x3b, "ii>"],
  [0x3c, 0x3e, "il>"],
  [0x3f, 0x3f, ">i"],
  [0x40, 0x40, "i>i"],
  [0x41, 0x41, ">i"],
  [0x42, 0x42, ">l"],
  [0x43, 0x43, ">f"],
  [0x44, 0x44, ">d"],
  [0x45, 0x45, "i>i"],
  [0x46, 0x4f, "ii>i"],
  [0x50, 0x50, "l>i"],
  [0x51, 0x5a, "ll>i"],
  [0x5b, 0x60, "ff>i"],
  [0x61, 0x66, "dd>i"],
  [0x67, 0x69, "i>i"],
  [0x6a, 0x78, "ii>i"],
  [0x79, 0x7b, "l>l"],
  [0x7c, 0x8a, "ll>l"],
  [0x8b, 0x91, "f>f"],
  [0x92, 0x98, "ff>f"],
  [0x99, 0x9f, "d>d"],
  [0xa0, 0xa6, "dd>d"],
  [0xa7, 0xa7, "l>i"],
  [0xa8, 0xa9, "f>i"],
  [0xaa, 0xab, "d>i"],
  [0xac, 0xad, "i>l"],
  [0xae, 0xaf, "f>l"],
  [0xb0, 0xb1, "d>l"],
  [0xb2, 0xb3, "i>f"],
  [0xb4, 0xb5, "l>f"],
  [0xb6, 0xb6, "d>f"],
  [0xb7, 0xb8, "i>d"],
  [0xb9, 0xba, "l>d"],
  [0xbb, 0xbb, "f>d"],
  [0xbc, 0xbc, "f>i"],
  [0xbd, 0xbd, "d>l"],
  [0xbe, 0xbe, "i>f"],
  [0xbf, 0xbf, "l>d"],
  [0xc0, 0xc1, "i>i"],
  [0xc2, 0xc4, "l>l"],
  [0xfc00, 0xfc01, "f>i"],
  [0xfc02, 0xfc03, "d>i"],
  [0xfc04, 0xfc05, "f>l"],
  [0xfc06, 0xfc07, "d>l"],
  [0xfc0a, 0xfc0b, "iii>"],
];

const effects = new Map<number, StackEffect>();
for (const [from, to, text] of EFFECTS) {
  const [takes = "", leaves = ""] = text.split(">");
  const types = (letters: string): ValueType[] => Array.from(letters, (letter) => TYPES[letter] ?? I32);
  const effect = { takes: types(takes), leaves: types(leaves) };
  for (let op = from; op <= to; op++) effects.set(op, effect);
}

/** The effect of an instruction that always has the same one. Throws EENGINE for one that an engine never has. */
export function fixedEffect(op: number): StackEffect {
  const effect = effects.get(op);
  if (effect === undefined)
    throw failure("EENGINE", `the engine's build does not know the WebAssembly instruction 0x${op.toString(16)}`);
  return effect;
}
