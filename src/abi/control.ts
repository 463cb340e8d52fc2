/** What a node tells of its processes, and what is asked of it: shared by node, client and command line. */

import type { Lookup, LookupOptions } from "./lookup.ts";
import type { DrainOptions, DrainReport, MoveReport } from "./move-report.ts";
import type { MovePlan } from "./move-plan.ts";
import type { PassedConnections, PassOn } from "./pass-on.ts";
import type { Capabilities, ExitStatus, Quotas, SignalName, ThreadState } from "./records.ts";

export type { DrainOptions, DrainPlan, DrainReport, MoveReport } from "./move-report.ts";

/** `rehoming`: it stands still until it is known whether another home has it. */
export type ProcessState = "running" | "idle" | "paused" | "swapped" | "rehoming" | "ended";

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

export type NodeState = "up" | "draining";

/** How much a node has to do, as it tells the others about once a second. */
export interface NodeLoad {
  /** Living processes that run there, wherever their home is. */
  readonly processes: number;
  /** Of its LWPs' cores, over the last second. */
  readonly cpuPercent: number;
  /** Resident, of the whole OS process. */
  readonly memoryBytes: number;
  /** A node that is drained takes no processes in. */
  readonly state: NodeState;
}

export interface NodeInfo extends NodeLoad {
  readonly name: string;
  readonly hostname: string;
  /** Its OS process there. */
  readonly hostPid: number;
  readonly version: string;
  /** Hash of the engine: processes move between nodes of one. */
  readonly engine: string;
  readonly lwps: number;
  readonly startedMs: number;
  /** Where other nodes reach it. */
  readonly addresses: readonly string[];
  /** Its control socket, for programs of its machine: by any node's the whole cluster can be reached. */
  readonly socket: string;
}

/** Names of nodes; or all that there are and will be. */
export type NodeNames = "all" | readonly string[];

/** An address where a node's switch accepts clients of a service. */
export interface Front {
  readonly service: string;
  /** `SCHEME://HOST:PORT`: http and https for requests, tcp and tls for connections, udp for datagrams. */
  readonly address: string;
  /** How a process is chosen: round-robin, least-loaded, local, hash:KEY, content:PREFIX=SERVICE,... */
  readonly policy: string;
  /** Name of the node. */
  readonly node: string;
  /** Where clients that know how come to go directly to the node's own processes: `SCHEME://HOST:PORT`. */
  readonly careOf?: string;
  readonly passOn: PassOn;
  readonly connections?: PassedConnections;
}

export interface ExposeOptions {
  readonly service: string;
  /** As a front's; port 0 for any that is free. */
  readonly address: string;
  /** `least-loaded` when nothing is said. */
  readonly policy?: string;
  /**
   * HOST or HOST:PORT by which clients reach this address; empty for the address as it is, with the node's own host where it is
   * one for all: it is a care-of address of the service, told to those that know how to go directly to the node that has the
   * process. Its policy is `local`.
   */
  readonly careOf?: string;
  /** Certificate and key in PEM, for https and tls. */
  readonly certificate?: string;
  readonly key?: string;
  /**
   * Nodes that hold the address: each that can does, and those that cannot stand by until they can. Without it, `node`; or the
   * one that is asked.
   */
  readonly at?: NodeNames;
  /** The node whose switch opens it first. */
  readonly node?: string;
  /** Starts a process when a client comes and the service has none, by whatever front. */
  readonly start?: ServiceStart;
  /** `auto` when nothing is said: handoff wherever it is possible. With `handoff` it is refused at a node where it never is. */
  readonly passOn?: PassOn;
}

/** An address where a service is exposed. */
export interface ExposureInfo {
  /** As a front's. */
  readonly address: string;
  readonly policy: string;
  /** Nodes that are to hold it. Those that do have a front there. */
  readonly at: NodeNames;
  /** Those that would and cannot, and why. */
  readonly standBys: readonly { readonly node: string; readonly reason: string }[];
}

/** How a service is started, as it is told. */
export interface StartInfo {
  /** The program's name. */
  readonly program: string;
  readonly idleMs: number;
  /** Its process, if it was started. */
  readonly pid?: number;
}

/** How a service is started when it is wanted, and ended when it is not. */
export interface ServiceStart {
  /** It listens on `service:NAME`, and may. */
  readonly program: SpawnOptions;
  /** It is ended when it has had no client for so long. */
  readonly idleMs: number;
}

/** A process that serves a service. */
export interface ServiceMember {
  readonly pid: number;
  /** Name of its home. */
  readonly home: string;
  readonly protocol: "http" | "tcp" | "udp";
  /** Requests and connections that it has of all switches. */
  readonly open: number;
}

export interface ServiceInfo {
  readonly name: string;
  readonly members: readonly ServiceMember[];
  /** Where clients come in. */
  readonly fronts: readonly Front[];
  readonly exposures: readonly ExposureInfo[];
  /** Of a service that scales to zero. */
  readonly start?: StartInfo;
}

/** What happened in a cluster, for people and programs that watch it. */
export type ClusterEvent = { readonly atMs: number; readonly node: string } & (
  | { readonly kind: "started"; readonly pid: number; readonly parent: number; readonly name: string }
  | { readonly kind: "ended"; readonly pid: number; readonly name: string; readonly status: ExitStatus }
  /** A move is over; it may have failed. */
  | { readonly kind: "moved"; readonly move: MoveReport }
  | { readonly kind: "joined" | "left" | "died" }
  /** No image could be stored of a durable process; it goes on, and so does its last image. Told once for each fault. */
  | { readonly kind: "unsaved"; readonly pid: number; readonly name: string; readonly reason: string }
  /** A durable process goes on from an image that was taken `ageMs` before; `problems` are later ones that cannot be read. */
  | {
      readonly kind: "restored";
      readonly pid: number;
      readonly name: string;
      readonly from: string;
      readonly image: string;
      readonly ageMs: number;
      readonly problems: readonly string[];
    }
  /** A process goes on without its home: the node that runs it is that from now on. */
  | { readonly kind: "adopted"; readonly pid: number; readonly name: string; readonly from: string }
  /** A durable process was ended here, since others took this node for dead and it goes on elsewhere. */
  | { readonly kind: "superseded"; readonly pid: number; readonly name: string }
  /** A durable process is gone for good. */
  | { readonly kind: "lost"; readonly pid: number; readonly from: string; readonly reason: string }
);

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
  /** The node that is to be its home; without it, the one with the least to do. */
  readonly node?: string;
  /**
   * It is to outlive its node: an image of it is kept in the cluster, a new one every `intervalMs` (DURABLE_INTERVAL_MS unless it
   * is said) in which it has run. What it does after the last image may be done again.
   */
  readonly durable?: { readonly intervalMs?: number };
  /** What `keep` of an earlier process gave ({@link NodeControl.kept}), for this one's `keep` to go on with. */
  readonly kept?: Uint8Array;
  /** What it writes waits for its first reader ({@link NodeControl.output} with replay), so that none of it is lost. */
  readonly outputHeld?: boolean;
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
  /** The node that is to be its home. */
  readonly node?: string;
}

export type Stream = "stdout" | "stderr";

/** What is told first of a process's kept output: all, nothing, or what comes after a mark, wherever that was given. */
export type Replay = boolean | { readonly after: string };

/** A node as its own host process sees it; the daemon puts it on a socket, `run` uses it in place. */
export interface NodeControl {
  readonly name: string;
  spawn(options: SpawnOptions): Promise<number>;
  restore(image: Uint8Array, options?: RestoreOptions): Promise<number>;
  list(): Promise<ProcessInfo[]>;
  inspect(pid: number): Promise<Inspection>;
  /** @param message with SIGURG: what `onUrgent` is told. */
  signal(pid: number, signal: SignalName, message?: string): Promise<void>;
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
   * `marked` is told how far the output is read: once at first, and then with each piece of it, just before, as of its end.
   * Returns the way to unsubscribe.
   */
  output(
    pid: number,
    replay: Replay,
    on: (stream: Stream, bytes: Uint8Array) => void | Promise<void>,
    marked?: (mark: string) => void,
  ): () => void;
  stop(): Promise<void>;
}

/** A cluster as one of its nodes sees it: every process of it, wherever it runs. A node that is alone is a cluster of one. */
export interface ClusterControl extends NodeControl {
  /** A copy of a process; on another node, where it goes on at once, if one is named. */
  fork(pid: number, options?: { readonly node?: string }): Promise<number>;
  /** What is kept of a process's output, also when it has ended; resolves when all of it was handed over. */
  keptOutput(pid: number, on: (stream: Stream, bytes: Uint8Array) => void | Promise<void>): Promise<void>;
  nodes(): Promise<NodeInfo[]>;
  /**
   * Moves a process to a node while it runs. Resolves when it runs there, or will not: the report says which.
   * @throws GodwitError ESRCH; ENONODE; EINVAL when it is there already; EAGAIN when it is being moved, or too many are.
   */
  migrate(pid: number, node: string): Promise<MoveReport>;
  /**
   * Gives the move of a process up, if it still can be, and then the process goes on where it was. Resolves to what came of the move.
   * @throws GodwitError ESRCH; EINVAL when it is not being moved.
   */
  cancelMove(pid: number): Promise<MoveReport>;
  /** What would become of what a process holds outside its memory, if it moved to a node now. @throws GodwitError ESRCH; ENONODE. */
  planMove(pid: number, node: string): Promise<MovePlan>;
  /**
   * Weak mobility: starts a process's program anew on a node, with the state that it declares by `keep` and nothing else,
   * and ends the process. Resolves to the new one's pid. If it cannot be started there, the process goes on where it is:
   * of the two one goes on, whichever node dies meanwhile.
   * @throws GodwitError as `kept` and `spawn`.
   */
  restartAt(pid: number, node: string): Promise<number>;
  /** Moves all processes off a node, which takes no more in. None is moved when one needs what stays there. */
  drain(node: string, options?: DrainOptions): Promise<DrainReport>;
  /**
   * Has nodes' switches accept clients of a service at an address, until it is taken back: nodes that come back, and those
   * that take the address over, do too. What is exposed there already is changed.
   * @throws GodwitError EINVAL; EADDRINUSE, EADDRNOTAVAIL, EACCES; EAGAIN when the node has too many; ENONODE.
   */
  expose(options: ExposeOptions): Promise<Front>;
  /** No switch accepts more clients of a service, at this address or at any: those that went. Clients that are there stay. */
  unexpose(service: string, address?: string): Promise<ExposureInfo[]>;
  services(): Promise<ServiceInfo[]>;
  /**
   * Has a node answer questions about services, to whoever can reach the address.
   * @throws GodwitError EINVAL; EADDRINUSE, EADDRNOTAVAIL, EACCES; EAGAIN when the node has too many; ENONODE.
   */
  openLookup(options: LookupOptions): Promise<Lookup>;
  /** No node answers there any more: those that went. */
  closeLookup(address: string): Promise<Lookup[]>;
  lookups(): Promise<Lookup[]>;
  /** Tells what happens from now on; with `replay`, first what is remembered. Returns the way to end that. */
  events(replay: boolean, on: (event: ClusterEvent) => void): () => void;
}
