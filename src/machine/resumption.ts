/**
 * How a function goes on from the middle.
 *
 * - A *resumption* is what a stopped thread is rebuilt with: there is one for each call that may suspend. It restores
 *   the locals from the record, makes the call again, and is the rest of the function from there.
 * - A *continuation* is the function from the head of a loop on, with the locals as parameters. Resumptions leave into
 *   it when they come to that head, so that a loop that was stopped once runs as fast as ever.
 *
 * Both are fast code; what cannot be reached from where they start is left out, so a resumption is small.
 */

import { assert, present } from "../assert.ts";
import { CodeWriter, NO_LABEL } from "./code-writer.ts";
import type { Construct, FunctionTree, Node, SuspendingCall } from "./function-tree.ts";
import { type Body, FastWriter, writeCall } from "./fast-copy.ts";
import { type Runtime, writeRestore, writeUnwindEdge } from "./frame.ts";
import { Reach } from "./reach.ts";
import { Op } from "./wasm-code.ts";
import type { FunctionType, ValueType } from "./wasm-module.ts";

/** A place in a function to go on from: a call or a loop, and the constructs around it, outermost first. */
export interface Place<T extends Node> {
  readonly node: T;
  readonly path: readonly Construct[];
}

/** A continuation: the function index it gets, and the locals that it takes as parameters. */
export interface Continuation {
  readonly index: number;
  readonly locals: readonly number[];
}

/** The continuations of one function: from the heads of its loops, and from behind some of its calls. */
export type Continuations = ReadonlyMap<Construct | SuspendingCall, Continuation>;

/**
 * Behind every so many calls of a function is a continuation that all its resumptions share: without them, a function
 * of many calls would have as many resumptions of half its size each.
 */
const CALLS_PER_CONTINUATION = 8;

/** How a resumption makes its call again. */
export interface CallTargets {
  /** Index of the function that goes on in a function's last record: no parameters, the same results. */
  resumeOf(functionIndex: number): number;
  readonly imported: number;
  /** These functions are in the table this far behind their originals. */
  readonly tableOffset: number;
  typeOfResume(type: FunctionType): number;
}

/** The places that get a resumption, and those that get a continuation, in the order of the code. */
export function placesOf(tree: FunctionTree): {
  readonly calls: Place<SuspendingCall>[];
  readonly continued: Place<Construct | SuspendingCall>[];
} {
  const calls: Place<SuspendingCall>[] = [];
  const continued: Place<Construct | SuspendingCall>[] = [];
  const visit = (nodes: readonly Node[], path: readonly Construct[]): void => {
    for (const node of nodes) {
      if (node.kind === "call") {
        calls.push({ node, path });
        if (node.number % CALLS_PER_CONTINUATION === 0) continued.push({ node, path });
      }
      if (node.kind !== "construct" || !node.resumable) continue;
      if (node.op === Op.loop) continued.push({ node, path });
      visit(node.body, [...path, node]);
      visit(node.otherwise, [...path, node]);
    }
  };
  visit(tree.body, []);
  return { calls, continued };
}

export function continuationCopy(
  tree: FunctionTree,
  runtime: Runtime,
  place: Place<Construct | SuspendingCall>,
  continuations: Continuations,
): Body {
  const own = present(continuations.get(place.node), "continuation");
  const rest = tree.locals.map((_, local) => local).filter((local) => !own.locals.includes(local));
  const order = [...own.locals, ...rest];
  const numbers: number[] = [];
  order.forEach((local, position) => (numbers[local] = position));
  const typeOf = (local: number): ValueType => present(tree.locals[local], "local");
  const writer = new RestWriter(tree, runtime, new CodeWriter(numbers), continuations);
  return {
    type: { parameters: own.locals.map(typeOf), results: tree.type.results },
    locals: rest.map(typeOf),
    code: writer.from(place, () => place.node.kind === "call" || writer.loop(place.node)),
  };
}

export function resumption(
  tree: FunctionTree,
  runtime: Runtime,
  place: Place<SuspendingCall>,
  continuations: Continuations,
  targets: CallTargets,
): Body {
  const call = place.node;
  const code = new CodeWriter();
  const writer = new RestWriter(tree, runtime, code, continuations);
  const start = (): boolean => {
    writeRestore(code, runtime, call, tree.locals);
    callAgain(code, call, targets);
    writeUnwindEdge(code, runtime, call, tree.type, tree.locals);
    return writer.behind(call);
  };
  return { type: { parameters: [], results: tree.type.results }, locals: tree.locals, code: writer.from(place, start) };
}

/** The call that was suspended: an import is called with its operands again, a function goes on from its own record. */
function callAgain(code: CodeWriter, call: SuspendingCall, targets: CallTargets): void {
  const { op, index } = call.instruction;
  if (op === Op.callIndirect) {
    code.get(call.target);
    code.constant(targets.tableOffset);
    code.op(Op.i32Add);
    code.callIndirect(targets.typeOfResume(call.callee));
  } else if (index < targets.imported) {
    for (const operand of call.operands) code.get(operand);
    code.indexed(Op.call, index);
  } else code.indexed(Op.call, targets.resumeOf(index));
  if (call.result >= 0) code.set(call.result);
}

/** The function by which one with several calls is resumed: it chooses the resumption by the record's call. */
export function resumeByRecord(type: FunctionType, runtime: Runtime, resumptions: readonly number[]): Body {
  const code = new CodeWriter();
  // Labels from the first call's, innermost, outwards; the record's number starts from 1.
  resumptions.forEach((_, at) => code.open(Op.block, resumptions.length - at));
  code.indexed(Op.call, runtime.resumePoint);
  code.constant(1);
  code.op(Op.i32Sub);
  code.copy({ op: Op.brTable, index: 0, labels: [...resumptions.map((_, at) => at + 1), resumptions.length] });
  for (const index of resumptions) {
    code.close();
    code.indexed(Op.returnCall, index);
  }
  return { type: { parameters: [], results: type.results }, locals: [], code: code.finish() };
}

/** Writes a function from one of its places on. */
class RestWriter {
  readonly #tree: FunctionTree;
  readonly #runtime: Runtime;
  readonly #code: CodeWriter;
  readonly #continuations: Continuations;
  readonly #fast: FastWriter;
  readonly #reach = new Reach();
  /** In the loop that a continuation is for: loops inside it that are larger than this have their own. Otherwise all have. */
  #inlineMax = -1;

  constructor(tree: FunctionTree, runtime: Runtime, code: CodeWriter, continuations: Continuations) {
    this.#tree = tree;
    this.#runtime = runtime;
    this.#code = code;
    this.#continuations = continuations;
    this.#fast = new FastWriter(tree, runtime, code);
  }

  /** `start` writes the place itself and says whether control goes on behind it. */
  from(place: Place<Node>, start: () => boolean): Uint8Array {
    const enter = (nodes: readonly Node[], level: number): boolean => {
      const construct = place.path[level];
      const at = nodes.indexOf(construct ?? place.node);
      assert(at >= 0, "a place's path leads to it");
      const reached = construct === undefined ? start() : around(construct, level);
      return this.#sequence(nodes, at + 1, reached);
    };
    // What comes before the path is behind us; an `if` whose arm we are in has been decided.
    const around = (construct: Construct, level: number): boolean => {
      const next = place.path[level + 1] ?? place.node;
      const arm = construct.body.includes(next) ? construct.body : construct.otherwise;
      if (construct.op === Op.loop) this.#code.open(Op.block, NO_LABEL);
      this.#code.open(Op.block, construct.label);
      const fellOut = enter(arm, level + 1);
      if (construct.op !== Op.loop) {
        this.#code.close();
        return this.#reach.behind(construct.label, fellOut);
      }
      // A branch to the head of a loop that we are in the middle of goes on in its continuation.
      if (fellOut) this.#code.branch(Op.br, NO_LABEL);
      this.#code.close();
      this.#continue(construct);
      this.#code.close();
      return fellOut;
    };
    enter(this.#tree.body, 0);
    return this.#code.finish();
  }

  /** The loop that a continuation is for; whether control comes out of it. */
  loop(node: Construct): boolean {
    this.#inlineMax = sizeOf(node.body) / 2;
    this.#code.open(node.op, node.label);
    const fellOut = this.#sequence(node.body, 0, true);
    this.#code.close();
    this.#inlineMax = -1;
    return fellOut;
  }

  /** Code as it was; whether control comes out of it. */
  #whole(node: Node): boolean {
    this.#fast.sequence([node]);
    return this.#reach.through([node]);
  }

  /** Code from `first` on, if it is reached; whether its end is. */
  #sequence(nodes: readonly Node[], first: number, before: boolean): boolean {
    let reached = before;
    for (let at = first; at < nodes.length && reached; at++) reached = this.#node(present(nodes[at], "node"));
    // Operands may be left on the stack where nothing goes on.
    if (!reached) this.#code.op(Op.unreachable);
    return reached;
  }

  #node(node: Node): boolean {
    if (node.kind === "call") {
      writeCall(this.#code, node);
      writeUnwindEdge(this.#code, this.#runtime, node, this.#tree.type, this.#tree.locals);
      return this.behind(node);
    }
    if (node.kind === "straight" || !node.resumable) return this.#whole(node);
    if (node.op === Op.loop) {
      if (sizeOf(node.body) <= this.#inlineMax) return this.#whole(node);
      this.#continue(node);
      return false;
    }
    if (node.condition >= 0) this.#code.get(node.condition);
    this.#code.open(node.op, node.label, node.blockType);
    const first = this.#sequence(node.body, 0, true);
    let second = node.op === Op.if;
    if (node.otherwise.length > 0) {
      this.#code.otherwise();
      second = this.#sequence(node.otherwise, 0, true);
    }
    this.#code.close();
    return this.#reach.behind(node.label, first || second);
  }

  /** Goes on behind a call: here, or in the continuation that is there. A loop is not left for one. */
  behind(call: SuspendingCall): boolean {
    if (this.#inlineMax >= 0 || !this.#continuations.has(call)) return true;
    this.#continue(call);
    return false;
  }

  #continue(place: Construct | SuspendingCall): void {
    const { index, locals } = present(this.#continuations.get(place), "continuation");
    for (const local of locals) this.#code.get(local);
    this.#code.indexed(Op.returnCall, index);
  }
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
