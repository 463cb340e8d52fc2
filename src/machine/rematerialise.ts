/**
 * Undoes the hoisting of trivial computations. The C compiler computes addresses like `frame + 16` once before a long
 * loop and keeps each in a local; every stop inside the loop would have to save them all. Computing such a value where
 * it is used costs one instruction, what fetching it from the stack would cost, and leaves nothing to save.
 */

import { present } from "../assert.ts";
import { fixedEffect, type Instruction, Op } from "./wasm-code.ts";

/** Longer computations are not worth repeating. */
const INSTRUCTIONS_MAX = 4;

/** A local that is set once, to a value that a few instructions compute from other locals. */
interface Definition {
  readonly local: number;
  readonly computation: readonly Instruction[];
  readonly uses: readonly number[];
}

/** The same code, with hoisted values computed at their uses. `parameters` is how many locals are set by the caller. */
export function rematerialise(code: readonly Instruction[], parameters: number): readonly Instruction[] {
  const definitions = findDefinitions(code, parameters);
  if (definitions.size === 0) return code;
  const valid = new Validity(code, definitions).validUses();
  return code.flatMap((instruction, at) => {
    const definition = instruction.op === Op.localGet ? definitions.get(instruction.index) : undefined;
    // All uses or none: only then is the local itself no longer needed.
    return definition?.uses.every((use) => valid.has(use)) === true
      ? definition.computation
      : [present(code[at], "instruction")];
  });
}

function findDefinitions(code: readonly Instruction[], parameters: number): Map<number, Definition> {
  const sets = new Map<number, number[]>();
  const uses = new Map<number, number[]>();
  code.forEach(({ op, index }, at) => {
    if (op === Op.localSet || op === Op.localTee) sets.set(index, [...(sets.get(index) ?? []), at]);
    else if (op === Op.localGet) (uses.get(index) ?? uses.set(index, []).get(index))?.push(at);
  });
  const found = new Map<number, Definition>();
  for (const [local, [at, ...others]] of sets) {
    if (local < parameters || at === undefined || others.length > 0) continue;
    const computation = computationBefore(code, at);
    if (computation?.some(({ op, index }) => op === Op.localGet && index !== local) !== true) continue;
    found.set(local, { local, computation, uses: uses.get(local) ?? [] });
  }
  return found;
}

/** The instructions that compute the operand of the one at `at`, if they are few, pure and cannot trap. */
function computationBefore(code: readonly Instruction[], at: number): readonly Instruction[] | undefined {
  for (let start = at - 1, needed = 1; start >= 0 && at - start <= INSTRUCTIONS_MAX; start--) {
    const { op } = present(code[start], "instruction");
    if (op !== Op.localGet) {
      if (!isPure(op)) return undefined;
      needed += fixedEffect(op).takes.length;
    }
    if (--needed === 0) return code.slice(start, at);
  }
  return undefined;
}

/** Constants, integer arithmetic other than division, and conversions between integers. */
function isPure(op: number): boolean {
  const division = (op >= 0x6d && op <= 0x70) || (op >= 0x7f && op <= 0x82);
  return (
    op === Op.i32Const ||
    op === Op.i64Const ||
    (op >= 0x6a && op <= 0x8a && !division) ||
    op === 0xa7 ||
    op === 0xac ||
    op === 0xad
  );
}

/** A forward pass: at which uses does a local still equal its computation, on every way there? */
class Validity {
  readonly #code: readonly Instruction[];
  readonly #definitions: ReadonlyMap<number, Definition>;
  /** Computations that read a local, by that local. */
  readonly #readers = new Map<number, number[]>();
  /** What holds on every branch to a label that has been seen: for a loop, in the pass before. */
  #atLabel = new Map<number, ReadonlySet<number>>();

  constructor(code: readonly Instruction[], definitions: ReadonlyMap<number, Definition>) {
    this.#code = code;
    this.#definitions = definitions;
    for (const { local, computation } of definitions.values()) {
      for (const { op, index } of computation)
        if (op === Op.localGet) this.#readers.set(index, [...(this.#readers.get(index) ?? []), local]);
    }
  }

  validUses(): ReadonlySet<number> {
    // A pass takes the branches back to a loop's head from the one before; what holds only shrinks.
    for (let before = -1; ;) {
      const uses = this.#pass();
      const size = [...this.#atLabel.values()].reduce((sum, set) => sum + set.size, uses.size);
      if (size === before) return uses;
      before = size;
    }
  }

  #pass(): ReadonlySet<number> {
    const uses = new Set<number>();
    const seen = new Map<number, ReadonlySet<number>>();
    const open: { readonly op: number; readonly label: number; readonly entered: ReadonlySet<number> | undefined }[] =
      [];
    /** Undefined where code cannot be reached: anything holds. */
    let holds: Set<number> | undefined = new Set();
    const branch = (label: number): void => void seen.set(label, intersection(seen.get(label), holds) ?? new Set());
    const atEnd = (label: number): void => {
      const merged = intersection(seen.get(label), holds);
      holds = merged === undefined ? undefined : new Set(merged);
    };
    this.#code.forEach(({ op, index, labels }, at) => {
      if (op === Op.block || op === Op.if) open.push({ op, label: index, entered: copy(holds) });
      else if (op === Op.loop) {
        const head = intersection(this.#atLabel.get(index), holds);
        holds = head === undefined ? undefined : new Set(head);
        open.push({ op, label: index, entered: undefined });
      } else if (op === Op.else) {
        const frame = present(open.pop(), "construct");
        if (holds !== undefined) branch(frame.label);
        holds = copy(frame.entered);
        open.push({ op, label: frame.label, entered: undefined });
      } else if (op === Op.end) {
        const frame = present(open.pop(), "construct");
        if (frame.op === Op.loop) return;
        // An `if` without `else` may have been passed by.
        if (frame.op === Op.if && frame.entered !== undefined)
          seen.set(frame.label, intersection(seen.get(frame.label), frame.entered) ?? new Set());
        atEnd(frame.label);
      } else if (op === Op.br || op === Op.brIf || op === Op.brTable) {
        if (holds !== undefined) for (const label of labels ?? [index]) branch(label);
        if (op !== Op.brIf) holds = undefined;
      } else if (op === Op.return || op === Op.unreachable) holds = undefined;
      else if (op === Op.localGet && (holds === undefined || holds.has(index))) uses.add(at);
      else if (op === Op.localSet || op === Op.localTee) {
        for (const reader of this.#readers.get(index) ?? []) holds?.delete(reader);
        if (this.#definitions.has(index)) holds?.add(index);
      }
    });
    this.#atLabel = seen;
    return uses;
  }
}

function copy(set: ReadonlySet<number> | undefined): Set<number> | undefined {
  return set === undefined ? undefined : new Set(set);
}

/** What holds on both ways; a way that is undefined is never taken. */
function intersection(
  a: ReadonlySet<number> | undefined,
  b: ReadonlySet<number> | undefined,
): ReadonlySet<number> | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return new Set([...a].filter((element) => b.has(element)));
}
