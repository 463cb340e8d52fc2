/** Every bound of the system, on one page. Sizes in bytes unless the name says otherwise. */
export * from "./serving-limits.ts";
/** A page of guest memory: the unit of capture, transfer and hashing. */
export const PAGE_BYTES = 4096;
/** WebAssembly's own page. */
export const WASM_PAGE_BYTES = 65_536;
/** The largest address space: wasm32's. */
export const ADDRESS_SPACE_MAX_BYTES = 2 ** 32;

/** Default quota of guest memory (heap, stacks and static data together). */
export const MEMORY_DEFAULT_BYTES = 256 * 2 ** 20;
/** Smallest quota of guest memory that a program can start in. */
export const MEMORY_MIN_BYTES = 4 * 2 ** 20;

/** C stack of a process's first thread, made by the engine's linker. */
export const MAIN_STACK_BYTES = 2 ** 20;
/** C stack of a further thread. */
export const THREAD_STACK_BYTES = 256 * 1024;
export const THREAD_STACK_MIN_BYTES = 64 * 1024;
export const THREAD_STACK_MAX_BYTES = 2 ** 20;
/** Kept free below the guest's own stack check, for native frames between two checks. */
export const STACK_RESERVE_BYTES = 48 * 1024;
/** The most that a stop saves for each byte of C stack in use; 5.97 was measured (nested `JSON.stringify`). */
export const UNWIND_BYTES_PER_STACK_BYTE = 8;
/** Scratch space in every address space that a stopped thread's frames are unwound into: enough for the largest stack. */
export const UNWIND_BUFFER_BYTES = UNWIND_BYTES_PER_STACK_BYTE * THREAD_STACK_MAX_BYTES;

export const THREADS_DEFAULT_MAX = 256;
export const PROCESSES_DEFAULT_MAX = 64;
export const PROCESSES_PER_NODE_MAX = 100_000;
/** Pids that a node gives to processes of its own: each node of a cluster has a block. */
export const PID_BLOCK = 2 ** 20;
/** Pids and tids are seen by guests as 32-bit words. */
export const PID_MAX = 2 ** 31 - 1;
export const PRIORITY_MIN = 1;
export const PRIORITY_DEFAULT = 5;
export const PRIORITY_MAX = 10;
/** A thread gives way after this long when another is ready. */
export const QUANTUM_MS = 5;
/** A thread that is alone is stopped this often all the same: V8 enters its optimised code of the engine only at a call. */
export const SLICE_MAX_MS = 25;
/** An LWP tells of its load at most this often. */
export const LOAD_REPORT_MS = 20;
/** A guest that executes this long without a poll is stuck in native code: its memory is revoked. */
export const STUCK_AFTER_MS = 5_000;
/** The host's timers take no longer delay. */
export const HOST_TIMER_MAX_MS = 2 ** 31 - 1;
/** Polls after which a guest function that the kernel calls, and cannot stop, is interrupted: about ten million branches. */
export const UNSTOPPABLE_POLLS_MAX = 1000;
/** An LWP goes on so long under one watch for stuck guests, so that one begins to count at most so much too early. */
export const GUARD_MAX_MS = 50;
/** An LWP that has run guests waits so long for more work before it turns to its host's events. */
export const LINGER_MS = 1;
/** Messages that an LWP tells its node together, and how long the first of them waits at most while guests run. */
export const LWP_OUTBOX_MAX = 64;
export const OUTBOX_MAX_MS = 0.5;
/** An LWP serves its host's events (files, messages) at least this often while guests run. */
export const HOST_TURN_MS = 5;

export const MAILBOX_MAX_MESSAGES = 1024;
export const MESSAGE_MAX_BYTES = 2 ** 20;
/** What a program declares to be kept when its code is replaced: all of it, as a structured clone. */
export const KEPT_MAX_BYTES = 16 * 2 ** 20;
export const KEPT_NAME_MAX_CHARS = 200;
/** A program comes back to its event loop within this time to give what it keeps, or is not asked to. */
export const KEPT_TIMEOUT_MS = 5_000;
export const MAILBOX_MAX_BYTES = 8 * 2 ** 20;
export const NAME_MAX_CHARS = 128;
/** Names that one process registers. */
export const NAMES_MAX = 64;
/** Ended children that nobody has waited for; of more, the oldest are forgotten. */
export const ZOMBIES_MAX = 1024;
export const HANDLES_MAX = 1024;
/** One frame of a channel. */
export const FRAME_MAX_BYTES = 2 ** 20;
/** Frames of a channel that are on their way or wait, for each direction; the next waits for room. */
export const CHANNEL_WINDOW_BYTES = 256 * 1024;
/** And of all channels of a process, for each direction; beyond it each may have one frame under way. */
export const CHANNELS_WINDOW_BYTES = 16 * 2 ** 20;
/** Exchanges that a process has from one listener, accepted or waiting; a client beyond them is told to come again. */
export const EXCHANGES_MAX = 1024;
/** Exchanges that a process works on at once: each may have a call or two in flight, of `CALLS_IN_FLIGHT_MAX`. */
export const EXCHANGES_IN_FLIGHT_MAX = 400;
/** Redirects that a fetch follows. */
export const FETCH_REDIRECTS_MAX = 20;
/** Connections of one listener; those beyond are closed at once. */
export const LISTENER_CONNECTIONS_MAX = 20_000;
/** A request's line and headers. */
export const REQUEST_HEAD_MAX_BYTES = 16 * 1024;
/** How long a client may take to send them. */
export const REQUEST_HEAD_TIMEOUT_MS = 20_000;
/** What is let by of a request's body that nobody reads, so that its connection can be used again, and for how long. */
export const UNREAD_BODY_MAX_BYTES = 16 * 2 ** 20;
export const UNREAD_BODY_TIMEOUT_MS = 20_000;
/** A request's body that is passed on together with its head, and is to come within the head's time. */
export const WHOLE_BODY_MAX_BYTES = 64 * 1024;
export const TIMERS_MAX = 10_000;
/** Asynchronous calls of a process that have not been taken note of: those in flight, and outcomes that wait for its event loop. */
export const CALLS_IN_FLIGHT_MAX = 1024;
/** How deep a JSON argument of a call may nest: no record is near it, and what handles records may recurse. */
export const JSON_ARGUMENT_MAX_DEPTH = 16;
/** Arguments and results of those calls, which the host keeps outside of the memory quota. */
export const CALLS_IN_FLIGHT_MAX_BYTES = 16 * 2 ** 20;
/** Results among them beyond which a frame of a channel stays there until the event loop has taken some. */
export const RESULTS_WAITING_MAX_BYTES = 8 * 2 ** 20;
/** Header fields of a request or an answer on a channel, and their bytes together. */
export const HEADERS_MAX = 256;
export const HEADERS_MAX_BYTES = 64 * 1024;
export const METHOD_MAX_CHARS = 64;
/** Subprotocols that a WebSocket offers. */
export const PROTOCOLS_MAX = 64;
/** Connections of a process's own: how long one may take to be made, with its name looked up. */
export const CONNECT_TIMEOUT_MS = 10_000;
/** From a request that is sent to the last header field of its answer. */
export const ANSWER_HEAD_TIMEOUT_MS = 300_000;
/** An answer's body, or a request's that the server does not take, may stand still for as long. */
export const BODY_IDLE_TIMEOUT_MS = 300_000;
/** A WebSocket's opening, once connected; and its closing. */
export const HANDSHAKE_TIMEOUT_MS = 10_000;
/** Connections that a process keeps for its next requests, and for how long at most. */
export const KEPT_CONNECTIONS_MAX = 32;
export const KEPT_CONNECTION_MAX_MS = 60_000;
/** Heads of 1xx before an answer's own. */
export const INTERIM_HEADS_MAX = 16;
/** Codings of one body, one over the other. */
export const CODINGS_MAX = 3;
/** What the decoders of a process's answers may take. */
export const DECODERS_MAX_BYTES = 256 * 2 ** 20;
/** Names that a node looks up at once: each holds one of the host's few threads, which its files need too. */
export const LOOKUPS_AT_ONCE_MAX = 2;
/** Names that wait to be looked up for one process. */
export const LOOKUPS_WAITING_MAX = 1024;
/** Bytes that a WebSocket or a request's body has on its way to the system before its next frame waits. */
export const SEND_BUFFER_BYTES = 64 * 1024;
/** Fragments of a WebSocket's message, and pieces that they arrive in. */
export const FRAGMENTS_MAX = 16 * 1024;
/** Answers to a WebSocket's pings that the other side has not taken. */
export const PONGS_WAITING_MAX = 16;
/** Why a WebSocket ends, in UTF-8: RFC 6455, 5.5. */
export const CLOSE_REASON_MAX_BYTES = 123;
/** Entries of a `net` capability. */
export const HOST_PATTERNS_MAX = 256;
/** A host's name, or an entry that allows one. */
export const HOST_MAX_CHARS = 300;
export const IO_MAX_BYTES = 2 ** 20;
/** A file that is copied on a move, and all that is in one scratch directory; a file there counts as 4 KiB more than it has. */
export const FILE_COPY_MAX_BYTES = 16 * 2 ** 20;
export const SCRATCH_MAX_BYTES = 16 * 2 ** 20;
/** Keys and values of one cache; its keys; and caches and scratch directories of one process. */
export const CACHE_MAX_BYTES = 4 * 2 ** 20;
export const CACHE_ENTRIES_MAX = 65_536;
export const CACHE_KEY_MAX_CHARS = 1024;
export const CACHES_MAX = 4;
export const SCRATCHES_MAX = 4;
/** Files and directories that a node has open for processes that run on other nodes. */
export const FILES_SERVED_MAX = 65_536;
/** Data of one cryptographic operation: two such calls fit among those in flight. */
export const CRYPTO_DATA_MAX_BYTES = 8 * 2 ** 20;
/** Data of a hash or an HMAC that is made at once: a fraction of a millisecond. */
export const CRYPTO_INSTANT_MAX_BYTES = 64 * 1024;
/** Digests of larger data that an LWP has begun, a few hundred bytes each; of more, the oldest begin again. */
export const DIGESTS_KEPT_MAX = 1024;
/** How often a process begins one, at most. */
export const DIGEST_ATTEMPTS_MAX = 4;
/** A secret key, and each parameter of an operation (a salt, additional data, a label). */
export const CRYPTO_PARAMETER_MAX_BYTES = 64 * 1024;
/** A private or public key as PKCS #8 or SPKI: room for RSA's largest. */
export const CRYPTO_KEY_MAX_BYTES = 8 * 1024;
/** RSA keys that are taken, and those that are made: the time grows with the third and the fourth power. */
export const RSA_IMPORT_MAX_BITS = 8192;
export const RSA_GENERATE_MAX_BITS = 4096;
/** What one `deriveBits` gives: HKDF's own bound is just below. */
export const DERIVED_MAX_BYTES = 16 * 1024;
/** Iterations of one PBKDF2, counted for each block of its output: a few seconds. */
export const PBKDF2_MAX_ROUNDS = 4_000_000;
/** Keys that an LWP keeps in the host's form, to read each only once while it is in use. */
export const CRYPTO_KEYS_CACHED_MAX = 256;
/** Operations that an LWP lets onto the host's threads at once: short ones (milliseconds), and long ones beside them. */
export const CRYPTO_SHORT_AT_ONCE = 2;
export const CRYPTO_LONG_AT_ONCE = 1;
/** Long operations of all LWPs together: half of the threads that Node.js has for them and for files. */
export const CRYPTO_LONG_IN_ALL = 2;
/** Until one that found no room asks again. */
export const CRYPTO_GATE_RETRY_MS = 5;
/** Entries of a form that is read from a body, and the headers of one part of it. */
export const FORM_ENTRIES_MAX = 10_000;
export const FORM_HEADER_MAX_BYTES = 16 * 1024;
/** Bytes that are compressed at once: a few milliseconds. */
export const DEFLATE_BLOCK_BYTES = 64 * 1024;
/** What deflate may refer back to. */
export const DEFLATE_WINDOW_BYTES = 32 * 1024;
/** What a compression stream makes ahead of its reader. */
export const INFLATE_AHEAD_MAX_BYTES = 2 ** 20;
/** URLs and their parts, as the host parses them for a guest. */
export const URL_MAX_CHARS = 256 * 1024;
/** Bytes of output a process may have on its way to its reader before its writes block. */
export const OUTPUT_IN_FLIGHT_MAX_BYTES = 256 * 1024;
/** What one piece of output counts beside its bytes, on its way and in the log: many small ones are bounded too. */
export const OUTPUT_PIECE_BYTES = 256;
/** Bytes of input kept for a process that does not read. */
export const INPUT_BUFFER_MAX_BYTES = 2 ** 20;
/** Output kept for `logs`, for each process. */
export const LOG_MAX_BYTES = 256 * 1024;
/** Ended processes that are remembered for `ps --all`, `wait` and `logs`. */
export const ENDED_PROCESSES_MAX = 1000;
/** Program source after bundling. */
export const PROGRAM_MAX_BYTES = 32 * 2 ** 20;

/** Address spaces that an LWP keeps ready for processes to come. */
export const NURSERY_MAX = 2;
/** An idle process's instance of the engine is let go after this long; its memory stays. */
export const INSTANCE_IDLE_MS = 1_000;
/** An idle LWP collects garbage so often when processes let go of much memory, more than one for so many that live; and of any. */
export const COLLECTION_PART = 8;
export const COLLECTION_SOON_MS = 2_000;
export const COLLECTION_LATE_MS = 30_000;
/** An idle process's memory is let go after this long. */
export const SWAP_AFTER_MS = 30_000;

/** Images: what a reader accepts before it allocates. */
export const IMAGE_MAX_PAGES = ADDRESS_SPACE_MAX_BYTES / PAGE_BYTES;
export const IMAGE_HEADER_MAX_BYTES = 64 * 2 ** 20;
/** Values (items of lists, keys and values of maps) in an image's header, and how deep they nest. */
export const IMAGE_STATE_MAX_ITEMS = 2 ** 20;
export const IMAGE_STATE_MAX_DEPTH = 64;

/** A move stops the process when a round has left no more pages than these: about a millisecond to send. */
export const MIGRATION_FEW_PAGES = 64;
export const MIGRATION_ROUNDS_MAX = 8;
/** Who looks through a memory page by page gives way to the rest of the node after so long. */
export const LOOK_TURN_MS = 5;
/** One image of a move's stream: so many pages, or a record. */
export const MOVE_PAGES_MAX = 1024;
export const MOVE_FRAME_MAX_BYTES = 96 * 2 ** 20;
/** Pages of processes that have left, or come, which a node keeps for those that come next: 64 MB. */
export const PAGE_STORE_MAX_PAGES = 16_384;
/** A move's other side that is silent for so long is as good as gone; a directory that did not answer is asked again after this. */
export const MOVE_SILENCE_MS = 10_000;
export const MOVE_RETRY_MS = 200;
/** Moves from a node, and to it, at once. */
export const MOVES_MAX = 64;

/** How often an image is taken of a durable process, unless it is said; and the shortest. */
export const DURABLE_INTERVAL_MS = 2_000;
export const DURABLE_INTERVAL_MIN_MS = 100;
/** Images that follow a base before there is a new one; sooner when they are larger than it. */
export const DURABLE_DELTAS_MAX = 64;
/** Images of a node that are taken and written at once. */
export const DURABLE_AT_ONCE_MAX = 4;
/** A durable process that has done nothing for so long keeps no copy of its pages: its next image is a base. */
export const DURABLE_IDLE_MS = 60_000;
/** For how long a node's guests may run while its lease is not known to be held; how often it looks, and an LWP that waits. */
export const FENCE_MS = 400;
export const FENCE_INTERVAL_MS = 100;
export const FENCE_RETRY_MS = 20;
/** Pages of one part of an image in the cluster's store: a few milliseconds to encode. */
export const IMAGE_PART_PAGES = 256;
/** From a node's death being noticed until its processes are claimed. Past FENCE_MS: guests of one that is cut off stand still. */
export const FAILOVER_SETTLE_MS = 500;
/** How much later than the one before each survivor tries to restore a dead node's process. */
export const FAILOVER_STEP_MS = 2_000;
/** Processes that a node restores at once, and how often it tries one whose images cannot be read just now. */
export const FAILOVER_AT_ONCE_MAX = 4;
export const FAILOVER_ATTEMPTS_MAX = 5;

/** The control socket of a node. Connections served at once; `logs -f`, `attach` and a wait take one each. */
export const CONTROL_CONNECTIONS_MAX = 256;
export const CONTROL_HEADER_MAX_BYTES = 64 * 1024;
/** A request's body, when it is neither a program nor an image. */
export const CONTROL_REQUEST_MAX_BYTES = 64 * 1024;
/** A program with its source map, as JSON text. */
export const SPAWN_REQUEST_MAX_BYTES = 4 * PROGRAM_MAX_BYTES;
/** An image as a file or a body. */
export const IMAGE_MAX_BYTES = 2 ** 31;
/** Request bodies that a node holds at once, all together. */
export const CONTROL_BODIES_MAX_BYTES = IMAGE_MAX_BYTES;
/** A JSON answer: room for a list of `PROCESSES_PER_NODE_MAX`. */
export const CONTROL_ANSWER_MAX_BYTES = 64 * 2 ** 20;
/** How long a request may take to arrive, and an answer that waits for no process. */
export const CONTROL_TIMEOUT_MS = 30_000;
/** A node that is told to stop is given this long. */
export const STOP_TIMEOUT_MS = 10_000;
/** The shortest that a supported system takes (macOS: 104, the final zero included). */
export const SOCKET_PATH_MAX_BYTES = 103;
/** Errors of one compilation that are shown. */
export const COMPILE_ERRORS_MAX = 10;
/** Problems of one program that `godwit check` tells of; TypeScript's time for it, and what that may say. */
export const CHECK_PROBLEMS_MAX = 200;
export const CHECK_TYPES_MAX_MS = 300_000;
export const CHECK_OUTPUT_MAX_BYTES = 16 * 2 ** 20;

/** Names in a cluster (keys, subjects, names of leases and blobs), in UTF-8; and a segment of a blob's, a file's name. */
export const CLUSTER_PATH_MAX_BYTES = 512;
export const BLOB_SEGMENT_MAX_BYTES = 80;
/** A value of the directory. */
export const DIRECTORY_VALUE_MAX_BYTES = 64 * 1024;
/** A message between nodes, over the cluster's engine; what is longer goes as a blob or on a connection of its own. */
export const CLUSTER_MESSAGE_MAX_BYTES = 512 * 1024;
export const BLOB_MAX_BYTES = 2 ** 36;
/** How long a call of the directory tries: a NATS cluster is without a leader for about five seconds after one is killed. */
export const CLUSTER_STORE_TIMEOUT_MS = 15_000;
export const CLUSTER_REQUEST_TIMEOUT_MS = 5_000;
/** Connecting to a cluster. */
export const CLUSTER_CONNECT_TIMEOUT_MS = 10_000;
/** A blob of which nothing arrives for this long is given up. */
export const BLOB_STALL_MS = 15_000;
/** Requests that one subject's server carries out at once; and calls of one connection that are under way. */
export const CLUSTER_SERVED_AT_ONCE_MAX = 256;
export const CLUSTER_CALLS_MAX = 4096;
/** Watches, subscriptions and served subjects of one connection to the embedded engine; and connections at once. */
export const CLUSTER_SUBSCRIPTIONS_MAX = 16_384;
export const CLUSTER_CONNECTIONS_MAX = 256;
/** Bytes on their way to one connection: then its events are dropped, its watches wait, and it is not listened to. */
export const CLUSTER_OUT_MAX_BYTES = 4 * 2 ** 20;
/** Keys that changed and that a watch's client has not been told of; beyond it is told the whole state anew. */
export const CLUSTER_WATCH_PENDING_MAX = 65_536;
/** What is deleted is remembered for this long, so that a write that is tried again is known, and a watch misses nothing. */
export const TOMBSTONE_MS = 3_600_000;
/** A blob that has been begun and is not complete after this long never will be. */
export const BLOB_ABANDONED_MS = 6 * 3_600_000;
/** A lease's time to live, if it is not said; the shortest. */
export const LEASE_DEFAULT_MS = 2_000;
export const LEASE_MIN_MS = 200;
/** How often a holder writes its lease's record, and how long it holds it without: longer than JetStream elects a leader; holders. */
export const LEASE_CONFIRM_MS = 2_000;
export const LEASE_UNCONFIRMED_MAX_MS = 15_000;
export const LEASE_HOLDERS_MAX = 4_096;

/** One message of a link between nodes; what is longer goes as a stream beside it. */
export const LINK_MESSAGE_MAX_BYTES = 64 * 2 ** 20;
/** Bytes of a link that the peer has not confirmed: at these the sender is asked to wait, at those the session ends. */
export const LINK_BUFFER_BYTES = 2 ** 20;
export const LINK_BUFFER_MAX_BYTES = 256 * 2 ** 20;
/** Requests of one link that are under way, for each direction. */
export const LINK_REQUESTS_MAX = 16_384;
export const LINK_REQUEST_TIMEOUT_MS = 30_000;
/** A receiver confirms after so many bytes or messages, and at the latest after this long. */
export const LINK_CONFIRM_BYTES = 64 * 1024;
export const LINK_CONFIRM_MESSAGES = 64;
export const LINK_CONFIRM_MS = 20;
/** A connection without traffic has a beat this often; after so many without a sign of the peer it counts as broken. */
export const LINK_BEAT_MS = 1_000;
export const LINK_SILENT_BEATS = 5;
/** How long it may take to connect to a node and to prove who one is. */
export const LINK_CONNECT_TIMEOUT_MS = 5_000;
/** Attempts after which a node to which there was no connection before counts as unreachable. */
export const LINK_ATTEMPTS = 3;
/** Each message of that. */
export const LINK_GREETING_MAX_BYTES = 64 * 1024;
/** Connections that have not proved who they are, and streams that peers have open, at once. */
export const LINK_GREETINGS_MAX = 64;
export const LINK_STREAMS_MAX = 512;
/** Until a broken connection is tried again: from the shortest, twice as long each time, to the longest. */
export const LINK_RETRY_MIN_MS = 10;
export const LINK_RETRY_MAX_MS = 1_000;
/** Connections through the cluster's engine: of one node at once; bytes of a piece, and those that an end holds unread. */
export const LINK_RELAYS_MAX = 256;
export const LINK_RELAY_PIECE_BYTES = 256 * 1024;
export const LINK_RELAY_BUFFER_BYTES = 512 * 1024;
/** Until an end that had no room, or an engine that did not answer, is asked again; and how long in all. */
export const LINK_RELAY_POLL_MS = 50;
export const LINK_RELAY_PATIENCE_MS = 5_000;
/** A node's certificate is good for so long, the cluster's own ten times as long; clocks may differ by this. */
export const CERTIFICATE_MS = 365 * 24 * 3_600_000;
export const CERTIFICATE_BACKDATE_MS = 3_600_000;
/** A token to join a cluster is good for so long, unless it is said; and those that wait to be used. */
export const JOIN_TOKEN_MS = 3_600_000;
export const JOIN_TOKENS_MAX = 1024;
/** Faults of one kind are logged at most this often. */
export const LINK_FAULT_LOG_MS = 1_000;

/** A node's name, which is in the names of files. */
export const NODE_NAME_MAX_CHARS = 63;
/** A node tells the others how much it has to do this often. For its name it waits until a dead one's lease has ended. */
export const LOAD_INTERVAL_MS = 1_000;
export const NAME_FREED_MAX_MS = 25_000;
/** Nodes that are leaving are remembered until they have left; these many. */
export const MEMBERS_LEAVING_MAX = 1024;
/** A node that does not answer for so long is left out of what is told of all. */
export const MEMBER_ANSWER_MS = 3_000;
/** What happened in the cluster: what each node remembers, and one event as bytes. */
export const EVENTS_KEPT_MAX = 1024;
export const EVENT_MAX_BYTES = 16 * 1024;
/** Who follows a process whose home changes asks this often where it is, and gives it up when it is nowhere for so long. */
export const HOME_LOOK_MS = 100;
export const HOME_NEWS_MAX_MS = 30_000;
/** The last homes of processes that are over are remembered; these many. */
export const PAST_HOMES_MAX = 4_096;
/** A drain moves so many processes at once, and tries each so often. */
export const DRAIN_AT_ONCE_MAX = 8;
export const DRAIN_ATTEMPTS_MAX = 3;
/** A node of `godwit up --nodes` is given so long to join; and to leave, less than the daemon that waits for it has. */
export const NODE_START_MAX_MS = 60_000;
export const NODE_STOP_MAX_MS = 7_000;

/** Native stack of an LWP, on which guests recurse; and V8's space for young objects: once grown it stays, and a kernel's are few. */
export const LWP_STACK_MB = 256;
export const LWP_YOUNG_GENERATION_MB = 6;
/** Input is passed to a process in pieces of at most this. */
export const INPUT_CHUNK_MAX_BYTES = 64 * 1024;
