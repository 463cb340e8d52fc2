/**
 * Where control can be in a function that goes on from the middle. It leaves for a continuation at the head of every
 * loop, so what only such a head leads to (most of an interpreter) is never run from there and need not be written.
 */

import type { Node } from "./function-tree.ts";
import { type Instruction, Op } from "./wasm-code.ts";

export class Reach {
  /** Labels that control can have branched to. */
  readonly #targets = new Set<number>();

  /** Whether control can be behind a construct: it fell out of it, or branched there. */
  behind(label: number, fellOut: boolean): boolean {
    return fellOut || this.#targets.has(label);
  }

  /** Follows control through code that is written as it was; whether it comes out at the end. */
  through(nodes: readonly Node[]): boolean {
    let live = true;
    for (const node of nodes) {
      if (!live) return false;
      if (node.kind === "straight") live = this.#straight(node.code);
      else if (node.kind === "construct") {
        const first = this.through(node.body);
        const second = node.op === Op.if ? this.through(node.otherwise) : false;
        // A loop's label is at its head: a branch there does not lead behind it.
        live = node.op === Op.loop ? first : this.behind(node.label, first || second);
      }
    }
    return live;
  }

  #straight(code: readonly Instruction[]): boolean {
    for (const { op, index, labels } of code) {
      if (op === Op.br || op === Op.brIf) this.#targets.add(index);
      if (labels !== undefined) for (const label of labels) this.#targets.add(label);
      if (op === Op.br || op === Op.brTable || op === Op.return || op === Op.unreachable) return false;
    }
    return true;
  }
}
