/** Brings functions into resumable form (see `function-tree.ts`). */

import { assert, present } from "../assert.ts";
import type { CallGraph } from "./call-graph.ts";
import type { Construct, FunctionTree, Node, SuspendingCall } from "./function-tree.ts";
import { fixedEffect, type Instruction, Op, VOID } from "./wasm-code.ts";
import { type FunctionType, I32, type ValueType } from "./wasm-module.ts";

interface Frame {
  readonly construct: Construct | undefined;
  readonly label: number;
  readonly resumable: boolean;
  readonly results: readonly ValueType[];
  /** Operands below this position belong to the constructs around. */
  readonly height: number;
  nodes: Node[];
}

/** What is known of the module that a function is in. */
export interface TreeContext {
  readonly types: readonly FunctionType[];
  readonly graph: CallGraph;
  typeOfFunction(index: number): FunctionType;
  typeOfGlobal(index: number): ValueType;
}

/** Brings a function into resumable form. */
export function controlTree(
  context: TreeContext,
  type: FunctionType,
  locals: readonly ValueType[],
  code: readonly Instruction[],
): FunctionTree {
  return new TreeBuilder(context, type, locals, code).build();
}

class TreeBuilder {
  readonly #context: TreeContext;
  readonly #type: FunctionType;
  readonly #locals: ValueType[];
  readonly #code: readonly Instruction[];
  #at = 0;
  /** Labels of the constructs that contain a call that may suspend. */
  readonly #resumable: Set<number>;
  readonly #frames: Frame[] = [];
  readonly #calls: SuspendingCall[] = [];
  /** Types of the operands, those of all constructs around included. */
  readonly #stack: ValueType[] = [];
  readonly #spills = new Map<string, number>();

  constructor(context: TreeContext, type: FunctionType, locals: readonly ValueType[], code: readonly Instruction[]) {
    this.#context = context;
    this.#type = type;
    this.#locals = [...type.parameters, ...locals];
    this.#code = code;
    this.#resumable = resumableLabels(code, context.graph);
  }

  build(): FunctionTree {
    const body: Node[] = [];
    this.#frames.push({
      construct: undefined,
      label: 0,
      resumable: true,
      results: this.#type.results,
      height: 0,
      nodes: body,
    });
    let reachable = true;
    while (this.#at < this.#code.length) {
      reachable = this.#instruction(this.#next()) || this.#skipUnreachable();
    }
    if (reachable) this.#emit({ op: Op.return, index: 0 });
    assert(this.#frames.length === 1, "constructs are closed at a function's end");
    return { type: this.#type, locals: this.#locals, body, calls: this.#calls };
  }

  /** Takes one instruction; returns whether what follows can be reached. */
  #instruction(instruction: Instruction): boolean {
    const { op, index } = instruction;
    switch (op) {
      case Op.block:
      case Op.loop:
      case Op.if:
        this.#open(instruction);
        return true;
      case Op.else:
        this.#middle(true);
        return true;
      case Op.end:
        return this.#close(true);
      case Op.br:
        this.#passResults(index);
        this.#emit(instruction);
        return false;
      case Op.brIf:
        this.#branchIf(instruction);
        return true;
      case Op.brTable:
        this.#branchTable(instruction);
        return false;
      case Op.return:
      case Op.unreachable:
        this.#emit(instruction);
        return false;
      case Op.call:
      case Op.callIndirect:
        this.#call(instruction);
        return true;
      case Op.drop:
        this.#stack.pop();
        break;
      case Op.select:
        this.#stack.length -= 2;
        break;
      case Op.localGet:
        this.#stack.push(this.#localType(index));
        break;
      case Op.localSet:
        this.#stack.pop();
        break;
      case Op.localTee:
        break;
      case Op.globalGet:
        this.#stack.push(this.#context.typeOfGlobal(index));
        break;
      case Op.globalSet:
        this.#stack.pop();
        break;
      default: {
        const effect = fixedEffect(op);
        this.#stack.length -= effect.takes.length;
        this.#stack.push(...effect.leaves);
      }
    }
    this.#emit(instruction);
    return true;
  }

  #next(): Instruction {
    return present(this.#code[this.#at++], "instruction");
  }

  /** Goes on to where code can be reached again: after an `else` or an `end`. Returns false at the function's end. */
  #skipUnreachable(): boolean {
    let depth = 0;
    while (this.#at < this.#code.length) {
      const { op } = this.#next();
      if (op === Op.block || op === Op.loop || op === Op.if) depth++;
      else if (depth > 0) depth -= op === Op.end ? 1 : 0;
      else if (op === Op.else) {
        this.#middle(false);
        return true;
      } else if (op === Op.end) {
        if (this.#close(false)) return true;
        this.#emit({ op: Op.unreachable, index: 0 });
      }
    }
    return false;
  }

  #open(instruction: Instruction): void {
    const { op, index: label } = instruction;
    const blockType = present(instruction.blockType, "a construct's type");
    const resumable = this.#resumable.has(label);
    let condition = -1;
    if (op === Op.if) {
      this.#stack.pop();
      if (resumable) {
        condition = this.#spill(this.#stack.length, I32);
        this.#emit({ op: Op.localSet, index: condition });
      }
    }
    if (resumable) this.#spillOperands();
    const construct: Construct = {
      kind: "construct",
      op,
      label,
      resumable,
      condition,
      body: [],
      otherwise: [],
      firstCall: this.#calls.length + 1,
      endCall: 0,
      blockType: resumable ? VOID : blockType,
    };
    this.#innermost().nodes.push(construct);
    const results = blockType === VOID ? [] : [blockType];
    this.#frames.push({ construct, label, resumable, results, height: this.#stack.length, nodes: construct.body });
  }

  #middle(reachable: boolean): void {
    const frame = this.#innermost();
    if (reachable && frame.resumable) this.#setResults(frame.results);
    this.#stack.length = frame.height;
    frame.nodes = present(frame.construct, "construct").otherwise;
  }

  /** Ends the innermost construct; returns whether what follows can be reached. */
  #close(reachable: boolean): boolean {
    const frame = this.#innermost();
    const construct = present(frame.construct, "construct");
    if (reachable && frame.resumable) this.#setResults(frame.results);
    this.#frames.pop();
    construct.endCall = this.#calls.length + 1;
    this.#stack.length = frame.height;
    if (frame.resumable) this.#reloadOperands();
    for (const type of frame.results) {
      if (frame.resumable) this.#emit({ op: Op.localGet, index: this.#resultLocal(type) });
      this.#stack.push(type);
    }
    // A loop is left only by falling through; any other construct may also be branched out of.
    return reachable || construct.op !== Op.loop;
  }

  #branchIf(instruction: Instruction): void {
    this.#stack.pop();
    const results = this.#passedTo(instruction.index);
    if (results.length > 0) {
      const condition = this.#spill(this.#stack.length, I32);
      this.#emit({ op: Op.localSet, index: condition });
      for (const type of results) this.#emit({ op: Op.localTee, index: this.#resultLocal(type) });
      this.#emit({ op: Op.localGet, index: condition });
    }
    this.#emit(instruction);
  }

  #branchTable(instruction: Instruction): void {
    const labels = present(instruction.labels, "a br_table's labels");
    assert(
      labels.every((label) => this.#frameOf(label).results.length === 0 || this.#isLoop(label)),
      "a br_table passes no value",
    );
    this.#stack.pop();
    this.#emit(instruction);
  }

  #call(instruction: Instruction): void {
    const indirect = instruction.op === Op.callIndirect;
    const callee = indirect
      ? present(this.#context.types[instruction.index], "type")
      : this.#context.typeOfFunction(instruction.index);
    const suspends = this.#context.graph.suspends(instruction);
    const first = this.#stack.length - callee.parameters.length - (indirect ? 1 : 0);
    const positions = callee.parameters.map((type, offset) => this.#spillIf(suspends, first + offset, type));
    const target = indirect ? this.#spillIf(suspends, this.#stack.length - 1, I32) : -1;
    if (!suspends) {
      this.#stack.length = first;
      this.#emit(instruction);
      this.#stack.push(...callee.results);
      return;
    }
    this.#spillOperands();
    this.#stack.length = first;
    const [resultType] = callee.results;
    const result = resultType === undefined ? -1 : this.#spill(first, resultType);
    const call: SuspendingCall = {
      kind: "call",
      number: this.#calls.length + 1,
      instruction,
      callee,
      operands: positions,
      target,
      result,
      live: [],
      liveBehind: [],
    };
    this.#calls.push(call);
    this.#innermost().nodes.push(call);
    this.#reloadOperands();
    if (resultType === undefined) return;
    this.#emit({ op: Op.localGet, index: result });
    this.#stack.push(resultType);
  }

  #spillIf(suspends: boolean, position: number, type: ValueType): number {
    return suspends ? this.#spill(position, type) : -1;
  }

  /** Moves the operands of the innermost construct, which is resumable, into locals. */
  #spillOperands(): void {
    const frame = this.#innermost();
    assert(frame.resumable, "only resumable code suspends");
    for (let position = this.#stack.length - 1; position >= frame.height; position--) {
      this.#emit({ op: Op.localSet, index: this.#spill(position, present(this.#stack[position], "operand")) });
    }
  }

  #reloadOperands(): void {
    for (let position = this.#innermost().height; position < this.#stack.length; position++) {
      this.#emit({ op: Op.localGet, index: this.#spill(position, present(this.#stack[position], "operand")) });
    }
  }

  /** The types that a branch to `label` passes in locals. */
  #passedTo(label: number): readonly ValueType[] {
    const frame = this.#frameOf(label);
    return frame.resumable && label !== 0 && !this.#isLoop(label) ? frame.results : [];
  }

  #passResults(label: number): void {
    this.#setResults(this.#passedTo(label));
  }

  #setResults(results: readonly ValueType[]): void {
    for (const type of results) this.#emit({ op: Op.localSet, index: this.#resultLocal(type) });
  }

  #isLoop(label: number): boolean {
    return this.#frameOf(label).construct?.op === Op.loop;
  }

  #frameOf(label: number): Frame {
    return present(
      this.#frames.findLast((frame) => frame.label === label),
      "a branch's target",
    );
  }

  #innermost(): Frame {
    return present(this.#frames.at(-1), "construct");
  }

  #localType(index: number): ValueType {
    return present(this.#locals[index], "local");
  }

  /** The local for the operand at a position of the stack; positions of values that exist at once are distinct. */
  #spill(position: number, type: ValueType): number {
    return this.#extraLocal(`${position}:${type}`, type);
  }

  /** The local by which constructs pass a result: read at once where it is passed to, so one for each type is enough. */
  #resultLocal(type: ValueType): number {
    return this.#extraLocal(`result:${type}`, type);
  }

  #extraLocal(key: string, type: ValueType): number {
    let local = this.#spills.get(key);
    if (local === undefined) {
      local = this.#locals.push(type) - 1;
      this.#spills.set(key, local);
    }
    return local;
  }

  #emit(instruction: Instruction): void {
    const { nodes } = this.#innermost();
    const last = nodes.at(-1);
    if (last?.kind === "straight") last.code.push(instruction);
    else nodes.push({ kind: "straight", code: [instruction] });
  }
}

function resumableLabels(code: readonly Instruction[], graph: CallGraph): Set<number> {
  const open: number[] = [];
  const resumable = new Set<number>();
  for (const instruction of code) {
    if (instruction.op === Op.block || instruction.op === Op.loop || instruction.op === Op.if)
      open.push(instruction.index);
    else if (instruction.op === Op.end) open.pop();
    else if (graph.suspends(instruction)) for (const label of open) resumable.add(label);
  }
  return resumable;
}
