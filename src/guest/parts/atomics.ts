/**
 * The global `Atomics`, which the engine lacks. Threads run one at a time here, so an operation is indivisible when it
 * is one straight line without a branch, a call or a plain element store (see machine.ts).
 */

import { syscall, timeoutOf } from "../core.ts";

const ARRAYS = [
  Int8Array,
  Uint8Array,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  BigInt64Array,
  BigUint64Array,
] as const;
type IntegerArray = InstanceType<(typeof ARRAYS)[number]>;
/** A view of the one element; it may be of big integers, on which the same operators work. */
type Element = IntegerArray & { 0: number };

function elementOf(array: unknown, index: unknown): Element {
  if (!ARRAYS.some((constructor) => array instanceof constructor))
    throw new TypeError("Atomics need a typed array of integers");
  const integers = array as IntegerArray;
  const at = Math.trunc(Number(index)) || 0;
  if (at < 0 || at >= integers.length) throw new RangeError(`the index ${at} is outside the array`);
  return integers.subarray(at, at + 1) as unknown as Element;
}

function isBig(element: Element): boolean {
  return element instanceof BigInt64Array || element instanceof BigUint64Array;
}

/** `value` as an operand: an integer of the kind that the element holds. */
function operand(element: Element, value: unknown): number {
  return (isBig(element) ? BigInt(value as bigint) : Math.trunc(Number(value)) || 0) as number;
}

/** `value` as it would be read back from the element. */
function wrapped(element: Element, value: unknown): number {
  const copy = element.slice() as unknown as Element;
  copy[0] = operand(element, value);
  return copy[0];
}

function waitElement(array: unknown, index: unknown): Int32Array {
  if (!(array instanceof Int32Array)) throw new TypeError("Atomics.wait and Atomics.notify need an Int32Array");
  return elementOf(array, index) as Int32Array;
}

const BIG_MASKS = [0n, -1n] as unknown as readonly [number, number];
const MASKS = [0, -1] as const;
const ALL = 2 ** 31 - 1;

export const Atomics: object = {
  add(array: unknown, index: unknown, value: unknown): number {
    const element = elementOf(array, index);
    const by = operand(element, value);
    const old = element[0];
    element[0] += by;
    return old;
  },
  sub(array: unknown, index: unknown, value: unknown): number {
    const element = elementOf(array, index);
    const by = operand(element, value);
    const old = element[0];
    element[0] -= by;
    return old;
  },
  and(array: unknown, index: unknown, value: unknown): number {
    const element = elementOf(array, index);
    const by = operand(element, value);
    const old = element[0];
    element[0] &= by;
    return old;
  },
  or(array: unknown, index: unknown, value: unknown): number {
    const element = elementOf(array, index);
    const by = operand(element, value);
    const old = element[0];
    element[0] |= by;
    return old;
  },
  xor(array: unknown, index: unknown, value: unknown): number {
    const element = elementOf(array, index);
    const by = operand(element, value);
    const old = element[0];
    element[0] ^= by;
    return old;
  },
  exchange(array: unknown, index: unknown, value: unknown): number {
    const element = elementOf(array, index);
    const by = operand(element, value);
    const old = element[0];
    element[0] ^= old ^ by;
    return old;
  },
  compareExchange(array: unknown, index: unknown, expected: unknown, replacement: unknown): number {
    const element = elementOf(array, index);
    const seen = wrapped(element, expected);
    const by = operand(element, replacement);
    const masks = isBig(element) ? BIG_MASKS : MASKS;
    const old = element[0];
    element[0] ^= (old ^ by) & (masks[+(old === seen)] as number);
    return old;
  },
  load(array: unknown, index: unknown): number {
    return elementOf(array, index)[0];
  },
  store(array: unknown, index: unknown, value: unknown): number {
    const element = elementOf(array, index);
    const stored = operand(element, value);
    const old = element[0];
    element[0] ^= old ^ stored;
    return stored;
  },
  isLockFree(sizeBytes: unknown): boolean {
    return [1, 2, 4, 8].includes(Number(sizeBytes));
  },
  wait(array: unknown, index: unknown, value: unknown, timeoutMs: unknown = Infinity): string {
    const element = waitElement(array, index);
    const limit = Number.isNaN(Number(timeoutMs)) ? Infinity : Math.max(0, Number(timeoutMs));
    const outcome = syscall("futexWait", element, Number(value) | 0, timeoutOf({ timeoutMs: limit }));
    return ["ok", "timed-out", "not-equal"][outcome] ?? "ok";
  },
  notify(array: unknown, index: unknown, count: unknown = ALL): number {
    const most = Math.trunc(Number(count)) || 0;
    return syscall("futexWake", waitElement(array, index), Math.min(ALL, Math.max(0, most)));
  },
};
Object.defineProperty(Atomics, Symbol.toStringTag, { value: "Atomics", configurable: true });
