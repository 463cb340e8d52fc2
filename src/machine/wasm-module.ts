/** A WebAssembly module as data: what the engine's build step changes, and its binary form. */

import { failure } from "../errors.ts";
import { ByteReader, ByteWriter } from "./wasm-bytes.ts";

/** A value type by its code in the binary form: 0x7f i32, 0x7e i64, 0x7d f32, 0x7c f64. */
export type ValueType = number;
export const I32 = 0x7f;
export const I64 = 0x7e;
export const F32 = 0x7d;
export const F64 = 0x7c;

export interface FunctionType {
  readonly parameters: readonly ValueType[];
  readonly results: readonly ValueType[];
}
export interface ImportedFunction {
  readonly module: string;
  readonly name: string;
  readonly type: number;
}
/** A function's body: the types of its locals (without parameters) and its instructions in binary form. */
export interface FunctionBody {
  readonly type: number;
  readonly locals: readonly ValueType[];
  readonly code: Uint8Array;
}
export interface GlobalVariable {
  readonly type: ValueType;
  readonly mutable: boolean;
  /** The initial value of an i32; other globals do not occur in an engine. */
  readonly value: number;
}
export type ExportKind = "function" | "table" | "memory" | "global";
export interface Export {
  readonly name: string;
  readonly kind: ExportKind;
  readonly index: number;
}
/** Function indices that an active segment puts into the table from `offset` on. */
export interface ElementSegment {
  readonly offset: number;
  readonly functions: readonly number[];
}
/** Bytes that are in memory from `offset` on when the module starts. */
export interface DataSegment {
  readonly offset: number;
  readonly bytes: Uint8Array;
}
export interface MemoryType {
  readonly minimumPages: number;
  /** The module and name it is imported by, shared; absent when the module makes its own. */
  readonly imported?: { readonly module: string; readonly name: string; readonly maximumPages: number };
}

/** Function indices count imported functions first, as in the binary form. */
export interface WasmModule {
  readonly types: FunctionType[];
  readonly imports: ImportedFunction[];
  readonly functions: FunctionBody[];
  readonly tableSize: number;
  readonly memory: MemoryType;
  readonly globals: GlobalVariable[];
  readonly exports: Export[];
  readonly elements: ElementSegment[];
  readonly data: DataSegment[];
}

const EXPORT_KINDS: readonly ExportKind[] = ["function", "table", "memory", "global"];
const HEADER = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
const OP_I32_CONST = 0x41;
const OP_END = 0x0b;

/** Reads a module. Throws EENGINE for one that uses what an engine does not need (several memories, passive segments). */
export function decodeModule(bytes: Uint8Array): WasmModule {
  const sections = readSections(bytes);
  const section = (id: number): ByteReader => sections.get(id) ?? new ByteReader(Uint8Array.of(0));
  const types = section(1);
  const imports = section(2);
  const functions = section(3);
  const tables = section(4);
  const memories = section(5);
  const globals = section(6);
  const exports = section(7);
  const elements = section(9);
  const code = section(10);
  const data = section(11);
  const typeOf = functions.list(() => functions.unsigned());
  let next = 0;
  const memory = memories.list(() => readLimits(memories));
  const table = tables.list(() => {
    tables.byte();
    return readLimits(tables);
  });
  if (memory.length !== 1 || table.length !== 1)
    throw failure("EENGINE", "an engine needs one memory and one table of its own");
  return {
    types: types.list(() => readType(types)),
    imports: imports.list(() => readImport(imports)),
    functions: code.list(() => readBody(code, typeOf[next++] ?? 0)),
    tableSize: table[0] ?? 0,
    memory: { minimumPages: memory[0] ?? 0 },
    globals: globals.list(() => ({
      type: globals.byte(),
      mutable: globals.byte() === 1,
      value: readConstant(globals),
    })),
    exports: exports.list(() => ({
      name: exports.name(),
      kind: EXPORT_KINDS[exports.byte()] ?? "function",
      index: exports.unsigned(),
    })),
    elements: elements.list(() => {
      refuseUnless(elements.unsigned() === 0, "an element segment that is not active");
      return { offset: readConstant(elements), functions: elements.list(() => elements.unsigned()) };
    }),
    data: data.list(() => {
      refuseUnless(data.unsigned() === 0, "a data segment that is not active");
      return { offset: readConstant(data), bytes: data.take(data.unsigned()) };
    }),
  };
}

function refuseUnless(condition: boolean, what: string): void {
  if (!condition)
    throw failure("EENGINE", `the WebAssembly module has ${what}, which the engine's build does not handle`);
}

function readSections(bytes: Uint8Array): Map<number, ByteReader> {
  refuseUnless(
    HEADER.every((byte, index) => bytes[index] === byte),
    "no WebAssembly header",
  );
  const reader = new ByteReader(bytes, HEADER.length);
  const sections = new Map<number, ByteReader>();
  while (!reader.done) {
    const id = reader.byte();
    const length = reader.unsigned();
    sections.set(id, new ByteReader(bytes, reader.position, reader.position + length));
    reader.skip(length);
  }
  refuseUnless(!sections.has(8), "a start function");
  return sections;
}

function readType(reader: ByteReader): FunctionType {
  refuseUnless(reader.byte() === 0x60, "a type that is not a function's");
  return { parameters: reader.list(() => reader.byte()), results: reader.list(() => reader.byte()) };
}

function readImport(reader: ByteReader): ImportedFunction {
  const [module, name] = [reader.name(), reader.name()];
  refuseUnless(reader.byte() === 0, "an import that is not a function");
  return { module, name, type: reader.unsigned() };
}

function readLimits(reader: ByteReader): number {
  const flags = reader.byte();
  const minimum = reader.unsigned();
  if ((flags & 1) !== 0) reader.unsigned();
  return minimum;
}

function readConstant(reader: ByteReader): number {
  refuseUnless(reader.byte() === OP_I32_CONST, "a constant that is not an i32");
  const value = reader.signed();
  refuseUnless(reader.byte() === OP_END, "a constant that is computed");
  return value;
}

function readBody(reader: ByteReader, type: number): FunctionBody {
  const length = reader.unsigned();
  const end = reader.position + length;
  const locals: ValueType[] = [];
  for (let groups = reader.unsigned(); groups > 0; groups--) {
    const count = reader.unsigned();
    const valueType = reader.byte();
    for (let i = 0; i < count; i++) locals.push(valueType);
  }
  return { type, locals, code: reader.take(end - reader.position) };
}

/** The binary form of a module. The same module always gives the same bytes. */
export function encodeModule(module: WasmModule): Uint8Array {
  const writer = new ByteWriter();
  writer.raw(HEADER);
  const section = (id: number, write: (inner: ByteWriter) => void): void => {
    writer.byte(id);
    writer.sized(write);
  };
  section(1, (s) => s.list(module.types, (type) => writeType(s, type)));
  section(2, (s) => writeImports(s, module));
  section(3, (s) => s.list(module.functions, (body) => s.unsigned(body.type)));
  section(4, (s) => writeTable(s, module.tableSize));
  if (module.memory.imported === undefined) section(5, (s) => writeMemory(s, module.memory.minimumPages));
  section(6, (s) => s.list(module.globals, (global) => writeGlobal(s, global)));
  section(7, (s) => s.list(module.exports, (item) => writeExport(s, item)));
  section(9, (s) => s.list(module.elements, (segment) => writeElements(s, segment)));
  section(10, (s) => s.list(module.functions, (body) => s.sized((inner) => writeBody(inner, body))));
  if (module.data.length > 0) section(11, (s) => s.list(module.data, (segment) => writeData(s, segment)));
  return writer.finish().slice();
}

function writeType(writer: ByteWriter, type: FunctionType): void {
  writer.byte(0x60);
  writer.list(type.parameters, (parameter) => writer.byte(parameter));
  writer.list(type.results, (result) => writer.byte(result));
}

function writeImports(writer: ByteWriter, module: WasmModule): void {
  const memory = module.memory.imported;
  writer.unsigned(module.imports.length + (memory === undefined ? 0 : 1));
  for (const item of module.imports) {
    writer.name(item.module);
    writer.name(item.name);
    writer.byte(0);
    writer.unsigned(item.type);
  }
  if (memory === undefined) return;
  writer.name(memory.module);
  writer.name(memory.name);
  writer.byte(2);
  writer.byte(3); // Shared, with a maximum.
  writer.unsigned(module.memory.minimumPages);
  writer.unsigned(memory.maximumPages);
}

function writeTable(writer: ByteWriter, size: number): void {
  writer.unsigned(1);
  writer.byte(0x70);
  writer.byte(1);
  writer.unsigned(size);
  writer.unsigned(size);
}

function writeMemory(writer: ByteWriter, minimumPages: number): void {
  writer.unsigned(1);
  writer.byte(0);
  writer.unsigned(minimumPages);
}

function writeConstant(writer: ByteWriter, value: number): void {
  writer.byte(OP_I32_CONST);
  writer.signed(value);
  writer.byte(OP_END);
}

function writeGlobal(writer: ByteWriter, global: GlobalVariable): void {
  writer.byte(global.type);
  writer.byte(global.mutable ? 1 : 0);
  writeConstant(writer, global.value);
}

function writeExport(writer: ByteWriter, item: Export): void {
  writer.name(item.name);
  writer.byte(EXPORT_KINDS.indexOf(item.kind));
  writer.unsigned(item.index);
}

function writeElements(writer: ByteWriter, segment: ElementSegment): void {
  writer.unsigned(0);
  writeConstant(writer, segment.offset);
  writer.list(segment.functions, (index) => writer.unsigned(index));
}

function writeData(writer: ByteWriter, segment: DataSegment): void {
  writer.unsigned(0);
  writeConstant(writer, segment.offset);
  writer.unsigned(segment.bytes.length);
  writer.raw(segment.bytes);
}

function writeBody(writer: ByteWriter, body: FunctionBody): void {
  const groups: { type: ValueType; count: number }[] = [];
  for (const type of body.locals) {
    const last = groups.at(-1);
    if (last?.type === type) last.count++;
    else groups.push({ type, count: 1 });
  }
  writer.list(groups, (group) => {
    writer.unsigned(group.count);
    writer.byte(group.type);
  });
  writer.raw(body.code);
}
