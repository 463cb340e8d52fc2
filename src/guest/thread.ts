/** Threads: lines of control over one heap, preempted by the kernel, each blocking alone. */

import { PRIORITY_DEFAULT, PRIORITY_MAX, PRIORITY_MIN, THREAD_STACK_BYTES } from "../limits.ts";
import { coded, currentTid, hasCode, syscall, syscallAsync, timeoutOf, type WaitOptions } from "./machine.ts";
import { reportError } from "./report.ts";

export interface ThreadOptions {
  /** Shown in error reports and by `godwit inspect`; `thread-N` by default. */
  readonly name?: string;
  /** 1 (gives way to all others) to 10; 5 by default. */
  readonly priority?: number;
  /** Size of the thread's stack in bytes; 256 KiB by default. */
  readonly stackBytes?: number;
  /** A daemon thread does not keep its process alive. */
  readonly daemon?: boolean;
}

/** Threads that were created and have not begun to run, by slot. */
const created = new Map<number, Thread>();
let lastSlot = 0;
/** Threads that are known here and have not ended, by tid. Those the kernel starts itself enter when they ask. */
const alive = new Map<number, Thread>();

let adopt: (tid: number) => Thread;
let run: (thread: Thread) => void;
let forget: (thread: Thread) => void;
let localsOf: (thread: Thread) => Map<object, unknown>;

/**
 * A thread of this process. Threads share all of the program's data, run one at a time and are switched by the
 * kernel in the middle of anything, so data that several threads change needs a {@link Mutex}. A call that blocks
 * blocks its own thread only.
 *
 * @example
 * const sums = [0, 1].map((part) =>
 *   Thread.create(() => {
 *     let sum = 0;
 *     for (let i = part; i < 1_000_000; i += 2) sum += i;
 *     return sum;
 *   }),
 * );
 * console.log(sums.map((thread) => thread.join()));
 */
export class Thread<T = unknown> {
  #body: (() => T) | undefined;
  #tid = 0;
  readonly #name: string;
  #ended = false;
  #failed = false;
  #outcome: unknown;
  readonly #locals = new Map<object, unknown>();

  private constructor(body: (() => T) | undefined, name: string) {
    this.#body = body;
    this.#name = name;
  }

  static {
    adopt = (tid) => {
      const thread = new Thread(undefined, syscall("threadInfo", tid) === null ? "ended" : nameOf(tid));
      thread.#tid = tid;
      return thread;
    };
    run = (thread) => {
      const body = thread.#body;
      thread.#body = undefined;
      thread.#tid = currentTid();
      alive.set(thread.#tid, thread);
      try {
        thread.#outcome = body?.();
      } catch (error) {
        thread.#outcome = error;
        thread.#failed = true;
        reportError(error, `Uncaught in thread "${thread.#name}": `);
      }
      forget(thread);
    };
    forget = (thread) => {
      thread.#ended = true;
      thread.#locals.clear();
      alive.delete(thread.#tid);
    };
    localsOf = (thread) => thread.#locals;
  }

  /**
   * Starts a thread that runs `body`. What it returns is what {@link join} returns. A promise is returned as it is:
   * `await thread.join()`; what follows the first `await` of an async body runs on the event-loop thread, not here.
   * An error that `body` does not catch ends the thread, is reported on standard error, and is thrown by `join`.
   *
   * @throws `EPROCLIM` when the quota of threads is used up, `ENOMEM` when there is no room for its stack.
   */
  static create<T>(body: () => T, options: ThreadOptions = {}): Thread<T> {
    if (typeof body !== "function") throw new TypeError("Thread.create needs the function that the thread is to run");
    const slot = ++lastSlot;
    const thread = new Thread<T>(body, options.name ?? `thread-${slot}`);
    created.set(slot, thread);
    try {
      thread.#tid = syscall("threadCreate", slot, {
        name: thread.#name,
        priority: checkedPriority(options.priority ?? PRIORITY_DEFAULT),
        stackBytes: options.stackBytes ?? THREAD_STACK_BYTES,
        daemon: options.daemon ?? false,
      });
    } catch (error) {
      created.delete(slot);
      throw error;
    }
    return thread;
  }

  /** The thread that calls. */
  static self(): Thread {
    const tid = currentTid();
    let thread = alive.get(tid);
    if (thread === undefined) {
      thread = adopt(tid);
      alive.set(tid, thread);
    }
    return thread;
  }

  /** Lets another thread that is ready run. */
  static yield(): void {
    syscall("yield");
  }

  /** Blocks the calling thread for so many milliseconds. */
  static sleep(ms: number): void {
    sleep(ms);
  }

  /** Unique in the process. The first thread's is 1. */
  get id(): number {
    return this.#tid;
  }

  get name(): string {
    return this.#name;
  }

  /** 1 to 10, 5 by default: each step is 1.6 times the share of the processor while others are ready. None starves. */
  get priority(): number {
    return (syscall("threadInfo", this.#tid) as { priority: number } | null)?.priority ?? PRIORITY_DEFAULT;
  }

  set priority(priority: number) {
    syscall("threadPriority", this.#tid, checkedPriority(priority));
  }

  /** Whether its body has not come to an end yet. */
  get isAlive(): boolean {
    return !this.#ended;
  }

  /**
   * Waits for the thread's end and returns what its body returned, or throws what it threw. Any thread may join it,
   * any number of times.
   *
   * @throws `ETIMEDOUT` when it has not ended in time, `EDEADLK` when a thread joins itself.
   */
  join(options?: WaitOptions): T {
    if (!this.#ended) {
      const timeoutMs = timeoutOf(options);
      this.#refuseSelf();
      let ended = 1;
      try {
        ended = syscall("threadJoin", this.#tid, timeoutMs);
      } catch (error) {
        if (!hasCode(error, "ESRCH")) throw error;
      }
      this.#refuseTimeout(ended, timeoutMs);
    }
    return this.#result();
  }

  /** Like {@link join}, without blocking: for `await`. */
  async joinAsync(options?: WaitOptions): Promise<Awaited<T>> {
    if (!this.#ended) {
      const timeoutMs = timeoutOf(options);
      let ended = 1;
      try {
        ended = await syscallAsync("threadJoin", this.#tid, timeoutMs);
      } catch (error) {
        if (!hasCode(error, "ESRCH")) throw error;
      }
      this.#refuseTimeout(ended, timeoutMs);
    }
    return await this.#result();
  }

  #refuseSelf(): void {
    if (this.#tid === currentTid())
      throw coded("EDEADLK", `thread "${this.#name}" joins itself, which would never end`);
  }

  #refuseTimeout(ended: number, timeoutMs: number): void {
    if (ended === 0) throw coded("ETIMEDOUT", `thread "${this.#name}" has not ended within ${timeoutMs} ms`);
  }

  #result(): T {
    if (this.#failed) throw this.#outcome;
    if (!this.#ended) throw coded("ESRCH", `thread "${this.#name}" was ended from outside, so it has no result`);
    return this.#outcome as T;
  }

  get [Symbol.toStringTag](): string {
    return "Thread";
  }
}

function nameOf(tid: number): string {
  return (syscall("threadInfo", tid) as { name: string } | null)?.name ?? `thread ${tid}`;
}

function checkedPriority(priority: number): number {
  if (Number.isInteger(priority) && priority >= PRIORITY_MIN && priority <= PRIORITY_MAX) return priority;
  throw new RangeError(`priority is ${String(priority)}: give a whole number from ${PRIORITY_MIN} to ${PRIORITY_MAX}`);
}

/** Blocks the calling thread, and no other, for so many milliseconds. */
export function sleep(ms: number): void {
  if (!(ms >= 0)) throw new RangeError(`sleep(${String(ms)}): give a number of milliseconds from 0 on`);
  syscall("sleep", ms);
}

/**
 * A variable with a value of its own in each thread, forgotten when the thread ends.
 *
 * @example
 * const depth = new ThreadLocal(() => 0);
 * depth.set(depth.get() + 1);
 */
export class ThreadLocal<T> {
  readonly #initial: (() => T) | undefined;

  /** @param initial gives the first value in each thread; without it that is `undefined`. */
  constructor(...initial: undefined extends T ? [initial?: () => T] : [initial: () => T]) {
    this.#initial = initial[0];
  }

  get(): T {
    const locals = localsOf(Thread.self());
    if (!locals.has(this)) locals.set(this, this.#initial?.());
    return locals.get(this) as T;
  }

  set(value: T): void {
    localsOf(Thread.self()).set(this, value);
  }

  /** Back to the state before the first `get`. */
  remove(): void {
    localsOf(Thread.self()).delete(this);
  }
}

/** Entry point: the body of a thread. */
export function runThread(slot: number): void {
  const thread = created.get(slot);
  if (thread === undefined) throw new Error(`no thread was created in slot ${slot}`);
  created.delete(slot);
  run(thread);
}

/** Runs `body` as the whole life of a thread that the kernel started by itself. */
export function runAdopted(body: () => void): void {
  try {
    body();
  } finally {
    const thread = alive.get(currentTid());
    if (thread !== undefined) forget(thread);
  }
}

/** Entry point, in a child after a fork: threads that were not copied have ended here. */
export function afterFork(): void {
  for (const thread of alive.values()) if (isGone(thread)) forget(thread);
  for (const [slot, thread] of created) {
    if (!isGone(thread)) continue;
    created.delete(slot);
    forget(thread);
  }
}

function isGone(thread: Thread): boolean {
  return thread.id !== 0 && syscall("threadInfo", thread.id) === null;
}
