/** Which functions of an engine may be on the stack at a stop: those from which a suspending import can be reached. */

import { decodeCode, type Instruction, Op } from "./wasm-code.ts";
import type { WasmModule } from "./wasm-module.ts";

export interface CallGraph {
  /** Indices of functions that may suspend, the suspending imports included. */
  readonly suspending: ReadonlySet<number>;
  /** Whether a call may suspend: its target, or any function that a call_indirect of its type can reach. */
  suspends(call: Instruction): boolean;
}

/** Builds the graph. A call_indirect may reach every function of its type that is in the table, and no other. */
export function callGraph(
  module: WasmModule,
  code: readonly (readonly Instruction[])[],
  suspendingImports: readonly string[],
): CallGraph {
  const imported = module.imports.length;
  const typeOf = (index: number): number =>
    (index < imported ? module.imports[index]?.type : module.functions[index - imported]?.type) ?? -1;
  const inTable = new Set(module.elements.flatMap((segment) => segment.functions));
  const callersOf = new Map<number, number[]>();
  const callersThroughType = new Map<number, number[]>();
  code.forEach((instructions, position) => {
    for (const { op, index } of instructions) {
      if (op === Op.call) append(callersOf, index, imported + position);
      else if (op === Op.callIndirect) append(callersThroughType, index, imported + position);
    }
  });
  const suspending = new Set<number>();
  const suspendingTypes = new Set<number>();
  const pending = module.imports.flatMap((item, index) =>
    suspendingImports.includes(`${item.module}.${item.name}`) ? [index] : [],
  );
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (suspending.has(next)) continue;
    suspending.add(next);
    pending.push(...(callersOf.get(next) ?? []));
    if (!inTable.has(next) || suspendingTypes.has(typeOf(next))) continue;
    suspendingTypes.add(typeOf(next));
    pending.push(...(callersThroughType.get(typeOf(next)) ?? []));
  }
  return {
    suspending,
    suspends: ({ op, index }) =>
      op === Op.call ? suspending.has(index) : op === Op.callIndirect && suspendingTypes.has(index),
  };
}

function append(lists: Map<number, number[]>, key: number, value: number): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

/** The instructions of every function that the module defines, in order. */
export function decodeFunctions(module: WasmModule): Instruction[][] {
  return module.functions.map((body) => decodeCode(body.code));
}
