/** Arguments of system calls, read from the decoded list. Kinds are already right; meanings are checked here. */

import type { SyscallName } from "../../abi/syscalls.ts";
import { assert } from "../../assert.ts";
import { failure } from "../../errors.ts";
import type { Call } from "../call.ts";
import type { Kernel } from "../kernel.ts";

/** Carries out a call: ends it at once, or leaves it where something will end it. Throws coded errors only. */
export type Handler = (kernel: Kernel, call: Call) => void;
export type Handlers = Record<SyscallName, Handler>;

export function numberAt(call: Call, index: number): number {
  const value = call.arguments[index];
  assertKind(typeof value === "number", call, index);
  return value as number;
}

export function stringAt(call: Call, index: number): string {
  const value = call.arguments[index];
  assertKind(typeof value === "string", call, index);
  return value as string;
}

export function bytesAt(call: Call, index: number): Uint8Array<ArrayBuffer> {
  const value = call.arguments[index];
  assertKind(value instanceof Uint8Array, call, index);
  return value as Uint8Array<ArrayBuffer>;
}

/** A JSON argument. Its fields are a guest's: absent or of any type until they are looked at. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- it names the fields that there may be
export function objectAt<T extends object>(call: Call, index: number): { readonly [K in keyof T]?: unknown } {
  const value = call.arguments[index];
  assertKind(typeof value === "object" && value !== null, call, index);
  return value as { readonly [K in keyof T]?: unknown };
}

/** The trap decoded what the running guest gave; a call made again comes from an image, whose arguments may be anything. */
function assertKind(holds: boolean, call: Call, index: number): void {
  if (holds) return;
  assert(call.again, `argument ${index} of ${call.name} was decoded by its kind`);
  throw failure("EINVAL", `argument ${index} of ${call.name}, which was in flight in the image, is damaged`);
}

/** A timeout in ms; -1 for none. */
export function timeoutAt(call: Call, index: number): number {
  const ms = numberAt(call, index);
  if (Number.isNaN(ms))
    throw failure("EINVAL", `the timeout of ${call.name} is a number of milliseconds, or -1 for none, not NaN`);
  return ms < 0 || ms > DELAY_MAX_MS ? -1 : ms;
}

/** A time from now in ms. Throws EINVAL for what is none. */
export function delayAt(call: Call, index: number): number {
  const ms = numberAt(call, index);
  if (!(ms >= 0)) throw failure("EINVAL", `${call.name} takes a number of milliseconds, not ${ms}`);
  return Math.min(ms, DELAY_MAX_MS);
}

/** Longer than any machine runs, and safe to reckon with. */
const DELAY_MAX_MS = 2 ** 52;

export function integerBetween(value: unknown, low: number, high: number, what: string): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= low && value <= high) return value;
  throw failure("EINVAL", `${what} must be a whole number from ${low} to ${high}, not ${String(value)}`);
}
