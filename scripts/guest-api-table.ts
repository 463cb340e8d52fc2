/**
 * What guests have of the web's and Node.js's interfaces, and how it moves: the source of the tables in
 * docs/guest-api.md. `test/project/guest-api.test.ts` holds it against a running guest, name by name.
 */

/** What becomes of a thing when its process is forked, written down, restored or moved. */
export const MOVES = {
  memory: "with the memory",
  again: "with the memory; a call in flight is made again",
  waits: "a call in flight is waited for first (it is short)",
  timer: "with the memory; a timer goes on with the time that it had left",
  forwarded:
    "its connection stays, and what is to come is forwarded; in a fork's child and from an image it is lost, with ECONNRESET",
  listener:
    "the listener is opened again where the process goes on; of its connections, those of a copy are lost, with ECONNRESET",
  file: "stays, or is copied, or another of its path is opened, as its binding says; from an image, it is opened again by its path, at its offset",
  own: "with the memory, unless its binding says otherwise",
  scratch:
    "as its binding says: a new, empty one, or a copy, or it stays and is used from afar; from an image, it is empty",
  stream: "belongs to whoever holds the process's terminal; what was read and not used moves with the memory",
  mailbox: "with the memory, and the messages that wait; a call in flight is made again",
  twins: "as those of the same names",
  node: "an answer of the node that it is on",
  none: "",
} as const;

/** One row: names of one kind, or one name. */
export interface ApiRow {
  readonly names: readonly string[];
  /** By name, members that the standard has and guests have not. None: those that are there are all. */
  readonly missing?: Readonly<Record<string, readonly string[]>>;
  /** Of a module of Node.js, all that there is, where that is less than what is missing. */
  readonly only?: readonly string[];
  /** What of it is otherwise than the standard has it. */
  readonly partial?: string;
  /** It is not there; what to use instead. */
  readonly absent?: string;
  readonly moves: keyof typeof MOVES;
}

/** Module "godwit". */
export const LIBRARY: readonly ApiRow[] = [
  { names: ["Thread", "ThreadLocal"], moves: "memory" },
  { names: ["Mutex", "Condition", "Semaphore", "RwLock"], moves: "memory" },
  { names: ["sleep()", "monotonic()"], moves: "timer" },
  { names: ["now()", "randomBytes()"], moves: "node" },
  { names: ["wait()"], moves: "again" },
  { names: ["fork()", "spawn()", "exec()", "kill()"], moves: "waits" },
  { names: ["exit()"], moves: "memory" },
  { names: ["checkpoint()"], moves: "again" },
  { names: ["migrate()"], moves: "again" },
  { names: ["self"], moves: "memory" },
  { names: ["onSignal()"], moves: "memory" },
  { names: ["receive()", "onMessage()"], moves: "mailbox" },
  { names: ["send()", "register()", "lookup()"], moves: "waits" },
  { names: ["open()", "File"], moves: "file" },
  {
    names: [
      "readFile()",
      "writeFile()",
      "stat()",
      "exists()",
      "readDirectory()",
      "makeDirectory()",
      "remove()",
      "rename()",
    ],
    moves: "waits",
  },
  { names: ["stdin", "stdout", "stderr", "InputStream", "OutputStream"], moves: "stream" },
  { names: ["serve()", "listen()", "Listener", "DatagramSocket"], moves: "listener" },
  { names: ["Connection", "upgradeWebSocket()"], moves: "forwarded" },
  { names: ["promises"], moves: "twins" },
  { names: ["onUrgent()"], moves: "memory" },
  { names: ["keep()"], moves: "memory" },
  { names: ["session()"], moves: "memory" },
  { names: ["openCache()", "KeyCache"], moves: "own" },
  { names: ["scratch()", "Scratch"], moves: "scratch" },
  { names: ["inspect()"], moves: "memory" },
];

const NO_WEBASSEMBLY = "a guest compiles no WebAssembly: use a package in JavaScript";

/** There is no network timing to tell of. */
const PERFORMANCE_MISSING: readonly string[] = [
  "addEventListener",
  "clearResourceTimings",
  "dispatchEvent",
  "onresourcetimingbufferfull",
  "removeEventListener",
  "setResourceTimingBufferSize",
];

/** The Minimum Common Web API (Ecma, snapshot of 2025), and what web applications use besides. */
export const WEB: readonly ApiRow[] = [
  { names: ["fetch()"], moves: "forwarded" },
  { names: ["Request", "Response"], moves: "forwarded" },
  { names: ["Headers", "FormData"], moves: "memory" },
  { names: ["Blob", "File"], missing: { File: ["webkitRelativePath"] }, moves: "memory" },
  {
    names: ["URL", "URLSearchParams"],
    missing: { URL: ["static createObjectURL", "static revokeObjectURL"] },
    moves: "memory",
  },
  { names: ["URLPattern"], absent: "a router's own patterns", moves: "none" },
  { names: ["TextEncoder", "TextDecoder", "TextEncoderStream", "TextDecoderStream"], moves: "memory" },
  { names: ["ReadableStream", "WritableStream", "TransformStream"], moves: "memory" },
  {
    names: [
      "ReadableStreamDefaultReader",
      "ReadableStreamBYOBReader",
      "ReadableStreamDefaultController",
      "ReadableByteStreamController",
      "ReadableStreamBYOBRequest",
      "WritableStreamDefaultWriter",
      "WritableStreamDefaultController",
      "TransformStreamDefaultController",
      "ByteLengthQueuingStrategy",
      "CountQueuingStrategy",
    ],
    moves: "memory",
  },
  { names: ["CompressionStream", "DecompressionStream"], moves: "memory" },
  { names: ["Event", "EventTarget", "CustomEvent"], moves: "memory" },
  { names: ["AbortController", "AbortSignal"], moves: "timer" },
  {
    names: ["PromiseRejectionEvent"],
    absent: "an uncaught error ends the process, and says why",
    moves: "none",
  },
  {
    names: ["MessageChannel", "MessagePort", "MessageEvent"],
    missing: { MessageEvent: ["initMessageEvent"] },
    moves: "memory",
  },
  { names: ["DOMException"], moves: "memory" },
  { names: ["Crypto", "crypto"], moves: "memory" },
  { names: ["SubtleCrypto", "CryptoKey"], moves: "again" },
  {
    names: ["Performance", "performance"],
    missing: { Performance: PERFORMANCE_MISSING, performance: PERFORMANCE_MISSING },
    moves: "timer",
  },
  { names: ["PerformanceEntry", "PerformanceMark", "PerformanceMeasure"], moves: "memory" },
  { names: ["console"], missing: { console: ["clear", "timeStamp"] }, moves: "memory" },
  { names: ["setTimeout()", "setInterval()", "setImmediate()"], moves: "timer" },
  { names: ["clearTimeout()", "clearInterval()", "clearImmediate()"], moves: "memory" },
  { names: ["queueMicrotask()", "structuredClone()", "atob()", "btoa()"], moves: "memory" },
  { names: ["globalThis", "self"], moves: "memory" },
  { names: ["Atomics"], moves: "memory" },
  { names: ["navigator"], moves: "memory" },
  { names: ["reportError()"], moves: "memory" },
  {
    names: ["onerror", "onunhandledrejection", "onrejectionhandled"],
    absent: "an uncaught error ends the process, and says why",
    moves: "none",
  },
  { names: ["WebSocket"], moves: "forwarded" },
  { names: ["EventSource"], absent: "read the body: `(await fetch(url)).body`", moves: "none" },
  { names: ["CloseEvent", "ErrorEvent"], moves: "memory" },
  { names: ["ProgressEvent"], absent: "nothing", moves: "none" },
  { names: ["WebAssembly"], absent: NO_WEBASSEMBLY, moves: "none" },
  {
    names: ["BroadcastChannel", "Worker", "SharedWorker"],
    absent: "`Thread`, and `send` and `onMessage` between processes",
    moves: "none",
  },
  { names: ["Intl"], absent: "a package that carries its own data", moves: "none" },
];

const UTIL_MISSING: readonly string[] = [
  "MIMEParams",
  "MIMEType",
  "getSystemErrorMap",
  "getSystemErrorName",
  "isBoolean",
  "isBuffer",
  "isDate",
  "isError",
  "isFunction",
  "isNull",
  "isNullOrUndefined",
  "isNumber",
  "isObject",
  "isPrimitive",
  "isRegExp",
  "isString",
  "isSymbol",
  "isUndefined",
  "log",
  "parseEnv",
  "styleText",
  "transferableAbortController",
  "transferableAbortSignal",
];

/** Modules of Node.js, as version 20 has them. Names that begin with `_` are nobody's business. */
export const NODE: readonly ApiRow[] = [
  {
    names: ["node:assert", "node:assert/strict"],
    missing: { "node:assert": ["CallTracker"], "node:assert/strict": ["CallTracker"] },
    moves: "memory",
  },
  { names: ["node:async_hooks"], only: ["AsyncLocalStorage", "AsyncResource"], moves: "memory" },
  { names: ["node:buffer"], missing: { "node:buffer": ["resolveObjectURL", "transcode"] }, moves: "memory" },
  { names: ["node:console"], only: [], partial: "the default export alone", moves: "memory" },
  {
    names: ["node:crypto"],
    only: [
      "Hash",
      "Hmac",
      "createHash",
      "createHmac",
      "getHashes",
      "getRandomValues",
      "hash",
      "hkdfSync",
      "pbkdf2",
      "pbkdf2Sync",
      "randomBytes",
      "randomFillSync",
      "randomInt",
      "randomUUID",
      "scryptSync",
      "subtle",
      "timingSafeEqual",
      "webcrypto",
    ],
    moves: "memory",
  },
  { names: ["node:diagnostics_channel"], missing: { "node:diagnostics_channel": ["tracingChannel"] }, moves: "memory" },
  {
    names: ["node:events"],
    missing: {
      "node:events": [
        "EventEmitterAsyncResource",
        "captureRejectionSymbol",
        "captureRejections",
        "init",
        "usingDomains",
      ],
    },
    moves: "memory",
  },
  {
    names: ["node:path", "node:path/posix", "node:path/win32"],
    missing: {
      "node:path": ["matchesGlob"],
      "node:path/posix": ["matchesGlob"],
      "node:path/win32": ["matchesGlob"],
    },
    moves: "memory",
  },
  { names: ["node:perf_hooks"], only: ["performance"], moves: "timer" },
  {
    names: ["node:process"],
    only: [
      "arch",
      "argv",
      "cwd",
      "emitWarning",
      "env",
      "execArgv",
      "exit",
      "hrtime",
      "kill",
      "nextTick",
      "pid",
      "platform",
      "stderr",
      "stdout",
      "title",
      "uptime",
      "version",
      "versions",
    ],
    moves: "memory",
  },
  { names: ["node:punycode", "node:string_decoder"], moves: "memory" },
  { names: ["node:querystring"], missing: { "node:querystring": ["unescapeBuffer"] }, moves: "memory" },
  {
    names: ["node:stream"],
    missing: {
      "node:stream": ["duplexPair", "getDefaultHighWaterMark", "isDestroyed", "isWritable", "setDefaultHighWaterMark"],
    },
    moves: "memory",
  },
  { names: ["node:stream/promises", "node:stream/web"], moves: "memory" },
  { names: ["node:timers"], missing: { "node:timers": ["active", "enroll", "unenroll"] }, moves: "timer" },
  { names: ["node:timers/promises"], moves: "timer" },
  { names: ["node:url"], missing: { "node:url": ["domainToUnicode"] }, moves: "memory" },
  {
    names: ["node:util", "node:sys"],
    missing: { "node:util": UTIL_MISSING, "node:sys": UTIL_MISSING },
    moves: "memory",
  },
  {
    names: ["node:util/types"],
    missing: {
      "node:util/types": ["isCryptoKey", "isExternal", "isKeyObject", "isModuleNamespaceObject"],
    },
    moves: "memory",
  },
  ...(
    [
      [["child_process"], '`spawn` of "godwit"'],
      [["cluster"], '`fork` or `spawn` of "godwit"'],
      [["constants", "v8", "wasi", "trace_events"], "nothing"],
      [["dgram", "net", "tls", "dns", "dns/promises"], "`fetch` and `WebSocket`"],
      [["domain"], "`AsyncLocalStorage`"],
      [["fs", "fs/promises"], 'the file functions of "godwit"'],
      [["http", "http2", "https"], "`fetch`, and `export default { fetch }` to serve"],
      [["inspector", "inspector/promises"], "`godwit inspect`"],
      [["module"], "static imports, which are bundled"],
      [["os"], '`self` of "godwit"'],
      [["readline", "readline/promises", "repl"], '`stdin` of "godwit"'],
      [["stream/consumers"], "`new Response(stream).text()` and the like"],
      [["tty"], 'the standard streams of "godwit"'],
      [["vm"], "a process of its own, by `spawn`"],
      [["worker_threads"], '`Thread` of "godwit"'],
      [["zlib"], "`CompressionStream` and `DecompressionStream`"],
    ] as const
  ).map(([names, absent]): ApiRow => ({ names: names.map((name) => `node:${name}`), absent, moves: "none" })),
];
