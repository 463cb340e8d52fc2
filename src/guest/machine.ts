/**
 * The way out of the program: the one host function, typed by the system call table. Evaluated once, when the
 * template image is made, so nothing here may call out at load time.
 *
 * What is atomic. A thread can lose the processor at every call and at every branch (`if`, `?:`, `&&`, a loop's end)
 * and at a plain element store (`a[i] = v`). A run of field and element reads, arithmetic, compound element stores
 * (`a[i] += v`) and field stores has none of these and is never interrupted. The test `atomicity` holds the engine to it.
 */

import { SHARED_WORDS, SHARED_WORD_COUNT } from "../abi/records.ts";
import { type CallWords, RESULT_JSON } from "../abi/call-word.ts";
import type { SyscallArguments, SyscallName, SyscallResult } from "../abi/syscalls.ts";
import type { ErrorCode } from "../errors.ts";

type Host = (number: number, callId: number, ...args: unknown[]) => unknown;

const global = globalThis as { __godwit_host?: Host };
if (typeof global.__godwit_host !== "function") {
  throw new Error(
    'The module "godwit" exists only inside a process of godwit: run this program with `npx godwit run PROGRAM.ts`. ' +
      'To start and watch processes from Node, import "godwit/client".',
  );
}
const host = global.__godwit_host;
delete global.__godwit_host;

/** Written by the kernel at every switch of threads: who is running, without a system call. */
export const sharedWords = new Int32Array(SHARED_WORD_COUNT);

/** The thread that is running. */
export function currentTid(): number {
  return sharedWords[SHARED_WORDS.tid] ?? 0;
}

/** The bundler's (scripts/guest-library.ts). */
declare const CALL_WORDS: CallWords;
const words = CALL_WORDS;

/** `args` with the JSON ones as text. */
function marshalled(word: number, args: readonly unknown[]): readonly unknown[] {
  if ((word & 7) === 0) return args;
  return args.map((argument, index) => (word & (1 << index) ? JSON.stringify(argument) : argument));
}

function unmarshalled(word: number, result: unknown): unknown {
  return word & RESULT_JSON ? (JSON.parse(result as string) as unknown) : result;
}

/** Makes a system call and blocks this thread, and no other, until its result is there. */
export function syscall<N extends SyscallName>(name: N, ...args: SyscallArguments<N>): SyscallResult<N> {
  const word = words[name];
  return unmarshalled(word, host(word >> 4, 0, ...marshalled(word, args))) as SyscallResult<N>;
}

interface PendingCall {
  readonly word: number;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}
const pendingCalls = new Map<number, PendingCall>();
let lastCallId = 0;

/** Makes a system call that does not block: its promise settles on the event-loop thread. */
export function syscallAsync<N extends SyscallName>(name: N, ...args: SyscallArguments<N>): Promise<SyscallResult<N>> {
  return new Promise((resolve, reject) => syscallThen(name, args, resolve, reject));
}

/** The same without a promise, for what is done for every request: one of two functions is called, and must not throw. */
export function syscallThen<N extends SyscallName>(
  name: N,
  args: SyscallArguments<N>,
  resolve: (value: SyscallResult<N>) => void,
  reject: (error: unknown) => void,
): void {
  const word = words[name];
  const callId = ++lastCallId;
  pendingCalls.set(callId, { word, resolve: resolve as (value: unknown) => void, reject });
  try {
    host(word >> 4, callId, ...marshalled(word, args));
  } catch (error) {
    pendingCalls.delete(callId);
    reject(error);
  }
}

/** Entry point: the outcome of an asynchronous call, `(callId, true, result)` or `(callId, false, code, message)`. */
export function dispatchCompletion(callId: number, ok: unknown, value: unknown, message?: unknown): void {
  const call = pendingCalls.get(callId);
  if (call === undefined) return;
  pendingCalls.delete(callId);
  if (ok) call.resolve(unmarshalled(call.word, value));
  else call.reject(coded(value as ErrorCode, String(message)));
}

/**
 * A procedure made of system calls, written once and offered both as a function that blocks and as one that returns
 * a promise: a generator that yields each call and is given its result.
 */
export type Steps<T> = Generator<Request, T, unknown>;
type Request = readonly [name: SyscallName, args: readonly unknown[]];
type LooseCall<R> = (name: SyscallName, ...args: readonly unknown[]) => R;

/** One system call of a procedure. */
export function* step<N extends SyscallName>(name: N, ...args: SyscallArguments<N>): Steps<SyscallResult<N>> {
  return (yield [name, args]) as SyscallResult<N>;
}

/** Runs a procedure, blocking this thread at each call. */
export function blocking<T>(steps: Steps<T>): T {
  let next = steps.next();
  while (!next.done) {
    const [name, args] = next.value;
    let result: unknown;
    try {
      result = (syscall as LooseCall<unknown>)(name, ...args);
    } catch (error) {
      next = steps.throw(error);
      continue;
    }
    next = steps.next(result);
  }
  return next.value;
}

/** Runs a procedure on the event-loop thread. */
export async function promised<T>(steps: Steps<T>): Promise<T> {
  let next = steps.next();
  while (!next.done) {
    const [name, args] = next.value;
    let result: unknown;
    try {
      result = await (syscallAsync as LooseCall<Promise<unknown>>)(name, ...args);
    } catch (error) {
      next = steps.throw(error);
      continue;
    }
    next = steps.next(result);
  }
  return next.value;
}

/** An error like those that system calls throw. `code` is stable; the message is for people. */
export interface CodedError extends Error {
  readonly code: ErrorCode;
}

export function coded(code: ErrorCode, message: string): CodedError {
  return Object.assign(new Error(message), { code });
}

export function hasCode(error: unknown, code: ErrorCode): boolean {
  return error instanceof Error && (error as Partial<CodedError>).code === code;
}

/** Options of calls that wait. */
export interface WaitOptions {
  /** Give up after so many milliseconds; without it the wait has no end. */
  readonly timeoutMs?: number | undefined;
}

/** The kernel's notation of a timeout: milliseconds, or -1 for none. */
export function timeoutOf(options: WaitOptions | undefined): number {
  const timeoutMs = options?.timeoutMs;
  if (timeoutMs === undefined || timeoutMs === Infinity) return -1;
  if (!(timeoutMs >= 0))
    throw new RangeError(`timeoutMs is ${String(timeoutMs)}: give a number of milliseconds from 0 on`);
  return timeoutMs;
}
