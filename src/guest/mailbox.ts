/** Messages between processes: each has one bounded mailbox. */

import { step, type Steps, syscall, syscallAsync, timeoutOf, type WaitOptions } from "./machine.ts";
import { part } from "./part.ts";

export interface SendOptions {
  /** Array buffers in the message that are moved: here they are empty afterwards. */
  readonly transfer?: readonly ArrayBuffer[];
}

/** A message as it was taken from the mailbox. */
export interface Message<T = unknown> {
  /** Pid of the sender. */
  readonly from: number;
  readonly message: T;
}

const SENDER_BYTES = 8;

function opened<T>(bytes: Uint8Array): Message<T> | undefined {
  if (bytes.length === 0) return undefined;
  const from = new DataView(bytes.buffer, bytes.byteOffset).getFloat64(0, true);
  return { from, message: part("clone").decodeMessage(bytes.subarray(SENDER_BYTES)) as T };
}

function address(to: number | string): { readonly to: number | string } {
  if (typeof to === "number" || typeof to === "string") return { to };
  throw new TypeError("the receiver of a message is a pid or a registered name");
}

/**
 * Puts a copy of `message` into the mailbox of a process, given by its pid or by the name it registered. Whatever
 * `structuredClone` can copy can be sent; what is in `transfer` (array buffers) is moved instead.
 *
 * @throws `ESRCH` or `ENOENT` when there is no such process or name, `ENOSPC` when its mailbox is full, `EMSGSIZE` when the
 * message is too large, and a `DataCloneError` for what cannot be copied, such as a function.
 */
export function send(to: number | string, message: unknown, options: SendOptions = {}): void {
  syscall("send", address(to), part("clone").encodeMessage(message, options.transfer ?? []));
}

export async function sendAsync(to: number | string, message: unknown, options: SendOptions = {}): Promise<void> {
  await syscallAsync("send", address(to), part("clone").encodeMessage(message, options.transfer ?? []));
}

/**
 * Takes the oldest message from this process's mailbox, waiting for one if it must. `undefined` at the timeout.
 *
 * @example
 * const { from, message } = receive<{ question: string }>();
 * send(from, { answer: 42 });
 */
export function receive<T = unknown>(): Message<T>;
export function receive<T = unknown>(options: WaitOptions): Message<T> | undefined;
export function receive<T = unknown>(options?: WaitOptions): Message<T> | undefined {
  return opened<T>(syscall("receive", timeoutOf(options)));
}

export function* receiveSteps(options?: WaitOptions): Steps<Message | undefined> {
  return opened(yield* step("receive", timeoutOf(options)));
}

/**
 * Gives this process a name, for `send` and {@link lookup}: in the whole cluster, where other nodes learn of it a moment later.
 * @throws `EEXIST` when another process has the name.
 */
export function register(name: string): void {
  syscall("register", String(name));
}

/** The pid of the process registered under a name, or `undefined`. */
export function lookup(name: string): number | undefined {
  const pid = syscall("lookup", String(name));
  return pid < 0 ? undefined : pid;
}

let listener: ((message: Message) => void) | undefined;

/**
 * Has every message handed to a function, on the event-loop thread, instead of waiting for `receive`. The process
 * does not end while it listens; `null` ends the listening.
 */
export function onMessage(listen: ((message: Message) => void) | null): void {
  if (listen !== null && typeof listen !== "function") throw new TypeError("onMessage needs a function, or null");
  const before = listener;
  listener = listen ?? undefined;
  if ((before === undefined) === (listener === undefined)) return;
  syscall("subscribe", "message", listener === undefined ? 0 : 1);
  syscall("keepAlive", listener === undefined ? -1 : 1);
}

/** Entry point: there is a message, or there was one and a thread that waits in `receive` has it. */
export function dispatchMessage(): void {
  if (listener === undefined) return;
  const message = opened(syscall("receive", 0));
  if (message !== undefined) listener(message);
}
