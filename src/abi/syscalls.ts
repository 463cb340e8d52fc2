/**
 * The system call table: the only way out of a process. Guest stubs, the kernel's dispatch, the documentation and
 * the tests all derive from this one table. A number, once given, is never given to another call.
 */

import { CRYPTO_DATA_MAX_BYTES, KEPT_MAX_BYTES } from "../limits.ts";

/** How a value crosses the boundary. `cell` is the address of an `Int32Array`'s first word; `json` is UTF-8 JSON text. */
export type ArgumentKind = "number" | "string" | "bytes" | "json" | "cell";
export type ResultKind = "void" | "number" | "string" | "bytes" | "json" | "object";

/**
 * What becomes of a call that is in flight when its process is captured and materialised elsewhere:
 * - `immediate`: never in flight, it completes at once;
 * - `reissue`: made again where the process goes on, with the time that was left; doing it again repeats no effect;
 * - `finish`: the capture waits for it (bounded: it is the host's file system), so it is never in flight in an image.
 */
export type InFlight = "immediate" | "reissue" | "finish";

export interface Syscall {
  readonly number: number;
  readonly arguments: readonly ArgumentKind[];
  readonly result: ResultKind;
  readonly inFlight: InFlight;
  /** The most bytes that a `bytes` argument may hold, where that is more than for other calls. */
  readonly argumentMaxBytes?: number;
  /** One line: meaning, units, what it returns. */
  readonly doc: string;
}

// prettier-ignore
export const SYSCALLS = {
  // Process
  exit: { number: 1, arguments: ["number"], result: "void", inFlight: "immediate", doc: "End the process with an exit code." },
  processInfo: { number: 2, arguments: [], result: "json", inFlight: "immediate", doc: "Who am I: `ProcessSelf`." },
  fork: { number: 3, arguments: ["json"], result: "number", inFlight: "finish", doc: "Copy the process (`ForkRequest`); the child's pid in the parent, 0 in the child." },
  spawn: { number: 4, arguments: ["string", "json"], result: "number", inFlight: "finish", doc: "Start a program (path, `SpawnRequest`); returns its pid." },
  exec: { number: 5, arguments: ["string", "json"], result: "void", inFlight: "finish", doc: "Replace this process's program, keeping its pid; returns only on failure." },
  wait: { number: 6, arguments: ["number", "number"], result: "json", inFlight: "reissue", doc: "Wait for a child (pid, or -1 for any; timeout in ms, -1 for none): `ExitStatus`, or null at the timeout." },
  kill: { number: 7, arguments: ["number", "string"], result: "void", inFlight: "finish", doc: "Send a signal to a process (pid, signal name)." },
  signalAction: { number: 8, arguments: ["string", "string"], result: "void", inFlight: "immediate", doc: "Signal name; `handle`, `ignore` or `default`." },
  checkpoint: { number: 9, arguments: ["json"], result: "json", inFlight: "reissue", doc: "Capture the process (`CheckpointRequest`): `CheckpointResult`, in the process that goes on and in the one restored." },
  migrate: { number: 10, arguments: ["string"], result: "json", inFlight: "reissue", doc: "Move to the node of this name: `MigrateResult`, in the process that goes on there." },
  // Threads
  threadCreate: { number: 20, arguments: ["number", "json"], result: "number", inFlight: "immediate", doc: "Start a thread on the function in the guest's slot (`ThreadRequest`); returns its tid." },
  threadJoin: { number: 21, arguments: ["number", "number"], result: "number", inFlight: "reissue", doc: "Wait for a thread's end (tid, timeout in ms or -1): 1, or 0 at the timeout." },
  threadInfo: { number: 22, arguments: ["number"], result: "json", inFlight: "immediate", doc: "`ThreadSelf` of a tid, or null." },
  threadPriority: { number: 23, arguments: ["number", "number"], result: "void", inFlight: "immediate", doc: "Set a thread's priority, 1 to 10." },
  yield: { number: 24, arguments: [], result: "void", inFlight: "reissue", doc: "Let another ready thread run." },
  sleep: { number: 25, arguments: ["number"], result: "void", inFlight: "reissue", doc: "Block this thread for so many ms." },
  futexWait: { number: 26, arguments: ["cell", "number", "number"], result: "number", inFlight: "reissue", doc: "Block while the word equals the value (timeout in ms or -1): 0 woken, 1 timed out, 2 the word differed." },
  futexWake: { number: 27, arguments: ["cell", "number"], result: "number", inFlight: "immediate", doc: "Wake up to so many threads that wait on the word; returns how many." },
  // Messages
  send: { number: 40, arguments: ["json", "bytes"], result: "void", inFlight: "finish", doc: "Put a message into a mailbox (`{ to }`: pid or registered name)." },
  receive: { number: 41, arguments: ["number"], result: "bytes", inFlight: "reissue", doc: "Take a message (timeout in ms or -1): 8 bytes of sender pid (float64, little-endian), then the message; empty at the timeout." },
  register: { number: 42, arguments: ["string"], result: "void", inFlight: "finish", doc: "Give this process a name on its node." },
  lookup: { number: 43, arguments: ["string"], result: "number", inFlight: "finish", doc: "The pid registered under a name, or -1." },
  // Events for the event-loop thread
  timerStart: { number: 60, arguments: ["number", "number", "number"], result: "void", inFlight: "immediate", doc: "Timer id, delay in ms, 1 to repeat: fires a `timer` event." },
  timerStop: { number: 61, arguments: ["number"], result: "void", inFlight: "immediate", doc: "Stop a timer by its id." },
  keepAlive: { number: 62, arguments: ["number"], result: "void", inFlight: "immediate", doc: "Add to the count of reasons (listeners, subscriptions) for the event loop not to end the process." },
  subscribe: { number: 63, arguments: ["string", "number"], result: "void", inFlight: "immediate", doc: "Turn delivery of an event source (`message`) to the event loop on (1) or off (0)." },
  keptTake: { number: 64, arguments: [], result: "bytes", inFlight: "immediate", doc: "Take the state that this process was started with (a structured clone); empty when there is none, or it was taken." },
  keptGive: { number: 65, arguments: ["string", "bytes"], result: "void", inFlight: "immediate", argumentMaxBytes: KEPT_MAX_BYTES, doc: "Answer `dispatchKept`: why the state cannot be given, or \"\" and the state (a structured clone). Once it is given, the process is paused." },
  urgentTake: { number: 66, arguments: [], result: "json", inFlight: "immediate", doc: "Take what came out of band, `UrgentRecord[]`: SIGURG tells of it." },
  // Files and streams, under the capabilities given
  open: { number: 80, arguments: ["string", "json"], result: "number", inFlight: "finish", doc: "Open a file (`OpenRequest`); returns a handle." },
  read: { number: 81, arguments: ["number", "number"], result: "bytes", inFlight: "finish", doc: "Read up to so many bytes from a handle; empty at the end." },
  write: { number: 82, arguments: ["number", "bytes"], result: "number", inFlight: "finish", doc: "Write bytes to a handle; returns how many." },
  seek: { number: 83, arguments: ["number", "number", "string"], result: "number", inFlight: "finish", doc: "Move a handle's position (`start`, `current`, `end`); returns it." },
  close: { number: 84, arguments: ["number"], result: "void", inFlight: "finish", doc: "Close a handle." },
  stat: { number: 85, arguments: ["string"], result: "json", inFlight: "finish", doc: "`FileStatus` of a path." },
  readDirectory: { number: 86, arguments: ["string"], result: "json", inFlight: "finish", doc: "`DirectoryEntry[]` of a path." },
  makeDirectory: { number: 87, arguments: ["string", "json"], result: "void", inFlight: "finish", doc: "Make a directory (`{ recursive }`)." },
  remove: { number: 88, arguments: ["string", "json"], result: "void", inFlight: "finish", doc: "Remove a file or directory (`{ recursive }`)." },
  rename: { number: 89, arguments: ["string", "string"], result: "void", inFlight: "finish", doc: "Rename a file." },
  truncate: { number: 90, arguments: ["number", "number"], result: "void", inFlight: "finish", doc: "Cut or extend an open file to so many bytes." },
  sync: { number: 91, arguments: ["number"], result: "void", inFlight: "finish", doc: "Flush an open file to the device." },
  // What a process may have made for itself
  scratchOpen: { number: 92, arguments: ["json"], result: "number", inFlight: "finish", doc: "Make a scratch directory (`ResourceRequest`); returns its handle. Paths in it begin with `scratch:HANDLE/`." },
  cacheOpen: { number: 93, arguments: ["json"], result: "number", inFlight: "immediate", doc: "Make a cache (`CacheRequest`); returns its handle." },
  cacheGet: { number: 94, arguments: ["number", "string"], result: "bytes", inFlight: "immediate", doc: "What a cache has under a key; empty when nothing." },
  cacheSet: { number: 95, arguments: ["number", "string", "bytes"], result: "void", inFlight: "immediate", doc: "Put bytes into a cache, under a key; what was used least recently makes room." },
  cacheDelete: { number: 96, arguments: ["number", "string"], result: "number", inFlight: "immediate", doc: "Take a key out of a cache: 1, or 0 when it was not there." },
  cacheKeys: { number: 97, arguments: ["number"], result: "json", inFlight: "immediate", doc: "The keys of a cache, `string[]`, the least recently used first." },
  // Channels to what the node holds for the process: listeners, HTTP exchanges and requests, streams, datagrams, WebSockets
  channelOpen: { number: 120, arguments: ["json", "bytes"], result: "number", inFlight: "immediate", doc: "Open a channel (`ChannelRequest`; the body of a `fetch` whose body is `whole`); returns its handle at once." },
  channelAccept: { number: 121, arguments: ["number", "number"], result: "number", inFlight: "reissue", doc: "Take the next exchange or stream of a listener (handle, timeout in ms or -1): its handle, or -1 at the timeout." },
  channelReceive: { number: 122, arguments: ["number", "number"], result: "bytes", inFlight: "reissue", doc: "Take the next frame (handle, timeout in ms or -1): a byte for its kind, then its bytes; empty at the timeout." },
  channelSend: { number: 123, arguments: ["number", "number", "bytes"], result: "void", inFlight: "reissue", doc: "Send a frame (handle, kind, bytes); waits while the channel's window is full." },
  channelBroken: { number: 124, arguments: ["number"], result: "string", inFlight: "reissue", doc: "Wait until the other side breaks the channel, and tell why; \"\" once it has been closed in order." },
  channelUrgent: { number: 125, arguments: ["number", "number"], result: "void", inFlight: "immediate", doc: "Have it told out of band when the other side breaks the channel (handle, a token that comes with it)." },
  // Pure host primitives: no state outside the call
  randomBytes: { number: 100, arguments: ["number"], result: "bytes", inFlight: "immediate", doc: "Cryptographically strong random bytes." },
  utf8Encode: { number: 101, arguments: ["string"], result: "bytes", inFlight: "immediate", doc: "UTF-8 of a string; lone surrogates become U+FFFD." },
  utf8Decode: { number: 102, arguments: ["bytes", "json"], result: "string", inFlight: "immediate", doc: "Decode bytes (`{ encoding, fatal, ignoreBOM, stream }`). With `stream`, the first character tells how many bytes of an unfinished character at the end were left." },
  urlParse: { number: 103, arguments: ["string", "string"], result: "json", inFlight: "immediate", doc: "Parse a URL against a base (or \"\"): `UrlRecord`, or null." },
  urlUpdate: { number: 104, arguments: ["string", "string", "string"], result: "json", inFlight: "immediate", doc: "Set one component (href, component, value): `UrlRecord`." },
  mapStack: { number: 105, arguments: ["string"], result: "string", inFlight: "immediate", doc: "A stack trace's text with its frames in the program's own source lines." },
  encodingName: { number: 106, arguments: ["string"], result: "string", inFlight: "immediate", doc: "The name of the encoding that a label stands for, or \"\"." },
  deflate: { number: 108, arguments: ["bytes", "bytes", "number"], result: "bytes", inFlight: "immediate", doc: "Compress bytes (raw deflate; after the 32 KiB before them, as a window; 1 for the last ones): whole bytes that follow those of the call before." },
  checksum: { number: 109, arguments: ["bytes", "string", "number"], result: "number", inFlight: "immediate", doc: "A checksum (`crc32`, `adler32`) of what has the given one so far and then these bytes." },
  libraryPart: { number: 107, arguments: ["string"], result: "object", inFlight: "immediate", doc: "Evaluates a part of the guest library, which is loaded when it is first needed; returns its exports." },
  // Web Cryptography: pure operations too, on the host's threads
  crypto: { number: 110, arguments: ["json", "bytes"], result: "bytes", inFlight: "reissue", argumentMaxBytes: CRYPTO_DATA_MAX_BYTES, doc: "A cryptographic operation on data (`CryptoRequest`); asynchronous only." },
  cryptoKey: { number: 111, arguments: ["json", "bytes"], result: "json", inFlight: "reissue", doc: "Read, make or write keys (`CryptoKeyRequest`): `KeyRecord[]` or `JsonWebKeyRecord`; asynchronous only." },
} as const satisfies Record<string, Syscall>;

export type SyscallName = keyof typeof SYSCALLS;

interface KindToType {
  void: void;
  number: number;
  string: string;
  bytes: Uint8Array;
  json: unknown;
  object: object;
  cell: Int32Array;
}
type TypesOf<K extends readonly ArgumentKind[]> = { -readonly [I in keyof K]: KindToType[K[I]] };
/** The guest-side argument types of a call. */
export type SyscallArguments<N extends SyscallName> = TypesOf<(typeof SYSCALLS)[N]["arguments"]>;
/** The guest-side result type of a call. */
export type SyscallResult<N extends SyscallName> = KindToType[(typeof SYSCALLS)[N]["result"]];

/** The name of the one host function that a guest calls: `(number, callId, ...arguments)`; callId 0 blocks the thread. */
export const HOST_FUNCTION = "godwit";
