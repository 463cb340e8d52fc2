/**
 * What goes over a session's connection: frames of a length (uint32, big-endian; what follows it), a type, the number of the
 * last message that the sender has received, and for a message its own number and its content as CBOR.
 */

import { decode, encode } from "cborg";
import { failure } from "../errors.ts";
import { LINK_MESSAGE_MAX_BYTES } from "../limits.ts";

const LENGTH_BYTES = 4;
/** Numbers of messages are of 48 bits: a million a second would last nine years. */
const NUMBER_BYTES = 6;
const BEAT_BYTES = 1 + NUMBER_BYTES;
const MESSAGE_HEAD_BYTES = BEAT_BYTES + NUMBER_BYTES;
const TYPE_BEAT = 1;
const TYPE_MESSAGE = 2;

/** `received`: all messages up to this one have arrived. A beat says only that. */
export interface Frame {
  readonly received: number;
  readonly message?: { readonly sequence: number; readonly content: unknown; readonly sizeBytes: number };
}

/** @throws GodwitError EMSGSIZE. */
export function encodeMessage(sequence: number, received: number, content: unknown): Buffer {
  const payload = encode(content);
  const length = MESSAGE_HEAD_BYTES + payload.length;
  if (payload.length > LINK_MESSAGE_MAX_BYTES) {
    const size = `${payload.length} bytes, at most ${LINK_MESSAGE_MAX_BYTES} are allowed`;
    throw failure("EMSGSIZE", `a message to a node has ${size}: send what is large as a stream`);
  }
  const frame = Buffer.allocUnsafe(LENGTH_BYTES + length);
  frame.writeUInt32BE(length, 0);
  frame[LENGTH_BYTES] = TYPE_MESSAGE;
  frame.writeUIntBE(received, LENGTH_BYTES + 1, NUMBER_BYTES);
  frame.writeUIntBE(sequence, LENGTH_BYTES + BEAT_BYTES, NUMBER_BYTES);
  frame.set(payload, LENGTH_BYTES + MESSAGE_HEAD_BYTES);
  return frame;
}

export function encodeBeat(received: number): Buffer {
  const frame = Buffer.allocUnsafe(LENGTH_BYTES + BEAT_BYTES);
  frame.writeUInt32BE(BEAT_BYTES, 0);
  frame[LENGTH_BYTES] = TYPE_BEAT;
  frame.writeUIntBE(received, LENGTH_BYTES + 1, NUMBER_BYTES);
  return frame;
}

function violation(why: string, cause?: unknown) {
  return failure("EPROTO", `the other node does not keep to the protocol: ${why}`, cause);
}

/** Cuts a stream of bytes into frames, however it was split on its way. */
export class FrameReader {
  /** Less than a whole frame: bounded by a frame's largest size and one piece of the stream. */
  #pieces: Buffer[] = [];
  #sizeBytes = 0;
  /** Bytes that are needed before there is anything to do. */
  #wantedBytes = LENGTH_BYTES;

  /** The frames that are complete with these bytes. @throws GodwitError EPROTO for what is no frame. */
  *read(bytes: Buffer): Generator<Frame, void, undefined> {
    this.#pieces.push(bytes);
    this.#sizeBytes += bytes.length;
    if (this.#sizeBytes < this.#wantedBytes) return;
    let rest = this.#pieces.length === 1 ? bytes : Buffer.concat(this.#pieces);
    this.#wantedBytes = LENGTH_BYTES;
    while (rest.length >= LENGTH_BYTES) {
      const length = rest.readUInt32BE(0);
      if (length < BEAT_BYTES || length > MESSAGE_HEAD_BYTES + LINK_MESSAGE_MAX_BYTES)
        throw violation(`a frame of ${length} bytes`);
      const end = LENGTH_BYTES + length;
      this.#wantedBytes = end;
      if (rest.length < end) break;
      yield frameOf(rest.subarray(LENGTH_BYTES, end));
      rest = rest.subarray(end);
      this.#wantedBytes = LENGTH_BYTES;
    }
    this.#pieces = rest.length === 0 ? [] : [rest];
    this.#sizeBytes = rest.length;
  }
}

function frameOf(bytes: Buffer): Frame {
  const received = bytes.readUIntBE(1, NUMBER_BYTES);
  const type = bytes[0];
  if (type === TYPE_BEAT && bytes.length === BEAT_BYTES) return { received };
  if (type !== TYPE_MESSAGE || bytes.length <= MESSAGE_HEAD_BYTES) throw violation(`a frame of type ${type}`);
  const sequence = bytes.readUIntBE(BEAT_BYTES, NUMBER_BYTES);
  return {
    received,
    message: { sequence, content: contentOf(bytes.subarray(MESSAGE_HEAD_BYTES)), sizeBytes: bytes.length },
  };
}

const STRICT = { allowIndefinite: false, strict: true, rejectDuplicateMapKeys: true };

function contentOf(bytes: Buffer): unknown {
  try {
    // Not a Buffer: what is cut out of a Buffer shares its bytes, and would keep the whole piece.
    return decode(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength), STRICT);
  } catch (error) {
    throw violation("a message that cannot be read", error);
  }
}
