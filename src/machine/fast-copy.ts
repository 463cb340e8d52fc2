/**
 * The *fast copy* of a function that may suspend: the function as it was, with one check after each call that may
 * suspend: "did it come back because of a stop?". It takes the function's place and is all that runs until a stop.
 */

import { CodeWriter } from "./code-writer.ts";
import type { Construct, FunctionTree, Node, SuspendingCall } from "./function-tree.ts";
import { type Runtime, writeUnwindEdge } from "./frame.ts";
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

/** Writes code as it was, with the checks. */
export class FastWriter {
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

export function writeCall(code: CodeWriter, call: SuspendingCall): void {
  for (const operand of call.operands) code.get(operand);
  if (call.target >= 0) code.get(call.target);
  code.copy(call.instruction);
  if (call.result >= 0) code.set(call.result);
}
