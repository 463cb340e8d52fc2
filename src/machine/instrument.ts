/**
 * Turns an engine's WebAssembly module into the suspendable one. Every function from which a suspending import can be
 * reached gets a fast copy in its place, a resumption for each of its calls that may suspend, and continuations.
 *
 * To stop, the host sets the state to unwinding inside an import: each function on the stack leaves its record in the
 * unwind buffer and returns. To go on, it sets the state to rewinding and enters by the same export: the outermost
 * function is resumed by its record, calls the next one's resumption, and so on to the import, which then returns.
 */

import { present } from "../assert.ts";
import { failure } from "../errors.ts";
import { ADDRESS_SPACE_MAX_BYTES, WASM_PAGE_BYTES } from "../limits.ts";
import { callGraph, decodeFunctions } from "./call-graph.ts";
import { CodeWriter, NO_LABEL } from "./code-writer.ts";
import { controlTree, type TreeContext } from "./control-tree.ts";
import type { Construct, FunctionTree, SuspendingCall } from "./function-tree.ts";
import {
  type AddedFunction,
  controlFunctions,
  restorer,
  resumePoint,
  type Runtime,
  saver,
  STATE_REWINDING,
} from "./frame.ts";
import { type Body, fastCopy } from "./fast-copy.ts";
import {
  type CallTargets,
  type Continuation,
  continuationCopy,
  placesOf,
  resumeByRecord,
  resumption,
} from "./resumption.ts";
import { findLiveness, type Liveness } from "./liveness.ts";
import { rematerialise } from "./rematerialise.ts";
import { guardStack, STACK_LOW } from "./stack-guard.ts";
import { Op } from "./wasm-code.ts";
import {
  decodeModule,
  encodeModule,
  type Export,
  type FunctionBody,
  type FunctionType,
  I32,
  type WasmModule,
} from "./wasm-module.ts";

/** The linker's name for the global that is the C stack's pointer. */
const STACK_POINTER = "__stack_pointer";

export interface InstrumentOptions {
  /** Imports ("module.name") in which a thread may be stopped. */
  readonly suspending: readonly string[];
  /** Exports to keep, besides the `asyncify_*` functions that are added. */
  readonly exports: readonly string[];
}

/** What the build reports. */
export interface InstrumentReport {
  readonly functions: number;
  readonly suspending: number;
  readonly calls: number;
  readonly continuations: number;
}

interface Suspendable {
  readonly position: number;
  readonly tree: FunctionTree;
  readonly liveness: Liveness;
}

/** The suspendable module: memory imported as `env.memory` and shared, no data segments. */
export function instrument(
  bytes: Uint8Array,
  options: InstrumentOptions,
): { readonly engine: Uint8Array; readonly report: InstrumentReport } {
  return new Instrumentation(decodeModule(bytes), options).run();
}

class Instrumentation {
  readonly #source: WasmModule;
  readonly #options: InstrumentOptions;
  readonly #imported: number;
  readonly #types: FunctionType[];
  readonly #typeIndices = new Map<string, number>();
  readonly #bodies: FunctionBody[];
  readonly #exports: Export[] = [];
  readonly #resumeOf = new Map<number, number>();
  /** Indices of the globals that are added, in this order. */
  readonly #globals: { readonly state: number; readonly descriptor: number; readonly stackLow: number };
  #continuations = 0;

  constructor(source: WasmModule, options: InstrumentOptions) {
    this.#source = source;
    this.#options = options;
    this.#imported = source.imports.length;
    this.#types = [...source.types];
    source.types.forEach((type, index) => this.#typeIndices.set(typeKey(type), index));
    this.#bodies = [...source.functions];
    const first = source.globals.length;
    this.#globals = { state: first, descriptor: first + 1, stackLow: first + 2 };
  }

  run(): { readonly engine: Uint8Array; readonly report: InstrumentReport } {
    const source = this.#source;
    const suspendable = this.#analyse();
    const runtime = this.#addRuntime();
    // Every function has the index it is resumed by before any is written, since they call one another.
    for (const { position } of suspendable) this.#resumeOf.set(this.#imported + position, this.#reserve());
    for (const function_ of suspendable) this.#writeCopies(function_, runtime);
    this.#addExports(runtime);
    const engine = encodeModule(this.#assemble());
    const calls = suspendable.reduce((sum, { tree }) => sum + tree.calls.length, 0);
    return {
      engine,
      report: {
        functions: source.functions.length,
        suspending: suspendable.length,
        calls,
        continuations: this.#continuations,
      },
    };
  }

  #stackPointer(): number {
    const found = this.#source.exports.find((item) => item.kind === "global" && item.name === STACK_POINTER);
    if (found === undefined) throw failure("EENGINE", `the engine's module does not export ${STACK_POINTER}`);
    return found.index;
  }

  #analyse(): Suspendable[] {
    const source = this.#source;
    const code = decodeFunctions(source);
    const graph = callGraph(source, code, this.#options.suspending);
    const context: TreeContext = {
      types: source.types,
      graph,
      typeOfFunction: (index) => this.#typeOf(index),
      typeOfGlobal: (index) => source.globals[index]?.type ?? I32,
    };
    const found: Suspendable[] = [];
    source.functions.forEach((body, position) => {
      if (!graph.suspending.has(this.#imported + position)) return;
      const type = present(source.types[body.type], "type");
      const instructions = rematerialise(present(code[position], "code"), type.parameters.length);
      const firstFree = type.parameters.length + body.locals.length;
      const guarded = guardStack(instructions, body.locals, firstFree, this.#stackPointer(), this.#globals.stackLow);
      const tree = controlTree(context, type, guarded.locals, guarded.code);
      found.push({ position, tree, liveness: findLiveness(tree, this.#imported) });
    });
    return found;
  }

  #writeCopies({ position, tree, liveness }: Suspendable, runtime: Runtime): void {
    const { calls, continued } = placesOf(tree);
    const continuations = new Map<Construct | SuspendingCall, Continuation>();
    for (const { node } of continued)
      continuations.set(node, {
        index: this.#reserve(),
        locals: node.kind === "call" ? node.liveBehind : liveness.atLoopHead(node.label),
      });
    for (const place of continued)
      this.#set(
        present(continuations.get(place.node), "continuation").index,
        continuationCopy(tree, runtime, place, continuations),
      );
    this.#continuations += continued.length;
    const resumptions = calls.map((call) =>
      this.#add(resumption(tree, runtime, call, continuations, this.#callTargets())),
    );
    this.#set(
      present(this.#resumeOf.get(this.#imported + position), "resume"),
      resumeByRecord(tree.type, runtime, resumptions),
    );
    this.#set(this.#imported + position, fastCopy(tree, runtime));
  }

  #callTargets(): CallTargets {
    return {
      resumeOf: (index) => present(this.#resumeOf.get(index), "resume"),
      imported: this.#imported,
      tableOffset: this.#source.tableSize,
      typeOfResume: ({ results }) => this.#typeIndex({ parameters: [], results }),
    };
  }

  #addRuntime(): Runtime {
    const globals = this.#globals;
    for (const [name, function_] of controlFunctions(globals))
      this.#exports.push({ name, kind: "function", index: this.#addFunction(function_) });
    const shared = new Map<string, number>();
    /** One function for all calls whose records look the same. */
    const once = (key: string, make: () => AddedFunction): number => {
      const index = shared.get(key) ?? this.#addFunction(make());
      shared.set(key, index);
      return index;
    };
    return {
      ...globals,
      resumePoint: this.#addFunction(resumePoint(globals.descriptor)),
      saverOf: (types) => once(`save ${types.join()}`, () => saver(globals.descriptor, types)),
      restorerOf: (types) => once(`restore ${types.join()}`, () => restorer(globals.descriptor, types)),
    };
  }

  /** An export that may suspend is what a stopped thread is entered by again, so it chooses between the copies. */
  #addExports(runtime: Runtime): void {
    this.#exports.push({ name: STACK_LOW, kind: "global", index: this.#globals.stackLow });
    for (const name of this.#options.exports) {
      const found = this.#source.exports.find((item) => item.name === name);
      if (found === undefined) throw failure("EENGINE", `the engine's module does not export ${name}`);
      const resume = found.kind === "function" ? this.#resumeOf.get(found.index) : undefined;
      this.#exports.push(
        resume === undefined
          ? found
          : { ...found, index: this.#add(entry(this.#typeOf(found.index), runtime, found.index, resume)) },
      );
    }
  }

  #assemble(): WasmModule {
    const source = this.#source;
    const resumeElements = source.elements.map((segment) => ({
      offset: segment.offset + source.tableSize,
      functions: segment.functions.map((index) => this.#resumeOf.get(index) ?? index),
    }));
    const maximumPages = ADDRESS_SPACE_MAX_BYTES / WASM_PAGE_BYTES;
    return {
      types: this.#types,
      imports: source.imports,
      functions: this.#bodies,
      tableSize: source.tableSize * 2,
      memory: { minimumPages: source.memory.minimumPages, imported: { module: "env", name: "memory", maximumPages } },
      globals: [...source.globals, ...Object.keys(this.#globals).map(() => ({ type: I32, mutable: true, value: 0 }))],
      exports: this.#exports,
      elements: [...source.elements, ...resumeElements],
      data: [],
    };
  }

  /** The index of a function whose body is set later. */
  #reserve(): number {
    return this.#imported + this.#bodies.push({ type: 0, locals: [], code: new Uint8Array() }) - 1;
  }

  #set(index: number, { type, locals, code }: Body): void {
    this.#bodies[index - this.#imported] = { type: this.#typeIndex(type), locals, code };
  }

  #add(body: Body): number {
    const index = this.#reserve();
    this.#set(index, body);
    return index;
  }

  #addFunction({ type, body }: AddedFunction): number {
    return this.#add({ type, locals: [...body.locals], code: body.code });
  }

  #typeOf(index: number): FunctionType {
    const type =
      index < this.#imported ? this.#source.imports[index]?.type : this.#source.functions[index - this.#imported]?.type;
    return present(this.#source.types[present(type, "function")], "type");
  }

  #typeIndex(type: FunctionType): number {
    const key = typeKey(type);
    let index = this.#typeIndices.get(key);
    if (index === undefined) {
      index = this.#types.push(type) - 1;
      this.#typeIndices.set(key, index);
    }
    return index;
  }
}

function typeKey(type: FunctionType): string {
  return `${type.parameters.join(",")}>${type.results.join(",")}`;
}

/** An exported function: resumed by its record while rewinding, called otherwise. */
function entry(type: FunctionType, runtime: Runtime, fast: number, resume: number): Body {
  const code = new CodeWriter();
  code.indexed(Op.globalGet, runtime.state);
  code.constant(STATE_REWINDING);
  code.op(Op.i32Eq);
  code.open(Op.if, NO_LABEL);
  code.indexed(Op.returnCall, resume);
  code.close();
  type.parameters.forEach((_, local) => code.get(local));
  code.indexed(Op.returnCall, fast);
  return { type, locals: [], code: code.finish() };
}
