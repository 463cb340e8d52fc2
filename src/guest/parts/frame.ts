/** Frames of channels as they are received (see abi/channel.ts). */

import { FRAME_KINDS } from "../../abi/channel.ts";
import { utf8Text } from "./decoding.ts";

/** A `whole` frame, or a `datagram`, tells its head's length first. */
export const LENGTH_BYTES = 4;

/** A frame as it was received: its kind in the first byte. */
export type ReceivedFrame = Uint8Array;

export interface HeadAndBody<H> {
  readonly head: H;
  /** All of the body, when the head came with it. */
  readonly body: Uint8Array | undefined;
}

/** What a `head`, `whole` or `datagram` frame tells. */
export function openFrame<H>(frame: ReceivedFrame): HeadAndBody<H> {
  if (frame[0] === FRAME_KINDS.head) return { head: parsed(frame.subarray(1)) as H, body: undefined };
  const at = 1 + LENGTH_BYTES;
  const end = at + new DataView(frame.buffer, frame.byteOffset).getUint32(1, true);
  return { head: parsed(frame.subarray(at, end)) as H, body: frame.subarray(end) };
}

/** JSON in ASCII, as heads are: no system call is needed to decode it, unless it is long. */
function parsed(bytes: Uint8Array): unknown {
  const isShort = bytes.length <= ARGUMENTS_MAX;
  return JSON.parse(isShort ? String.fromCharCode.apply(null, bytes as unknown as number[]) : utf8Text(bytes));
}
const ARGUMENTS_MAX = 8192;
