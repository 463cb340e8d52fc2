/**
 * What node and client say to each other over the control socket: HTTP with JSON bodies, images as plain bodies, and
 * output as frames. Every path begins with the protocol's version; a node refuses others.
 */

import type { RestoreOptions, Stream } from "../abi/control.ts";
import { assert } from "../assert.ts";
import { type ErrorCode, GodwitError, failure, isErrorCode } from "../errors.ts";
import { IO_MAX_BYTES } from "../limits.ts";

export const PROTOCOL_VERSION = 1;
export const PATH_PREFIX = `/v${PROTOCOL_VERSION}`;
/** Every answer of a node carries it, with the version. */
export const PROTOCOL_HEADER = "godwit-protocol";

/** Answer to `GET /v1/node`. */
export interface NodeFacts {
  readonly name: string;
  readonly version: string;
  /** The operating system's process id of the daemon. */
  readonly hostPid: number;
}

/** Body of an answer that is an error. */
export interface ErrorRecord {
  readonly code: ErrorCode;
  readonly message: string;
}

export function errorRecord(error: unknown): ErrorRecord {
  if (error instanceof GodwitError) return { code: error.code, message: error.message };
  return { code: "ENODE", message: `the node failed while answering: ${String(error)}` };
}

/** The error that a record tells of, with its code; ENODE for what is no record of an error. */
export function errorOf(value: unknown): GodwitError {
  if (typeof value === "object" && value !== null && "code" in value && "message" in value) {
    if (isErrorCode(value.code) && typeof value.message === "string") return failure(value.code, value.message);
  }
  return failure("ENODE", "the node answered with an error that this version does not know");
}

/**
 * What comes before the image in the body of a restore: the length (uint32, big-endian) of the options, and the options
 * as JSON.
 */
export function encodeRestoreHead(options: RestoreOptions): [Buffer, Buffer] {
  const text = Buffer.from(JSON.stringify(options));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.length);
  return [length, text];
}

/** The two parts of a restore's body; the options are not checked yet. @throws GodwitError EINVAL. */
export function decodeRestore(body: Buffer): { options: unknown; image: Buffer } {
  const length = body.length < 4 ? Number.POSITIVE_INFINITY : body.readUInt32BE(0);
  if (4 + length > body.length) throw failure("EINVAL", "the body of a restore is shorter than its options");
  try {
    return { options: JSON.parse(body.subarray(4, 4 + length).toString()), image: body.subarray(4 + length) };
  } catch (error) {
    throw failure("EINVAL", "the options of a restore are no JSON", error);
  }
}

/**
 * A frame of an output stream: a byte that says what it is, the payload's length (uint32, big-endian), the payload.
 * `exit` holds an `ExitStatus` and is the last; `error` an `ErrorRecord`, likewise; `skipped` `{ bytes }`, written in
 * place of output that a reader was too slow for and did not ask to have held; `mark`, for who asks for marks, how far the
 * output is read once the frame after it is.
 */
export type FrameKind = Stream | "exit" | "error" | "skipped" | "mark";

const FRAME_BYTES: Readonly<Record<FrameKind, number>> = {
  stdout: 1,
  stderr: 2,
  exit: 3,
  error: 4,
  skipped: 5,
  mark: 6,
};
const FRAME_KINDS = new Map(Object.entries(FRAME_BYTES).map(([kind, byte]) => [byte, kind as FrameKind]));
const FRAME_HEADER_BYTES = 5;

/** The frames of a piece of output: one, or more where it is longer than a frame's payload may be. */
export function encodeOutput(stream: Stream, bytes: Uint8Array): Buffer {
  const frames: Buffer[] = [];
  for (let start = 0; start < bytes.length; start += IO_MAX_BYTES) {
    frames.push(encodeFrame(stream, bytes.subarray(start, start + IO_MAX_BYTES)));
  }
  return frames.length === 1 && frames[0] !== undefined ? frames[0] : Buffer.concat(frames);
}

export function encodeFrame(kind: FrameKind, payload: Uint8Array): Buffer {
  assert(payload.length <= IO_MAX_BYTES, "a frame's payload is bounded");
  const frame = Buffer.alloc(FRAME_HEADER_BYTES + payload.length);
  frame[0] = FRAME_BYTES[kind];
  frame.writeUInt32BE(payload.length, 1);
  frame.set(payload, FRAME_HEADER_BYTES);
  return frame;
}

export interface Frame {
  readonly kind: FrameKind;
  readonly payload: Buffer;
}

/** Cuts a byte stream into frames, however it was split on its way. */
export class FrameReader {
  /** Less than a whole frame: bounded by a frame's largest size plus one chunk of the stream. */
  #rest: Buffer = Buffer.alloc(0);

  /** The frames that are complete with these bytes. @throws GodwitError ENODE for bytes that are no frame. */
  *read(bytes: Uint8Array): Generator<Frame> {
    this.#rest = this.#rest.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#rest, bytes]);
    while (this.#rest.length >= FRAME_HEADER_BYTES) {
      const kind = FRAME_KINDS.get(this.#rest[0] ?? 0);
      const length = this.#rest.readUInt32BE(1);
      if (kind === undefined || length > IO_MAX_BYTES) {
        throw failure("ENODE", "the node's output stream is not in this protocol: use one version on both sides");
      }
      const end = FRAME_HEADER_BYTES + length;
      if (this.#rest.length < end) return;
      const payload = this.#rest.subarray(FRAME_HEADER_BYTES, end);
      this.#rest = this.#rest.subarray(end);
      yield { kind, payload };
    }
  }
}
