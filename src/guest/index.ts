/**
 * The module `"godwit"`: what a program that runs as a process of godwit can do beyond JavaScript itself. Every call
 * blocks its own thread only, so none needs an `await`; those that can wait long have a twin in {@link promises}.
 *
 * @module
 */

export type { ErrorCode } from "../errors.ts";
export type { CodedError, WaitOptions } from "./machine.ts";
export { Thread, ThreadLocal, sleep, type ThreadOptions } from "./thread.ts";
export { Mutex } from "./mutex.ts";
export { Condition, RwLock, Semaphore } from "./parts/synchronise.ts";
export { checkpoint, exec, exit, fork, kill, migrate, self, spawn, wait } from "./process.ts";
export type {
  Capabilities,
  CheckpointResult,
  MigrateResult,
  ExitStatus,
  ForkOptions,
  ProcessSelf,
  Quotas,
  SignalName,
  SpawnOptions,
} from "./process.ts";
export { onSignal, type SignalHandler } from "./signal.ts";
export { lookup, type Message, onMessage, receive, register, send, type SendOptions } from "./mailbox.ts";
export { monotonic, now } from "./clock.ts";
export { randomBytes } from "./random.ts";
export { inspect, type InspectOptions } from "./parts/inspect.ts";
export {
  exists,
  File,
  InputStream,
  makeDirectory,
  open,
  OutputStream,
  promises,
  readDirectory,
  readFile,
} from "./parts/io.ts";
export { remove, rename, stat, stderr, stdin, stdout, writeFile } from "./parts/io.ts";
export {
  serve,
  type ServeApp,
  type ServeContext,
  type ServeHandler,
  type ServeOptions,
  type Server,
  type ServerOrganisation,
  type WebRequest,
  type WebResponse,
} from "./parts/serve.ts";
export { onUrgent, type UrgentEvent } from "./parts/urgent.ts";
export { session, type Session, type SessionOptions } from "./parts/session.ts";
export { upgradeWebSocket, type Upgrade, type UpgradeOptions, type WebSocketOf } from "./parts/upgrade.ts";
export { Connection, DatagramSocket, listen, Listener } from "./parts/net.ts";
export type { Datagram } from "./parts/datagram.ts";
export type { ListenOptions } from "./parts/listen.ts";
export type { OwnAddress } from "./parts/own-address.ts";
export { keep } from "./parts/keep.ts";
export { type BindingOptions, type CacheOptions, KeyCache, openCache, Scratch, scratch } from "./parts/store.ts";
export type { DirectoryEntry, FileStatus, OpenOptions, WriteOptions } from "./parts/file.ts";
