/**
 * A system call in flight. It ends once, by `succeed` or `fail`, and then its outcome goes to the thread that blocks in it
 * or, as an event, to the promise that waits for it.
 */

import { SYSCALLS, type InFlight, type SyscallName } from "../abi/syscalls.ts";
import { assert } from "../assert.ts";
import { GodwitError } from "../errors.ts";
import type { GuestResult } from "../machine/guest-values.ts";
import type { Process } from "./process.ts";
import type { CallRecord, Delivery } from "./process-record.ts";
import type { Thread } from "./thread.ts";

export class Call {
  readonly id: number;
  readonly process: Process;
  readonly name: SyscallName;
  readonly arguments: readonly unknown[];
  /** The thread that made it; it blocks in it unless the call is asynchronous. */
  readonly thread: Thread;
  /** The promise that waits for it, or 0. */
  readonly callId: number;
  /** What becomes of it at a capture; a stream's read is made again where a file's is waited for. */
  inFlight: InFlight;
  /** On the process's own clock; -1 for never. */
  expiresMs: number;
  /** True when the call was in flight in an image and is made again. */
  readonly again: boolean;
  /** Takes the call out of whatever it waits in. */
  abandon: () => void = () => {};
  /** At its time the call ends in this way; set together with `expiresMs`. */
  onExpiry: () => void = () => {};
  #ended = false;
  readonly #onEnd: (call: Call, outcome: Delivery) => void;

  constructor(
    id: number,
    process: Process,
    thread: Thread,
    name: SyscallName,
    args: readonly unknown[],
    callId: number,
    onEnd: (call: Call, outcome: Delivery) => void,
    expiresMs?: number,
  ) {
    this.id = id;
    this.process = process;
    this.thread = thread;
    this.name = name;
    this.arguments = args;
    this.callId = callId;
    this.inFlight = SYSCALLS[name].inFlight;
    this.again = expiresMs !== undefined;
    this.expiresMs = expiresMs ?? -1;
    this.#onEnd = onEnd;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Ends the call with its result: plain for number, string and bytes; `json` results are given as values, `object` ones as handles. */
  succeed(value?: unknown): void {
    const result = SYSCALLS[this.name].result === "json" ? JSON.stringify(value ?? null) : value;
    assert(isResult(result), `${this.name} ends with a value that a guest can be given`);
    this.#end({ ok: true, value: result });
  }

  fail(error: unknown): void {
    if (!(error instanceof GodwitError)) throw error;
    this.#end({ ok: false, code: error.code, message: error.message });
  }

  /** Ends the call without an outcome: its process is gone. */
  drop(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.abandon();
  }

  #end(outcome: Delivery): void {
    if (this.#ended) return;
    this.#ended = true;
    this.abandon();
    this.#onEnd(this, outcome);
  }

  save(): CallRecord {
    assert(this.inFlight === "reissue" && !this.#ended, `${this.name} can be made again`);
    return {
      id: this.id,
      name: this.name,
      arguments: this.arguments,
      tid: this.callId === 0 ? this.thread.tid : 0,
      callId: this.callId,
      expiresMs: this.expiresMs,
    };
  }
}

function isResult(value: unknown): value is GuestResult {
  if (value === undefined || typeof value === "number" || typeof value === "string") return true;
  return typeof value === "object" && value !== null && (value instanceof Uint8Array || "handle" in value);
}
