/** Every bound of the system, on one page. Sizes in bytes unless the name says otherwise. */

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

export const THREADS_DEFAULT_MAX = 256;
export const PROCESSES_DEFAULT_MAX = 64;
export const PROCESSES_PER_NODE_MAX = 100_000;
export const PRIORITY_MIN = 1;
export const PRIORITY_DEFAULT = 5;
export const PRIORITY_MAX = 10;
/** A thread gives way after this long when another is ready. */
export const QUANTUM_MS = 5;
/** An LWP serves its host's events (files, messages) at least this often while guests run. */
export const HOST_TURN_MS = 5;

export const MAILBOX_MAX_MESSAGES = 1024;
export const MESSAGE_MAX_BYTES = 2 ** 20;
export const MAILBOX_MAX_BYTES = 8 * 2 ** 20;
export const NAME_MAX_CHARS = 128;
export const HANDLES_MAX = 256;
export const TIMERS_MAX = 10_000;
export const CALLS_IN_FLIGHT_MAX = 1024;
export const IO_MAX_BYTES = 2 ** 20;
/** Bytes of output a process may have on its way to its reader before its writes block. */
export const OUTPUT_IN_FLIGHT_MAX_BYTES = 256 * 1024;
/** Bytes of input kept for a process that does not read. */
export const INPUT_BUFFER_MAX_BYTES = 2 ** 20;
/** Output kept for `logs`, for each process. */
export const LOG_MAX_BYTES = 256 * 1024;
/** Ended processes that are remembered for `ps --all`, `wait` and `logs`. */
export const ENDED_PROCESSES_MAX = 1000;
/** Program source after bundling. */
export const PROGRAM_MAX_BYTES = 32 * 2 ** 20;

/** An idle process's memory is let go after this long. */
export const SWAP_AFTER_MS = 30_000;

/** Images: what a reader accepts before it allocates. */
export const IMAGE_MAX_PAGES = ADDRESS_SPACE_MAX_BYTES / PAGE_BYTES;
export const IMAGE_HEADER_MAX_BYTES = 64 * 2 ** 20;
