/** The kernel's side of a process's traps: decodes system calls by the table, and decides at polls whether to stop. */

import { type ArgumentKind, type Syscall, SYSCALLS, type SyscallName } from "../abi/syscalls.ts";
import { assert, unreachable } from "../assert.ts";
import { IO_MAX_BYTES, JSON_ARGUMENT_MAX_DEPTH, MESSAGE_MAX_BYTES } from "../limits.ts";
import type { GuestValues } from "../machine/guest-values.ts";
import type { SyscallOutcome, Traps } from "../machine/trap.ts";
import { noteJson } from "./backlog.ts";
import type { Kernel } from "./kernel.ts";
import type { Process } from "./process.ts";
import type { Delivery } from "./process-record.ts";

/** Strings and byte arrays that cross in one call, at most. */
const ARGUMENT_MAX_BYTES = Math.max(IO_MAX_BYTES, MESSAGE_MAX_BYTES);

function maxBytesOf(name: SyscallName): number {
  const { argumentMaxBytes = ARGUMENT_MAX_BYTES }: Syscall = SYSCALLS[name];
  return argumentMaxBytes;
}

const NAMES = new Map<number, SyscallName>(
  (Object.keys(SYSCALLS) as SyscallName[]).map((name) => [SYSCALLS[name].number, name]),
);
assert(NAMES.size === Object.keys(SYSCALLS).length, "system call numbers are unique");

/** Thrown through the guest's frames by `exit`: the process ends here and its instance is dropped. It has no stack. */
export class ProcessExit extends Error {
  readonly code: number;
  constructor(code: number) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super("the process has ended");
    Error.stackTraceLimit = stackTraceLimit;
    this.code = code;
  }
}

export class ProcessTraps implements Traps {
  readonly #kernel: Kernel;
  readonly #process: Process;

  constructor(kernel: Kernel, process: Process) {
    this.#kernel = kernel;
    this.#process = process;
  }

  syscall(number: number, callId: number, values: GuestValues, argv: number, argc: number): SyscallOutcome {
    const name = NAMES.get(number);
    if (name === undefined) return errorOutcome("ENOSYS", `there is no system call ${number}`);
    const args = decode(name, values, argv, argc);
    if (args === undefined)
      return errorOutcome(
        "EINVAL",
        `${name} takes (${SYSCALLS[name].arguments.join(", ")}), each of at most ${maxBytesOf(name)} bytes`,
      );
    if (callId !== 0) {
      if (!Number.isSafeInteger(callId) || callId < 0)
        return errorOutcome("EINVAL", `a call's id is a whole number, not ${callId}`);
      const refused = this.#process.backlog.refusal(name, args);
      if (refused !== undefined) return errorOutcome("EAGAIN", refused);
    }
    return this.#kernel.call(this.#process, name, args, callId);
  }

  delivery(): SyscallOutcome {
    const thread = this.#kernel.current;
    assert(thread?.delivery !== undefined, "a thread that goes on after a call has its outcome");
    const outcome = outcomeOf(thread.delivery);
    thread.delivery = undefined;
    return outcome;
  }

  poll(): boolean {
    return this.#kernel.poll(this.#process);
  }

  realTimeMs(): number {
    return this.#kernel.host.wallClockMs();
  }

  monotonicMs(): number {
    return this.#process.clockMs(this.#kernel.host.monotonicMs());
  }

  randomBytes(into: Uint8Array): void {
    this.#kernel.host.randomBytes(into);
  }

  rejectionNoted(): void {
    this.#process.rejectionsNoted = true;
  }

  engineOutput(bytes: Uint8Array): void {
    this.#kernel.output(this.#process, "stderr", bytes);
  }
}

export function outcomeOf(delivery: Delivery): SyscallOutcome {
  return delivery.ok ? { kind: "result", value: delivery.value } : errorOutcome(delivery.code, delivery.message);
}

function errorOutcome(code: string, message: string): SyscallOutcome {
  return { kind: "error", code, message };
}

/** The arguments after number and call id, as the table says; undefined when they are not of its kinds. */
function decode(name: SyscallName, values: GuestValues, argv: number, argc: number): unknown[] | undefined {
  const kinds: readonly ArgumentKind[] = SYSCALLS[name].arguments;
  if (argc < kinds.length + 2) return undefined;
  const maxBytes = maxBytesOf(name);
  const args: unknown[] = [];
  for (const [index, kind] of kinds.entries()) {
    const value = decodeOne(kind, values, argv, index + 2, maxBytes);
    if (value === undefined) return undefined;
    args.push(value);
  }
  return args;
}

function decodeOne(kind: ArgumentKind, values: GuestValues, argv: number, place: number, maxBytes: number): unknown {
  switch (kind) {
    case "number":
      return values.number(argv, place);
    case "string":
      return values.string(argv, place, ARGUMENT_MAX_BYTES);
    case "bytes":
      return values.bytes(argv, place, maxBytes);
    case "json": {
      const text = values.string(argv, place, ARGUMENT_MAX_BYTES);
      if (text === undefined) return undefined;
      try {
        const value: unknown = JSON.parse(text);
        if (typeof value !== "object" || value === null || !nestsAtMost(JSON_ARGUMENT_MAX_DEPTH, value))
          return undefined;
        noteJson(value, text.length);
        return value;
      } catch {
        return undefined;
      }
    }
    case "cell": {
      const range = values.byteRange(argv, place);
      return range === undefined || range.length < 4 || range.address % 4 !== 0 ? undefined : range.address;
    }
    default:
      return unreachable(kind, "kind of argument");
  }
}

function nestsAtMost(depth: number, value: unknown): boolean {
  if (typeof value !== "object" || value === null) return true;
  return depth > 0 && Object.values(value).every((inner) => nestsAtMost(depth - 1, inner));
}

const refused = { kind: "error", code: "EPERM", message: "nobody is there to answer this call" } as const;

/** For a processor without a process: a copy to be looked into, or one made ahead. */
export const NO_TRAPS: Traps = {
  syscall: () => refused,
  delivery: () => refused,
  poll: () => false,
  realTimeMs: () => 0,
  monotonicMs: () => 0,
  randomBytes: () => {},
  rejectionNoted: () => {},
  engineOutput: () => {},
};
