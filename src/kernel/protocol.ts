/** What a node and its LWPs say to each other: plain data, passed by structured clone. */

import type { ChannelRequest, Frame } from "../abi/channel.ts";
import type { Inspection, Stream, StressMode } from "../abi/control.ts";
import type { MoveAction } from "../abi/move-plan.ts";
import type { Capabilities, ExitStatus, Quotas, SignalName, SpawnRequest } from "../abi/records.ts";
import type { Break } from "./channel.ts";
import type { ProcessRecord } from "./process-record.ts";
import type { FileQuestion } from "./remote-files.ts";

/** A program, compiled: one ES module and the map back to its sources. */
export interface Program {
  readonly name: string;
  readonly source: string;
  readonly sourceMap: string;
}

/** Who a new process is. */
export interface Birth {
  readonly pid: number;
  readonly parent: number;
  readonly program: Program;
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly quotas: Quotas;
  readonly capabilities: Capabilities;
  readonly workingDirectory: string;
  readonly stress: StressMode | undefined;
  /** Whether it is at home on another node. */
  readonly hosted?: boolean;
  /** What it goes on with: the state that an earlier process of the same program gave. */
  readonly kept?: Uint8Array | undefined;
  /** It does nothing until it is resumed. */
  readonly isHeld?: boolean;
}

/** What a restored process gets in place of what its image says. */
export interface Rebirth {
  readonly pid: number;
  readonly parent: number;
  readonly quotas: Quotas;
  readonly capabilities: Capabilities;
  readonly environment: Readonly<Record<string, string>> | undefined;
  readonly workingDirectory: string;
  readonly hosted?: boolean;
  readonly stress: StressMode | undefined;
}

/** What a process asks of its node, as a system call; answered by `complete`, a fork by `fork`. */
export type NodeRequest =
  /** `gives`: channels that are the child's from the moment the node hears of this. */
  | { readonly kind: "fork"; readonly gives: readonly string[] }
  | { readonly kind: "spawn"; readonly path: string; readonly request: SpawnRequest; readonly lifeLeftMs: number }
  | { readonly kind: "exec"; readonly path: string; readonly request: SpawnRequest }
  | { readonly kind: "wait"; readonly pid: number; readonly timeoutMs: number }
  | { readonly kind: "kill"; readonly pid: number; readonly signal: SignalName }
  | { readonly kind: "send"; readonly to: number | string; readonly payload: Uint8Array }
  | { readonly kind: "register"; readonly name: string }
  | { readonly kind: "lookup"; readonly name: string }
  | { readonly kind: "migrate"; readonly to: string };

/** What a node asks of an LWP about one process; answered by `answer`. */
export type Question =
  | { readonly kind: "inspect" }
  | { readonly kind: "summary" }
  /** Whether it has done anything, without a look at its memory. */
  | { readonly kind: "progress" }
  /** What it was started with. */
  | { readonly kind: "program" }
  | { readonly kind: "capture" }
  | { readonly kind: "fork"; readonly child: number }
  | { readonly kind: "release" }
  /** What it holds outside its memory, as its record has it. */
  | { readonly kind: "resources" }
  /** The memory, to be read while the process runs. */
  | { readonly kind: "memory" }
  /** Stops the process where it is, to be moved: it is thawed, or departs. */
  | { readonly kind: "freeze" }
  /** Stops the process where it is, for an image of it to be taken, until it is told `saved`. */
  | { readonly kind: "save" }
  /** What it has open on a node that goes away is made its own here, as the rows say. */
  | {
      readonly kind: "retrieve";
      readonly node: string;
      readonly rows: readonly Retrieval[];
      readonly isForced: boolean;
    }
  | { readonly kind: "deliver"; readonly from: number; readonly payload: Uint8Array };

/** What becomes of a handle: as in the plan of a move. */
export interface Retrieval {
  readonly handle: number;
  readonly action?: MoveAction;
}

export type Answer =
  | { readonly kind: "inspect"; readonly inspection: Omit<Inspection, "process"> & { readonly summary: Summary } }
  | { readonly kind: "summary"; readonly summary: Summary }
  | { readonly kind: "progress"; readonly progress: Progress }
  | {
      readonly kind: "program";
      readonly start: Pick<
        Birth,
        "program" | "arguments" | "environment" | "quotas" | "capabilities" | "workingDirectory"
      >;
    }
  | { readonly kind: "capture"; readonly image: Uint8Array }
  | { readonly kind: "fork" }
  | ({ readonly kind: "release" } & Released)
  | ({ readonly kind: "resources" } & Pick<ProcessRecord, "handles" | "channels">)
  | { readonly kind: "memory"; readonly memory: WebAssembly.Memory }
  | ({ readonly kind: "freeze" } & Released)
  | ({ readonly kind: "save" } & Released)
  | { readonly kind: "prepared" }
  | { readonly kind: "retrieve" }
  | { readonly kind: "deliver" };

/** A process on its way from one LWP to another, with its memory as it is. */
export interface Released {
  readonly record: ProcessRecord;
  readonly memory: WebAssembly.Memory;
  /** Its output that the node has not acknowledged. */
  readonly outputInFlight: number;
}

/** What changes about a process as it runs. */
/** Of one that has done nothing it is the same each time, and it is not ready to run. */
export interface Progress {
  readonly isReady: boolean;
  readonly cpuMs: number;
  /** Messages that wait. */
  readonly mailbox: number;
}

export interface Summary {
  readonly state: "running" | "idle" | "paused" | "swapped";
  readonly threads: number;
  readonly memoryBytes: number;
  readonly cpuMs: number;
  readonly mailbox: number;
  readonly epoch: number;
}

export type ToLwp =
  | { readonly op: "spawn"; readonly birth: Birth }
  | { readonly op: "restore"; readonly rebirth: Rebirth; readonly image: Uint8Array; readonly request: number }
  | { readonly op: "adopt"; readonly released: Released }
  /** Puts a process in place that does not run yet: it is started, or discarded. Answered. */
  | { readonly op: "prepare"; readonly request: number; readonly released: Released }
  /** `anew`: from an image, so that what its listeners were is gone. */
  | { readonly op: "start"; readonly pid: number; readonly anew?: boolean }
  | { readonly op: "discard"; readonly pid: number }
  /** A frozen process goes on, under this epoch. */
  | { readonly op: "thaw"; readonly pid: number; readonly epoch: number }
  /** The image of a process is taken: it goes on. */
  | { readonly op: "saved"; readonly pid: number }
  /** A frozen process goes on elsewhere: its handles are left to it, or those that are named, and the others closed. */
  | { readonly op: "depart"; readonly pid: number; readonly left?: readonly number[] }
  /** What a node said of files. */
  | { readonly op: "nodeAnswer"; readonly request: number; readonly outcome: Completion }
  | { readonly op: "ask"; readonly request: number; readonly pid: number; readonly question: Question }
  /** `message`: with SIGURG. */
  | { readonly op: "signal"; readonly pid: number; readonly signal: SignalName; readonly message?: string }
  | { readonly op: "pause"; readonly pid: number; readonly paused: boolean }
  | { readonly op: "end"; readonly pid: number; readonly code: number; readonly reason: string }
  | { readonly op: "input"; readonly pid: number; readonly bytes: Uint8Array | null }
  | { readonly op: "outputTaken"; readonly pid: number; readonly sizeBytes: number }
  /** Give the state that is to be kept; answered by `kept`, wherever the process is by then. */
  | { readonly op: "keep"; readonly pid: number }
  /** The child that a `fork` call is to make; answered by `forked` or `unborn`. */
  | { readonly op: "fork"; readonly pid: number; readonly call: number; readonly child: number }
  | { readonly op: "complete"; readonly pid: number; readonly call: number; readonly outcome: Completion }
  /** A request came in by a listener: a new channel, with its first frame. */
  | {
      readonly op: "incoming";
      readonly pid: number;
      readonly listener: string;
      readonly channel: string;
      readonly frame: Frame;
    }
  | { readonly op: "frame"; readonly pid: number; readonly channel: string; readonly frame: Frame }
  /** Frames of the process's, of this cost, were passed on. */
  | { readonly op: "room"; readonly pid: number; readonly channel: string; readonly cost: number }
  /** A WebSocket's ping says something. */
  | { readonly op: "ping"; readonly pid: number; readonly channel: string; readonly message: string }
  | { readonly op: "broken"; readonly pid: number; readonly channel: string; readonly why: Break }
  | { readonly op: "stop" };

/** How a call that the node carried out ended. */
export type Completion =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly code: string; readonly message: string };

export type FromLwp =
  | { readonly op: "request"; readonly pid: number; readonly call: number; readonly request: NodeRequest }
  | { readonly op: "answer"; readonly request: number; readonly answer: Answer }
  | { readonly op: "refuse"; readonly request: number; readonly code: string; readonly message: string }
  /** A restored process is in place. */
  | { readonly op: "restored"; readonly request: number; readonly name: string }
  /** A fork's child is in place on the same LWP; its first output comes after this. */
  | { readonly op: "forked"; readonly pid: number; readonly child: number }
  /** A child that a fork was to make will not come: its parent ended first, or had no memory for it. */
  | { readonly op: "unborn"; readonly child: number }
  | { readonly op: "ended"; readonly status: ExitStatus; readonly cpuMs: number }
  | { readonly op: "output"; readonly pid: number; readonly stream: Stream; readonly bytes: Uint8Array }
  /** The state that the program keeps, and the process is paused; or why it cannot be given, and it goes on. */
  | { readonly op: "kept"; readonly pid: number; readonly reason: string; readonly state: Uint8Array }
  | { readonly op: "inputTaken"; readonly pid: number; readonly sizeBytes: number }
  /** Something about files to be asked of a node, or of the process's home (""); answered by `nodeAnswer`. */
  | {
      readonly op: "askNode";
      readonly request: number;
      readonly pid: number;
      readonly node: string;
      readonly body: FileQuestion;
    }
  /** A process opens a channel; the answer is its first frame, or its breaking. */
  | {
      readonly op: "open";
      readonly pid: number;
      readonly channel: string;
      readonly request: ChannelRequest;
      readonly body: Uint8Array;
      /** A listener that accepts where its parent's of the same name does. */
      readonly shared?: boolean;
    }
  | { readonly op: "frame"; readonly pid: number; readonly channel: string; readonly frame: Frame }
  /** The process took frames of this cost. */
  | { readonly op: "taken"; readonly pid: number; readonly channel: string; readonly cost: number }
  | { readonly op: "close"; readonly pid: number; readonly channel: string }
  /** Processes that are ready to run, for the balance between LWPs; told when it changes, at most every so often. */
  | { readonly op: "load"; readonly ready: readonly number[] }
  | { readonly op: "stopped" };
