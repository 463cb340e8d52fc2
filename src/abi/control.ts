/** What a node tells of its processes, and what is asked of it: shared by node, client and command line. */

import type { Capabilities, ExitStatus, Quotas, SignalName, ThreadState } from "./records.ts";

export type ProcessState = "running" | "idle" | "paused" | "swapped" | "ended";

export interface ProcessInfo {
  readonly pid: number;
  readonly parent: number;
  readonly name: string;
  readonly state: ProcessState;
  readonly node: string;
  readonly lwp: number;
  readonly threads: number;
  /** Resident guest memory; for a swapped process, the size of what is kept. */
  readonly memoryBytes: number;
  readonly cpuMs: number;
  readonly startedMs: number;
  readonly mailbox: number;
  readonly epoch: number;
  readonly exit?: ExitStatus;
}

export interface RegionInfo {
  readonly kind: "static" | "main-stack" | "heap" | "thread-stack";
  readonly start: number;
  readonly end: number;
  readonly grows: "no" | "up" | "down";
  /** The furthest the region may grow to. */
  readonly limit: number;
  readonly residentBytes: number;
  readonly tid?: number;
}

export interface ThreadInfo {
  readonly tid: number;
  readonly name: string;
  readonly priority: number;
  readonly state: ThreadState;
  /** The system call it is blocked in, if any. */
  readonly blockedIn?: string;
  readonly cpuMs: number;
  readonly stackDepthBytes: number;
  /** Frames, innermost first, in the program's own source lines. */
  readonly stack: readonly string[];
}

export interface ResourceInfo {
  readonly handle: number;
  readonly kind: string;
  readonly attachment: "unattached" | "fastened" | "fixed";
  readonly binding: "identifier" | "value" | "type";
  readonly description: string;
}

export interface Inspection {
  readonly process: ProcessInfo;
  readonly quotas: Quotas;
  readonly capabilities: Capabilities;
  readonly regions: readonly RegionInfo[];
  readonly threads: readonly ThreadInfo[];
  readonly resources: readonly ResourceInfo[];
  readonly mailbox: { readonly messages: number; readonly bytes: number; readonly names: readonly string[] };
  readonly image: { readonly pages: number; readonly templatePages: number; readonly zeroPages: number };
}

/** Stops that are turned into a capture and a fresh materialisation, for testing that a program survives it. */
export type StressMode = { readonly every: number; readonly at: "poll" | "call" };

/** Everything a node needs to start a program. The program is already one bundled ES module. */
export interface SpawnOptions {
  readonly name: string;
  readonly source: string;
  /** Source map of `source` (JSON), for stack traces in the program's own lines. */
  readonly sourceMap?: string;
  readonly arguments?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly quotas?: Partial<Quotas>;
  readonly capabilities?: Partial<Capabilities>;
  /** Base for the program's relative paths. */
  readonly workingDirectory?: string;
  readonly stress?: StressMode;
  /** What `keep` of an earlier process gave ({@link NodeControl.kept}), for this one's `keep` to go on with. */
  readonly kept?: Uint8Array;
}

/**
 * What a restored process gets here. An image grants nothing by itself: capabilities that are not given are not had,
 * whatever the process had where the image was made. Quotas given replace the image's.
 */
export interface RestoreOptions {
  readonly environment?: Readonly<Record<string, string>>;
  readonly quotas?: Partial<Quotas>;
  readonly capabilities?: Partial<Capabilities>;
  readonly workingDirectory?: string;
  readonly stress?: StressMode;
}

export type Stream = "stdout" | "stderr";

/** A node as its own host process sees it; the daemon puts it on a socket, `run` uses it in place. */
export interface NodeControl {
  readonly name: string;
  spawn(options: SpawnOptions): Promise<number>;
  restore(image: Uint8Array, options?: RestoreOptions): Promise<number>;
  list(): Promise<ProcessInfo[]>;
  inspect(pid: number): Promise<Inspection>;
  signal(pid: number, signal: SignalName): Promise<void>;
  pause(pid: number): Promise<void>;
  resume(pid: number): Promise<void>;
  fork(pid: number): Promise<number>;
  checkpoint(pid: number): Promise<Uint8Array>;
  /**
   * The state that the program declares by `keep`, for {@link SpawnOptions.kept}. It is taken at the program's event loop,
   * between two events, and the process is paused from then on, so that nothing is done that would not be in it: end it,
   * or `resume` it.
   * @throws GodwitError EINVAL, and the process goes on, when a value cannot be copied (its name and why are told);
   * EMSGSIZE when it is more than KEPT_MAX_BYTES; ETIMEDOUT when the program does not come back to its event loop.
   */
  kept(pid: number): Promise<Uint8Array>;
  /** Resolves at the process's end, once its output was handed to the subscribers. */
  wait(pid: number): Promise<ExitStatus>;
  /** Input for its standard input; resolves when there is room for more. `null` closes it. */
  input(pid: number, bytes: Uint8Array | null): Promise<void>;
  /**
   * Output as it comes. A subscriber's promise holds back the process's further writes (backpressure).
   * With `replay`, what is kept of earlier output comes first, before this returns (also for a process that has ended).
   * Returns the way to unsubscribe.
   */
  output(pid: number, replay: boolean, on: (stream: Stream, bytes: Uint8Array) => void | Promise<void>): () => void;
  stop(): Promise<void>;
}
