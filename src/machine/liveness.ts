/** Which locals each call that may suspend must save: those whose value may still be read after it. */

import { present } from "../assert.ts";
import type { Construct, FunctionTree, Node, SuspendingCall } from "./function-tree.ts";
import { type Instruction, Op } from "./wasm-code.ts";

/** A set of locals of one function. */
class LocalSet {
  readonly #words: Uint32Array;

  constructor(words: Uint32Array) {
    this.#words = words;
  }

  static forLocals(count: number): LocalSet {
    return new LocalSet(new Uint32Array((count + 31) >>> 5));
  }

  copy(): LocalSet {
    return new LocalSet(this.#words.slice());
  }

  add(local: number): void {
    this.#words[local >>> 5] = (this.#words[local >>> 5] ?? 0) | (1 << (local & 31));
  }

  delete(local: number): void {
    this.#words[local >>> 5] = (this.#words[local >>> 5] ?? 0) & ~(1 << (local & 31));
  }

  /** Adds all of `other`; returns whether that changed anything. */
  addAll(other: LocalSet): boolean {
    let changed = false;
    for (let i = 0; i < this.#words.length; i++) {
      const before = this.#words[i] ?? 0;
      const after = (before | (other.#words[i] ?? 0)) >>> 0;
      if (before === after) continue;
      this.#words[i] = after;
      changed = true;
    }
    return changed;
  }

  list(): number[] {
    const locals: number[] = [];
    for (let local = 0; local < this.#words.length * 32; local++) {
      if (((this.#words[local >>> 5] ?? 0) >>> (local & 31)) & 1) locals.push(local);
    }
    return locals;
  }
}

export interface Liveness {
  /** Locals whose value may be read after the head of a loop, by its label. */
  atLoopHead(label: number): number[];
}

/**
 * A backward pass over the tree, repeated at each loop until nothing changes. Sets `live` of every call: what is live
 * after it (without its result), and what repeating the call needs: the target of an indirect one, and the operands of
 * a call to an import, which the host sees again.
 */
export function findLiveness(tree: FunctionTree, imported: number): Liveness {
  const none = LocalSet.forLocals(tree.locals.length);
  /** What is live where a branch to the label leads: after a block or if, at the head of a loop. */
  const atLabel = new Map<number, LocalSet>([[0, none]]);

  function sequence(nodes: readonly Node[], after: LocalSet): LocalSet {
    let live = after.copy();
    for (let i = nodes.length - 1; i >= 0; i--) {
      const node = present(nodes[i], "node");
      if (node.kind === "straight") live = straight(node.code, live);
      else if (node.kind === "call") call(node, live);
      else live = construct(node, live);
    }
    return live;
  }

  function straight(code: readonly Instruction[], after: LocalSet): LocalSet {
    let live = after;
    for (let i = code.length - 1; i >= 0; i--) {
      const { op, index, labels } = present(code[i], "instruction");
      if (op === Op.localGet) live.add(index);
      else if (op === Op.localSet || op === Op.localTee) live.delete(index);
      else if (op === Op.br) live = target(index).copy();
      else if (op === Op.brIf) live.addAll(target(index));
      else if (op === Op.return || op === Op.unreachable) live = none.copy();
      else if (op === Op.brTable) {
        live = none.copy();
        for (const label of labels ?? []) live.addAll(target(label));
      }
    }
    return live;
  }

  function target(label: number): LocalSet {
    return present(atLabel.get(label), "a label's live locals");
  }

  function call(node: SuspendingCall, live: LocalSet): void {
    node.liveBehind = live.list();
    if (node.result >= 0) live.delete(node.result);
    const saved = live.copy();
    if (node.target >= 0) saved.add(node.target);
    if (node.instruction.op === Op.call && node.instruction.index < imported)
      for (const local of node.operands) saved.add(local);
    node.live = saved.list();
    for (const local of node.operands) live.add(local);
    if (node.target >= 0) live.add(node.target);
  }

  function construct(node: Construct, after: LocalSet): LocalSet {
    if (node.op === Op.loop) return loop(node, after);
    atLabel.set(node.label, after.copy());
    const live = sequence(node.body, after);
    if (node.op === Op.if) live.addAll(sequence(node.otherwise, after));
    if (node.condition >= 0) live.add(node.condition);
    return live;
  }

  function loop(node: Construct, after: LocalSet): LocalSet {
    // Sets only grow from one visit to the next, so what an earlier visit found is a valid start.
    const head = atLabel.get(node.label) ?? none.copy();
    atLabel.set(node.label, head);
    while (head.addAll(sequence(node.body, after)));
    return head.copy();
  }

  sequence(tree.body, none);
  return { atLoopHead: (label) => target(label).list() };
}
