/** Frames of channels, made on the host's side. */

import { type DatagramHead, type Frame, FRAME_KINDS, type FrameKind } from "../abi/channel.ts";
import { failure } from "../errors.ts";

/** JSON in ASCII: a guest reads it without decoding it. */
function asciiJson(value: object): string {
  const escape = (char: string) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(value).replace(/[\u0080-\uffff]/g, escape);
}

export function jsonFrame(kind: FrameKind, value: object): Frame {
  return { kind, bytes: Uint8Array.from(Buffer.from(asciiJson(value), "latin1")) };
}

/** Head, body and end in one. */
export function wholeFrame(head: object, body: Uint8Array): Frame {
  const text = Buffer.from(asciiJson(head), "latin1");
  const bytes = new Uint8Array(4 + text.length + body.length);
  new DataView(bytes.buffer).setUint32(0, text.length, true);
  bytes.set(text, 4);
  bytes.set(body, 4 + text.length);
  return { kind: FRAME_KINDS.whole, bytes };
}

export function datagramFrame(head: DatagramHead, payload: Uint8Array): Frame {
  return { kind: FRAME_KINDS.datagram, bytes: wholeFrame(head, payload).bytes };
}

/** The two parts of a `whole` frame or a `datagram`, or of a `head` with no body. The head is a guest's: of any shape. Throws EPROTO. */
export function headAndBody(frame: Frame): { readonly head: unknown; readonly body: Uint8Array } {
  const { kind, bytes } = frame;
  if (kind === FRAME_KINDS.head) return { head: parsed(bytes), body: new Uint8Array(0) };
  const length = bytes.length < 4 ? Infinity : new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  if (length > bytes.length - 4) throw failure("EPROTO", "a frame's head is longer than the frame");
  return { head: parsed(bytes.subarray(4, 4 + length)), body: bytes.subarray(4 + length) };
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8"));
  } catch (error) {
    throw failure("EPROTO", "a frame's head is not JSON", error);
  }
}
