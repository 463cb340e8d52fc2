/** The records that cross the system call boundary as JSON: shared by kernel and guest, so plain data only. */

export type SignalName =
  "SIGINT" | "SIGTERM" | "SIGHUP" | "SIGUSR1" | "SIGUSR2" | "SIGKILL" | "SIGSTOP" | "SIGCONT" | "SIGCHLD" | "SIGURG";
export const SIGNALS: readonly SignalName[] = [
  "SIGINT",
  "SIGTERM",
  "SIGHUP",
  "SIGUSR1",
  "SIGUSR2",
  "SIGKILL",
  "SIGSTOP",
  "SIGCONT",
  "SIGCHLD",
  "SIGURG",
];

/** What came out of band, before whatever else waits for the process. */
export type UrgentRecord =
  /** The other side of a channel is gone. `token`: as the program has it watched by. */
  | { readonly kind: "left"; readonly token: number; readonly message: string }
  /** Asked from outside: `godwit interrupt`, or SIGURG. */
  | { readonly kind: "interrupt"; readonly message: string }
  /** A WebSocket's ping that says something. */
  | { readonly kind: "ping"; readonly handle: number; readonly message: string };

export interface ProcessSelf {
  readonly pid: number;
  readonly parent: number;
  readonly node: string;
  readonly program: string;
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** How often this process was restored from an image; 0 in a process that was spawned. */
  readonly epoch: number;
}

export interface ForkRequest {
  /** `all` copies every thread, `caller` only the one that forks. */
  readonly threads: "all" | "caller";
  /** Channels, by handle, that the child gets and the parent gives up, with what waits in them. Listeners cannot be given. */
  readonly gives?: readonly number[];
  /** The child opens listeners of its own (`copy`, when nothing is said), accepts where the parent does (`share`), or nowhere. */
  readonly listeners?: "copy" | "share" | "leave";
  /** Timers, events and asynchronous calls of the parent: the child has them too (`copy`, when nothing is said), or begins without. */
  readonly pending?: "copy" | "leave";
}

/** Limits of a process. A child's are never wider than its parent's. */
export interface Quotas {
  /** Guest memory in bytes. */
  readonly memoryBytes: number;
  /** Weight in sharing the processor; 100 is an ordinary process's. */
  readonly cpuShare: number;
  readonly threadsMax: number;
  /** Processes that may descend from this one, itself included, alive at once. */
  readonly processesMax: number;
  /** Life span in ms, or 0 for no limit. */
  readonly timeoutMs: number;
}

/** What a process may do; all absent by default. A path covers what is below it. */
export interface Capabilities {
  readonly read: readonly string[] | "all";
  readonly write: readonly string[] | "all";
  /** Names of environment variables that are passed in. */
  readonly environment: readonly string[] | "all";
  /** Programs that may be spawned, by path. */
  readonly run: readonly string[] | "all";
  /** Hosts that may be connected to: `HOST`, `HOST:PORT`, `*.DOMAIN`, an IP address or a range of them (`10.0.0.0/8`). */
  readonly net: readonly string[] | "all";
  /** Addresses that may be listened on, `HOST:PORT` or `service:NAME`. */
  readonly listen: readonly string[] | "all";
}

export interface SpawnRequest {
  readonly arguments?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly quotas?: Partial<Quotas>;
  readonly capabilities?: Partial<Capabilities>;
}

export interface ThreadRequest {
  readonly name: string;
  readonly priority: number;
  readonly stackBytes: number;
  /** A daemon thread does not keep its process alive. */
  readonly daemon: boolean;
}

export interface ThreadSelf {
  readonly tid: number;
  readonly name: string;
  readonly priority: number;
  readonly state: ThreadState;
}
export type ThreadState = "ready" | "running" | "blocked" | "ended";

export interface ExitStatus {
  readonly pid: number;
  /** Exit code; 128 plus the signal's number when a signal ended it. */
  readonly code: number;
  readonly signal?: SignalName;
  /** Why it ended, when it did not end by itself: a quota, an uncaught error, a deadlock. */
  readonly reason?: string;
}

export interface CheckpointRequest {
  /** Where to put the image; needs the write capability. */
  readonly file: string;
}
export interface CheckpointResult {
  /** False in the process that went on, true in one that was restored from the image. */
  readonly restored: boolean;
  readonly epoch: number;
}

export interface MigrateResult {
  /** The node that the process runs on now. */
  readonly node: string;
  readonly epoch: number;
}

export interface OpenRequest {
  readonly read?: boolean;
  readonly write?: boolean;
  readonly append?: boolean;
  readonly create?: boolean;
  readonly exclusive?: boolean;
  readonly truncate?: boolean;
  /**
   * What the process is after, which decides what becomes of the file on a move: this very file (`identifier`, the default:
   * it stays and is used from afar), its content (`value`: it is copied), or whatever has its path there (`type`).
   */
  readonly binding?: "identifier" | "value" | "type";
  /** On the machine where the process runs now, and not on the one where it is at home. */
  readonly node?: "here";
}
/** What a process is after in a resource that is made for it: this very one, its content, or one of its type. */
export interface ResourceRequest {
  readonly binding?: "identifier" | "value" | "type";
}
export interface CacheRequest extends ResourceRequest {
  /** The most that keys and values together take; CACHE_MAX_BYTES at most, and when nothing is said. */
  readonly maxBytes?: number;
}
export interface FileStatus {
  readonly kind: "file" | "directory" | "other";
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly createdMs: number;
  readonly mode: number;
}
export interface DirectoryEntry {
  readonly name: string;
  readonly kind: "file" | "directory" | "other";
}
export interface UrlRecord {
  readonly href: string;
  readonly origin: string;
  readonly protocol: string;
  readonly username: string;
  readonly password: string;
  readonly host: string;
  readonly hostname: string;
  readonly port: string;
  readonly pathname: string;
  readonly search: string;
  readonly hash: string;
}

/**
 * What the kernel calls in the guest (functions of the guest library, by name, captured when the template is made).
 * - `runThread(slot)`: the body of a thread;
 * - `runSignal(name)`: the body of a signal-handling thread;
 * - `dispatchTimer(id)`, `dispatchCompletion(callId, 1, value)` or `(callId, 0, code, message)`, `dispatchMessage()`,
 *   `dispatchKept()` (which answers by the system call `keptGive`): on the event-loop thread;
 * - `reportRejection(promise, reason, handled)`: noted by the guest library; `unhandledRejection()` returns the text
 *   of the first rejection that nobody handled, or "" (asked once the job queue is empty);
 * - `describeError(error)`: a printable text: name, message, stack, causes;
 * - `backtrace()`: the current stack as text, for inspection of a stopped thread;
 * - `afterFork()`: in the child: forget what belongs to threads that were not copied.
 */
export const GUEST_ENTRY_POINTS = [
  "runThread",
  "runSignal",
  "dispatchTimer",
  "dispatchCompletion",
  "dispatchMessage",
  "dispatchKept",
  "reportRejection",
  "unhandledRejection",
  "describeError",
  "backtrace",
  "afterFork",
] as const;
export type GuestEntryPoint = (typeof GUEST_ENTRY_POINTS)[number];

/** Words of the page that kernel and guest share (an `Int32Array` of the guest library), by index. */
export const SHARED_WORDS = { tid: 0, pid: 1, epoch: 2 } as const;
export const SHARED_WORD_COUNT = 16;
