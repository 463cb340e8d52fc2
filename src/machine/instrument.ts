/** Turns an engine's WebAssembly module into the suspendable one. See DESIGN in docs/architecture for the mechanism. */

import { present } from "../assert.ts";
import { failure } from "../errors.ts";
import { ADDRESS_SPACE_MAX_BYTES, WASM_PAGE_BYTES } from "../limits.ts";
import { callGraph, decodeFunctions } from "./call-graph.ts";
import { CodeWriter, NO_LABEL } from "./code-writer.ts";
import { type Construct, controlTree, type FunctionTree, type Node, type TreeContext } from "./control-tree.ts";
import { type AddedFunction, type Cell, cellRestorer, cellSaver, controlFunctions, popFrame, resumePoint, type Runtime, saver, STATE_REWINDING, takeCells } from "./frame.ts";
import { type Body, type Continuation, continuationCopy, fastCopy, slowCopy, type SlowTargets } from "./function-copies.ts";
import { findLiveness, type Liveness } from "./liveness.ts";
import { rematerialise } from "./rematerialise.ts";
import { Op } from "./wasm-code.ts";
import { decodeModule, encodeModule, type Export, type FunctionBody, type FunctionType, I32, type ValueType, type WasmModule } from "./wasm-module.ts";

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
export function instrument(bytes: Uint8Array, options: InstrumentOptions): { readonly engine: Uint8Array; readonly report: InstrumentReport } {
  return new Instrumentation(decodeModule(bytes), options).run();
}

class Instrumentation {
  readonly #source: WasmModule;
  readonly #options: InstrumentOptions;
  readonly #imported: number;
  readonly #types: FunctionType[];
  readonly #bodies: FunctionBody[];
  readonly #exports: Export[] = [];
  readonly #slowOf = new Map<number, number>();
  #continuations = 0;

  constructor(source: WasmModule, options: InstrumentOptions) {
    this.#source = source;
    this.#options = options;
    this.#imported = source.imports.length;
    this.#types = [...source.types];
    this.#bodies = [...source.functions];
  }

  run(): { readonly engine: Uint8Array; readonly report: InstrumentReport } {
    const source = this.#source;
    const suspendable = this.#analyse();
    const runtime = this.#addRuntime();
    // Every slow copy has its index before any is written, since they call one another.
    for (const { position } of suspendable) this.#slowOf.set(this.#imported + position, this.#reserve());
    for (const function_ of suspendable) this.#writeCopies(function_, runtime);
    this.#addExports(runtime);
    const engine = encodeModule(this.#assemble());
    const calls = suspendable.reduce((sum, { tree }) => sum + tree.calls.length, 0);
    return { engine, report: { functions: source.functions.length, suspending: suspendable.length, calls, continuations: this.#continuations } };
  }

  #analyse(): Suspendable[] {
    const source = this.#source;
    const code = decodeFunctions(source);
    const graph = callGraph(source, code, this.#options.suspending);
    const context: TreeContext = {
      types: source.types,
      graph,
      typeOfFunction: (index) => this.#typeOf(index),
      typeOfGlobal: (index) => present(source.globals[index], "global").type,
    };
    const found: Suspendable[] = [];
    source.functions.forEach((body, position) => {
      if (!graph.suspending.has(this.#imported + position)) return;
      const type = present(source.types[body.type], "type");
      const instructions = rematerialise(present(code[position], "code"), type.parameters.length);
      const tree = controlTree(context, type, body.locals, instructions);
      found.push({ position, tree, liveness: findLiveness(tree, this.#imported) });
    });
    return found;
  }

  #writeCopies({ position, tree, liveness }: Suspendable, runtime: Runtime): void {
    const slow = present(this.#slowOf.get(this.#imported + position), "slow copy");
    const paths = loopPaths(tree);
    const continuations = new Map<number, Continuation>();
    for (const path of paths) {
      const { label } = present(path.at(-1), "loop");
      continuations.set(label, { index: this.#reserve(), locals: liveness.atLoopHead(label) });
    }
    for (const path of paths) {
      const { index } = present(continuations.get(present(path.at(-1), "loop").label), "continuation");
      this.#set(index, continuationCopy(tree, runtime, path, continuations));
    }
    this.#continuations += paths.length;
    this.#set(this.#imported + position, fastCopy(tree, runtime));
    this.#set(slow, slowCopy(tree, runtime, this.#slowTargets(), continuations));
  }

  #slowTargets(): SlowTargets {
    return {
      slowOf: (index) => (index < this.#imported ? index : present(this.#slowOf.get(index), "slow copy")),
      imported: this.#imported,
      tableOffset: this.#source.tableSize,
      typeOfSlow: ({ results }) => this.#typeIndex({ parameters: [], results }),
    };
  }

  #addRuntime(): Runtime {
    const globals = { state: this.#source.globals.length, descriptor: this.#source.globals.length + 1 };
    for (const [name, function_] of controlFunctions(globals)) this.#exports.push({ name, kind: "function", index: this.#addFunction(function_) });
    const shared = new Map<string, number>();
    /** One function for all that need the same. */
    const once = (key: string, make: () => AddedFunction): number => {
      const index = shared.get(key) ?? this.#addFunction(make());
      shared.set(key, index);
      return index;
    };
    const saverOf = (types: readonly ValueType[]) => once(types.join(), () => saver(globals.descriptor, types));
    const pop = this.#addFunction(popFrame(globals.descriptor));
    return {
      ...globals,
      popFrame: pop,
      takeCells: this.#addFunction(takeCells(globals.descriptor)),
      resumePoint: this.#addFunction(resumePoint(globals.descriptor)),
      saverOf,
      cellRestorerOf: (cells) => once(`restore ${cellsKey(cells)}`, () => cellRestorer({ popFrame: pop }, cells)),
      cellSaverOf: (cells) => once(`save ${cellsKey(cells)}`, () => cellSaver(saverOf(cells.map(({ type }) => type)), cells)),
    };
  }

  /** An export that may suspend is what a stopped thread is entered by again, so it chooses between the copies. */
  #addExports(runtime: Runtime): void {
    for (const name of this.#options.exports) {
      const found = this.#source.exports.find((item) => item.name === name);
      if (found === undefined) throw failure("EENGINE", `the engine's module does not export ${name}`);
      const slow = found.kind === "function" ? this.#slowOf.get(found.index) : undefined;
      this.#exports.push(slow === undefined ? found : { ...found, index: this.#add(entry(this.#typeOf(found.index), runtime, found.index, slow)) });
    }
  }

  #assemble(): WasmModule {
    const source = this.#source;
    const slowElements = source.elements.map((segment) => ({
      offset: segment.offset + source.tableSize,
      functions: segment.functions.map((index) => this.#slowOf.get(index) ?? index),
    }));
    const maximumPages = ADDRESS_SPACE_MAX_BYTES / WASM_PAGE_BYTES;
    return {
      types: this.#types,
      imports: source.imports,
      functions: this.#bodies,
      tableSize: source.tableSize * 2,
      memory: { minimumPages: source.memory.minimumPages, imported: { module: "env", name: "memory", maximumPages } },
      globals: [...source.globals, { type: I32, mutable: true, value: 0 }, { type: I32, mutable: true, value: 0 }],
      exports: this.#exports,
      elements: [...source.elements, ...slowElements],
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
    const type = index < this.#imported ? this.#source.imports[index]?.type : this.#source.functions[index - this.#imported]?.type;
    return present(this.#source.types[present(type, "function")], "type");
  }

  #typeIndex(type: FunctionType): number {
    const key = typeKey(type);
    const found = this.#types.findIndex((other) => typeKey(other) === key);
    return found >= 0 ? found : this.#types.push(type) - 1;
  }
}

function cellsKey(cells: readonly Cell[]): string {
  return cells.map(({ offset, type }) => `${offset}:${type}`).join();
}

function typeKey(type: FunctionType): string {
  return `${type.parameters.join(",")}>${type.results.join(",")}`;
}

/** An exported function: into the slow copy while rewinding, into the fast one otherwise. */
function entry(type: FunctionType, runtime: Runtime, fast: number, slow: number): Body {
  const code = new CodeWriter();
  code.indexed(Op.globalGet, runtime.state);
  code.constant(STATE_REWINDING);
  code.op(Op.i32Eq);
  code.open(Op.if, NO_LABEL);
  code.indexed(Op.returnCall, slow);
  code.close();
  type.parameters.forEach((_, local) => code.get(local));
  code.indexed(Op.returnCall, fast);
  return { type, locals: [], code: code.finish() };
}

/** Every loop of a function up to this many instructions gets a continuation. */
const SMALL_FUNCTION = 1500;

/**
 * The loops that get a continuation: all of a small function, and of a large one those that are at least half of it (an
 * interpreter's dispatch loop, to whose head its other loops come soon). Each is given as the constructs that lead to it;
 * loops around a loop come before it, and have a continuation if it has one.
 */
function loopPaths(tree: FunctionTree): Construct[][] {
  const paths: Construct[][] = [];
  const size = sizeOf(tree.body);
  const enough = size <= SMALL_FUNCTION ? 0 : size / 2;
  const visit = (nodes: readonly Node[], outer: readonly Construct[]): void => {
    for (const node of nodes) {
      if (node.kind !== "construct" || !node.resumable) continue;
      const path = [...outer, node];
      if (node.op === Op.loop && sizeOf(node.body) >= enough) paths.push(path);
      visit(node.body, path);
      visit(node.otherwise, path);
    }
  };
  visit(tree.body, []);
  return paths;
}

/** Instructions in a stretch of code. */
function sizeOf(nodes: readonly Node[]): number {
  let size = 0;
  for (const node of nodes) {
    if (node.kind === "straight") size += node.code.length;
    else if (node.kind === "call") size++;
    else size += sizeOf(node.body) + sizeOf(node.otherwise);
  }
  return size;
}
