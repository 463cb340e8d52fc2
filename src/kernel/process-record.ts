/**
 * The process record: everything of a process that is not in its address space, as plain data. It is the `state` of an
 * image, and what one LWP hands to another. Who reads one from a file checks it first (`record-check.ts`).
 */

import type { Stream, StressMode } from "../abi/control.ts";
import type { Capabilities, Quotas, SignalName, UrgentRecord } from "../abi/records.ts";
import type { SyscallName } from "../abi/syscalls.ts";
import type { GuestResult } from "../machine/guest-values.ts";
import type { ThreadContext } from "../machine/processor.ts";
import type { ChannelRecord } from "./channel.ts";
import type { Message } from "./mailbox.ts";
import type { HandleRecord } from "./resource.ts";

/** Version of the record inside an image; the image format has its own. */
export const RECORD_VERSION = 1;

/** What a thread does when nothing of it is on its stack. */
export type Phase =
  | { readonly kind: "load" }
  /** The event loop decides what is next. */
  | { readonly kind: "loop" }
  | { readonly kind: "job" }
  | { readonly kind: "rejections" }
  | { readonly kind: "dispatch"; readonly event: ProcessEvent }
  | { readonly kind: "body"; readonly slot: number }
  | { readonly kind: "signal"; readonly signal: SignalName }
  /** An uncaught error is being described; then the process ends. */
  | { readonly kind: "describe"; readonly error: number };

/** What the event-loop thread dispatches to the guest. */
export type ProcessEvent =
  | { readonly kind: "timer"; readonly id: number }
  | { readonly kind: "completion"; readonly callId: number; readonly outcome: Delivery }
  | { readonly kind: "message" }
  /** The program is to give the state that it keeps. */
  | { readonly kind: "kept" };

/** A call's outcome on its way to a thread. */
export type Delivery =
  | { readonly ok: true; readonly value: GuestResult }
  | { readonly ok: false; readonly code: string; readonly message: string };

export interface ThreadRecord {
  readonly tid: number;
  readonly name: string;
  readonly priority: number;
  readonly daemon: boolean;
  readonly kind: "main" | "body" | "signal";
  readonly phase: Phase;
  readonly context: ThreadContext;
  /** Outcome of the call it was stopped in, not yet taken; absent when it was preempted or is still blocked. */
  readonly delivery: Delivery | undefined;
  readonly cpuMs: number;
}

/** A system call that was in flight, to be made again. */
export interface CallRecord {
  /** Its number in its process. */
  readonly id: number;
  readonly name: SyscallName;
  readonly arguments: readonly unknown[];
  /** The thread that waits for it, or 0. */
  readonly tid: number;
  /** The promise that waits for it, or 0. */
  readonly callId: number;
  /** When it gives up, on the process's own clock in ms; -1 for never. */
  readonly expiresMs: number;
}

export interface TimerRecord {
  readonly id: number;
  readonly dueMs: number;
  /** 0 for a timer that fires once. */
  readonly repeatMs: number;
}

export interface ProcessRecord {
  readonly recordVersion: number;
  readonly pid: number;
  readonly parent: number;
  readonly epoch: number;
  readonly program: { readonly name: string; readonly source: string; readonly sourceMap: string };
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly quotas: Quotas;
  readonly capabilities: Capabilities;
  readonly workingDirectory: string;
  /** Whether it is at home on another node than it is on. */
  readonly hosted: boolean;
  readonly stress: StressMode | null;
  /** The process's own monotonic clock: it stands still while the process is an image. */
  readonly clockMs: number;
  readonly cpuMs: number;
  readonly nextTid: number;
  readonly nextCall: number;
  readonly modulePromise: number;
  readonly threads: readonly ThreadRecord[];
  readonly calls: readonly CallRecord[];
  readonly timers: readonly TimerRecord[];
  readonly events: readonly ProcessEvent[];
  readonly signals: readonly {
    readonly signal: SignalName;
    readonly action: "handle" | "ignore";
    readonly pending: boolean;
  }[];
  readonly keepAlive: number;
  readonly messageEvents: boolean;
  readonly urgent: readonly UrgentRecord[];
  readonly mailbox: readonly Message[];
  readonly handles: readonly HandleRecord[];
  readonly channels: readonly ChannelRecord[];
  readonly input: { readonly chunks: readonly Uint8Array[]; readonly closed: boolean };
  /**
   * State that the program was started with and has not taken yet; whether it has been asked for its own, and whether it has
   * given that and does nothing more.
   */
  readonly kept: { readonly state: Uint8Array; readonly asked: boolean; readonly given: boolean };
  readonly paused: boolean;
  readonly rejectionsNoted: boolean;
}

/** Standard streams by handle. */
export const STANDARD_STREAMS: readonly ("stdin" | Stream)[] = ["stdin", "stdout", "stderr"];
