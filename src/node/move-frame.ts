/** What goes over the stream of a move: images, each with its length before it; the last has the record. */

import type { Duplex } from "node:stream";

import { failure } from "../errors.ts";
import { MOVE_FRAME_MAX_BYTES } from "../limits.ts";

/** Writes one; resolves when there is room for the next. */
export async function writeFrame(stream: Duplex, bytes: Uint8Array): Promise<void> {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  stream.write(length);
  if (stream.write(bytes) || stream.destroyed) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      stream.off("drain", done).off("close", done);
      resolve();
    };
    stream.on("drain", done).on("close", done);
  });
}

/** The frames that come, as they come. Ends with the stream. @throws GodwitError EPROTO for one that is too long or cut off. */
export async function* readFrames(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  let parts: Buffer[] = [];
  let have = 0;
  let length: number | undefined;
  const take = (count: number): Buffer => {
    const whole = parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
    parts = whole.length > count ? [whole.subarray(count)] : [];
    have = whole.length - count;
    return whole.subarray(0, count);
  };
  for await (const piece of stream) {
    parts.push(piece);
    have += piece.length;
    for (;;) {
      if (length === undefined && have >= 4) {
        length = take(4).readUInt32LE();
        if (length > MOVE_FRAME_MAX_BYTES) throw failure("EPROTO", `a move's frame of ${length} bytes is too long`);
      }
      if (length === undefined || have < length) break;
      yield take(length);
      length = undefined;
    }
  }
  if (have > 0 || length !== undefined) throw failure("EPROTO", "a move's stream was cut off");
}
