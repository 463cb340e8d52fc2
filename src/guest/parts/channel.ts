/** A channel, as the parts that speak to the world use it (see abi/channel.ts). */

import { type ChannelRequest, FRAME_KINDS, type FrameKind } from "../../abi/channel.ts";
import type { SyscallArguments, SyscallName, SyscallResult } from "../../abi/syscalls.ts";
import { hasCode, syscall, syscallThen, timerFunctions, utf8Bytes } from "../core.ts";
import { type Content, contentBytes, type Inflow, isInflow } from "./body.ts";
import { LENGTH_BYTES, type ReceivedFrame } from "./frame.ts";

export { openFrame } from "./frame.ts";

const NO_BYTES = new Uint8Array(0);
export function openChannel(request: ChannelRequest, body: Uint8Array = NO_BYTES): number {
  return syscall("channelOpen", request, body);
}

/** While the program has too many calls in flight, those of its connections wait, and are no faults of them. */
const RETRY_MS = 50;

/**
 * Makes a call once there is room for it. One for which there is none is refused at once; what fails later with the same code
 * is a fault of its channel's, which is told.
 */
export function callOnceThereIsRoom<N extends SyscallName>(
  name: N,
  args: SyscallArguments<N>,
  resolve: (value: SyscallResult<N>) => void,
  reject: (error: unknown) => void,
): void {
  let isAtOnce = true;
  syscallThen(name, args, resolve, (error) => {
    if (!isAtOnce || !hasCode(error, "EAGAIN")) return reject(error);
    try {
      timerFunctions.setTimeout(() => callOnceThereIsRoom(name, args, resolve, reject), RETRY_MS);
    } catch (noTimer) {
      reject(noTimer);
    }
  });
  isAtOnce = false;
}

export function receiveFrame(handle: number): Promise<ReceivedFrame> {
  return new Promise((resolve, reject) => callOnceThereIsRoom("channelReceive", [handle, -1], resolve, reject));
}

export function sendFrame(handle: number, kind: FrameKind, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => callOnceThereIsRoom("channelSend", [handle, kind, bytes], resolve, reject));
}

/** Bodies go out in pieces of at most this: many at once are within `CALLS_IN_FLIGHT_MAX_BYTES`. */
const PIECE_MAX_BYTES = 32 * 1024;

/** Sends a body as `data` frames and an `end`. Each waits for room, so that a slow reader slows its writer. */
export async function sendBody(handle: number, content: Content): Promise<void> {
  if (!isInflow(content)) await sendPieces(handle, contentBytes(content));
  else
    for (let piece = await content.next(); piece !== undefined; piece = await content.next())
      await sendPieces(handle, piece);
  await sendFrame(handle, FRAME_KINDS.end, NO_BYTES);
}

async function sendPieces(handle: number, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; at += PIECE_MAX_BYTES)
    await sendFrame(handle, FRAME_KINDS.data, bytes.subarray(at, at + PIECE_MAX_BYTES));
}

/** Lets go of a channel, unless it has closed by itself. Now: its handle may be another's soon. */
export function closeChannel(handle: number): void {
  syscallThen("close", [handle], nothing, (error) => {
    if (!hasCode(error, "EAGAIN")) return;
    try {
      syscall("close", handle);
    } catch {
      // It has closed by itself.
    }
  });
}
const nothing = (): void => {};

/** Head (JSON) and body as the bytes of a `whole` frame. */
export function wholeFrame(head: string, body: string | Uint8Array): Uint8Array {
  if (typeof body === "string") {
    // What turns out to be ASCII all through is encoded by one system call.
    const text = `\0\0\0\0${head}${body}`;
    const bytes = utf8Bytes(text);
    if (bytes.length === text.length) return withLength(bytes, head.length);
  }
  const headBytes = utf8Bytes(head);
  const bodyBytes = contentBytes(body);
  const bytes = new Uint8Array(LENGTH_BYTES + headBytes.length + bodyBytes.length);
  bytes.set(headBytes, LENGTH_BYTES);
  bytes.set(bodyBytes, LENGTH_BYTES + headBytes.length);
  return withLength(bytes, headBytes.length);
}

function withLength(bytes: Uint8Array, headLength: number): Uint8Array {
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(0, headLength, true);
  return bytes;
}

/** Who reads a channel's body. */
export interface BodyOwner {
  /** What a reader is told of an error of the channel's. */
  failed(error: unknown): unknown;
  /** It has come to its end (true), failed, or nobody wants more of it. Called once. */
  done(whole: boolean): void;
}

/** The `data` frames of a channel, up to its `end`. */
export class ChannelInflow implements Inflow {
  readonly #handle: number;
  readonly #owner: BodyOwner;
  #ended = false;

  constructor(handle: number, owner: BodyOwner) {
    this.#handle = handle;
    this.#owner = owner;
  }

  async next(): Promise<Uint8Array | undefined> {
    while (!this.#ended) {
      const frame = await this.#receive();
      if (frame[0] !== FRAME_KINDS.data) this.#end(true);
      else if (frame.length > 1) return frame.subarray(1);
    }
    return undefined;
  }

  async #receive(): Promise<ReceivedFrame> {
    try {
      return await receiveFrame(this.#handle);
    } catch (error) {
      this.#end(false);
      throw this.#owner.failed(error);
    }
  }

  cancel(): void {
    this.#end(false);
  }

  #end(whole: boolean): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#owner.done(whole);
  }
}
