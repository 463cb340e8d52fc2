/**
 * The copies of a function that may suspend.
 *
 * - The *fast copy* is the function as it was, with one check after each call that may suspend: "did it come back
 *   because of a stop?". It takes the function's place and is all that runs until a stop.
 * - The *slow copy* is entered only when a stopped thread is rebuilt. It finds its way to the call it was suspended in
 *   (no code runs on the way), restores the locals, makes the call again and goes on from there.
 * - A *continuation* is the fast copy from the head of one loop on. The slow copy leaves into it when it comes to that
 *   head, so that a loop that was stopped once does not run in the slow copy for the rest of its days.
 *
 * All three write the same records for the same calls, so it does not matter which of them a stop finds on the stack.
 */

import { assert, present } from "../assert.ts";
import { CellWriter } from "./cell-writer.ts";
import { CodeWriter, NO_LABEL } from "./code-writer.ts";
import type { Construct, FunctionTree, Node, SuspendingCall } from "./control-tree.ts";
import { type Runtime, writeCellRestore, writeCellUnwindEdge, writeUnwindEdge } from "./frame.ts";
import { Reach } from "./reach.ts";
import { Op } from "./wasm-code.ts";
import type { FunctionType, ValueType } from "./wasm-module.ts";

export interface Body {
  readonly type: FunctionType;
  readonly locals: ValueType[];
  readonly code: Uint8Array;
}

/** The fast copy; with the same parameters as the function. */
export function fastCopy(tree: FunctionTree, runtime: Runtime): Body {
  const writer = new FastWriter(tree, runtime, new CodeWriter());
  writer.sequence(tree.body);
  return { type: tree.type, locals: tree.locals.slice(tree.type.parameters.length), code: writer.code.finish() };
}

class FastWriter {
  readonly tree: FunctionTree;
  readonly runtime: Runtime;
  readonly code: CodeWriter;

  constructor(tree: FunctionTree, runtime: Runtime, code: CodeWriter) {
    this.tree = tree;
    this.runtime = runtime;
    this.code = code;
  }

  sequence(nodes: readonly Node[]): void {
    for (const node of nodes) {
      if (node.kind === "straight") for (const instruction of node.code) this.code.copy(instruction);
      else if (node.kind === "call") this.#call(node);
      else this.#construct(node);
    }
  }

  #construct(node: Construct): void {
    if (node.condition >= 0) this.code.get(node.condition);
    this.code.open(node.op, node.label, node.blockType);
    this.sequence(node.body);
    if (node.otherwise.length > 0) {
      this.code.otherwise();
      this.sequence(node.otherwise);
    }
    this.code.close();
  }

  #call(call: SuspendingCall): void {
    writeCall(this.code, call);
    writeUnwindEdge(this.code, this.runtime, call, this.tree.type, this.tree.locals);
  }
}

function writeCall(code: CodeWriter, call: SuspendingCall): void {
  for (const operand of call.operands) code.get(operand);
  if (call.target >= 0) code.get(call.target);
  code.copy(call.instruction);
  if (call.result >= 0) code.set(call.result);
}

/** A continuation: the function index it gets, and the locals that it takes as parameters. */
export interface Continuation {
  readonly index: number;
  readonly locals: readonly number[];
}

/** The body of the continuation of the loop that `path` leads to (the constructs around it, outermost first, itself last). */
export function continuationCopy(
  tree: FunctionTree, runtime: Runtime, path: readonly Construct[], continuations: ReadonlyMap<number, Continuation>,
): Body {
  const own = present(continuations.get(present(path.at(-1), "a loop").label), "continuation");
  const rest = tree.locals.map((_, local) => local).filter((local) => !own.locals.includes(local));
  const order = [...own.locals, ...rest];
  const numbers: number[] = [];
  order.forEach((local, position) => (numbers[local] = position));
  const typeOf = (local: number): ValueType => present(tree.locals[local], "local");
  const code = new CodeWriter(numbers);
  const writer = new FastWriter(tree, runtime, code);
  const enter = (nodes: readonly Node[], level: number): void => {
    const next = present(path[level], "construct");
    const at = nodes.indexOf(next);
    assert(at >= 0, "a loop's path leads through its parents");
    if (level === path.length - 1) writer.sequence([next]);
    else if (next.op === Op.loop) rejoin(next, level);
    else {
      // What comes before the path is behind us; an `if` whose arm we are in has been decided.
      code.open(Op.block, next.label);
      enter(next.body.includes(present(path[level + 1], "construct")) ? next.body : next.otherwise, level + 1);
      code.close();
    }
    writer.sequence(nodes.slice(at + 1));
  };
  /** A loop around ours that we are in the middle of: a branch to its head leaves into its own continuation. */
  const rejoin = (loop: Construct, level: number): void => {
    code.open(Op.block, NO_LABEL);
    code.open(Op.block, loop.label);
    enter(loop.body, level + 1);
    code.branch(Op.br, NO_LABEL);
    code.close();
    writeContinue(code, present(continuations.get(loop.label), "a continuation of the loop around"));
    code.close();
  };
  enter(tree.body, 0);
  return {
    type: { parameters: own.locals.map(typeOf), results: tree.type.results },
    locals: order.slice(own.locals.length).map(typeOf),
    code: code.finish(),
  };
}

function writeContinue(code: CodeWriter, continuation: Continuation): void {
  for (const local of continuation.locals) code.get(local);
  code.indexed(Op.returnCall, continuation.index);
}

/** How the slow copy calls on while it rewinds. */
export interface SlowTargets {
  /** Index of the slow copy of a function, or of the import itself. */
  slowOf(functionIndex: number): number;
  readonly imported: number;
  /** Slow copies are in the table this far behind their functions. */
  readonly tableOffset: number;
  /** Index of the type of a slow copy: no parameters, the same results. */
  typeOfSlow(type: FunctionType): number;
}

/** The slow copy: it takes no parameters, since all it needs is in its record. Its locals are cells in the unwind buffer. */
export function slowCopy(tree: FunctionTree, runtime: Runtime, targets: SlowTargets, continuations: ReadonlyMap<number, Continuation>): Body {
  const writer = new SlowWriter(tree, runtime, targets, continuations);
  writer.enter();
  writer.sequence(tree.body, false);
  return { type: { parameters: [], results: tree.type.results }, locals: writer.code.locals, code: writer.code.finish() };
}

class SlowWriter {
  readonly code: CellWriter;
  readonly #tree: FunctionTree;
  readonly #runtime: Runtime;
  readonly #targets: SlowTargets;
  readonly #continuations: ReadonlyMap<number, Continuation>;
  readonly #reach = new Reach();
  /** Local: the number of the call to find, or 0 once it was found. */
  readonly #sought: number;

  constructor(tree: FunctionTree, runtime: Runtime, targets: SlowTargets, continuations: ReadonlyMap<number, Continuation>) {
    this.#tree = tree;
    this.#runtime = runtime;
    this.#targets = targets;
    this.#continuations = continuations;
    this.code = new CellWriter(tree.locals);
    this.#sought = this.code.spare;
  }

  enter(): void {
    this.code.constant(this.code.sizeBytes);
    this.code.indexed(Op.call, this.#runtime.takeCells);
    this.code.set(this.code.base);
    this.code.indexed(Op.call, this.#runtime.resumePoint);
    this.code.set(this.#sought);
  }

  /**
   * Code that is not on the way to the call is skipped while it is sought: whole stretches of it at once. `live` says
   * whether the call can have been found before; the result, whether it can have been at the end.
   */
  sequence(nodes: readonly Node[], before: boolean): boolean {
    const writer = new FastWriter(this.#tree, this.#runtime, this.code);
    let live = before;
    for (let at = 0; at < nodes.length; ) {
      const node = present(nodes[at], "node");
      if (node.kind === "call") {
        this.#call(node, live);
        live = true;
        at++;
      } else if (node.kind === "construct" && node.resumable) {
        live = this.#construct(node, live);
        at++;
      } else {
        let end = at + 1;
        while (end < nodes.length && isPlain(present(nodes[end], "node"))) end++;
        const stretch = nodes.slice(at, end);
        at = end;
        if (!live) continue;
        this.#whenFound();
        this.code.open(Op.if, NO_LABEL);
        writer.sequence(stretch);
        this.code.close();
        live = this.#reach.through(stretch);
      }
    }
    return live;
  }

  #whenFound(): void {
    this.code.get(this.#sought);
    this.code.op(Op.i32Eqz);
  }

  /** Whether the sought call is one of [first, end). */
  #whenAmong(first: number, end: number): void {
    this.code.get(this.#sought);
    this.code.constant(first);
    this.code.op(Op.i32Sub);
    this.code.constant(end - first);
    this.code.op(Op.i32LtU);
  }

  #construct(node: Construct, before: boolean): boolean {
    const { code } = this;
    this.#whenAmong(node.firstCall, node.endCall);
    if (before) {
      this.#whenFound();
      code.op(Op.i32Or);
    }
    code.open(Op.if, NO_LABEL);
    if (node.op === Op.if) this.#condition(node, before);
    code.open(node.op, node.label, node.blockType);
    const continuation = this.#continuations.get(node.label);
    if (continuation !== undefined) {
      this.#whenFound();
      code.open(Op.if, NO_LABEL);
      writeContinue(code, continuation);
      code.close();
    }
    // Found control is at the head of a loop as soon as a branch inside can lead there; with a continuation it is gone.
    const entered = node.op === Op.loop ? continuation === undefined : before;
    let fellOut = this.sequence(node.body, entered);
    if (node.otherwise.length > 0) {
      code.otherwise();
      const other = this.sequence(node.otherwise, before);
      fellOut ||= other;
    } else if (node.op === Op.if) fellOut ||= before;
    code.close();
    code.close();
    return node.op === Op.loop ? fellOut : this.#reach.behind(node.label, fellOut);
  }

  /** Which arm: the one with the sought call, or by the condition once it was found. */
  #condition(node: Construct, live: boolean): void {
    const { code } = this;
    if (live) code.get(node.condition);
    this.#whenAmong(node.firstCall, firstCallOf(node.otherwise, node.endCall));
    if (!live) return;
    this.#whenFound();
    code.op(Op.select);
  }

  #call(call: SuspendingCall, live: boolean): void {
    const { code } = this;
    code.open(Op.block, NO_LABEL);
    if (live) {
      this.#whenFound();
      code.open(Op.if, NO_LABEL);
      writeCall(code, call);
      code.otherwise();
    } else code.open(Op.block, NO_LABEL);
    code.get(this.#sought);
    code.constant(call.number);
    code.op(Op.i32Ne);
    code.branchOut(1);
    writeCellRestore(code, this.#runtime, call, this.#tree.locals);
    code.constant(0);
    code.set(this.#sought);
    this.#callAgain(call);
    code.close();
    writeCellUnwindEdge(code, this.#runtime, call, this.#tree.type, this.#tree.locals);
    code.close();
  }

  /** The call that was suspended: an import is called with its operands again, a function continues in its slow copy. */
  #callAgain(call: SuspendingCall): void {
    const { code } = this;
    const { op, index } = call.instruction;
    if (op === Op.callIndirect) {
      code.get(call.target);
      code.constant(this.#targets.tableOffset);
      code.op(Op.i32Add);
      code.callIndirect(this.#targets.typeOfSlow(call.callee));
    } else {
      if (index < this.#targets.imported) for (const operand of call.operands) code.get(operand);
      code.indexed(Op.call, this.#targets.slowOf(index));
    }
    if (call.result >= 0) code.set(call.result);
  }
}

function isPlain(node: Node): boolean {
  return node.kind === "straight" || (node.kind === "construct" && !node.resumable);
}

/** The number of the first call in the second arm of an `if`; `end` when it has none. */
function firstCallOf(nodes: readonly Node[], end: number): number {
  for (const node of nodes) {
    if (node.kind === "call") return node.number;
    if (node.kind === "construct" && node.resumable) return node.firstCall;
  }
  return end;
}
